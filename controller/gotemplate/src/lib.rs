//! Go's `text/template` and the functions that External Secrets Operator gives its templates, byte
//! for byte: a template that worked there has to bring the same Secret here, and no engine in Rust
//! does that. Values are byte strings, because secrets are not always UTF-8.
//!
//! A template is tenant input in a shared controller. It has no way to the environment, the
//! network or files, time and randomness come from the caller ([`Environment`]), and every
//! execution has limits ([`Limits`]).

mod ast;
mod environment;
mod error;
mod exec;
mod fmt;
pub mod funcs;
pub mod json;
mod lex;
mod limits;
mod parse;
pub mod regexp;
mod runes;
mod strconv;
mod template;
pub mod value;

pub use environment::{Environment, Stretched};
pub use error::{Error, ErrorKind, Message};
pub use limits::{LimitExceeded, Limits};
pub use template::{Delimiters, MissingKey, Options, Template};
pub use value::Value;
