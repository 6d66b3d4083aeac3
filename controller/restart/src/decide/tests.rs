use std::collections::BTreeSet;

use super::*;
use crate::fingerprint::Content;
use crate::record;
use crate::source::Version;

const SHOP: &str = "shop";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn stamp(second: i64, version: u64) -> Stamp {
    Stamp { time: at(second), version }
}

fn content(data: &[(&str, &str)]) -> Content {
    Content::of(data.iter().map(|(key, value)| (*key, value.as_bytes())))
}

fn source(value: &str, created: i64, written: Stamp) -> Source {
    Source::new(content(&[("password", value)]), &Version::at(at(created), written))
}

fn reference(optional: bool) -> Reference {
    Reference {
        id: "db".into(),
        secret: "db".into(),
        keys: KeySet::Some(BTreeSet::from(["password".into()])),
        optional,
    }
}

/// A workload that was made at 100, long before the controller came at 1000.
struct Case {
    key: Key,
    references: Vec<Reference>,
    found: Found,
    created: i64,
    template: Option<Stamp>,
    touched: Option<i64>,
    waited: Option<Stamp>,
    /// When its pods were made, if anybody has looked, and when the first container ran.
    pods: Option<Vec<i64>>,
    ran: Option<i64>,
    standing: Standing,
    overdue: bool,
}

impl Case {
    fn new() -> Self {
        Self {
            key: Key::new(&[1; 32]).unwrap(),
            references: vec![reference(false)],
            found: Found::Missing,
            created: 100,
            template: None,
            touched: Some(100),
            waited: None,
            pods: None,
            ran: None,
            standing: Standing { progress: Progress::Done, obstacle: None, idle: false },
            overdue: false,
        }
    }

    /// One whose pods were started for this.
    fn that_has(value: &str) -> Self {
        let mut case = Self::new();
        let source = source(value, 50, stamp(50, 1));
        let Verdict::Note(record, _) = case.judge(Some(&source)) else { panic!("no record") };
        case.found = Found::Record(record);
        case
    }

    /// Somebody looked at its pods, which were made then and ran at once.
    fn look(&mut self, made: &[i64]) {
        self.pods = Some(made.to_vec());
        self.ran = made.iter().copied().min();
    }

    fn judge(&self, source: Option<&Source>) -> Verdict {
        let made: Vec<_> = self.pods.iter().flatten().copied().map(at).collect();
        let began = |at: Timestamp| {
            let of =
                |it: &Reference| Began { secret: it.secret.clone(), keys: it.keys.clone(), at };
            self.references.iter().map(of).collect()
        };
        let ran: Vec<_> = self.ran.map(at).map(began).unwrap_or_default();
        let pods = match self.pods {
            None => Pods::Unknown,
            Some(_) => Pods::Seen { made: &made, ran: Some(&ran) },
        };
        judge(&self.facts(pods), |_| source)
    }

    fn facts<'a>(&'a self, pods: Pods<'a>) -> Facts<'a> {
        Facts {
            key: &self.key,
            adopted: at(1000),
            namespace: SHOP,
            references: &self.references,
            found: &self.found,
            created: at(self.created),
            template: self.template,
            touched: self.touched.map(at),
            waited: self.waited,
            pods,
            standing: &self.standing,
            overdue: self.overdue,
        }
    }
}

fn restarts(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Restart { .. })
}

fn notes(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Note(..))
}

#[test]
fn a_change_restarts_and_nothing_else_does() {
    let case = Case::that_has("a");
    assert_eq!(case.judge(Some(&source("a", 50, stamp(2000, 9)))), Verdict::Settled);
    let verdict = case.judge(Some(&source("b", 50, stamp(2000, 9))));
    let Verdict::Restart { changed, mut record } = verdict else { panic!("{verdict:?}") };
    assert_eq!(changed.iter().map(|it| &*it.secret).collect::<Vec<_>>(), ["db"]);
    // With what it holds then, there is nothing more to do.
    record.restarted(at(2001), "m", vec!["db".into()]);
    let text = record.write();
    let after = Case { found: record::read(Some(&text), case.key.id()), ..Case::new() };
    assert_eq!(after.judge(Some(&source("b", 50, stamp(2000, 9)))), Verdict::Settled);
}

