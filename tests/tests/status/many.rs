//! Ten thousand of them.

use std::thread;
use std::time::{Duration, Instant};

use extsecret_tests::api::{Api, EXTERNAL_SECRETS};
use extsecret_tests::cluster::Cluster;
use extsecret_tests::plugin;
use extsecret_tests::require;
use serde_json::json;

/// How many, made by how many at once.
const OBJECTS: usize = 10_000;
const HANDS: usize = 8;

/// The promises are those of a build as it is released; a machine that is busy with other tests
/// gets twice the time.
const SOON: Duration = Duration::from_secs(4);
const MEMORY: u64 = 100 << 20;

#[test]
#[ignore = "builds the plugin as it is released, which takes minutes: run it by name"]
fn ten_thousand_are_listed_in_a_moment_and_in_little_memory() {
    let cluster = require!(Cluster::setup().definitions().start());
    let namespace = cluster.fresh_namespace();
    thread::scope(|scope| {
        for hand in 0..HANDS {
            let (cluster, namespace) = (&cluster, &namespace);
            scope.spawn(move || {
                let api = Api::of(cluster);
                let path = format!("{EXTERNAL_SECRETS}/namespaces/{namespace}/externalsecrets");
                for number in (hand..OBJECTS).step_by(HANDS) {
                    let data: Vec<_> = (0..5)
                        .map(|key| {
                            json!({ "secretKey": format!("key-{key}"), "remoteRef": {
                                "key": format!("team/app-{number}"),
                                "property": format!("property-{key}"),
                            } })
                        })
                        .collect();
                    let object = json!({
                        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
                        "metadata": { "name": format!("app-{number:05}") },
                        "spec": { "secretStoreRef": { "name": "main" }, "data": data },
                    });
                    api.create(&path, &object);
                }
            });
        }
    });
    let program = plugin::build(&["--profile", "release-plugin"]);
    let measured = |args: &[&str]| {
        let began = now();
        let ran = std::process::Command::new("python3")
            .args(["-c", MEASURE])
            .arg(&program)
            .args(args)
            .env("KUBECONFIG", cluster.kubeconfig())
            .output()
            .unwrap();
        let took = now().duration_since(began);
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let text = String::from_utf8_lossy(&ran.stderr);
        let peak: u64 = text.lines().last().unwrap().parse().unwrap();
        (took, peak << 10, String::from_utf8_lossy(&ran.stdout).lines().count())
    };
    for (args, lines) in [
        (&["status", "-A"][..], OBJECTS + 1),
        (&["status", "-A", "-o", "name"], OBJECTS),
        (&["status", "-A", "-o", "wide"], OBJECTS + 1),
    ] {
        // The API server reads its caches into shape at the first list.
        let (took, peak, counted) = (0..3).map(|_| measured(args)).min().unwrap();
        report(args, took, peak);
        assert_eq!(counted, lines, "{args:?}");
        assert!(took < SOON, "{args:?}: {took:?}");
        assert!(peak < MEMORY, "{args:?}: {peak} bytes");
    }
}

/// Runs a program; the last line that it adds is the most memory that it had, in kilobytes.
const MEASURE: &str = "\
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
";

#[expect(clippy::print_stderr, reason = "numbers for whoever runs it")]
fn report(args: &[&str], took: Duration, peak: u64) {
    eprintln!("{}: {} ms, {} MB", args.join(" "), took.as_millis(), peak >> 20);
}

#[expect(clippy::disallowed_methods, reason = "a promise about real time")]
fn now() -> Instant {
    Instant::now()
}
