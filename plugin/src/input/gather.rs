//! Which files are meant by `-f` and `-R`, by kubectl's rules.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The endings that kubectl takes from a directory.
const ENDINGS: [&str; 3] = ["json", "yaml", "yml"];

/// One file of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Where it is; `None` for stdin.
    pub(crate) path: Option<PathBuf>,
    /// Its name in messages: the argument, and what was found below it.
    pub(crate) shown: String,
    /// Its place below the argument: what an output tree mirrors.
    pub(crate) relative: PathBuf,
    /// The directory given as the argument, when it was one.
    pub(crate) root: Option<PathBuf>,
    /// Why nothing can be read there.
    pub(crate) unreadable: Option<String>,
}

/// What an argument stands for.
#[derive(Debug)]
pub(crate) enum Found {
    /// A file, readable or not.
    File(Origin),
    /// A directory with nothing for us in it.
    Empty {
        /// Its name in messages.
        shown: String,
        /// What was looked for.
        why: String,
    },
}

/// All files behind the arguments, sorted by name and each once, so that the order of the
/// arguments does not matter. `except` is a directory that is not entered: the output of an
/// earlier run.
pub(crate) fn gather(arguments: &[PathBuf], recursive: bool, except: Option<&Path>) -> Vec<Found> {
    let except = except.and_then(|path| fs::canonicalize(path).ok());
    let arguments: BTreeSet<&PathBuf> = arguments.iter().collect();
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    for argument in arguments {
        let shown = shown(argument);
        if argument == Path::new("-") {
            let origin = Origin {
                path: None,
                shown: super::STDIN.to_owned(),
                relative: PathBuf::new(),
                root: None,
                unreadable: None,
            };
            found.insert(origin.shown.clone(), Found::File(origin));
        } else if argument.is_dir() {
            let mut walk =
                Walk { root: argument, recursive, except: except.as_deref(), files: Vec::new() };
            walk.enter(argument);
            if walk.files.is_empty() {
                let below = if recursive { " or below it" } else { "" };
                let mut why = format!("no .json, .yaml or .yml file in this directory{below}");
                if !recursive {
                    why.push_str("; -R also looks below it");
                }
                found.insert(shown.clone(), Found::Empty { shown, why });
            }
            for origin in walk.files {
                found.entry(origin.shown.clone()).or_insert(Found::File(origin));
            }
        } else {
            let origin = Origin {
                path: Some(argument.clone()),
                relative: argument.file_name().map(PathBuf::from).unwrap_or_default(),
                root: None,
                unreadable: None,
                shown,
            };
            found.entry(origin.shown.clone()).or_insert(Found::File(origin));
        }
    }
    once_each(found.into_values().collect())
}

/// A file reached by two names (`a.yaml` and `./a.yaml`, or a link) is read once.
fn once_each(found: Vec<Found>) -> Vec<Found> {
    let mut seen = BTreeSet::new();
    found
        .into_iter()
        .filter(|found| match found {
            Found::File(Origin { path: Some(path), .. }) => {
                fs::canonicalize(path).map_or(true, |path| seen.insert(path))
            }
            _ => true,
        })
        .collect()
}

struct Walk<'a> {
    root: &'a Path,
    recursive: bool,
    except: Option<&'a Path>,
    files: Vec<Origin>,
}

impl Walk<'_> {
    /// Links to directories are not followed, as in kubectl, so there are no loops.
    fn enter(&mut self, folder: &Path) {
        let entries = match fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
            Ok(entries) => entries,
            Err(error) => return self.push(folder, Some(error.to_string())),
        };
        for entry in entries {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if self.recursive && !self.is_excepted(&path) {
                    self.enter(&path);
                }
                continue;
            }
            let taken = path.extension().is_some_and(|e| ENDINGS.iter().any(|known| e == *known));
            // A socket or a pipe in a directory would block for ever.
            if taken && fs::metadata(&path).map_or(true, |file| file.is_file()) {
                self.push(&path, None);
            }
        }
    }

    fn is_excepted(&self, folder: &Path) -> bool {
        self.except.is_some_and(|except| fs::canonicalize(folder).is_ok_and(|path| path == except))
    }

    fn push(&mut self, path: &Path, unreadable: Option<String>) {
        self.files.push(Origin {
            path: Some(path.to_owned()),
            shown: shown(path),
            relative: path.strip_prefix(self.root).unwrap_or(path).to_owned(),
            root: Some(self.root.to_owned()),
            unreadable,
        });
    }
}

/// The path as typed, without a `./` in front and without doubled separators.
fn shown(path: &Path) -> String {
    let tidy: PathBuf = path.components().filter(|part| *part != Component::CurDir).collect();
    if tidy.as_os_str().is_empty() {
        return ".".to_owned();
    }
    tidy.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(found: &[Found]) -> Vec<String> {
        found
            .iter()
            .map(|found| match found {
                Found::File(origin) => origin.shown.clone(),
                Found::Empty { shown, .. } => format!("{shown} (empty)"),
            })
            .map(|name| name.rsplit('/').next().unwrap_or_default().to_owned())
            .collect()
    }

    #[test]
    fn directories_by_kubectls_rules() {
        let folder = crate::testing::folder();
        let root = folder.path();
        fs::create_dir_all(root.join("sub/out")).unwrap();
        for name in ["b.yml", "a.yaml", "c.json", "readme.md", "sub/d.yaml", "sub/out/e.yaml"] {
            fs::write(root.join(name), "").unwrap();
        }
        let argument = [root.to_owned()];
        assert_eq!(names(&gather(&argument, false, None)), ["a.yaml", "b.yml", "c.json"]);
        assert_eq!(
            names(&gather(&argument, true, None)),
            ["a.yaml", "b.yml", "c.json", "d.yaml", "e.yaml"]
        );
        assert_eq!(
            names(&gather(&argument, true, Some(&root.join("sub/out")))),
            ["a.yaml", "b.yml", "c.json", "d.yaml"]
        );
        // A file that is named is taken whatever its ending, and only once.
        let twice =
            [root.join("readme.md"), root.join("./readme.md"), root.join("sub/../readme.md")];
        assert_eq!(names(&gather(&twice, false, None)), ["readme.md"]);
    }

    #[test]
    fn what_is_not_there_is_still_found() {
        let folder = crate::testing::folder();
        let found = gather(&[folder.path().to_owned(), folder.path().join("no.yaml")], true, None);
        assert_eq!(names(&found).len(), 2);
        assert!(matches!(&found[0], Found::Empty { .. }));
        assert!(matches!(&found[1], Found::File(_)));
    }

    #[cfg(unix)]
    #[test]
    fn links_to_directories_are_not_followed() {
        let folder = crate::testing::folder();
        fs::write(folder.path().join("a.yaml"), "").unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("loop")).unwrap();
        std::os::unix::fs::symlink("a.yaml", folder.path().join("z.yaml")).unwrap();
        assert_eq!(names(&gather(&[folder.path().to_owned()], true, None)), ["a.yaml"]);
    }
}
