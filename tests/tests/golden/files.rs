//! What happens to files: order, bytes, names.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use extsecret_tests::plugin::kubectl_extsecret;
use serde_json::Value;

use crate::LISTED;
use crate::case::{Case, documents};
use crate::compare::assert_same_objects;
use crate::run::{migrate, plugin, scratch};

fn file_flag(path: &Path) -> String {
    format!("--filename={}", path.display())
}

/// All files below a folder with their texts, named from the folder.
fn tree(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).expect("a readable folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(&path).expect("a text file");
                found.insert(path.strip_prefix(folder).expect("below").to_owned(), text);
            }
        }
    }
    found
}

#[test]
fn the_order_of_files_does_not_matter() {
    let text = fs::read_to_string(Case::load("G02").input()).expect("G02");
    let scratch = scratch();
    let files: Vec<_> = text
        .split("\n---\n")
        .enumerate()
        .map(|(number, document)| {
            let path = scratch.path().join(format!("{number}.yaml"));
            fs::write(&path, document).expect("a writable file");
            path
        })
        .collect();
    assert_eq!(files.len(), 3);

    let forward = migrate(files.iter().map(|path| file_flag(path)));
    let backward = migrate(files.iter().rev().map(|path| file_flag(path)));
    assert_same_objects(&forward.objects(), &Case::load("G02").expected(), &forward.stderr);
    assert_eq!(forward.stdout, backward.stdout);
    assert_eq!(forward.stderr, backward.stderr);
    assert_eq!(forward.report, backward.report);
}

#[test]
fn the_order_of_all_cases_does_not_matter() {
    let inputs: Vec<_> = LISTED.iter().map(|name| Case::load(name).input()).collect();
    let forward = migrate(inputs.iter().map(|path| file_flag(path)));
    let backward = migrate(inputs.iter().rev().map(|path| file_flag(path)));
    assert_eq!(forward.status, Some(1));
    assert_eq!(forward.stdout, backward.stdout);
    assert_eq!(forward.report, backward.report);
}

/// The lines of a text from one that begins with `first` up to the one before `last`.
fn part<'a>(text: &'a str, first: &str, last: &str) -> &'a str {
    let start = text.find(first).unwrap_or_else(|| panic!("no {first:?} in\n{text}"));
    let end = text[start..].find(last).map_or(text.len(), |end| start + end);
    &text[start..end]
}

#[test]
fn in_place_every_other_byte_stays() {
    let scratch = scratch();
    let path = scratch.path().join("mixed.yaml");
    let before = fs::read_to_string(Case::load("G53").input()).expect("G53");
    fs::write(&path, &before).expect("a writable file");

    let run = migrate([file_flag(&path), "--in-place".to_owned()]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert_eq!(run.stdout, "", "with --in-place the result is in the files");
    let after = fs::read_to_string(&path).expect("the edited file");

    let head = part(&before, "", "apiVersion: kubernetes-client.io/v1");
    assert!(head.ends_with("---\n# database credentials\n"));
    assert!(after.starts_with(head), "the text before the object changed:\n{after}");
    let tail = &before[before.find("---\napiVersion: v1\nkind: Service").expect("the Service")..];
    assert!(after.ends_with(tail), "the text after the object changed:\n{after}");

    let converted = &after[head.len()..after.len() - tail.len()];
    assert!(converted.starts_with("apiVersion: external-secrets.io/v1\n"), "{converted}");
    let commented: Vec<_> = converted.lines().filter(|line| line.contains('#')).collect();
    assert_eq!(commented.len(), 1, "{converted}");
    assert!(commented[0].trim_start().starts_with("- secretKey: pass"), "{converted}");
    assert!(commented[0].ends_with(" # rotated monthly"), "{converted}");

    // Whatever is new went into a file of its own, and together they are what is expected.
    let written: Vec<_> = tree(scratch.path()).values().flat_map(|text| documents(text)).collect();
    assert_same_objects(&written, &Case::load("G53").expected(), &run.stderr);

    // A second run finds nothing to do.
    let files = tree(scratch.path());
    let again = migrate([file_flag(scratch.path()), "--in-place".to_owned()]);
    assert_eq!(again.status, Some(0), "{}", again.stderr);
    assert_eq!(tree(scratch.path()), files);
}

#[test]
fn a_diff_writes_nothing() {
    let scratch = scratch();
    let path = scratch.path().join("mixed.yaml");
    fs::copy(Case::load("G53").input(), &path).expect("a writable file");
    let before = tree(scratch.path());

    let output = plugin(["migrate".to_owned(), file_flag(&path), "--diff".to_owned()]);
    let diff = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(tree(scratch.path()), before);
    assert!(diff.contains("\n-apiVersion: kubernetes-client.io/v1\n"), "{diff}");
    assert!(diff.contains("\n+apiVersion: external-secrets.io/v1\n"), "{diff}");
}

#[test]
fn objects_of_one_name_do_not_overwrite_each_other() {
    for name in ["G56a", "G56b"] {
        let case = Case::load(name);
        let scratch = scratch();

        // From a file, the tree mirrors the input.
        let mirror = scratch.path().join("mirror");
        let run = migrate([file_flag(&case.input()), format!("--output-dir={}", mirror.display())]);
        assert_eq!(run.status, Some(0), "{}", run.stderr);
        let written: Vec<_> = tree(&mirror).values().flat_map(|text| documents(text)).collect();
        assert_same_objects(&written, &case.expected(), name);

        // From stdin there is nothing to mirror, and each object gets a name of its own.
        let named = scratch.path().join("named");
        let status = Command::new(kubectl_extsecret())
            .args(["migrate", "-f", "-", "--output-dir"])
            .arg(&named)
            .stdin(fs::File::open(case.input()).expect("the input"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("the plugin starts");
        assert_eq!(status.code(), Some(0));
        let files = tree(&named);
        let written: Vec<_> = files.values().flat_map(|text| documents(text)).collect();
        assert_same_objects(&written, &case.expected(), name);
        let objects = |text: &str| {
            documents(text).iter().filter(|object| object["kind"] == "ExternalSecret").count()
        };
        assert!(files.values().all(|text| objects(text) <= 1), "{:?}", files.keys());
    }
}

#[test]
fn every_object_is_in_the_report_once() {
    for name in LISTED {
        let case = Case::load(name);
        if case.input != "input.yaml" || *name == "G55d" {
            continue;
        }
        let text = fs::read_to_string(case.input()).expect("the input");
        let mut wanted = Vec::new();
        for document in documents(&text) {
            match document["items"].as_array() {
                Some(items) => wanted.extend(items.iter().map(identity)),
                None => wanted.push(identity(&document)),
            }
        }
        wanted.sort();
        let run = migrate([file_flag(&case.input())]);
        let objects = run.report["objects"].as_array().expect("objects");
        let mut reported: Vec<_> = objects.iter().map(reported_identity).collect();
        reported.sort();
        assert_eq!(reported, wanted, "{name}");
    }
}

fn identity(object: &Value) -> String {
    let metadata = &object["metadata"];
    format!("{} {} {}", object["kind"], metadata["namespace"], metadata["name"])
}

fn reported_identity(object: &Value) -> String {
    format!("{} {} {}", object["kind"], object["namespace"], object["name"])
}