#[test]
fn nobody_restarts_when_the_controller_comes() {
    let case = Case::new();
    for written in [50, 999, 1000] {
        assert!(notes(&case.judge(Some(&source("a", 50, stamp(written, 9))))), "{written}");
    }
    // Of an optional one, too.
    let case = Case { references: vec![reference(true)], ..Case::new() };
    assert!(notes(&case.judge(Some(&source("a", 999, stamp(999, 9))))));
    assert_eq!(case.judge(None), Verdict::Settled);
}

#[test]
fn a_record_that_is_missing_is_judged_by_time() {
    let changed = source("b", 50, stamp(2000, 9));
    let mut case = Case::new();
    assert_eq!(case.judge(Some(&changed)), Verdict::AskPods);
    for (oldest, restarted) in
        [(Some(1999), true), (Some(2000), true), (Some(2001), false), (None, false)]
    {
        case.look(&oldest.into_iter().collect::<Vec<_>>());
        let verdict = case.judge(Some(&changed));
        assert_eq!(restarts(&verdict), restarted, "{oldest:?} {verdict:?}");
    }
    // A workload that is newer has newer pods only, and so has one whose template is.
    let young = Case { created: 2001, ..Case::new() };
    assert!(notes(&young.judge(Some(&changed))));
    let rolled = Case { template: Some(stamp(2000, 10)), ..Case::new() };
    assert!(notes(&rolled.judge(Some(&changed))));
    let before = Case { template: Some(stamp(2000, 8)), ..Case::new() };
    assert_eq!(before.judge(Some(&changed)), Verdict::AskPods);
}

#[test]
fn a_secret_that_appears_restarts_only_whoever_could_start_without_it() {
    // Both were made at the same time.
    let made = source("a", 2000, stamp(2000, 9));
    let mut case = Case { created: 2000, touched: Some(2000), ..Case::new() };
    assert_eq!(case.judge(Some(&made)), Verdict::AskPods);
    (case.pods, case.ran) = (Some(vec![2000]), None);
    assert!(notes(&case.judge(Some(&made))));
    // They ran before there was this one.
    (case.pods, case.ran) = (Some(vec![1000]), Some(1999));
    assert!(restarts(&case.judge(Some(&made))));
    case.pods = None;
    case.references = vec![reference(true)];
    assert_eq!(case.judge(Some(&made)), Verdict::AskPods);
    case.look(&[1999]);
    assert!(restarts(&case.judge(Some(&made))));
    case.look(&[2001]);
    assert!(notes(&case.judge(Some(&made))));
}

#[test]
fn what_goes_restarts_nobody_and_what_comes_back_only_if_it_is_different() {
    let case = Case::that_has("a");
    assert_eq!(case.judge(None), Verdict::Settled);
    let mut gone = source("a", 50, stamp(50, 1));
    gone.remove();
    assert_eq!(case.judge(Some(&gone)), Verdict::Settled);
    assert_eq!(case.judge(Some(&source("a", 2000, stamp(2000, 9)))), Verdict::Settled);
    assert!(restarts(&case.judge(Some(&source("b", 2000, stamp(2000, 9))))));
    // Pods that need the key would not start; those that read all do, and the key is gone for them.
    let mut all = Case::new();
    all.references[0].keys = KeySet::All;
    let mut two = Source::new(
        content(&[("password", "a"), ("other", "x")]),
        &Version::at(at(50), stamp(50, 1)),
    );
    let Verdict::Note(record, _) = all.judge(Some(&two)) else { panic!("no record") };
    all.found = Found::Record(record);
    two.update(content(&[("other", "x")]), &Version::at(at(50), stamp(2000, 9)));
    assert!(restarts(&all.judge(Some(&two))));
    // Those that are newer have never had it.
    all.look(&[2001]);
    assert!(notes(&all.judge(Some(&two))));
    let without = Source::new(content(&[("other", "x")]), &Version::at(at(50), stamp(2000, 9)));
    assert_eq!(case.judge(Some(&without)), Verdict::Settled);
}

