//! Kubernetes Events, written in the background: whoever has something to tell does not wait, and what
//! cannot be told is counted.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use extsecret_engine::status::Event;
use futures::StreamExt as _;
use jiff::Timestamp;
use k8s_openapi::api::core::v1;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::api::PostParams;
use kube::core::Status;
use kube::{Api, Client};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

use crate::metrics::Metrics;

/// Who tells.
const COMPONENT: &str = "extsecret-controller";

/// Events that wait at most.
const WAITING: usize = 10_000;

/// Events that are written at once.
const AT_ONCE: usize = 2;

/// How long one attempt may take. The client's own read timeout is none.
const PATIENCE: Duration = Duration::from_secs(10);

/// The pauses between the attempts at one event: an API server that restarts is outlasted.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(4),
    Duration::from_secs(16),
];

/// Where events about objects of the cluster go.
const DEFAULT_NAMESPACE: &str = "default";

/// Characters of a name (RFC 1123 as Kubernetes has it).
const LONGEST_NAME: usize = 253;

struct Told {
    about: v1::ObjectReference,
    event: Event,
    at: Timestamp,
}

/// Tells.
pub(crate) struct Recorder {
    to: mpsc::Sender<Told>,
    desk: Arc<Desk>,
}

/// Where events are written.
struct Desk {
    client: Client,
    metrics: Arc<Metrics>,
    clock: fn() -> Timestamp,
    /// Events that are not written yet.
    waiting: watch::Sender<usize>,
    /// What the last event is numbered with: nanoseconds since 1970, and one more if they are taken.
    last: AtomicI64,
    /// Whether it is logged that events may not be written.
    forbidden: AtomicBool,
}

/// How an attempt ended.
enum Attempt {
    Written,
    /// Nobody can miss it: its namespace goes.
    Moot,
    Failed(String),
    /// Trying again is of no use.
    Refused(Box<Status>),
}

impl Recorder {
    /// Starts to write, until the recorder is dropped and all is told.
    pub(crate) fn start(client: Client, metrics: Arc<Metrics>, clock: fn() -> Timestamp) -> Self {
        let (to, from) = mpsc::channel::<Told>(WAITING);
        let desk = Arc::new(Desk {
            client,
            metrics,
            clock,
            waiting: watch::Sender::new(0),
            last: AtomicI64::new(0),
            forbidden: AtomicBool::new(false),
        });
        let writer = Arc::clone(&desk);
        tokio::spawn(async move {
            let told = futures::stream::unfold(from, |mut from| async move {
                from.recv().await.map(|told| (told, from))
            });
            told.for_each_concurrent(AT_ONCE, |told| async {
                writer.tell(told).await;
                writer.waiting.send_modify(|waiting| *waiting = waiting.saturating_sub(1));
            })
            .await;
        });
        Self { to, desk }
    }

    /// Tells about an object, and does not wait.
    pub(crate) fn record(&self, about: v1::ObjectReference, event: Event) {
        let told = Told { about, event, at: (self.desk.clock)() };
        self.desk.waiting.send_modify(|waiting| *waiting += 1);
        let told = match self.to.try_send(told) {
            Ok(()) => return,
            Err(
                mpsc::error::TrySendError::Full(told) | mpsc::error::TrySendError::Closed(told),
            ) => told,
        };
        self.desk.waiting.send_modify(|waiting| *waiting = waiting.saturating_sub(1));
        self.desk.give_up(&told.about, told.event.reason, "too many events wait");
    }

    /// Waits until everything is told, at most this long, and returns how many events are not: they
    /// count as dropped, because the process ends.
    pub(crate) async fn flush(&self, deadline: Duration) -> usize {
        let mut waiting = self.desk.waiting.subscribe();
        let _ = timeout(deadline, waiting.wait_for(|waiting| *waiting == 0)).await;
        let left = *self.desk.waiting.borrow();
        self.desk.metrics.events_dropped(left);
        left
    }
}

