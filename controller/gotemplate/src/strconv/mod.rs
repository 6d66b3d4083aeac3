//! Go's `strconv`, as far as it reads: quoted strings, and numbers as Go source has them.

mod number;
mod quote;

pub(crate) use number::{NumberError, parse_float, parse_int, parse_uint};
pub(crate) use quote::{unquote, unquote_char};
