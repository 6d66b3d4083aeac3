//! When values are fetched again (eso-semantics 2.3, 2.5; ESO `shouldRefresh`, `isSecretValid`).

mod early;

use std::time::Duration;

use extsecret_crds::ExternalSecret;
use extsecret_crds::duration::ParseError;
use extsecret_crds::external_secret::{CreationPolicy, RefreshPolicy};
use jiff::{SignedDuration, Timestamp};

use crate::hash::synced_resource_version;
use crate::secret::Secret;
use crate::windows;

/// Where this engine can do better than ESO, or do exactly as it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RefreshOptions {
    /// With `refreshInterval: 0`, ESO never fetches again once it has synced, even if the
    /// ExternalSecret changes. Here a change leads to a fetch, unless this asks for ESO's way.
    pub frozen_interval_zero: bool,
    /// What ESO refreshes in one instant, it refreshes in one instant for ever. With this a refresh
    /// comes up to a tenth of the interval before its time: always by the same share for those that ask
    /// for the same thing, which stay together, while others drift apart.
    pub spread: bool,
}

impl RefreshOptions {
    /// How long values last of an object with this interval.
    fn period(self, object: &ExternalSecret, interval: Duration) -> Duration {
        if self.spread {
            interval.saturating_sub(early::by(&object.spec, interval))
        } else {
            interval
        }
    }
}

/// Whether to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Fetch now.
    Fetch(Cause),
    /// Nothing to do; look again after so long, if ever.
    Wait(Option<Duration>),
}

/// Why values are fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// They never were.
    First,
    /// The ExternalSecret, its labels or its annotations changed.
    Changed,
    /// The interval has passed.
    Interval,
    /// The last refresh lies in the future: some clock was wrong.
    FutureRefresh,
    /// The Secret is missing, or not as it was written.
    Drift,
}

/// `status.syncedResourceVersion` as it should be now.
pub fn current_version(object: &ExternalSecret) -> String {
    synced_resource_version(
        object.metadata.generation.unwrap_or_default(),
        object.metadata.annotations.as_ref(),
        object.metadata.labels.as_ref(),
    )
}

/// What counts of a target Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Whether it is as it was last written ([`Secret::is_intact`]).
    pub intact: bool,
}

/// Decides whether values are to be fetched at `now`. `existing` is the target Secret, if there is
/// one.
///
/// # Errors
/// If `spec.refreshInterval` is no Go duration.
pub fn decide(
    object: &ExternalSecret,
    existing: Option<&Secret>,
    now: Timestamp,
    options: RefreshOptions,
) -> Result<Decision, ParseError> {
    let target = existing.map(|secret| Target { intact: secret.is_intact() });
    decide_for(object, target, now, options)
}

/// [`decide`] for whoever does not have the target's values at hand.
///
/// # Errors
/// If `spec.refreshInterval` is no Go duration.
pub fn decide_for(
    object: &ExternalSecret,
    existing: Option<Target>,
    now: Timestamp,
    options: RefreshOptions,
) -> Result<Decision, ParseError> {
    let interval = object.spec.refresh_interval()?;
    let status = object.status.as_ref();
    let synced = status.and_then(|status| status.synced_resource_version.as_deref());
    let synced = synced.filter(|version| !version.is_empty());
    let refreshed: Option<Timestamp> =
        status.and_then(|status| status.refresh_time.as_deref()).and_then(|time| time.parse().ok());
    let changed = || synced.is_some_and(|version| version != current_version(object));

    // A Secret that is kept for somebody else is nobody's business once it was made.
    let intact = object.spec.creation_policy() == CreationPolicy::Orphan
        || existing.is_some_and(|target| target.intact)
        || object.spec.creation_policy() == CreationPolicy::None;

    let cause = match (object.spec.refresh_policy(), synced, refreshed) {
        (_, None, _) | (RefreshPolicy::CreatedOnce | RefreshPolicy::OnChange, _, None) => {
            Some(Cause::First)
        }
        (RefreshPolicy::CreatedOnce, ..) => None,
        (RefreshPolicy::OnChange, ..) => changed().then_some(Cause::Changed),
        // ESO reads an unknown policy as Periodic, too.
        _ if interval.is_zero_or_negative() => {
            (!options.frozen_interval_zero && changed()).then_some(Cause::Changed)
        }
        _ if changed() => Some(Cause::Changed),
        (_, _, None) => Some(Cause::First),
        (_, _, Some(refreshed)) if refreshed > now => Some(Cause::FutureRefresh),
        (_, _, Some(refreshed)) => {
            let period = options.period(object, interval.to_std().unwrap_or_default());
            // A date that no calendar holds is never due.
            let due = SignedDuration::try_from(period).and_then(|it| refreshed.checked_add(it));
            let windows = object.spec.sync_windows.as_ref();
            let allowed = || windows.is_none_or(|windows| windows::allow(windows, now));
            (due.is_ok_and(|due| due < now) && allowed()).then_some(Cause::Interval)
        }
    };
    Ok(match cause {
        Some(cause) => Decision::Fetch(cause),
        None if !intact => Decision::Fetch(Cause::Drift),
        None => Decision::Wait(next(object, now, options)?),
    })
}

/// How long after `now` the interval asks for the next look: ESO's `getRequeueResult`, without its
/// busy waiting for policies and windows under which nothing would be fetched.
///
/// # Errors
/// If `spec.refreshInterval` is no Go duration.
pub fn next(
    object: &ExternalSecret,
    now: Timestamp,
    options: RefreshOptions,
) -> Result<Option<Duration>, ParseError> {
    let interval = object.spec.refresh_interval()?;
    let periodic = !matches!(
        object.spec.refresh_policy(),
        RefreshPolicy::CreatedOnce | RefreshPolicy::OnChange
    );
    let Some(interval) = interval.to_std().filter(|interval| periodic && !interval.is_zero())
    else {
        return Ok(None);
    };
    let status = object.status.as_ref();
    let refreshed: Option<Timestamp> =
        status.and_then(|status| status.refresh_time.as_deref()).and_then(|time| time.parse().ok());
    let period = options.period(object, interval);
    let Some(refreshed) = refreshed else { return Ok(Some(period)) };
    let elapsed = now.duration_since(refreshed).unsigned_abs();
    let left = period.saturating_sub(elapsed);
    let windows = object.spec.sync_windows.as_ref();
    Ok(match windows {
        Some(windows) => {
            // What matters is whether a window is open when the interval ends.
            let due =
                SignedDuration::try_from(left).ok().and_then(|left| now.checked_add(left).ok());
            let due = due.unwrap_or(now);
            match (windows::allow(windows, due), windows::opens(windows, due)) {
                (true, _) => Some(left),
                (false, Some(opening)) => Some(opening.duration_since(now).unsigned_abs()),
                // Nothing opens within years: only a change of the object helps.
                (false, None) => None,
            }
        }
        None => Some(left),
    })
}

#[cfg(test)]
mod tests;