impl Desk {
    async fn tell(&self, told: Told) {
        let event = self.event(told);
        let namespace = event.metadata.namespace.clone().unwrap_or_default();
        let api: Api<v1::Event> = Api::namespaced(self.client.clone(), &namespace);
        let mut pauses = PAUSES.into_iter();
        let reason = event.reason.as_deref().unwrap_or_default();
        loop {
            let created = timeout(PATIENCE, api.create(&PostParams::default(), &event)).await;
            let cause = match created.map_or_else(|_| late(), attempt) {
                Attempt::Written => return,
                Attempt::Moot => return self.metrics.events_dropped(1),
                Attempt::Refused(status) => {
                    self.metrics.events_dropped(1);
                    let forbidden = status.code == 403;
                    // Every event would end like this.
                    if !forbidden || !self.forbidden.swap(true, Ordering::Relaxed) {
                        let (code, cause) = (status.code, status.reason);
                        tracing::warn!(namespace, reason, code, cause, "an event is refused");
                    }
                    return;
                }
                Attempt::Failed(cause) => cause,
            };
            match pauses.next() {
                Some(pause) => sleep(pause).await,
                None => return self.give_up(&event.involved_object, reason, &cause),
            }
        }
    }

    fn give_up(&self, about: &v1::ObjectReference, reason: &str, cause: &str) {
        self.metrics.events_dropped(1);
        let kind = about.kind.as_deref().unwrap_or_default();
        let name = about.name.as_deref().unwrap_or_default();
        let namespace = about.namespace.as_deref().unwrap_or_default();
        tracing::warn!(kind, namespace, name, reason, cause, "an event is not written");
    }

    fn event(&self, told: Told) -> v1::Event {
        let Told { about, event, at } = told;
        let namespace = about.namespace.clone().unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned());
        let name = event_name(about.name.as_deref().unwrap_or_default(), self.number(at));
        v1::Event {
            metadata: ObjectMeta {
                name: Some(name),
                namespace: Some(namespace),
                ..ObjectMeta::default()
            },
            involved_object: about,
            type_: Some(if event.warning { "Warning" } else { "Normal" }.to_owned()),
            reason: Some(event.reason.to_owned()),
            message: Some(event.message),
            source: Some(v1::EventSource { component: Some(COMPONENT.to_owned()), host: None }),
            reporting_component: Some(COMPONENT.to_owned()),
            first_timestamp: Some(Time(at)),
            last_timestamp: Some(Time(at)),
            count: Some(1),
            ..v1::Event::default()
        }
    }

    /// A number that no other event has: the time, or what follows the last number.
    fn number(&self, at: Timestamp) -> i64 {
        let nanoseconds = i64::try_from(at.as_nanosecond()).unwrap_or_default();
        let next = |last: i64| nanoseconds.max(last.saturating_add(1));
        self.last
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last)))
            .map_or(nanoseconds, next)
    }
}

fn attempt(created: kube::Result<v1::Event>) -> Attempt {
    match created {
        Ok(_) => Attempt::Written,
        Err(kube::Error::Api(status)) => match status.code {
            // The name says that it is this one, of an attempt whose answer was lost.
            409 => Attempt::Written,
            404 => Attempt::Moot,
            403 if is_terminating(&status) => Attempt::Moot,
            // Come later.
            408 | 429 => Attempt::Failed(status.reason),
            400..500 => Attempt::Refused(status),
            _ => Attempt::Failed(format!("{} {}", status.code, status.reason)),
        },
        Err(error) => Attempt::Failed(error.to_string()),
    }
}

fn late() -> Attempt {
    Attempt::Failed("the API server does not answer".to_owned())
}

fn is_terminating(status: &Status) -> bool {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    causes.into_iter().any(|cause| cause.reason == "NamespaceTerminating")
}

/// The name of an event as client-go makes it: the object's, and a number.
fn event_name(object: &str, number: i64) -> String {
    let number = format!(".{number:x}");
    let mut name = object.to_owned();
    name.truncate(name.floor_char_boundary(LONGEST_NAME - number.len()));
    // A part of a name ends with a letter or a digit.
    name.truncate(name.trim_end_matches(['-', '.']).len());
    name + &number
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = *self.desk.waiting.borrow();
        f.debug_struct("Recorder").field("waiting", &waiting).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
