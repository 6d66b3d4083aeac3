//! From an ExternalSecret and the provider's values to the Secret that External Secrets Operator
//! would write, or the reason why not. The controller syncs with it and the plugin shows it
//! beforehand: one implementation, no I/O, no clock.

pub mod hash;
pub mod refresh;
pub mod request;
pub mod secret;
pub mod windows;
