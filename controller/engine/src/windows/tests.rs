use extsecret_crds::external_secret::SyncWindow;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn next(schedule: &str, from: &str) -> Option<String> {
    Schedule::parse(schedule).unwrap().next(at(from)).map(|tick| tick.to_string())
}

fn windows(kind: SyncWindowKind, all: &[(&str, &str)]) -> SyncWindows {
    let windows = all.iter().map(|(schedule, duration)| SyncWindow {
        schedule: (*schedule).into(),
        duration: (*duration).into(),
        ..SyncWindow::default()
    });
    SyncWindows { kind, windows: windows.collect(), ..SyncWindows::default() }
}

#[test]
fn the_next_tick_is_after_the_moment() {
    for (schedule, from, expected) in [
        ("0 9 * * *", "2026-03-01T08:59:59.5Z", "2026-03-01T09:00:00Z"),
        ("0 9 * * *", "2026-03-01T09:00:00Z", "2026-03-02T09:00:00Z"),
        ("*/15 * * * *", "2026-03-01T09:44:59Z", "2026-03-01T09:45:00Z"),
        ("5/20 * * * *", "2026-03-01T09:30:00Z", "2026-03-01T09:45:00Z"),
        ("0 0 29 2 *", "2026-03-01T00:00:00Z", "2028-02-29T00:00:00Z"),
        ("0 12 * * mon-FRI", "2026-02-27T12:00:00Z", "2026-03-02T12:00:00Z"),
        // Either day field, because neither is a star.
        ("0 0 13 * fri", "2026-03-01T00:00:00Z", "2026-03-06T00:00:00Z"),
        // Both, because a star with a step is no star, but the other field is.
        ("0 0 */2 * *", "2026-03-01T00:00:00Z", "2026-03-03T00:00:00Z"),
        ("0 0 * jan,jul ?", "2026-03-01T00:00:00Z", "2026-07-01T00:00:00Z"),
        ("@daily", "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"),
        ("@weekly", "2026-03-02T00:00:00Z", "2026-03-08T00:00:00Z"),
        ("@every 1h30m", "2026-03-01T00:00:00.7Z", "2026-03-01T01:30:00Z"),
        ("@every 10ms", "2026-03-01T00:00:00Z", "2026-03-01T00:00:01Z"),
    ] {
        assert_eq!(next(schedule, from).as_deref(), Some(expected), "{schedule} from {from}");
    }
    assert_eq!(next("0 0 30 2 *", "2026-03-01T00:00:00Z"), None);
}

#[test]
fn what_is_no_schedule_is_refused() {
    for schedule in [
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 7",
        "5-1 * * * *",
        "*/0 * * * *",
        "a * * * *",
        "1-2-3 * * * *",
        "1/2/3 * * * *",
        "@often",
        "@every",
        "@every x",
        "TZ=Europe/Paris 0 9 * * *",
        "-1 * * * *",
    ] {
        assert!(Schedule::parse(schedule).is_err(), "{schedule}");
    }
}

#[test]
fn a_window_is_open_from_its_tick_until_its_length_has_passed() {
    let allowed = windows(SyncWindowKind::Allow, &[("0 9 * * *", "1h")]);
    let denied = windows(SyncWindowKind::Deny, &[("0 9 * * *", "1h")]);
    for (moment, inside) in [
        ("2026-03-01T08:59:59.999Z", false),
        ("2026-03-01T09:00:00Z", true),
        ("2026-03-01T09:59:59.999Z", true),
        ("2026-03-01T10:00:00Z", false),
    ] {
        assert_eq!(allow(&allowed, at(moment)), inside, "{moment}");
        assert_eq!(allow(&denied, at(moment)), !inside, "{moment}");
    }
}

#[test]
fn the_next_chance_is_told() {
    let allowed = windows(SyncWindowKind::Allow, &[("0 9 * * *", "1h"), ("0 7 * * *", "5m")]);
    assert_eq!(opens(&allowed, at("2026-03-01T06:00:00Z")), Some(at("2026-03-01T07:00:00Z")));
    assert_eq!(opens(&allowed, at("2026-03-01T09:30:00Z")), None);
    let denied = windows(SyncWindowKind::Deny, &[("0 9 * * *", "1h"), ("30 9 * * *", "1h")]);
    assert_eq!(opens(&denied, at("2026-03-01T09:45:00Z")), Some(at("2026-03-01T10:30:00Z")));
}

#[test]
fn a_window_that_cannot_be_read_counts_for_nothing_and_is_told() {
    let all = windows(SyncWindowKind::Allow, &[("nonsense", "1h"), ("0 9 * * *", "-1h")]);
    assert!(!allow(&all, at("2026-03-01T09:30:00Z")));
    let found = check(&all);
    assert!(
        matches!(&found[..], [
        (0, WindowError::Schedule { .. }),
        (1, WindowError::Duration(duration)),
    ] if duration == "-1h"),
        "{found:?}"
    );
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in r"\PC{0,40}", seconds in -2_000_000_000_i64..4_000_000_000) {
        if let Ok(schedule) = Schedule::parse(&text) {
            let from = Timestamp::from_second(seconds).unwrap();
            if let Some(tick) = schedule.next(from) {
                proptest::prop_assert!(tick > from);
            }
        }
    }

    #[test]
    fn a_tick_matches_its_fields(minute in 0..60_u32, hour in 0..24_u32, seconds in 0_i64..4_000_000_000) {
        let schedule = Schedule::parse(&format!("{minute} {hour} * * *")).unwrap();
        let from = Timestamp::from_second(seconds).unwrap();
        let tick = schedule.next(from).unwrap();
        let time = tick.to_zoned(TimeZone::UTC).time();
        proptest::prop_assert_eq!((time.hour().unsigned_abs().into(), time.minute().unsigned_abs().into()), (hour, minute));
        proptest::prop_assert!(tick > from && tick.duration_since(from) <= SignedDuration::from_hours(24));
    }
}
