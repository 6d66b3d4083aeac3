//! The plan of the house, as assertions: which crate may know which, what a pure crate may never
//! see, and where version numbers stand. A new crate gets its row in [`ROOMS`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};

/// One crate of the workspace.
struct Room {
    name: &'static str,
    folder: &'static str,
    /// Sees no runtime, no cluster, no network and no random source, not even through others.
    pure: bool,
    /// Workspace crates that it may depend on.
    may_use: &'static [&'static str],
}

const ROOMS: &[Room] = &[
    Room { name: "extsecret-crds", folder: "crds", pure: true, may_use: &[] },
    Room { name: "gjson", folder: "controller/gjson", pure: true, may_use: &[] },
    Room { name: "goyaml", folder: "controller/goyaml", pure: true, may_use: &[] },
    Room { name: "gotemplate", folder: "controller/gotemplate", pure: true, may_use: &["goyaml"] },
    Room {
        name: "extsecret-engine",
        folder: "controller/engine",
        pure: true,
        may_use: &["extsecret-crds", "gjson", "gotemplate", "goyaml"],
    },
    Room {
        name: "extsecret-provider",
        folder: "controller/provider",
        pure: false,
        may_use: &["extsecret-crds", "extsecret-engine"],
    },
    Room {
        name: "extsecret-restart",
        folder: "controller/restart",
        pure: true,
        may_use: &["extsecret-crds"],
    },
    Room {
        name: "extsecret-controller",
        folder: "controller",
        pure: false,
        may_use: &[
            "extsecret-crds",
            "extsecret-engine",
            "extsecret-provider",
            "extsecret-restart",
            "gotemplate",
        ],
    },
    Room {
        name: "extsecret-manifest",
        folder: "plugin/manifest",
        pure: true,
        may_use: &["goyaml"],
    },
    Room {
        name: "extsecret-migrate",
        folder: "plugin/migrate",
        pure: true,
        may_use: &["extsecret-crds", "extsecret-manifest", "extsecret-engine", "gotemplate"],
    },
    Room {
        name: "extsecret-validate",
        folder: "plugin/validate",
        pure: true,
        may_use: &["extsecret-crds", "extsecret-manifest", "extsecret-engine", "gotemplate"],
    },
    Room {
        name: "kubectl-extsecret",
        folder: "plugin",
        pure: false,
        may_use: &[
            "extsecret-crds",
            "extsecret-manifest",
            "extsecret-migrate",
            "extsecret-validate",
            "extsecret-engine",
            "extsecret-provider",
            "extsecret-restart",
            "gotemplate",
            "gjson",
        ],
    },
    Room { name: "extsecret-dist", folder: "krew", pure: false, may_use: &[] },
    Room { name: "extsecret-test-aws", folder: "tests/aws", pure: false, may_use: &[] },
    Room { name: "extsecret-tests", folder: "tests", pure: false, may_use: &["*"] },
];

/// What a pure crate never depends on; a name that ends in `-` stands for all that begin with it.
const IMPURE: &[&str] = &[
    "aws-",
    "getrandom",
    "hyper",
    "hyper-",
    "kube",
    "kube-client",
    "kube-runtime",
    "mio",
    "native-tls",
    "openssl",
    "openssl-",
    "rand",
    "reqwest",
    "rustls",
    "rustls-",
    "socket2",
    "tokio",
    "tokio-",
];

/// The one crate, beside the tests, that names AWS SDK crates.
const AWS_CRATES: &[&str] = &["extsecret-provider", "extsecret-test-aws", "extsecret-tests"];

/// A source file is easier to read as two once it is longer than this. Tests in the file and
/// test folders do not count.
const MAX_LINES: usize = 650;

/// Longer files, each with its reason.
const LONG_FILES: &[(&str, &str)] = &[];

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["util", "utils", "common", "helper", "helpers", "misc"];

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .other_options(vec!["--locked".into()])
        .exec()
        .expect("cargo metadata of the workspace")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests is in the workspace").into()
}

fn members(metadata: &Metadata) -> Vec<&Package> {
    metadata.workspace_packages()
}

fn room(name: &str) -> &'static Room {
    ROOMS.iter().find(|room| room.name == name).unwrap_or_else(|| {
        panic!("crate {name} has no row in ROOMS of tests/tests/house.rs: add it")
    })
}

/// Fails with all findings at once, one a line.
fn assert_none(findings: &[String], rule: &str) {
    assert!(findings.is_empty(), "{rule}:\n  {}", findings.join("\n  "));
}

#[test]
fn every_crate_has_its_room() {
    let metadata = metadata();
    let mut missing: BTreeSet<_> = ROOMS.iter().map(|room| room.name).collect();
    for package in members(&metadata) {
        let room = room(&package.name);
        missing.remove(room.name);
        let folder = package.manifest_path.parent().expect("a manifest is in a folder");
        assert_eq!(folder.as_std_path(), root().join(room.folder), "folder of {}", room.name);
    }
    assert!(missing.is_empty(), "rows of ROOMS without a crate: {missing:?}");
}

