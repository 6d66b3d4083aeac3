//! From an ExternalSecret and the provider's values to the Secret that External Secrets Operator
//! would write, or the reason why not. The controller syncs with it and the plugin shows it
//! beforehand: one implementation, no I/O, no clock.
//!
//! ```text
//! spec ── request ──▶ questions ─▶ (provider) ─▶ answers ── collect ──▶ keys and values
//!                                                                          │
//!              existing Secret ────────────────┐      template ◀───────────┤
//!                                              ▼          │                │
//!                    refresh (when)           plan ◀──────┴────────────────┘
//!                                              │
//!                                              └─▶ action, status, events
//! ```

pub mod collect;
pub mod decode;
pub mod error;
pub mod find;
pub mod hash;
pub mod keys;
pub mod ownership;
pub mod plan;
pub mod property;
pub mod refresh;
pub mod request;
pub mod rewrite;
pub mod secret;
pub mod status;
pub mod template;
pub mod windows;

pub use gotemplate::Environment;
