use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + second).unwrap()
}

fn secs(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

fn ids(count: usize) -> Vec<Id> {
    (0..count).map(|i| id("shop", &format!("w{i:03}"))).collect()
}

fn id(namespace: &str, name: &str) -> Id {
    Id { namespace: namespace.into(), name: name.into(), kind: Kind::Deployment }
}

/// Has waited for long.
fn waiting<'a>(id: &'a Id, secrets: &[&'a str]) -> Waiting<'a> {
    Waiting {
        id,
        wave: 0,
        secrets: secrets.to_vec(),
        first: at(-1000),
        last: at(-1000),
        restarts: &[],
        held: None,
        refused: false,
    }
}

fn rolling<'a>(id: &'a Id, secrets: &[&'a str]) -> Rolling<'a> {
    Rolling { id, wave: 0, secrets: secrets.to_vec(), failed: false }
}

fn held(plan: &Plan, index: usize) -> Option<Held> {
    plan.held.iter().find(|(it, _)| *it == index).map(|(_, held)| *held)
}

#[test]
fn a_change_waits_until_nothing_changes_but_not_for_ever() {
    let ids = ids(1);
    let limits = Limits::default();
    let planned = |first: i64, last: i64, now: i64| {
        let it = Waiting { first: at(first), last: at(last), ..waiting(&ids[0], &["db"]) };
        plan(at(now), &limits, &[it], &[], &[])
    };
    let first = planned(0, 0, 9);
    assert_eq!(held(&first, 0), Some(Held::Debounce(at(10))));
    assert_eq!(first.next, Some(at(10)));
    assert_eq!(planned(0, 0, 10).start, [0]);
    assert_eq!(held(&planned(0, 58, 59), 0), Some(Held::Debounce(at(60))));
    assert_eq!(planned(0, 59, 60).start, [0]);
    // The clock was put back by a day.
    assert_eq!(held(&planned(86_400, 86_400, 0), 0), Some(Held::Debounce(at(10))));
}

#[test]
fn a_workload_waits_for_another_secret_that_is_being_synced_and_keeps_its_wave() {
    let all = ids(2);
    let settling = Held::Settling(at(1));
    let first = Waiting { held: Some(settling), ..waiting(&all[0], &["user"]) };
    let later = Waiting { wave: 1, ..waiting(&all[1], &["user"]) };
    let planned = plan(at(0), &Limits::default(), &[first, later], &[], &[]);
    assert_eq!((held(&planned, 0), held(&planned, 1)), (Some(settling), Some(Held::Wave)));
    assert_eq!((planned.next, planned.start), (Some(at(1)), vec![]));
}

#[test]
fn restarts_of_one_workload_come_ever_slower_and_then_stop() {
    let ids = ids(1);
    let limits = Limits { per_hour: 4, ..Limits::default() };
    let planned = |restarts: &[i64], now: i64| {
        let restarts: Vec<_> = restarts.iter().copied().map(at).collect();
        let it = Waiting { restarts: &restarts, ..waiting(&ids[0], &["db"]) };
        plan(at(now), &limits, &[it], &[], &[])
    };
    assert_eq!(held(&planned(&[0], 299), 0), Some(Held::MinInterval(at(300))));
    assert_eq!(planned(&[0], 300).start, [0]);
    assert_eq!(held(&planned(&[0, 300], 301), 0), Some(Held::Loop(at(900))));
    assert_eq!(held(&planned(&[0, 300, 900], 901), 0), Some(Held::Loop(at(2100))));
    assert_eq!(held(&planned(&[0, 1, 2, 3], 3000), 0), Some(Held::Loop(at(3600))));
    assert_eq!(planned(&[0, 1, 2, 3], 3603).start, [0]);
    // Written by a clock that was far ahead: no reason to wait for it.
    assert_eq!(planned(&[1_000_000], 0).start, [0]);
    let none = Limits { min_interval: secs(0), per_hour: 0, ..limits };
    let it = Waiting { restarts: &[at(0)], ..waiting(&ids[0], &["db"]) };
    assert_eq!(plan(at(0), &none, &[it], &[], &[]).start, [0]);
}

#[test]
fn no_limit_is_ever_exceeded() {
    let all = ids(10);
    let waits: Vec<_> = all.iter().map(|id| waiting(id, &["db"])).collect();
    let limits = Limits { at_once: 4, ..Limits::default() };
    let other = id("other", "x");
    let two = [rolling(&other, &["db"]), rolling(&all[9], &["api"])];
    let planned = plan(at(0), &limits, &waits[..9], &two, &[]);
    assert_eq!(planned.start, [0, 1]);
    assert_eq!(held(&planned, 2), Some(Held::Busy));

    let limits = Limits { at_once_in_namespace: 3, ..Limits::default() };
    assert_eq!(plan(at(0), &limits, &waits[..9], &two, &[]).start, [0, 1]);
    let limits = Limits { at_once_for_secret: 3, ..Limits::default() };
    // The Secret of the same name in another namespace is another.
    assert_eq!(plan(at(0), &limits, &waits[..9], &two, &[]).start, [0, 1, 2]);
}

#[test]
fn daemon_sets_have_a_limit_of_their_own() {
    let set = |name: &str| Id { kind: Kind::DaemonSet, ..id("shop", name) };
    let all = [set("a"), set("b"), set("c"), id("shop", "d")];
    let waits: Vec<_> = all.iter().map(|id| waiting(id, &["db"])).collect();
    let planned = plan(at(0), &Limits::default(), &waits, &[], &[]);
    assert_eq!((held(&planned, 2), planned.start), (Some(Held::Busy), vec![0, 1, 3]));
    let other = set("x");
    let planned = plan(at(0), &Limits::default(), &waits, &[rolling(&other, &["api"])], &[]);
    assert_eq!(planned.start, [0, 3]);
}

/// One Secret and 500 workloads in five waves, whose rollouts take one to seven rounds.
#[test]
fn five_hundred_workloads_restart_in_order_and_never_more_at_once_than_allowed() {
    const COUNT: usize = 500;
    let all = ids(COUNT);
    let limits = Limits { per_minute: 0, ..Limits::default() };
    let wave = |index: usize| i32::try_from(index % 5).unwrap();
    let mut left: Vec<usize> = (0..COUNT).collect();
    let (mut under_way, mut order) = (Vec::<(usize, usize)>::new(), Vec::new());
    for round in 0.. {
        assert!(round < 1000, "{} are left", left.len());
        under_way.retain(|(_, ends)| *ends > round);
        let waits: Vec<_> = left
            .iter()
            .map(|index| Waiting { wave: wave(*index), ..waiting(&all[*index], &["db"]) })
            .collect();
        let rolls: Vec<_> = under_way
            .iter()
            .map(|(index, _)| Rolling { wave: wave(*index), ..rolling(&all[*index], &["db"]) })
            .collect();
        let now = at(i64::try_from(round).unwrap());
        let planned = plan(now, &limits, &waits, &rolls, &[]);
        let chosen: Vec<_> = planned.start.iter().map(|it| left[*it]).collect();
        under_way.extend(chosen.iter().map(|index| (*index, round + 1 + index % 7)));
        assert!(under_way.len() <= limits.at_once, "{} at once", under_way.len());
        let waves: Vec<_> = under_way.iter().map(|(index, _)| wave(*index)).collect();
        assert!(waves.iter().all(|it| *it == waves[0]), "two waves at once: {waves:?}");
        left.retain(|index| !chosen.contains(index));
        order.extend(chosen);
        if left.is_empty() {
            break;
        }
    }
    let mut wanted: Vec<usize> = (0..COUNT).collect();
    wanted.sort_by_key(|index| (wave(*index), &all[*index]));
    assert_eq!(order, wanted);
}

#[test]
fn the_rate_counts_what_any_workload_has_begun() {
    let all = ids(5);
    let waits: Vec<_> = all.iter().map(|id| waiting(id, &["db"])).collect();
    let limits = Limits { per_minute: 3, ..Limits::default() };
    let planned = plan(at(0), &limits, &waits, &[], &[at(-10), at(-70)]);
    assert_eq!(planned.start, [0, 1]);
    assert_eq!(held(&planned, 2), Some(Held::Rate(at(50))));
    assert_eq!(planned.next, Some(at(50)));
}

#[test]
fn a_wave_begins_when_the_one_before_is_done() {
    let all = ids(4);
    let wave = |index: usize, wave| Waiting { wave, ..waiting(&all[index], &["db"]) };
    let limits = Limits::default();
    let planned = plan(at(0), &limits, &[wave(0, 1), wave(1, 0), wave(2, 2)], &[], &[]);
    assert_eq!(planned.start, [1]);
    assert_eq!([held(&planned, 0), held(&planned, 2)], [Some(Held::Wave); 2]);
    // Still under way.
    let planned = plan(at(0), &limits, &[wave(0, 1)], &[rolling(&all[1], &["db"])], &[]);
    assert_eq!(held(&planned, 0), Some(Held::Wave));
    assert_eq!(plan(at(0), &limits, &[wave(0, 1)], &[rolling(&all[1], &["x"])], &[]).start, [0]);
    // One that is held keeps those behind it waiting, one that is refused does not.
    let lower = Waiting { held: Some(Held::Frozen(at(9))), ..wave(1, 0) };
    let planned = plan(at(0), &limits, &[wave(0, 1), lower.clone()], &[], &[]);
    assert_eq!(held(&planned, 0), Some(Held::Wave));
    let refused = Waiting { refused: true, ..lower };
    assert_eq!(plan(at(0), &limits, &[wave(0, 1), refused], &[], &[]).start, [0]);
}

#[test]
fn a_failed_rollout_halts_its_change_only() {
    let all = ids(3);
    let failed = Rolling { failed: true, ..rolling(&all[2], &["db"]) };
    let waits = [waiting(&all[0], &["db", "api"]), waiting(&all[1], &["api"])];
    let planned = plan(at(0), &Limits::default(), &waits, &[failed], &[]);
    assert_eq!((held(&planned, 0), planned.start), (Some(Held::Halted), vec![1]));
}

#[test]
fn the_order_depends_on_names_only() {
    let mut all = vec![id("b", "a"), id("a", "b"), id("a", "a")];
    all.push(Id { kind: Kind::StatefulSet, ..id("a", "a") });
    let waits: Vec<_> = all.iter().map(|id| waiting(id, &["db"])).collect();
    assert_eq!(plan(at(0), &Limits::default(), &waits, &[], &[]).start, [2, 3, 1, 0]);
}
