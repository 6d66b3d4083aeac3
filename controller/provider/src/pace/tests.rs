use proptest::prelude::*;

use super::*;

/// A service with a token bucket, and callers who have so many calls to make: how often it refused,
/// and how long it took.
fn simulate(quota: f64, burst: f64, latency: Duration, mut left: usize) -> (usize, Duration) {
    let start = Instant::now();
    let (mut now, mut state) = (start, State::new(None, start));
    let (mut bucket, mut refused) = (burst, 0);
    // Calls under way: when they end, when they began, and how.
    let mut under_way: Vec<(Instant, Instant, Outcome)> = Vec::new();
    while left > 0 || !under_way.is_empty() {
        under_way.sort_by_key(|(ends, ..)| std::cmp::Reverse(*ends));
        if let Some((ends, began, outcome)) = under_way.pop_if(|(ends, ..)| *ends <= now) {
            state.under_way -= 1;
            state.ended(ends, began, outcome, 0.5);
            match outcome {
                Outcome::Answered => left -= 1,
                _ => refused += 1,
            }
            continue;
        }
        let next = under_way.last().map(|(ends, ..)| *ends);
        let verdict = if under_way.len() < left { state.admit(now) } else { Verdict::Full };
        let later = match verdict {
            Verdict::Go => {
                let admitted = bucket >= 1.0;
                bucket -= if admitted { 1.0 } else { 0.0 };
                let outcome = if admitted { Outcome::Answered } else { Outcome::Throttled(None) };
                under_way.push((now + latency, now, outcome));
                continue;
            }
            Verdict::At(moment) => next.map_or(moment, |next| next.min(moment)),
            Verdict::Full => next.unwrap(),
        };
        bucket = (bucket + (later - now).as_secs_f64() * quota).min(burst);
        now = later;
        assert!(now - start < Duration::from_hours(1), "{left} calls are never made");
    }
    (refused, now - start)
}

#[test]
fn two_hundred_calls_at_twenty_a_second_are_refused_fewer_than_ten_times() {
    for latency in [1, 20, 150] {
        let (refused, took) = simulate(20.0, 20.0, Duration::from_millis(latency), 200);
        assert!(refused < 10, "{refused} refusals at {latency} ms");
        assert!(took < Duration::from_secs(20), "{took:?} at {latency} ms");
    }
}

#[test]
fn without_a_quota_nothing_is_held_back() {
    let (refused, took) = simulate(1e6, 1e6, Duration::from_millis(1), 5000);
    assert_eq!(refused, 0);
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn a_known_quota_is_kept_from_the_beginning() {
    let start = Instant::now();
    let mut state = State::new(Some(10.0), start);
    let mut at = |millis| {
        let now = start + Duration::from_millis(millis);
        let verdict = state.admit(now);
        if verdict == Verdict::Go {
            state.under_way -= 1;
        }
        verdict == Verdict::Go
    };
    assert_eq!((0..20).filter(|_| at(0)).count(), 10, "a burst of one second");
    assert!(!at(90));
    assert!(at(110));
}

#[test]
fn refusals_of_one_moment_count_once() {
    let start = Instant::now();
    let mut state = State::new(None, start);
    for _ in 0..40 {
        assert_eq!(state.admit(start), Verdict::Go);
        state.under_way -= 1;
        state.ended(start, start, Outcome::Answered, 0.0);
    }
    let later = start + Duration::from_millis(5);
    state.ended(later, start, Outcome::Throttled(None), 0.0);
    assert_eq!(state.rate, Some(28.0));
    state.ended(later, start, Outcome::Throttled(None), 0.0);
    assert_eq!(state.rate, Some(28.0));
    assert_eq!(state.admit(later), Verdict::At(later + PAUSE));
    state.ended(later, later, Outcome::Throttled(Some(Duration::from_secs(3))), 1.0);
    assert_eq!(state.admit(later), Verdict::At(later + Duration::from_millis(3500)));
}

proptest! {
    #[test]
    fn all_calls_are_made_and_few_are_refused(
        quota in 3.0..200.0_f64,
        seconds in 0.2..3.0_f64,
        latency in 1_u64..300,
        calls in 1_u32..600,
    ) {
        let burst = (quota * seconds).max(1.0);
        let (refused, took) = simulate(quota, burst, Duration::from_millis(latency), calls as usize);
        prop_assert!(refused <= 10 + calls as usize / 10, "{refused} of {calls}");
        let calls = f64::from(calls);
        let most = 5.0 + calls / quota * 4.0 + calls * 0.1;
        prop_assert!(took.as_secs_f64() < most, "{took:?}");
    }
}
