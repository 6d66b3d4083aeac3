//! `explain`, `completion`, `version`, and help.

use std::process::Command;

use crate::run::{Folder, command};

#[test]
fn explain() {
    let folder = Folder::new();
    let ran = folder.run("explain e7");
    assert_eq!(ran.code, Some(0));
    assert!(ran.stdout.starts_with("E07 (error): "), "{}", ran.stdout);
    assert!(ran.stdout.contains("\nWhy\n") && ran.stdout.contains("\nWhat to do\n"));

    insta::assert_snapshot!("explain", ran.stdout);

    let list = folder.run("explain").stdout;
    insta::assert_snapshot!("explain_all", list);
    for code in ["E01 ", "W12 ", "I04 ", "R01 ", "F02 "] {
        assert!(list.lines().any(|line| line.starts_with(code)), "{list}");
    }

    let ran = folder.run("explain E99");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
    let ran = folder.run("explain Q07");
    assert!(ran.stderr.contains("E07") && ran.stderr.contains("W07"), "{}", ran.stderr);
}

#[test]
fn every_code_that_is_printed_can_be_explained() {
    let folder = Folder::new();
    folder.write("a.yaml", "kind: ExternalSecret\napiVersion: kubernetes-client.io/v1\n");
    let ran = folder.run("migrate -f a.yaml -f nope.yaml");
    let mut codes = 0;
    for word in ran.stderr.split("kubectl extsecret explain ").skip(1) {
        let code: String = word.chars().take_while(char::is_ascii_alphanumeric).collect();
        assert_eq!(folder.run(&format!("explain {code}")).code, Some(0), "{code}");
        codes += 1;
    }
    assert!(codes > 1, "{}", ran.stderr);
}

#[test]
fn version() {
    let folder = Folder::new();
    let ran = folder.run("version");
    assert_eq!(ran.stdout, concat!("kubectl-extsecret ", env!("CARGO_PKG_VERSION"), "\n"));
    assert_eq!(folder.run("--version").stdout, ran.stdout);
    let json: serde_json::Value =
        serde_json::from_str(&folder.run("version -o json").stdout).unwrap();
    assert_eq!(json["pluginVersion"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn completion_scripts() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let ran = folder.run(&format!("completion {shell}"));
        assert_eq!(ran.code, Some(0), "{shell}");
        assert!(ran.stdout.contains("kubectl-extsecret"), "{shell}");
    }
    assert_eq!(folder.run("completion tcsh").code, Some(2));
}

#[cfg(unix)]
#[test]
fn the_helper_of_kubectl_answers_its_protocol() {
    let folder = Folder::new();
    let ran = folder.run("completion kubectl --install bin");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(folder.run("completion kubectl --install bin").code, Some(0), "twice is fine");

    // kubectl runs the helper with the words after `kubectl extsecret`.
    let program = env!("CARGO_BIN_EXE_kubectl-extsecret");
    let programs = std::path::Path::new(program).parent().unwrap();
    let path = format!("{}:/usr/bin:/bin", programs.display());
    let ask = |words: &[&str]| {
        let output = Command::new(folder.path().join("bin/kubectl_complete-extsecret"))
            .args(words)
            .env("PATH", &path)
            .output()
            .unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let verbs = ask(&[""]);
    assert!(verbs.contains("migrate\tConvert ") && verbs.ends_with("\n:4\n"), "{verbs}");
    assert!(!verbs.contains("__complete"), "{verbs}");
    assert_eq!(ask(&["migrate", "-f", ""]), ":0\n");
    assert!(ask(&["migrate", "--auth", ""]).contains("kes-serviceaccount\t"));
    assert!(ask(&["explain", "W1"]).contains("W12\t"));

    folder.write("bin/kubectl_complete-extsecret", "#!/bin/sh\necho mine\n");
    assert_eq!(folder.run("completion kubectl --install bin").code, Some(2));
    assert_eq!(folder.read("bin/kubectl_complete-extsecret"), "#!/bin/sh\necho mine\n");
}

#[test]
fn usage_errors_end_with_2() {
    let folder = Folder::new();
    for args in ["", "migrate", "migrate --nope", "nope", "migrate -f a --in-place --diff"] {
        let ran = folder.run(args);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{args:?}");
    }
}

#[test]
fn help() {
    let mut text = String::new();
    for args in
        [&["--help"][..], &["migrate", "--help"], &["explain", "--help"], &["completion", "--help"]]
    {
        let output = command().args(args).output().unwrap();
        assert!(output.status.success());
        text.push_str(&String::from_utf8(output.stdout).unwrap());
        text.push_str("=====\n");
    }
    insta::assert_snapshot!(text);
}

#[test]
fn the_readme_names_every_flag_and_no_other() {
    let readme = include_str!("../../../README.md");
    let output = command().args(["migrate", "-h"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let flags = |text: &str| -> std::collections::BTreeSet<String> {
        text.split("--")
            .skip(1)
            .map(|rest| rest.split(|c: char| !(c.is_ascii_lowercase() || c == '-')).next().unwrap())
            .filter(|flag| flag.starts_with(|c: char| c.is_ascii_lowercase()))
            .map(str::to_owned)
            .collect()
    };
    let table = readme.split("### Flags").nth(1).unwrap().split("###").next().unwrap();
    let mut known = flags(&help.replace("see more with '--help'", ""));
    known.remove("help");
    assert_eq!(flags(table), known);
}
