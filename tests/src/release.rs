//! The controller as a pod of an installed chart would run it.
//!
//! The nodes of a test cluster run no containers. So the program is started beside the cluster, with
//! the arguments and the variables of the container, and a token of the service account of its pod.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::controller::{Controller, Setup};

/// Prepares the controller of a Deployment and of one of its pods, as the cluster has them. Its
/// kubeconfig goes into `folder`.
///
/// # Panics
/// If the Deployment is not one of the chart, or the cluster gives no token.
pub fn controller(cluster: &Cluster, deployment: &Value, pod: &Value, folder: &Path) -> Setup {
    let namespace = deployment["metadata"]["namespace"].as_str().expect("a namespace");
    let account = deployment["spec"]["template"]["spec"]["serviceAccountName"].as_str();
    let account = account.expect("a service account");
    let token = cluster.kubectl(["create", "token", account]).namespace(namespace);
    let token = token.run().succeeded();
    let view = ["config", "view", "--raw", "--minify", "--output=json"];
    let mut config = cluster.kubectl(view).run().json();
    config["users"][0]["user"] = json!({ "token": token.trim() });
    config["contexts"][0]["context"]["namespace"] = json!(namespace);
    let kubeconfig = folder.join("kubeconfig");
    fs::write(&kubeconfig, config.to_string()).expect("a kubeconfig");

    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let variables = container["env"].as_array().into_iter().flatten().map(|variable| {
        let name = variable["name"].as_str().expect("a name");
        let field = &variable["valueFrom"]["fieldRef"]["fieldPath"];
        let value = match field.as_str() {
            Some("metadata.uid") => &pod["metadata"]["uid"],
            Some(field) => panic!("{name} is {field}"),
            None => &variable["value"],
        };
        (name, value.as_str().expect("a value"))
    });
    Controller::setup(cluster)
        .environment(variables)
        .kubeconfig(&kubeconfig)
        .args(local(arguments(deployment)))
}

/// The arguments of the controller's container in a Deployment.
///
/// # Panics
/// If there are none.
pub fn arguments(deployment: &Value) -> Vec<String> {
    let args = deployment["spec"]["template"]["spec"]["containers"][0]["args"].as_array();
    let text = |it: &Value| it.as_str().expect("a text").to_owned();
    args.expect("arguments").iter().map(text).collect()
}

/// The same, but listening on ports of the loopback interface that are free: what is started here
/// shares the machine with others.
///
/// # Panics
/// If they do not say where to listen.
pub fn local(arguments: Vec<String>) -> Vec<String> {
    let before = arguments.len();
    let is_address =
        |it: &String| it.starts_with("--metrics-addr=:") || it.starts_with("--live-addr=:");
    let rest: Vec<_> = arguments.into_iter().filter(|it| !is_address(it)).collect();
    assert_eq!(rest.len() + 2, before, "the chart says where to listen");
    rest
}
