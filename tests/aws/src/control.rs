//! Knobs over HTTP, below `/_double/`, for a double that runs as a process of its own.
//!
//! | request | what it does |
//! |---|---|
//! | `GET /_double/counters` | calls and outcomes by operation |
//! | `GET /_double/journal` | the last calls |
//! | `POST /_double/counters/reset` | starts to count anew |
//! | `POST /_double/clock` | `{"advance_seconds":N}`, `{"frozen":true}` or both; answers the time |
//! | `POST /_double/seed` | adds what is in a seed file |
//! | `POST /_double/faults/clear` | removes all faults |
//! | `POST /_double/limits/clear` | removes all rate limits |

use std::time::Duration;

use hyper::Method;
use hyper::http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::seed::{Seed, plant};
use crate::world::World;

const PREFIX: &str = "/_double/";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockChange {
    advance_seconds: Option<u64>,
    frozen: Option<bool>,
}

/// The status and the answer; none if the request is one for a service.
pub(crate) fn answer(world: &World, request: &Parts, body: &[u8]) -> Option<(u16, Value)> {
    let path = request.uri.path().strip_prefix(PREFIX).filter(|_| world.config.control)?;
    Some(match act(world, &request.method, path, body) {
        None => (404, json!({ "error": "there is no such knob" })),
        Some(Err(error)) => (400, json!({ "error": error })),
        Some(Ok(answer)) => (200, answer),
    })
}

fn act(world: &World, method: &Method, path: &str, body: &[u8]) -> Option<Result<Value, String>> {
    Some(match (method, path) {
        (&Method::GET, "counters") => Ok(json!({
            "calls": world.counters.snapshot(),
            "outcomes": world.counters.all_outcomes(),
        })),
        (&Method::GET, "journal") => Ok(json!(world.counters.journal())),
        (&Method::POST, "counters/reset") => {
            world.counters.reset();
            Ok(json!({}))
        }
        (&Method::POST, "clock") => move_clock(world, body),
        (&Method::POST, "seed") => match serde_json::from_slice::<Seed>(body) {
            // The parser's complaint may quote a value.
            Err(error) => Err(format!("line {} column {}", error.line(), error.column())),
            Ok(seed) => plant(world, seed).map(|()| json!({})).map_err(|error| error.to_string()),
        },
        (&Method::POST, "faults/clear") => {
            world.faults.clear();
            Ok(json!({}))
        }
        (&Method::POST, "limits/clear") => {
            world.throttle.clear();
            Ok(json!({}))
        }
        _ => return None,
    })
}

fn move_clock(world: &World, body: &[u8]) -> Result<Value, String> {
    let change: ClockChange = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    match change.frozen {
        Some(true) => world.clock.freeze(),
        Some(false) => world.clock.resume(),
        None => {}
    }
    if let Some(seconds) = change.advance_seconds {
        world.clock.advance(Duration::from_secs(seconds));
    }
    Ok(json!({ "now": world.clock.now().to_string() }))
}
