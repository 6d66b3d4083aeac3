//! Changes that AWS tells by itself, so that nobody has to wait for the next poll.

pub mod queue;
mod shapes;

pub use shapes::{Change, Kind, Shape, ShapeError, account_of, names_of, parse};