#[test]
fn dependencies_point_one_way() {
    let metadata = metadata();
    let names: BTreeSet<_> = members(&metadata).iter().map(|p| p.name.to_string()).collect();
    let mut findings = Vec::new();
    for package in members(&metadata) {
        let may_use = room(&package.name).may_use;
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            if names.contains(name) && may_use != ["*"] && !may_use.contains(&name) {
                findings.push(format!("{} uses {name}", package.name));
            }
            if name.starts_with("aws-") && !AWS_CRATES.contains(&package.name.as_str()) {
                findings.push(format!("{} names {name}", package.name));
            }
        }
    }
    assert_none(&findings, "a crate depends on one that its row in ROOMS does not allow");
}

/// All packages that are linked into `start` on some platform, each with the one that brought it.
fn linked(metadata: &Metadata, start: &PackageId) -> BTreeMap<PackageId, PackageId> {
    let resolve = metadata.resolve.as_ref().expect("metadata is resolved");
    let nodes: BTreeMap<_, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let mut found = BTreeMap::new();
    let mut queue = VecDeque::from([start.clone()]);
    while let Some(id) = queue.pop_front() {
        for dependency in &nodes[&id].deps {
            let normal = dependency.dep_kinds.iter().any(|k| k.kind == DependencyKind::Normal);
            if normal && !found.contains_key(&dependency.pkg) {
                found.insert(dependency.pkg.clone(), id.clone());
                queue.push_back(dependency.pkg.clone());
            }
        }
    }
    found
}

fn is_impure(name: &str) -> bool {
    IMPURE
        .iter()
        .any(|banned| name == *banned || (banned.ends_with('-') && name.starts_with(banned)))
}

#[test]
fn pure_crates_see_no_outside_world() {
    let metadata = metadata();
    let mut findings = Vec::new();
    for package in members(&metadata).iter().filter(|p| room(&p.name).pure) {
        let linked = linked(&metadata, &package.id);
        assert!(
            !linked.is_empty(),
            "{} has no dependency at all: is the walk broken?",
            package.name
        );
        for (id, parent) in &linked {
            let name = &metadata[id].name;
            if is_impure(name) {
                findings
                    .push(format!("{}: {name}, through {}", package.name, metadata[parent].name));
            }
        }
    }
    assert_none(&findings, "a pure crate links a crate that reaches outside");
}

#[test]
fn the_banned_names_are_told_from_their_neighbours() {
    for name in ["tokio", "tokio-util", "aws-config", "kube", "kube-client", "rand"] {
        assert!(is_impure(name), "{name}");
    }
    for name in ["kube-core", "kube-derive", "k8s-openapi", "rand_core", "serde"] {
        assert!(!is_impure(name), "{name}");
    }
}

#[test]
fn one_tls_stack() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("Cargo.lock");
    let findings: Vec<_> = lock
        .lines()
        .filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
        // openssl-probe links nothing: it knows where systems keep their certificates.
        .filter(|name| *name != "openssl-probe")
        .filter(|name| {
            name.starts_with("aws-lc") || name.starts_with("openssl") || *name == "native-tls"
        })
        .map(str::to_owned)
        .collect();
    assert_none(&findings, "Cargo.lock holds a second TLS stack (rustls with ring is ours)");
}

fn manifest(path: &Path) -> toml::Table {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.parse().unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The dependency tables of a manifest, those under `[target.*]` included.
fn dependency_tables(manifest: &toml::Table) -> Vec<(String, &toml::Table)> {
    let targets = manifest.get("target").and_then(toml::Value::as_table).into_iter().flatten();
    let places = std::iter::once((String::new(), manifest)).chain(
        targets.filter_map(|(name, value)| Some((format!("target.{name}."), value.as_table()?))),
    );
    let mut tables = Vec::new();
    for (prefix, place) in places {
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            if let Some(table) = place.get(kind).and_then(toml::Value::as_table) {
                tables.push((format!("{prefix}{kind}"), table));
            }
        }
    }
    tables
}

fn is_inherited(value: Option<&toml::Value>) -> bool {
    value.and_then(|v| v.get("workspace")).and_then(toml::Value::as_bool) == Some(true)
}

#[test]
fn versions_stand_in_the_root_manifest_only() {
    let mut findings = Vec::new();
    let mut used = BTreeSet::new();
    for room in ROOMS {
        let manifest = manifest(&root().join(room.folder).join("Cargo.toml"));
        let package = manifest["package"].as_table().expect("[package] is a table");
        for key in ["version", "edition", "rust-version", "license", "publish"] {
            if !is_inherited(package.get(key)) {
                findings.push(format!("{}: package.{key} is not inherited", room.name));
            }
        }
        if !is_inherited(manifest.get("lints")) {
            findings.push(format!("{}: lints are not inherited", room.name));
        }
        for (table, dependencies) in dependency_tables(&manifest) {
            for (name, value) in dependencies {
                used.insert(name.clone());
                let elsewhere =
                    ["version", "path", "git", "registry"].iter().find(|k| value.get(k).is_some());
                if !is_inherited(Some(value)) || elsewhere.is_some() {
                    findings
                        .push(format!("{}: {table}.{name} is not `workspace = true`", room.name));
                }
            }
        }
    }
    let workspace = manifest(&root().join("Cargo.toml"));
    let declared = workspace["workspace"]["dependencies"].as_table().expect("a table");
    for name in declared.keys().filter(|name| !used.contains(*name)) {
        // The workspace's own crates are declared as soon as they exist.
        if !ROOMS.iter().any(|room| room.name == name) {
            findings.push(format!("root: {name} is declared and nobody uses it"));
        }
    }
    assert_none(&findings, "manifests hold what belongs into the root Cargo.toml");
}

