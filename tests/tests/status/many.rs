//! Ten thousand of them. `bench status 10000` says how long it takes.

use extsecret_tests::call::{Call, assert_code};
use extsecret_tests::cluster::Cluster;
use extsecret_tests::{fleet, plugin, require};

/// Many more than one page of a list.
const OBJECTS: usize = 10_000;

#[test]
fn ten_thousand_are_listed_whole() {
    let cluster = require!(Cluster::setup().definitions().start());
    let namespace = cluster.fresh_namespace();
    fleet::fill(&cluster, &namespace, OBJECTS);
    // Nobody looks after them, and that is all that is to be said of each.
    for (args, code, says) in [
        (&["doctor"][..], 1, "10000 ExternalSecrets"),
        (&["validate", "-A"], 1, "10000 objects checked: 10000 errors"),
        (&["iam", "-A"], 1, "is not known: there is none"),
    ] {
        let ran = Call::new(plugin::kubectl_extsecret()).args(args);
        let ran = ran.env("KUBECONFIG", cluster.kubeconfig()).run();
        assert_code(&ran, code);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains(says), "{args:?}: {}", &said[..said.len().min(2000)]);
    }
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
