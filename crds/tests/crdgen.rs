//! The program that writes the definitions, and says when they are stale.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn crdgen(arguments: &[&str], folder: &Path) -> Output {
    let program = env!("CARGO_BIN_EXE_crdgen");
    Command::new(program).args(arguments).arg(folder).output().expect("crdgen runs")
}

#[test]
fn a_stale_or_missing_file_is_named() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let path = folder.path();
    let missing = crdgen(&["--check"], path);
    assert_eq!(missing.status.code(), Some(1));
    assert_eq!(fs::read_dir(path).expect("a folder").count(), 0, "--check writes nothing");

    assert_eq!(crdgen(&[], path).status.code(), Some(0));
    assert_eq!(fs::read_dir(path).expect("a folder").count(), 4);
    assert_eq!(crdgen(&["--check"], path).status.code(), Some(0));

    let changed = path.join("secretstores.external-secrets.io.yaml");
    let text = fs::read_to_string(&changed).expect("a file");
    fs::write(&changed, text.replace("maxProperties: 1", "maxProperties: 2")).expect("written");
    let stale = crdgen(&["--check"], path);
    assert_eq!(stale.status.code(), Some(1));
    let said = String::from_utf8(stale.stderr).expect("UTF-8");
    let named: Vec<&str> = said.lines().filter(|line| line.starts_with("stale: ")).collect();
    assert_eq!(named, [format!("stale: {}", changed.display())]);
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let output = crdgen(&[], &folder.path().join("none"));
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write"));
}
