//! The examples of the README.

use std::fs;

use crate::run::{Folder, examples};

fn migrate(flags: &str) -> crate::run::Ran {
    let examples = examples();
    let (kes, deployment) = (examples.join("kes"), examples.join("kes-deployment.yaml"));
    Folder::new().run(&format!(
        "migrate -R -f {} --kes-deployment {} {flags}",
        kes.display(),
        deployment.display()
    ))
}

#[test]
fn they_convert() {
    let ran = migrate("");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(
        ran.summary(),
        "12 objects: 12 converted, 0 refused, 7 stores, 2 other documents left out"
    );
}

#[test]
fn their_comments_arrive() {
    let ran = migrate("");
    assert!(!ran.stderr.contains("W30"), "{}", ran.stderr);
    let mut count = 0;
    let mut folders = vec![examples().join("kes")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for document in text.split("\n---\n").filter(|text| text.contains("kubernetes-client"))
            {
                for line in document.lines() {
                    let comment = line.split_once("# ").map_or("", |(_, comment)| comment);
                    assert!(ran.stdout.contains(comment), "{}: {comment}", path.display());
                    count += usize::from(!comment.is_empty());
                }
            }
        }
    }
    assert!(count > 8, "the examples show that comments are kept");
}
