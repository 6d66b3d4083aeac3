//! Folders with manifests, and the binary at work in them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A folder that goes away with the test.
pub(crate) struct Folder(TempDir);

/// What a run left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file, with the folders above it.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap()
    }

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path().join(name)).unwrap();
    }

    /// All files below a part of the folder, hidden ones too, named from there.
    pub(crate) fn tree(&self, part: &str) -> BTreeMap<String, Vec<u8>> {
        fn walk(folder: &Path, root: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, root, found);
                } else {
                    let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                    found.insert(name, fs::read(&path).unwrap());
                }
            }
        }
        let mut found = BTreeMap::new();
        let root = self.path().join(part);
        walk(&root, &root, &mut found);
        found
    }

    /// The names in [`tree`](Self::tree).
    pub(crate) fn names(&self, part: &str) -> Vec<String> {
        self.tree(part).into_keys().collect()
    }

    /// Runs the binary in the folder, its arguments split at blanks.
    pub(crate) fn run(&self, args: &str) -> Ran {
        self.run_with(args, "")
    }

    /// The same with something on stdin.
    pub(crate) fn run_with(&self, args: &str, stdin: impl AsRef<[u8]>) -> Ran {
        let mut child = command()
            .args(args.split_whitespace())
            .current_dir(self.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A run that stops before it reads is no error here.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_ref());
        let output = child.wait_with_output().unwrap();
        Ran {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The binary in a plain environment.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-extsecret"));
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS"] {
        command.env_remove(variable);
    }
    command
}

impl Ran {
    /// The summary: the last line on stderr.
    pub(crate) fn summary(&self) -> &str {
        self.stderr.lines().last().unwrap_or_default()
    }

    /// True when a diagnostic with this code is shown at this place.
    pub(crate) fn shows(&self, code: &str, place: &str) -> bool {
        self.stderr.split("\n\n").any(|block| {
            block.contains(&format!("[{code}]")) && block.contains(&format!("--> {place}"))
        })
    }
}

/// A KES object that converts.
pub(crate) fn kes(name: &str, namespace: &str) -> String {
    format!(
        "apiVersion: kubernetes-client.io/v1\n\
         kind: ExternalSecret\n\
         metadata:\n  name: {name}\n  namespace: {namespace}\n\
         spec:\n  backendType: secretsManager\n  region: eu-west-1\n\
         \x20 data:\n  - key: path/{name}\n    name: value\n"
    )
}

/// A KES object that is refused: nothing says which region it is in.
pub(crate) fn refused(name: &str, namespace: &str) -> String {
    kes(name, namespace).replace("  region: eu-west-1\n", "")
}

/// The examples that ship with the project.
pub(crate) fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}
