//! `kubectl extsecret migrate --verify`: the real binary on every golden case, and on what a user
//! would give it.

#[path = "golden/case.rs"]
#[expect(dead_code, reason = "shared with the golden cases")]
mod case;
#[path = "golden/run.rs"]
#[expect(dead_code, reason = "shared with the golden cases")]
mod run;

use std::fs;

use serde_json::Value;

use crate::case::Case;
use crate::run::{context_flags, migrate, scratch};

/// The codes of a report with their messages.
fn found<'r>(report: &'r Value, code: &str) -> Vec<&'r str> {
    let objects = report["objects"].as_array().into_iter().flatten();
    objects
        .flat_map(|object| object["diagnostics"].as_array().into_iter().flatten())
        .filter(|diagnostic| diagnostic["code"] == code)
        .filter_map(|diagnostic| diagnostic["message"].as_str())
        .collect()
}

#[test]
fn no_golden_case_has_an_unannounced_difference() {
    let mut cases: Vec<String> = fs::read_dir(case::folder())
        .expect("the folder of cases")
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().expect("UTF-8"))
        .collect();
    cases.sort();
    let (mut objects, mut verified) = (0, 0);
    let mut wrong = Vec::new();
    for name in &cases {
        let case = Case::load(name);
        let scratch = scratch();
        let flags = context_flags(&case, scratch.path());
        let input = format!("--filename={}", case.input().display());
        let plain = migrate(flags.iter().chain([&input]));
        let run = migrate(flags.iter().cloned().chain([input, "--verify".into()]));
        // Nothing but the report changes.
        assert_eq!(run.stdout, plain.stdout, "{name}");
        for message in found(&run.report, "E20") {
            wrong.push(format!("{name}: {message}"));
        }
        let numbers = &run.report["verification"];
        let number = |what: &str| numbers[what].as_u64().expect("a number");
        let named = found(&run.report, "W33").len() as u64;
        assert_eq!(number("objects"), number("verified") + named, "{name}: an object is left out");
        let keys = number("same") + number("announced") + number("unannounced");
        assert_eq!(number("keys"), keys, "{name}");
        if wrong.is_empty() {
            assert_eq!(run.status, plain.status, "{name}\n{}", run.stderr);
        }
        // What KES never read, such as classes of the CSI driver, has no bytes of KES's.
        let of_kes = run.report["objects"].as_array().into_iter().flatten().filter(|object| {
            let version = object["apiVersion"].as_str().unwrap_or_default();
            object["outcome"] == "converted" && version.starts_with("kubernetes-client.io/")
        });
        for object in of_kes {
            let findings = object["diagnostics"].as_array().into_iter().flatten();
            objects += 1;
            verified += usize::from(!findings.into_iter().any(|found| found["code"] == "W33"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(verified * 10 >= objects * 9, "only {verified} of {objects} objects are verified");
}

const OBJECT: &str = "\
apiVersion: kubernetes-client.io/v1
kind: ExternalSecret
metadata: {name: db, namespace: app}
spec:
  backendType: secretsManager
  region: eu-west-1
  data:
  - {key: app/db, name: port, property: port}
  - {key: app/db, name: user, property: user}
";

#[test]
fn the_users_own_values_are_checked_and_never_shown() {
    let scratch = scratch();
    let (object, values) = (scratch.path().join("kes.yaml"), scratch.path().join("values.yaml"));
    fs::write(&object, OBJECT).expect("a writable file");
    let run = |text: &str| {
        fs::write(&values, text).expect("a writable file");
        migrate([
            format!("--filename={}", object.display()),
            "--verify".into(),
            format!("--values={}", values.display()),
        ])
    };
    let good = run("app/db: {port: 5432, user: hunter2}\n");
    assert_eq!(good.status, Some(0), "{}", good.stderr);
    assert!(good.stderr.ends_with("verified 1 object, 2 keys: same bytes\n"), "{}", good.stderr);

    let null = run("app/db: {port: null, user: hunter2}\n");
    assert_eq!(null.status, Some(0), "{}", null.stderr);
    assert!(
        null.stderr.ends_with("2 keys: 1 same bytes, 1 differ as the warnings say\n"),
        "{}",
        null.stderr
    );
    assert_eq!(found(&null.report, "W07").len(), 1);

    let missing = run("app/other: x\n");
    assert_eq!(missing.status, Some(0), "{}", missing.stderr);
    assert!(missing.stderr.contains("have none for `app/db`"), "{}", missing.stderr);
    assert!(missing.stderr.ends_with("1 object not verified\n"), "{}", missing.stderr);

    for run in [good, null, missing] {
        assert!(!run.all_text().contains("hunter2"), "{}", run.stderr);
    }
}

#[test]
fn values_go_with_verify() {
    let output = run::plugin(["migrate", "-f", "x.yaml", "--values", "y.yaml"]);
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("go with --verify"), "{stderr}");
}
