use super::*;
use crate::plan::{Size, plan};

fn fleet(change: impl Fn(&mut Source)) -> Fleet {
    let size = Size { sources: 1, consumers: 0, phases: 0, operations: 0 };
    let (mut fleet, _) = plan(1, size);
    let source = &mut fleet.sources[0];
    source.shape = Shape::Data;
    source.creation = Creation::Owner;
    source.deletion = Deletion::Retain;
    source.refresh = Refresh::Periodic;
    source.immutable = false;
    source.store = 0;
    source.interval = 1;
    source.foreign = false;
    source.remotes = [vec![0], vec![1]];
    fleet.sources.truncate(1);
    let source = &mut fleet.sources[0];
    change(source);
    fleet
}

fn after(fleet: &Fleet, operations: &[Operation]) -> Wanted {
    let mut model = Model::new(fleet);
    for operation in operations {
        model.apply(operation);
    }
    model.wanted(0).expect("an ExternalSecret")
}

#[test]
fn what_is_gone_is_kept_deleted_or_taken_out() {
    let wanted = [
        (Deletion::Retain, Wanted::Kept),
        (Deletion::Delete, Wanted::Deleted),
        (Deletion::Merge, Wanted::Data(BTreeMap::new())),
    ];
    for (deletion, wanted) in wanted {
        let fleet = fleet(|it| it.deletion = deletion);
        assert_eq!(after(&fleet, &[Operation::Remove(0)]), wanted);
        assert_eq!(after(&fleet, &[Operation::Schedule(0)]), wanted);
        assert_eq!(after(&fleet, &[Operation::DeleteStore(0)]), Wanted::Kept);
    }
}

#[test]
fn a_value_of_before_is_accepted_where_nobody_asked_again() {
    let operations: Vec<_> = (0..9).map(|_| Operation::Put { remote: 0, user: true }).collect();
    let old = |fleet: &Fleet| {
        let model = Model::new(fleet);
        let Some(Wanted::Data(data)) = model.wanted(0) else { panic!("no values") };
        data
    };
    let run = |fleet: &Fleet, last: &[Operation]| {
        let mut model = Model::new(fleet);
        for operation in operations.iter().chain(last) {
            model.apply(operation);
        }
        model.accepts(0, &old(fleet))
    };
    assert!(!run(&fleet(|_| {}), &[]));
    let once = fleet(|it| it.refresh = Refresh::CreatedOnce);
    assert!(run(&once, &[]));
    assert!(run(&once, &[Operation::Touch(0)]));
    assert!(!run(&once, &[Operation::DeleteSecret(0)]));
    let on_change = fleet(|it| it.refresh = Refresh::OnChange);
    assert!(run(&on_change, &[]));
    assert!(!run(&on_change, &[Operation::Touch(0)]));
    let immutable = fleet(|it| it.immutable = true);
    assert!(run(&immutable, &[Operation::Touch(0)]));
    assert!(run(&immutable, &[Operation::StripManaged(0)]));
    assert!(!run(&immutable, &[Operation::DeleteSecret(0)]));
    let both = fleet(|it| (it.refresh, it.immutable) = (Refresh::OnChange, true));
    assert!(run(&both, &[Operation::Touch(0)]));
}

#[test]
fn what_somebody_else_has_changed_may_outlive_its_value_only_where_it_is_merged() {
    let data = |value: &str| BTreeMap::from([("user".to_owned(), value.to_owned())]);
    for (deletion, stays) in [(Deletion::Merge, true), (Deletion::Delete, false)] {
        let fleet = fleet(|it| it.deletion = deletion);
        let mut model = Model::new(&fleet);
        model.apply(&Operation::Tamper(0));
        assert!(!model.accepts(0, &data("TAMPER.1")), "its value is here");
        model.apply(&Operation::Remove(0));
        assert_eq!(model.accepts(0, &data("TAMPER.1")), stays);
        assert!(!model.accepts(0, &data("CANARY.app/0.user.0")));
    }
}

#[test]
fn only_what_the_policies_say_may_vanish() {
    let owner = fleet(|_| {});
    let mut model = Model::new(&owner);
    assert!(model.permits().is_empty());
    model.apply(&Operation::Remove(0));
    assert!(model.permits().is_empty());
    model.apply(&Operation::DeleteSource(0));
    assert_eq!(model.permits(), BTreeSet::from([(0, Permit::Vanish)]));
    let orphan = fleet(|it| it.creation = Creation::Orphan);
    let mut model = Model::new(&orphan);
    model.apply(&Operation::DeleteSource(0));
    assert!(model.permits().is_empty());
}

