//! Content that does not come to rest, for ten minutes of a clock that is not waited for: it restarts
//! nobody more than twice, and somebody is told that it is no accident.

use std::collections::BTreeSet;

use extsecret_restart::decide::{Facts, Pods, Verdict, judge};
use extsecret_restart::fingerprint::{Content, Key};
use extsecret_restart::kinds::{Kind, Progress, Standing};
use extsecret_restart::pace::{Held, Id, Limits, Waiting, plan};
use extsecret_restart::record;
use extsecret_restart::scan::{KeySet, Reference};
use extsecret_restart::source::{Source, Stamp, Version};
use extsecret_restart::wait::Waits;
use jiff::{SignedDuration, Timestamp};

/// Longer than any debounce.
const MADE: i64 = 1_000_000;

/// How it went.
#[derive(Debug, Default)]
struct Course {
    /// Seconds at which it was restarted.
    restarts: Vec<i64>,
    /// The first second at which it was told that something is wrong.
    told: Option<i64>,
    /// What the pods have in the end.
    has: i64,
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(MADE + second).expect("a time")
}

/// The limits that hold unless somebody sets others, for this many seconds: `value` is the content
/// at each.
fn course(seconds: i64, value: impl Fn(i64) -> i64) -> Course {
    let key = Key::new(&[1; 32]).expect("a key");
    let limits = Limits::default();
    let id = Id { namespace: "shop".into(), name: "web".into(), kind: Kind::Deployment };
    let reference = Reference {
        id: "db".into(),
        secret: "db".into(),
        keys: KeySet::Some(BTreeSet::from(["read".into()])),
        optional: false,
    };
    let content = |value: i64| Content::of([("read", value.to_string().as_bytes())]);
    let stamp = |second: i64| Stamp { time: at(second), version: second.unsigned_abs() };
    let created = at(-1000);
    let mut source = Source::new(content(value(0)), &Version::at(created, stamp(-900)));
    let (mut written, mut template) = (None::<String>, None);
    let mut waits = Waits::default();
    let mut course = Course { has: value(0), ..Course::default() };
    for second in 0..seconds {
        let now = at(second);
        source.update(content(value(second)), &Version::at(created, stamp(second)));
        let facts = Facts {
            key: &key,
            adopted: at(-1000),
            namespace: "shop",
            references: std::slice::from_ref(&reference),
            found: &record::read(written.as_deref(), key.id()),
            created: at(-500),
            template,
            touched: Some(at(-500)),
            waited: None,
            pods: Pods::Unknown,
            standing: &Standing { progress: Progress::Done, obstacle: None, idle: false },
            overdue: false,
        };
        let mut record = match judge(&facts, |_| Some(&source)) {
            Verdict::Note(record, _) => {
                written = Some(record.write());
                waits.is_over();
                continue;
            }
            Verdict::Settled => {
                waits.is_taken_back(now);
                if waits.begin_to_come_and_go(now) {
                    course.told.get_or_insert(second);
                }
                continue;
            }
            Verdict::Restart { record, .. } => record,
            verdict => panic!("{verdict:?}"),
        };
        waits.has_to(record.clone(), now);
        let wait = waits.get().expect("it was just said");
        let waiting = Waiting {
            id: &id,
            wave: 0,
            secrets: vec!["db"],
            first: wait.first,
            last: wait.last,
            restarts: &record.restarts,
            held: None,
            refused: false,
        };
        let planned = plan(now, &limits, &[waiting], &[], &[]);
        if planned.held.iter().any(|(_, held)| matches!(held, Held::Loop(_))) {
            course.told.get_or_insert(second);
        }
        if !planned.start.is_empty() {
            record.restarted(now, &second.to_string(), vec!["db".into()]);
            written = Some(record.write());
            // Its pods are made at once, and it was seen.
            template = Some(Stamp { time: now, version: second.unsigned_abs() });
            waits.is_over();
            course.restarts.push(second);
            course.has = value(second);
        }
    }
    course
}

const TEN_MINUTES: i64 = 600;

#[test]
fn two_values_in_turn_restart_nobody_more_than_twice_and_are_told() {
    for period in [1, 2, 7, 9, 15, 40, 100] {
        let course = course(TEN_MINUTES, |second| second / period % 2);
        assert!(course.restarts.len() <= 2, "every {period} s: {course:?}");
        assert!(course.told.is_some(), "every {period} s: {course:?}");
    }
    // What comes back before it has waited long enough restarts nobody at all.
    assert!(course(TEN_MINUTES, |second| second % 2).restarts.is_empty());
}

#[test]
fn a_value_that_is_always_new_restarts_twice_and_is_told() {
    let course = course(TEN_MINUTES, |second| second);
    let hold = Limits::default().max_hold.as_secs();
    let pause = Limits::default().min_interval.as_secs();
    assert_eq!(course.restarts, [hold + 1, hold + 1 + pause]);
    assert!(course.told.is_some_and(|told| told > hold + pause));
}

#[test]
fn what_comes_to_rest_is_run_in_the_end() {
    let hour = SignedDuration::from_hours(1).as_secs();
    for period in [1, 7, 15, 40] {
        let value = |second: i64| if second < TEN_MINUTES { second / period % 2 } else { 7 };
        let course = course(hour, value);
        assert_eq!(course.has, 7, "every {period} s: {course:?}");
        assert!(course.restarts.len() <= 3, "every {period} s: {course:?}");
    }
}

#[test]
fn a_value_that_changes_now_and_then_is_no_loop() {
    let hours = SignedDuration::from_hours(2).as_secs();
    let course = course(hours, |second| second / 1800);
    assert_eq!(course.told, None);
    assert_eq!(course.restarts.len(), 3);
}
