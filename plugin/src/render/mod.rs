//! From an ExternalSecret, wherever it stands, to the Secret that it makes.

pub(crate) mod aws;
pub(crate) mod codes;
pub(crate) mod compare;
pub(crate) mod locate;
pub(crate) mod mask;
pub(crate) mod show;
pub(crate) mod subject;
pub(crate) mod system;
pub(crate) mod values;