#[test]
fn what_two_secrets_have_fails_with_one_of_them_or_does_without() {
    let pair = |deletion| {
        fleet(|it| {
            (it.shape, it.deletion) = (Shape::Pair, deletion);
            it.remotes = [vec![0, 1], vec![1, 0]];
        })
    };
    let removed = [Operation::Remove(0)];
    assert_eq!(after(&pair(Deletion::Retain), &removed), Wanted::Kept);
    let rest = BTreeMap::from([("password".to_owned(), "CANARY.app/1.password.0".to_owned())]);
    assert_eq!(after(&pair(Deletion::Merge), &removed), Wanted::Data(rest.clone()));
    assert_eq!(after(&pair(Deletion::Delete), &removed), Wanted::Data(rest));
    let both = [Operation::Remove(0), Operation::Remove(1)];
    assert_eq!(after(&pair(Deletion::Delete), &both), Wanted::Deleted);
}

#[test]
fn what_is_seized_is_left_alone_until_it_is_free() {
    let fleet = fleet(|it| (it.seizable, it.deletion) = (true, Deletion::Delete));
    let seized = [Operation::Seize(0), Operation::Remove(0)];
    assert_eq!(after(&fleet, &seized), Wanted::Theirs);
    let free = [Operation::Seize(0), Operation::Yield(0)];
    assert!(matches!(after(&fleet, &free), Wanted::Data(_)));
    let mut model = Model::new(&fleet);
    for it in &seized {
        model.apply(it);
    }
    assert!(model.permits().is_empty(), "nothing may be deleted");
    assert!(!model.is_possible(&Operation::DeleteSecret(0)));
}

#[test]
fn who_comes_second_never_wins() {
    let mut fleet = fleet(|_| {});
    let mut rival = fleet.sources[0].clone();
    (rival.name, rival.holder) = ("rival-0".to_owned(), Some(0));
    fleet.sources.push(rival);
    let mut model = Model::new(&fleet);
    assert_eq!(model.wanted(1), None);
    model.apply(&Operation::CreateSource(1));
    assert_eq!(model.wanted(1), Some(Wanted::Theirs));
    assert!(!model.is_possible(&Operation::DeleteSource(0)), "or it might");
    model.apply(&Operation::DeleteSource(1));
    assert!(model.permits().is_empty(), "it takes nothing with it");
    assert!(model.ever().keys().all(|(source, _, _)| *source == 0));
}

#[test]
fn what_a_cluster_external_secret_makes_is_in_selected_namespaces() {
    let mut fleet = fleet(|it| it.placed = Some(Placed { cluster: 0, slot: 0 }));
    (fleet.clusters, fleet.slots) = (1, 1);
    let mut model = Model::new(&fleet);
    assert!(model.exists(0));
    let gone = [
        [Operation::Select(0), Operation::Select(0)],
        [Operation::DeleteSlot(0), Operation::CreateSlot(0)],
        [Operation::DeleteCluster(0), Operation::CreateCluster(0)],
    ];
    for [ends, begins] in gone {
        assert!(model.is_possible(&ends));
        model.apply(&ends);
        assert!(!model.exists(0), "{ends:?}");
        assert_eq!(model.permits(), BTreeSet::from([(0, Permit::Vanish)]));
        assert!(model.is_possible(&begins));
        model.apply(&begins);
        assert!(model.exists(0), "{begins:?}");
    }
}

#[test]
fn what_is_due_together_is_read_once() {
    let mut fleet = fleet(|it| it.interval = 2);
    let same = fleet.sources[0].clone();
    fleet.sources.push(same.clone());
    let reads = |fleet: &Fleet| Model::new(fleet).reads(18.0).get(&0).copied().unwrap_or(0.0);
    assert!((reads(&fleet) - 23.0).abs() < 1e-9);
    fleet.sources.push(Source { store: 1, ..same.clone() });
    assert!((reads(&fleet) - 46.0).abs() < 1e-9);
    fleet.sources.push(Source { holder: Some(0), interval: 1, ..same });
    assert!((reads(&fleet) - 46.0).abs() < 1e-9);
    let mut model = Model::new(&fleet);
    model.apply(&Operation::Remove(0));
    assert!(!model.reads(18.0).contains_key(&0));
}

#[test]
fn what_is_somebody_elses_is_read_only_as_long_as_its_values_are_not_there() {
    let mut fleet = fleet(|it| (it.seizable, it.interval) = (true, 2));
    let same = fleet.sources[0].clone();
    fleet.sources.push(Source { seizable: false, remotes: [vec![1], vec![1]], ..same });
    fleet.sources[0].remotes = [vec![0, 1], vec![0, 1]];
    fleet.sources[0].shape = Shape::Pair;
    let mut model = Model::new(&fleet);
    model.apply(&Operation::Seize(0));
    assert_eq!(model.reads(18.0).keys().collect::<Vec<_>>(), [&1]);
    model.apply(&Operation::Remove(0));
    assert!(model.reads(18.0).is_empty(), "nothing is said of what fails");
}
