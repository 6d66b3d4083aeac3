//! gjson's path language, which `remoteRef.property` is written in: the value at a path of a JSON
//! text, as raw text, so that order, duplicate keys and the digits of numbers stay as they are.
//!
//! The behaviour is that of `github.com/tidwall/gjson` 1.18.0 with `match` 1.2.0 and `pretty`
//! 1.2.1, also where the JSON or the path is malformed: External Secrets Operator looks properties
//! up with it, and a value that it found has to be found here as well. What differs:
//!
//! - A path that takes too much work, makes too much text or is nested too deeply ends with
//!   [`LimitExceeded`] ([`Limits`]); Go would go on, or overflow its stack.
//! - `@pretty:{"sortKeys":true}` orders duplicate keys whose values are `NaN` before other
//!   numbers; Go leaves their order to its sorting algorithm.

mod get;
mod limits;
mod modifier;
mod number;
mod path;
mod pretty;
mod query;
mod scan;
mod text;
mod valid;
mod value;
mod wildcard;

pub use limits::{LimitExceeded, Limits};
pub use value::{Found, Kind};

/// The value at `path` in `json`. Nothing if a limit is reached; [`lookup`] tells the difference.
pub fn get<'a>(json: &'a [u8], path: &[u8]) -> Found<'a> {
    lookup(json, path, Limits::default()).unwrap_or_default()
}

/// The value at `path` in `json`, within `limits`.
pub fn lookup<'a>(json: &'a [u8], path: &[u8], limits: Limits) -> Result<Found<'a>, LimitExceeded> {
    get::search(&mut limits::Budget::new(limits), json, path)
}

/// Whether `json` is valid JSON, by gjson's rules: text outside ASCII is not looked at.
pub fn valid(json: &[u8]) -> bool {
    valid::valid(json)
}

/// A key as a path, with its dots escaped and nothing else: what External Secrets Operator looks
/// up first when a property contains a dot (`escapeDotsIfRequired` in its AWS provider). Wildcards,
/// backslashes and modifiers in the key keep their meaning.
pub fn escape(component: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(component.len() + 4);
    for &byte in component {
        if byte == b'.' {
            path.push(b'\\');
        }
        path.push(byte);
    }
    path
}

#[cfg(test)]
mod tests;
