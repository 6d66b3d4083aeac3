//! What `validate` does besides looking: objects of the cluster as manifests, what its API server says
//! of an object, and changes of files.

pub(crate) mod codes;
pub(crate) mod fix;
pub(crate) mod live;
pub(crate) mod server;
