//! The state directory: the key of the fingerprints, what comparisons have found, and full copies of
//! the KES objects. No value is in it. Without it a hand-over goes on all the same: everything is
//! compared anew.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extsecret_migrate::handover::{Checked, Key, Pair, copy};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock;
use crate::files::{self, Access};

/// A state directory.
pub(crate) struct State {
    /// `None` where nothing is written.
    folder: Option<PathBuf>,
    pub(crate) key: Key,
}

/// How long a comparison holds: the backend may have another value by then.
const FRESH: SignedDuration = SignedDuration::from_hours(1);

/// The file of a Secret with its comparison.
const CHECKED: &str = "checked.json";

/// A comparison, and when it was made.
#[derive(Deserialize, Serialize)]
struct Comparison {
    at: Timestamp,
    #[serde(flatten)]
    found: Checked,
}

/// What stands in its first file.
#[derive(Deserialize, Serialize)]
struct Head {
    /// The uid of the namespace kube-system: what tells one cluster from another.
    cluster: String,
    /// The key of the fingerprints, base64.
    key: String,
}

impl State {
    /// One that keeps nothing.
    pub(crate) fn nowhere() -> anyhow::Result<Self> {
        Ok(Self { folder: None, key: Key::new(random()?) })
    }

    /// The one that is there, if it is, and to read only.
    pub(crate) fn look(folder: &Path, cluster: &str) -> anyhow::Result<Self> {
        match key(folder, cluster)? {
            Some(key) => Ok(Self { folder: Some(folder.to_owned()), key }),
            None => Self::nowhere(),
        }
    }

    /// The one that is there, or a new one.
    pub(crate) fn open(folder: &Path, cluster: &str) -> anyhow::Result<Self> {
        if let Some(key) = key(folder, cluster)? {
            return Ok(Self { folder: Some(folder.to_owned()), key });
        }
        let bytes = random()?;
        let head = Head { cluster: cluster.to_owned(), key: STANDARD.encode(bytes) };
        private(&folder.join(HEAD), &(serde_json::to_string_pretty(&head)? + "\n"))?;
        Ok(Self { folder: Some(folder.to_owned()), key: Key::new(bytes) })
    }

    /// What a comparison has found, not long ago. One that cannot be read was not made.
    pub(crate) fn checked(&self, pair: &Pair) -> Option<Checked> {
        let text = fs::read_to_string(self.path(pair, CHECKED)?).ok()?;
        let Comparison { at, found } = serde_json::from_str(&text).ok()?;
        let age = clock::now().duration_since(at);
        (SignedDuration::ZERO..FRESH).contains(&age).then_some(found)
    }

    /// Keeps what a comparison has found.
    pub(crate) fn check(&self, pair: &Pair, found: Checked) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(&Comparison { at: clock::now(), found })? + "\n";
        self.path(pair, CHECKED).map_or(Ok(()), |path| private(&path, &text))
    }

    /// Forgets it: after a way back everything is compared anew.
    pub(crate) fn uncheck(&self, pair: &Pair) -> anyhow::Result<()> {
        let Some(path) = self.path(pair, CHECKED) else { return Ok(()) };
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot delete {}", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// Keeps a full copy of a KES object.
    pub(crate) fn keep(&self, pair: &Pair, old: &Value) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(&copy::clean(old))? + "\n";
        self.path(pair, "kes.json").map_or(Ok(()), |path| private(&path, &text))
    }

    fn path(&self, pair: &Pair, file: &str) -> Option<PathBuf> {
        let folder = self.folder.as_ref()?;
        Some(folder.join(&pair.namespace).join(&pair.secret).join(file))
    }
}

/// The file with the key.
const HEAD: &str = "handover.json";

fn key(folder: &Path, cluster: &str) -> anyhow::Result<Option<Key>> {
    let path = folder.join(HEAD);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    // What serde says may quote the key.
    let Ok(head) = serde_json::from_str::<Head>(&text) else {
        bail!("{} is not as it was written: move it away, and run again", path.display());
    };
    if head.cluster != cluster {
        bail!(
            "{} is about another cluster: choose another folder with --state-dir",
            folder.display()
        );
    }
    let bytes = STANDARD.decode(&head.key).ok().and_then(|bytes| bytes.try_into().ok());
    match bytes {
        Some(bytes) => Ok(Some(Key::new(bytes))),
        None => bail!("{} holds no key: move it away, and run again", path.display()),
    }
}

fn random() -> anyhow::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
    Ok(bytes)
}

fn private(path: &Path, text: &str) -> anyhow::Result<()> {
    files::write(path, text, Access::Private)
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pair() -> Pair {
        Pair { namespace: "shop".into(), secret: "db".into(), new: "db".into() }
    }

    #[test]
    fn it_belongs_to_one_cluster_and_keeps_its_key() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("state");
        let data = json!({ "a": "YQ==" });
        let state = State::open(&folder, "one").unwrap();
        let before = state.key.of_data(&pair(), &data);
        let again = State::look(&folder, "one").unwrap();
        assert_eq!(again.key.of_data(&pair(), &data), before);
        assert!(State::open(&folder, "two").is_err());
        fs::write(folder.join(HEAD), "{}").unwrap();
        assert!(State::open(&folder, "one").is_err());
        let new = State::look(&dir.path().join("none"), "one").unwrap();
        assert_ne!(new.key.of_data(&pair(), &data), before);
        assert!(!dir.path().join("none").exists());
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(dir.path(), "one").unwrap();
        let object = json!({ "metadata": { "name": "db", "uid": "u" }, "status": {} });
        state.keep(&pair(), &object).unwrap();
        for file in ["handover.json", "shop/db/kes.json"] {
            let mode = fs::metadata(dir.path().join(file)).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{file}");
        }
        let kept = fs::read_to_string(dir.path().join("shop/db/kes.json")).unwrap();
        assert!(!kept.contains("uid") && !kept.contains("status"), "{kept}");
    }
}
