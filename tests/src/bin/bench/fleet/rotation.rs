//! How long a new value takes to arrive.
//!
//! Objects that read one key are refreshed about together, and so the moment of a rotation within the
//! interval makes the difference: each comes a while after the last one that has nothing to do with the
//! fleet, many to each interval.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extsecret_crds::duration::GoDuration;
use extsecret_tests::controller::{Controller, now};

use super::seen::Watch;
use super::{Bench, KEYS};

/// Rotations in all.
const ROTATIONS: u32 = 40;

/// Rotations of one key are so many intervals apart: secrets change seldom, and what is measured is not
/// how many can be written.
const APART: f64 = 5.0;

/// What follows nothing of the fleet: multiples of the golden ratio fill an interval evenly.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

impl Bench<'_> {
    /// Rotates the keys in turn.
    pub(super) fn rotate(&mut self, interval: &str, controller: &Controller) -> anyhow::Result<()> {
        let interval: GoDuration = interval.parse()?;
        let interval = interval.to_std().unwrap_or_default();
        let keys = u32::try_from(KEYS)?;
        let pause = interval.mul_f64(APART) / keys;
        let watch = Watch::new(
            self.fleet.api,
            &self.fleet.core("secrets?labelSelector=reconcile.external-secrets.io/managed%3Dtrue"),
        );
        let start = now();
        let mut rotated = BTreeMap::<String, Instant>::new();
        let mut latencies = Vec::new();
        let mut see = |until: Instant, rotated: &BTreeMap<String, Instant>| {
            while let Some((at, secret)) = watch.next(until) {
                let begun = secret.data.get("value").and_then(|value| rotated.get(value));
                latencies.extend(begun.map(|begun| (at - *begun).as_secs_f64()));
            }
        };
        for round in 0..ROTATIONS {
            let jitter = pause.mul_f64((f64::from(round) * GOLDEN).fract());
            see(start + pause * round + jitter, &rotated);
            let value = format!("round-{round}");
            rotated.insert(STANDARD.encode(&value), now());
            self.aws.secrets().put(&format!("app/{}", round % keys), &value);
        }
        see(now() + interval * 3, &rotated);
        latencies.sort_by(f64::total_cmp);
        let part =
            |share: usize| latencies.get(latencies.len() * share / 100).copied().unwrap_or(0.0);
        let most = latencies.last().copied().unwrap_or(0.0);
        let [rss, peak] =
            [controller.rss_bytes(), controller.peak_rss_bytes()].map(|bytes| bytes >> 20);
        writeln!(
            self.table,
            "rotation to Secret: p50 {:.2} s, p99 {:.2} s, {most:.2} s at most ({} rotations, {} Secrets written); {rss} MB, {peak} MB at most",
            part(50),
            part(99),
            ROTATIONS,
            latencies.len()
        )?;
        Ok(())
    }
}
