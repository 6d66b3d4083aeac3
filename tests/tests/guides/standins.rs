//! What stands in for programs and places that a test cannot have, and commands that are not run.
//!
//! This is all that keeps a command of a document from being run as it is written.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process;

use extsecret_tests::binary::DIST;
use extsecret_tests::controller::PROGRAM;
use extsecret_tests::plugin::kubectl_extsecret;
use extsecret_tests::tools;

use crate::document::{Command, root};

/// Commands that are not run, by their beginning, and why. Of cargo's it is still looked whether
/// the packages and programs exist that they name.
const LISTED: [(&str, &str); 10] = [
    ("kubectl get -o yaml", "says where a list comes from"),
    (".ci/run", "runs this test"),
    ("cargo test", "runs this test"),
    ("INSTA_UPDATE=always cargo test", "changes files of the repository"),
    ("cargo build", "is what each test of both programs begins with"),
    (
        "cargo run -p extsecret-tests",
        "the test `demo` runs one; others measure for minutes, or play until told to stop",
    ),
    (
        "cargo run -p extsecret-crds --bin crdgen",
        "changes files of the repository; a test compares them",
    ),
    (
        "cargo run --manifest-path controller/fuzz/Cargo.toml --example seeds",
        "compiles for minutes; `.ci/run` checks the targets and what makes their inputs",
    ),
    ("cargo +nightly fuzz run", "needs nightly Rust, and runs until told to stop"),
    (
        "helm upgrade external-secrets ...",
        "the chart is not one of this repository, and the command not whole",
    ),
];

/// Words that the reader fills in.
const WORDS: [(&str, &str); 4] = [
    ("explain CODE", "explain E10"),
    ("--uri URL", "--uri https://example.test/releases"),
    ("--helm HELM", "--helm helm"),
    ("REGISTRY/", "registry.test/"),
];

/// Programs that stand in for others, each a script of sh.
///
/// - `cargo` installs the plugin of the dev profile, which is there, instead of compiling for ten
///   minutes; runs `dist` and the controller as they are built; `dist docs` changes nothing. The
///   controller ends once it works.
/// - `helm` takes the chart of this repository where the one of a registry is wanted, which no
///   release has put there yet. Else it is Helm.
/// - `docker` looks whether there is what it is given: an image needs a daemon and downloads.
fn scripts(home: &Path) -> [(&'static str, String); 3] {
    let machine = std::env::var_os("HOME").unwrap_or_default();
    let machine = Path::new(&machine).display();
    let helm = tools::helm().unwrap();
    let root = root().display();
    let cargo = format!(
        r#"
case "$*" in
"install "*)
    cd '{root}'
    to=$HOME/.cargo HOME='{machine}'
    for name in $(env | sed -n 's/^\(CARGO_\(PKG\|MANIFEST\|BIN\|CRATE\|PRIMARY\)_[A-Z_]*\)=.*/\1/p'); do unset "$name"; done
    exec '{cargo}' "$@" --debug --offline --root "$to" ;;
"run -p extsecret-dist -- docs"*) shift 4; exec '{dist}' "$@" --check ;;
"run -p extsecret-dist -- "*) shift 4; exec '{dist}' "$@" ;;
"run -p extsecret-controller")
    '{controller}' --metrics-addr=127.0.0.1:0 --live-addr=127.0.0.1:0 >controller.log 2>&1 &
    trap 'kill $!' EXIT
    until grep -q '"message":"listening"' controller.log; do kill -0 $! || exit 1; sleep 0.1; done
    trap - EXIT
    kill $!; wait $! ;;
