//! Ten thousand of them. `bench status 10000` says how long it takes.

use extsecret_tests::cluster::Cluster;
use extsecret_tests::{fleet, plugin, require};

/// Many more than one page of a list.
const OBJECTS: usize = 10_000;

#[test]
fn ten_thousand_are_listed_whole() {
    let cluster = require!(Cluster::setup().definitions().start());
    let namespace = cluster.fresh_namespace();
    fleet::fill(&cluster, &namespace, OBJECTS);
    for (args, header) in [
        (&["status", "-A"][..], 1),
        (&["status", "-A", "-o", "name"], 0),
        (&["status", "-A", "-o", "wide"], 1),
    ] {
        let ran = std::process::Command::new(plugin::kubectl_extsecret())
            .args(args)
            .env("KUBECONFIG", cluster.kubeconfig())
            .output()
            .unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let text = String::from_utf8(ran.stdout).unwrap();
        assert_eq!(text.lines().count(), OBJECTS + header, "{args:?}");
        for number in [0, 499, 500, OBJECTS - 1] {
            let name = format!("app-{number:05}");
            assert!(text.contains(&name), "{args:?}: no {name}");
        }
    }
}
