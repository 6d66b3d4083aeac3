//! Go's `fmt`: how values print, and the verbs of `printf`.
