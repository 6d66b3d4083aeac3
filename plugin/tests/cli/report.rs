//! `--report`

use serde_json::{Value, json};

use crate::run::{Folder, kes, refused};

fn report(folder: &Folder, args: &str) -> Value {
    folder.run(args);
    serde_json::from_str(&folder.read("report.json")).unwrap()
}

#[test]
fn every_object_is_in_it_with_its_outcome_and_findings() {
    let folder = Folder::new();
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: app}\n";
    let bad = "apiVersion: kubernetes-client.io/v1\nkind: {";
    folder.write(
        "a.yaml",
        [service, &kes("one", "app"), &refused("two", "app"), bad].join("\n---\n"),
    );
    let report = report(&folder, "migrate -f a.yaml --report report.json");
    assert_eq!(report["version"], 1);
    assert_eq!(
        report["summary"],
        json!({"objects": 3, "converted": 1, "refused": 2, "stores": 1, "others": 1})
    );
    let outcomes: Vec<_> =
        report["objects"].as_array().unwrap().iter().map(|object| &object["outcome"]).collect();
    assert_eq!(outcomes, ["kept", "converted", "refused", "unreadable"]);

    let one = &report["objects"][1];
    assert_eq!(one["file"], "a.yaml");
    assert_eq!(one["document"], 1);
    assert_eq!(one["item"], Value::Null);
    assert_eq!(one["line"], 6);
    assert_eq!(one["kind"], "ExternalSecret");
    assert_eq!(one["namespace"], "app");
    assert_eq!(one["name"], "one");
    assert!(one["store"].as_str().unwrap().starts_with("ClusterSecretStore/kes-sm-"));

    let finding = &report["objects"][2]["diagnostics"][0];
    assert_eq!(finding["code"], "E10");
    assert_eq!(finding["severity"], "error");
    assert_eq!(finding["file"], "a.yaml");
    for field in ["message", "help"] {
        assert!(finding[field].is_string(), "{finding}");
    }
    for field in ["line", "column"] {
        assert!(finding[field].as_u64().is_some_and(|number| number > 0), "{finding}");
    }
    assert!(finding.as_object().unwrap().contains_key("field"), "{finding}");

    let run_wide = report["diagnostics"].as_array().unwrap();
    assert!(run_wide.iter().any(|finding| finding["code"] == "W12" && finding["file"].is_null()));
}

#[test]
fn it_says_where_things_were_written() {
    let folder = Folder::new();
    folder.write("in/a.yaml", kes("one", "app"));
    let written = report(&folder, "migrate -f in --output-dir out --report report.json");
    assert_eq!(written["outputs"][0]["file"], "out/secret-stores.yaml");
    assert_eq!(written["outputs"][1]["file"], "out/a.yaml");
    let printed = report(&folder, "migrate -f in --report report.json");
    assert_eq!(printed["outputs"][1]["file"], Value::Null);
}

#[test]
fn it_may_go_to_stdout_when_stdout_is_free() {
    let folder = Folder::new();
    folder.write("in/a.yaml", kes("one", "app"));
    let ran = folder.run("migrate -f in --output-dir out --report -");
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["summary"]["converted"], 1);
    for flags in ["", "--diff", "-o json"] {
        let ran = folder.run(&format!("migrate -f in --report - {flags}"));
        assert_eq!(ran.code, Some(2), "{flags}");
    }
}

#[test]
fn hidden_findings_are_still_in_it() {
    let folder = Folder::new();
    folder.write("a.yaml", kes("one", "app"));
    let report = report(&folder, "migrate -f a.yaml -q --suppress W12 --report report.json");
    assert_eq!(report["diagnostics"][0]["code"], "W12");
}
