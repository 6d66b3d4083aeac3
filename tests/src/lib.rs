//! Proof against real parts: helpers that the tests of this crate share.