*) echo "nothing stands in for cargo $*" >&2; exit 99 ;;
esac
"#,
        cargo = env!("CARGO"),
        dist = DIST.path().display(),
        controller = PROGRAM.path().display(),
    );
    let helm = format!(
        r#"
for word; do
    shift
    case "$word" in
    oci://ghcr.io/kubectl-extsecret/charts/extsecret-controller) word='{chart}' ;;
    oci://*) echo "$word is not where releases go" >&2; exit 99 ;;
    esac
    set -- "$@" "$word"
done
exec '{helm}' "$@"
"#,
        chart = home.join(".charts/extsecret-controller").display(),
        helm = helm.display(),
    );
    let docker = format!(
        r#"
[ "$1 $2 $4 $6" = "build --file --tag ." ] || {{ echo "nothing stands in for docker $*" >&2; exit 99; }}
cd '{root}' && [ -f "$3" ]
"#
    );
    [("cargo", cargo), ("helm", helm), ("docker", docker)]
}

/// Puts them into a folder, with krew as kubectl finds it, and both programs where cargo puts them.
pub(crate) fn install(bin: &Path, home: &Path) {
    fs::create_dir_all(bin).unwrap();
    for (name, text) in scripts(home) {
        let source = bin.join(format!("{name}.sh"));
        fs::write(&source, format!("#!/bin/sh\nset -e\n{text}")).unwrap();
        // Another process writes the program: were it open for writing here, a process that another
        // test starts at that moment would hold it open too, and the kernel would refuse to run it.
        let status = process::Command::new("install")
            .args(["-m", "755"])
            .args([&source, &bin.join(name)])
            .status();
        assert!(status.is_ok_and(|it| it.success()), "install {name}");
    }
    if let Some(krew) = tools::krew() {
        symlink(krew, bin.join("kubectl-krew")).unwrap();
    }
    let built = home.join("target/debug");
    fs::create_dir_all(&built).unwrap();
    for program in [kubectl_extsecret(), PROGRAM.path()] {
        symlink(program, built.join(program.file_name().unwrap())).unwrap();
    }
}

/// Whether a command is not run. One of cargo's has to name what exists.
pub(crate) fn is_listed(command: &Command) -> bool {
    if command.text.starts_with("jq ") && !is_in_path("jq") {
        tools::report_skip("guides: jq", line!());
        return true;
    }
    let is_listed = LISTED.iter().any(|(start, _)| command.text.starts_with(start));
    if is_listed {
        assert_targets_exist(command);
    }
    is_listed
}

/// Whether this machine has a program.
fn is_in_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// A command with the words that a reader fills in.
pub(crate) fn filled(text: &str) -> String {
    WORDS.iter().fold(text.to_owned(), |text, (word, value)| text.replace(word, value))
}

fn assert_targets_exist(command: &Command) {
    let words: Vec<&str> = command.text.split(" -- ").next().unwrap().split_whitespace().collect();
    if !words.contains(&"cargo") {
        return;
    }
    let metadata = cargo_metadata::MetadataCommand::new()
        .current_dir(root())
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .unwrap();
    let packages = metadata.packages;
    for pair in words.windows(2) {
        let is_there = match pair[0] {
            "-p" => packages.iter().any(|it| it.name == pair[1]),
            "--bin" | "--test" => {
                let kind = &pair[0][2..];
                let mut targets = packages.iter().flat_map(|it| &it.targets);
                targets
                    .any(|it| it.name == pair[1] && it.kind.iter().any(|it| it.to_string() == kind))
            }
            _ => true,
        };
        assert!(
            is_there,
            "{}: {} {} is not there: {}",
            command.place, pair[0], pair[1], command.text
        );
    }
}

/// Each entry of the list is about a command that is there.
pub(crate) fn assert_lists_are_used(commands: &[&Command]) {
    let mut unused = String::new();
    for (start, _) in LISTED {
        if !commands.iter().any(|it| it.text.starts_with(start)) {
            let _ = writeln!(unused, "{start}");
        }
    }
    for (word, _) in WORDS {
        if !commands.iter().any(|it| it.text.contains(word)) {
            let _ = writeln!(unused, "{word}");
        }
    }
    assert_eq!(unused, "", "no document has these any more");
}
