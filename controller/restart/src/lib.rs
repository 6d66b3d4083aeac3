//! Which workloads restart because a Secret has changed, and when.
//!
//! Nothing here reads a clock, a cluster or a random source: what stands in the cluster comes in,
//! with the time, and what is to be done comes out. All that has to survive a crash stands in the
//! workload itself, so whoever comes next, comes to the same end.
//!
//! ```text
//! pod template ── scan ──▶ references: which keys of which Secrets
//! Secret ── fingerprint ──▶ what those keys hold, keyed, so that nobody can guess from it
//! annotation ── record ──▶ what the workload's pods were started for
//!        └───────────────┬───────────────┘
//!                        ▼
//!  policy (may it?) ─▶ decide (must it?) ◀─ kinds (can it?)
//!                        │
//!                        ▼
//!        pace, window ─▶ now, later and when, or not at all and why
//! ```

pub mod decide;
pub mod fingerprint;
pub mod fragile;
pub mod kinds;
pub mod notice;
pub mod pace;
pub mod policy;
pub mod record;
pub mod scan;
pub mod source;
pub mod stale;
pub mod wait;
pub mod window;
pub mod written;
