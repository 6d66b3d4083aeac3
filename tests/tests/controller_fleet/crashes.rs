//! The end of a process at any moment, and of the API server.

use std::thread;
use std::time::Duration;

use extsecret_tests::api::Api;
use extsecret_tests::aws::Aws;
use extsecret_tests::cluster::Cluster;
use extsecret_tests::controller::{Controller, wait_until};
use extsecret_tests::fleet::{Fleet, SOON};
use extsecret_tests::random::Random;
use extsecret_tests::require;
use serde_json::json;

use crate::troubles::watched;

const COUNT: usize = 10;

/// How often the controller is killed.
const KILLS: usize = 50;

fn made(fleet: &Fleet<'_>, aws: &Aws) {
    fleet.store("aws", aws.region(), &json!({}));
    put(aws, 0);
    for number in 0..COUNT {
        fleet.external_secret(&format!("es-{number}"), "app", "1s");
    }
}

fn put(aws: &Aws, round: usize) {
    aws.secrets().put("app", &format!("CANARY-{round}"));
}

fn wait_round(fleet: &Fleet<'_>, round: usize) {
    wait_until(SOON, "the new value", || {
        (fleet.count_values(|_| format!("CANARY-{round}")) == COUNT).then_some(())
    });
}

#[test]
fn killed_at_fifty_moments_it_leaves_no_secret_behind_that_is_not_right() {
    let (cluster, api) = require!(crate::shared());
    let aws = Aws::start();
    let fleet = Fleet::new(cluster, api);
    made(&fleet, &aws);
    let mut controller = fleet.controller(cluster, &aws);
    fleet.wait_ready(COUNT);
    let mut random = Random::new(7);
    let looks = watched(&fleet, COUNT, || {
        for round in 1..=KILLS {
            put(&aws, round);
            // The moment itself is what is tried.
            thread::sleep(Duration::from_millis(random.below(1_200) as u64));
            std::mem::replace(&mut controller, fleet.controller(cluster, &aws)).kill();
        }
        wait_round(&fleet, KILLS);
    });
    assert!(looks > 0);
    wait_until(SOON, "all are ready", || (fleet.count_ready() == COUNT).then_some(()));
    controller.stop();
}

#[test]
fn a_replica_goes_on_where_another_stops_or_dies() {
    let (cluster, api) = require!(crate::shared());
    let aws = Aws::start();
    let fleet = Fleet::new(cluster, api);
    made(&fleet, &aws);
    let start = || {
        let election = format!("--leader-election-namespace={}", fleet.namespace);
        Controller::setup(cluster)
            .environment(aws.environment(aws.admin()))
            .args(fleet.flags())
            .args(["--enable-leader-election".to_owned(), election])
            .start()
    };
    let leads = |controller: &Controller| {
        let series = controller.metrics();
        series.iter().any(|(name, value)| name.starts_with("extsecret_leader") && *value > 0.0)
    };
    let first = start();
    fleet.wait_ready(COUNT);
    let second = start();
    assert!(leads(&first) && !leads(&second));
    let looks = watched(&fleet, COUNT, || {
        put(&aws, 1);
        first.stop();
        wait_round(&fleet, 1);
        assert!(leads(&second));
        let third = start();
        put(&aws, 2);
        second.kill();
        wait_round(&fleet, 2);
        assert!(leads(&third));
        third.stop();
    });
    assert!(looks > 0);
}

#[test]
fn an_api_server_that_is_gone_for_a_while_is_waited_for() {
    let mut cluster = require!(Cluster::setup().definitions().start());
    let aws = Aws::start();
    let controller = {
        let api = Api::of(&cluster);
        let fleet = Fleet::new(&cluster, &api);
        made(&fleet, &aws);
        let controller = fleet.controller(&cluster, &aws);
        fleet.wait_ready(COUNT);
        put(&aws, 1);
        (controller, fleet.namespace)
    };
    let (controller, namespace) = controller;
    cluster.restart_apiserver();
    let api = Api::of(&cluster);
    let fleet = Fleet { api: &api, namespace };
    assert_eq!(fleet.values().len(), COUNT);
    wait_round(&fleet, 1);
    // Its watches go on, too.
    fleet.external_secret("es-new", "app", "1s");
    fleet.wait_ready(COUNT + 1);
    controller.stop();
}

/// It hangs, which is worse than to refuse: no connection ends.
#[test]
fn an_api_server_that_says_nothing_for_a_minute_is_waited_for() {
    let cluster = require!(Cluster::setup().definitions().start());
    let api = Api::of(&cluster);
    let aws = Aws::start();
    let fleet = Fleet::new(&cluster, &api);
    made(&fleet, &aws);
    let controller = fleet.controller(&cluster, &aws);
    fleet.wait_ready(COUNT);
    let calls = || aws.counters().snapshot().values().sum::<u64>();
    let before = calls();
    cluster.without_apiserver(|| {
        put(&aws, 1);
        // The trouble itself.
        thread::sleep(Duration::from_mins(1));
        put(&aws, 2);
    });
    assert_eq!(fleet.values().len(), COUNT);
    wait_round(&fleet, 2);
    // Its watches go on, too.
    fleet.external_secret("es-new", "app", "1s");
    fleet.wait_ready(COUNT + 1);
    // One read a second, and nobody turns in circles.
    let calls = calls() - before;
    assert!(calls < 300, "{calls} calls");
    controller.stop();
}