/// As when a new version of a workload needs a key that its ExternalSecret brings a moment later.
#[test]
fn a_key_that_appears_restarts_nobody_who_waited_for_it() {
    let case = Case::that_has("a");
    let mut grown = source("a", 50, stamp(50, 1));
    grown.update(content(&[("password", "a"), ("new", "x")]), &Version::at(at(50), stamp(2000, 9)));
    let mut needs = Case { found: case.found, template: Some(stamp(1990, 8)), ..Case::new() };
    needs.references[0].keys = KeySet::Some(BTreeSet::from(["new".into(), "password".into()]));
    assert_eq!(needs.judge(Some(&grown)), Verdict::AskPods);
    // The pods were made before, and none of their containers has run before it came.
    (needs.pods, needs.ran) = (Some(vec![1990]), Some(2000));
    assert!(notes(&needs.judge(Some(&grown))));
    needs.ran = Some(1999);
    assert!(restarts(&needs.judge(Some(&grown))));
    // One of its containers has run for long, and does not read the new one.
    let began = |key: &str, second: i64| Began {
        secret: "db".into(),
        keys: KeySet::Some(BTreeSet::from([key.into()])),
        at: at(second),
    };
    let ran = [began("password", 1991), began("new", 2000)];
    let made = [at(1990)];
    let seen = |ran| needs.facts(Pods::Seen { made: &made, ran });
    assert!(notes(&judge(&seen(Some(&ran)), |_| Some(&grown))));
    assert!(restarts(&judge(&seen(None), |_| Some(&grown))));
    // Another value is not what it came with.
    needs.ran = Some(2000);
    grown
        .update(content(&[("password", "a"), ("new", "y")]), &Version::at(at(50), stamp(2010, 11)));
    assert!(restarts(&needs.judge(Some(&grown))));
}

#[test]
fn another_key_restarts_nobody() {
    let mut case = Case::that_has("a");
    let text = case.found.record().unwrap().write();
    case.key = Key::new(&[2; 32]).unwrap();
    case.found = record::read(Some(&text), case.key.id());
    for written in [50, 2000] {
        let Verdict::Note(record, _) = case.judge(Some(&source("b", 50, stamp(written, 9)))) else {
            panic!("{written}")
        };
        assert_eq!(record.key, case.key.id());
    }
}

#[test]
fn an_edited_reference_is_judged_by_time() {
    let mut case = Case::that_has("a");
    case.references = vec![Reference { keys: KeySet::All, ..reference(false) }];
    assert!(notes(&case.judge(Some(&source("a", 50, stamp(50, 1))))));
    let changed = source("b", 50, stamp(2000, 9));
    assert_eq!(case.judge(Some(&changed)), Verdict::AskPods);
    case.template = Some(stamp(2001, 3));
    assert!(notes(&case.judge(Some(&changed))));
}

#[test]
fn a_rollout_that_began_after_the_change_needs_no_other() {
    let changed = source("b", 50, stamp(2000, 9));
    let mut case = Case::that_has("a");
    case.standing.progress = Progress::Rolling;
    // In the same second, their versions tell.
    case.template = Some(stamp(2000, 10));
    assert!(notes(&case.judge(Some(&changed))));
    case.template = Some(stamp(2000, 8));
    assert!(matches!(case.judge(Some(&changed)), Verdict::Rolling(_)));
    // When it is over, its pods tell whether another is needed.
    case.standing.progress = Progress::Done;
    case.waited = Some(stamp(2000, 9));
    assert_eq!(case.judge(Some(&changed)), Verdict::AskPods);
    case.look(&[2000]);
    assert!(restarts(&case.judge(Some(&changed))));
    case.look(&[2001]);
    assert!(notes(&case.judge(Some(&changed))));
}