/// All files below a folder, `target` folders left out.
fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    for entry in entries {
        let entry = entry.expect("an entry of a folder");
        let kind = entry.file_type().expect("the kind of an entry");
        if kind.is_dir() && entry.file_name() != "target" {
            files_below(&entry.path(), found);
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
}

/// All Rust files of all crates, named from the root, each once.
fn rust_files() -> BTreeSet<PathBuf> {
    let root = root();
    let mut found = Vec::new();
    for room in ROOMS {
        files_below(&root.join(room.folder), &mut found);
    }
    found
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .map(|path| path.strip_prefix(&root).expect("below the root").into())
        .collect()
}

#[test]
fn names_say_what_is_inside() {
    let findings: Vec<_> = rust_files()
        .iter()
        .filter(|path| {
            path.with_extension("")
                .components()
                .filter_map(|part| part.as_os_str().to_str())
                .any(|part| EMPTY_NAMES.contains(&part))
        })
        .map(|path| path.display().to_string())
        .collect();
    assert_none(&findings, "a file or folder has a name that says nothing");
}

/// True for files that hold nothing but tests, benchmarks or examples.
fn is_test_file(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem == "tests")
        || path.components().skip(1).any(|part| {
            ["tests", "benches", "examples"].iter().any(|folder| part.as_os_str() == *folder)
        })
}

#[test]
fn files_are_short_enough_to_be_read() {
    let files = rust_files();
    assert!(files.len() > ROOMS.len(), "only {} Rust files found", files.len());
    let mut findings = Vec::new();
    for path in files.iter().filter(|path| !is_test_file(path)) {
        let text = fs::read_to_string(root().join(path)).expect("a readable source file");
        let lines = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count();
        let allowed = LONG_FILES.iter().any(|(name, _)| Path::new(name) == path);
        if lines > MAX_LINES && !allowed {
            findings.push(format!("{}: {lines} lines, {MAX_LINES} allowed", path.display()));
        }
        assert!(lines > MAX_LINES || !allowed, "{}: not long any more", path.display());
    }
    assert_none(&findings, "a source file is too long");
}

#[test]
fn every_crate_says_why_it_exists() {
    let metadata = metadata();
    let mut findings = Vec::new();
    for package in members(&metadata) {
        for target in &package.targets {
            let text = fs::read_to_string(&target.src_path).expect("a readable source file");
            let paragraph = text.lines().find(|line| !line.is_empty()).unwrap_or_default();
            if paragraph.strip_prefix("//! ").is_none_or(|words| words.len() <= 20) {
                findings.push(target.src_path.to_string());
            }
        }
    }
    assert_none(&findings, "a crate does not begin with a paragraph that says why it exists");
}

/// Files that git knows, from the root; `None` where this is no clone or git is missing.
fn tracked_files() -> Option<Vec<PathBuf>> {
    let output = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output().ok()?;
    let listed = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
    Some(listed.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect())
}

#[test]
fn no_file_knows_the_machine_it_was_made_on() {
    let Some(files) = tracked_files() else {
        println!("SKIPPED no_file_knows_the_machine_it_was_made_on: not a git clone");
        return;
    };
    assert!(files.len() > 100, "git lists only {} files", files.len());

    // Written in pieces, so that this file does not find itself.
    let paths = [concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/ho", "me/")];
    // Settings that send a package client to a registry of somebody's own.
    let mirrors = [
        concat!("replace", "-with"),
        concat!("index", "-url"),
        concat!("GOPROXY", "=http"),
        concat!("registry", "=http"),
    ];
    let mut findings = Vec::new();
    for path in files {
        // A file may be deleted and not committed yet.
        let Ok(text) = fs::read_to_string(root().join(&path)) else { continue };
        for (number, line) in text.lines().enumerate() {
            for needle in paths.iter().chain(&mirrors) {
                if line.contains(needle) {
                    findings.push(format!("{}:{}: {needle}", path.display(), number + 1));
                }
            }
        }
    }
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("Cargo.lock");
    let public = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    for line in lock.lines().filter(|line| line.starts_with("source = ") && *line != public) {
        findings.push(format!("Cargo.lock: {line}"));
    }
    assert_none(&findings, "a tracked file holds a path of one machine or a registry of its own");
}
