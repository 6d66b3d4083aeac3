//! Alerts and the dashboard speak of metrics that there are.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use extsecret_tests::aws::Aws;
use extsecret_tests::controller::Controller;
use extsecret_tests::{require, tools};
use regex::Regex;
use serde_json::Value;

use crate::chart::{documents, of_kind, source, template};
use crate::release::audited;

/// Metrics in expressions: what begins as those of the controller do.
fn metrics(expression: &str) -> BTreeSet<String> {
    let prefixes = "extsecret|externalsecret|secretstore|clustersecretstore|clusterexternalsecret|\
                    controller_runtime|workqueue|process";
    let names = Regex::new(&format!(r"\b(?:{prefixes})_[a-z_]+\b")).unwrap();
    names.find_iter(expression).map(|name| name.as_str().to_owned()).collect()
}

/// All expressions of a document.
fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == "expr" || name == "query" => {
                        found.push(text.clone());
                    }
                    value => expressions(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| expressions(item, found)),
        _ => {}
    }
}

#[test]
fn every_metric_that_is_looked_at_is_served() {
    let alerts = fs::read_to_string(source().join("files/alerts.yaml")).unwrap();
    let dashboard = fs::read_to_string(source().join("files/dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&dashboard).unwrap();
    let mut found = Vec::new();
    expressions(&documents(&alerts)[0], &mut found);
    expressions(&dashboard, &mut found);
    let asked: BTreeSet<_> = found.iter().flat_map(|it| metrics(it)).collect();
    assert!(asked.len() >= 15, "{asked:?}");

    let cluster = &require!(audited()).cluster;
    let aws = Aws::start();
    let queue = format!("--events-queue-url={}", aws.queues().create("changes"));
    // A class of its own: nothing here is its business.
    let (key, class) = ("--restart-key-namespace=default", "--controller-class=monitoring");
    let args = [class, "--restarts=dry-run", key, &queue];
    let mut controller =
        Controller::setup(cluster).environment(aws.environment(aws.admin())).args(args).start();
    let mut missing = Vec::new();
    let mut is_served = |it: &Controller| {
        let (_, text) = it.get("/metrics").unwrap();
        let declared = |name: &String| text.contains(&format!("# TYPE {name} "));
        missing = asked.iter().filter(|name| !declared(name)).cloned().collect();
        // Those of the queue come with the first answer, those of restarts with the first look.
        let late = ["extsecret_queue", "extsecret_events_mapped", "extsecret_restart"];
        missing.iter().all(|name| late.iter().all(|late| !name.starts_with(late)))
    };
    controller.wait_until(Duration::from_mins(1), "the queue is read", &mut is_served);
    assert!(missing.is_empty(), "the controller serves no such metrics: {missing:?}");
}

#[test]
fn the_dashboard_is_one_that_grafana_finds() {
    require!(tools::helm());
    let values =
        ["--set=grafanaDashboard.enabled=true", "--set=grafanaDashboard.sidecarLabel=board"];
    let objects = documents(&template(&values).unwrap().succeeded());
    let board = of_kind(&objects, "ConfigMap");
    assert_eq!(board["metadata"]["labels"]["board"], "1");
    let text = board["data"]["extsecret-controller.json"].as_str().unwrap();
    let dashboard: Value = serde_json::from_str(text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    assert!(panels.len() > 10);
    // Two panels of one number, or in one place, are one panel to Grafana.
    for part in ["id", "gridPos"] {
        let all: BTreeSet<_> = panels.iter().map(|it| it[part].to_string()).collect();
        assert_eq!(all.len(), panels.len(), "{part}");
    }
}