#[test]
fn a_restart_by_somebody_else_while_nobody_watched_counts() {
    let changed = source("b", 50, stamp(2000, 9));
    let mut case = Case { touched: Some(2005), ..Case::that_has("a") };
    assert_eq!(case.judge(Some(&changed)), Verdict::AskPods);
    case.look(&[2006]);
    assert!(notes(&case.judge(Some(&changed))));
    // Something else of it was written: its pods are old.
    case.look(&[100]);
    assert!(restarts(&case.judge(Some(&changed))));
}

#[test]
fn a_failed_rollout_does_not_keep_the_cure_out() {
    let mut case = Case::that_has("a");
    case.standing.progress = Progress::Failed;
    assert!(restarts(&case.judge(Some(&source("b", 50, stamp(2000, 9))))));
}

#[test]
fn a_rollout_that_nobody_calls_over_keeps_no_change_out_for_ever() {
    let changed = source("b", 50, stamp(2000, 9));
    let mut case = Case::that_has("a");
    case.standing.progress = Progress::Rolling;
    assert!(matches!(case.judge(Some(&changed)), Verdict::Rolling(_)));
    case.waited = Some(stamp(2000, 9));
    case.overdue = true;
    // Some of its pods may have the new value.
    assert_eq!(case.judge(Some(&changed)), Verdict::AskPods);
    case.look(&[1999, 2005]);
    assert!(restarts(&case.judge(Some(&changed))));
    case.look(&[2005]);
    assert!(notes(&case.judge(Some(&changed))));
    // Nor is content forgotten that went and came back meanwhile.
    let mut back = source("a", 50, stamp(50, 1));
    back.update(content(&[("password", "b")]), &Version::at(at(50), stamp(2000, 9)));
    back.update(content(&[("password", "a")]), &Version::at(at(50), stamp(2010, 11)));
    assert!(restarts(&case.judge(Some(&back))));
}

#[test]
fn what_nobody_would_roll_out_is_told_and_never_called_done() {
    let changed = source("b", 50, stamp(2000, 9));
    let mut case = Case::that_has("a");
    case.standing.obstacle = Some(Obstacle::OnDelete);
    assert_eq!(case.judge(Some(&changed)), Verdict::AskPods);
    case.look(&[1999]);
    // Not even a template that is newer: its pods are not.
    case.template = Some(stamp(2100, 10));
    let verdict = case.judge(Some(&changed));
    assert!(matches!(verdict, Verdict::Obstructed(_, Obstacle::OnDelete)), "{verdict:?}");
    // Somebody has deleted them.
    case.look(&[2001]);
    assert!(notes(&case.judge(Some(&changed))));
}

#[test]
fn a_workload_without_pods_reads_it_when_it_gets_some() {
    let mut case = Case::that_has("a");
    case.standing.idle = true;
    assert!(notes(&case.judge(Some(&source("b", 50, stamp(2000, 9))))));
}

#[test]
fn pods_that_were_made_while_content_was_away_are_found() {
    let back = {
        let mut source = source("a", 50, stamp(50, 1));
        source.update(content(&[("password", "b")]), &Version::at(at(50), stamp(2000, 9)));
        source.update(content(&[("password", "a")]), &Version::at(at(50), stamp(2010, 11)));
        source
    };
    let mut case = Case::that_has("a");
    assert_eq!(case.judge(Some(&back)), Verdict::Settled);
    case.waited = Some(stamp(2000, 9));
    case.standing.progress = Progress::Rolling;
    assert_eq!(case.judge(Some(&back)), Verdict::Settled);
    case.standing.progress = Progress::Done;
    assert_eq!(case.judge(Some(&back)), Verdict::AskPods);
    case.look(&[1999, 2011]);
    assert_eq!(case.judge(Some(&back)), Verdict::Settled);
    case.look(&[1999, 2005]);
    assert!(restarts(&case.judge(Some(&back))));
}
