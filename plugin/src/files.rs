//! Writing files so that nobody ever sees half of one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Who may do what with a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// As the file that is replaced, or as the user's umask says.
    Kept,
    /// Also executable.
    Executable,
    /// Only the user may read it.
    Private,
}

/// One file to write.
#[derive(Debug)]
pub(crate) struct Write {
    /// Where to.
    pub(crate) path: PathBuf,
    /// All of its content.
    pub(crate) text: String,
}

/// A batch of files of which some could not be written.
#[derive(Debug)]
pub(crate) struct Incomplete {
    /// These are written.
    pub(crate) written: Vec<PathBuf>,
    /// This one failed; it and the following ones are as they were.
    pub(crate) failed: PathBuf,
    /// Why.
    pub(crate) cause: io::Error,
}

impl std::fmt::Display for Incomplete {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot write {}: {}; ", self.failed.display(), self.cause)?;
        if self.written.is_empty() {
            return f.write_str("nothing was written");
        }
        f.write_str("already written:")?;
        self.written.iter().try_for_each(|path| write!(f, "\n  {}", path.display()))
    }
}

impl std::error::Error for Incomplete {}

/// Writes one file, whole or not at all.
pub(crate) fn write(path: &Path, text: &str, access: Access) -> io::Result<()> {
    Staged::new(path, text, access)?.commit()
}

/// Writes a batch. Everything is on the disk under temporary names before the first file gets its
/// real one, so a full disk or a missing permission changes nothing.
pub(crate) fn write_all(batch: &[Write]) -> Result<(), Incomplete> {
    let failed = |written: &[&Write], file: &Write, cause| Incomplete {
        written: written.iter().map(|file| file.path.clone()).collect(),
        failed: file.path.clone(),
        cause,
    };
    let mut staged = Vec::with_capacity(batch.len());
    for file in batch {
        let stage = Staged::new(&file.path, &file.text, Access::Kept)
            .map_err(|cause| failed(&[], file, cause))?;
        staged.push((file, stage));
    }
    let mut written = Vec::with_capacity(batch.len());
    for (file, stage) in staged {
        stage.commit().map_err(|cause| failed(&written, file, cause))?;
        written.push(file);
    }
    Ok(())
}

/// A file under a temporary name; gone when dropped.
struct Staged {
    temporary: PathBuf,
    target: PathBuf,
    done: bool,
}

impl Staged {
    fn new(path: &Path, text: &str, access: Access) -> io::Result<Self> {
        // A symbolic link stays one: the file that it points to is replaced.
        let target = match fs::canonicalize(path) {
            Ok(target) => target,
            Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
            Err(error) => return Err(error),
        };
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder {
            fs::create_dir_all(folder)?;
        }
        let existing = fs::metadata(&target).ok();
        if existing.as_ref().is_some_and(|file| !file.is_file()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        if existing.as_ref().is_some_and(|file| file.permissions().readonly()) {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the file is read-only"));
        }
        let (temporary, mut file) = open_beside(&target)?;
        let staged = Self { temporary, target, done: false };
        if access == Access::Private {
            make_private(&file)?;
        }
        file.write_all(text.as_bytes())?;
        if let Some(existing) = existing {
            file.set_permissions(existing.permissions())?;
            // It may be the only copy of what it replaces: it must outlive a power cut.
            file.sync_all()?;
        }
        if access == Access::Executable {
            make_executable(&file)?;
        }
        Ok(staged)
    }

    fn commit(mut self) -> io::Result<()> {
        fs::rename(&self.temporary, &self.target)?;
        self.done = true;
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.done {
            // Nothing more can be done about a temporary file that cannot be removed.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Opens a new file in the same folder, because a rename is atomic only there.
fn open_beside(target: &Path) -> io::Result<(PathBuf, File)> {
    let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let process = std::process::id();
    let mut attempt = 0_u32;
    loop {
        let path = target.with_file_name(format!(".{name}.{process}-{attempt}.tmp"));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 100 => {
                attempt += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

#[cfg(unix)]
fn make_executable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut permissions = file.metadata()?.permissions();
    // Executable for whoever may read it.
    let mode = permissions.mode();
    permissions.set_mode(mode | ((mode & 0o444) >> 2));
    file.set_permissions(permissions)
}

#[cfg(unix)]
fn make_private(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn make_private(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn make_executable(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_that_cannot_be_staged_changes_nothing() {
        let folder = crate::testing::folder();
        let first = folder.path().join("a.yaml");
        fs::write(&first, "old").unwrap();
        fs::create_dir(folder.path().join("b.yaml")).unwrap();
        let batch = ["a.yaml", "b.yaml"]
            .map(|name| Write { path: folder.path().join(name), text: "new".into() });
        let error = write_all(&batch).unwrap_err();
        assert!(error.written.is_empty());
        assert_eq!(error.failed, folder.path().join("b.yaml"));
        assert_eq!(fs::read_to_string(first).unwrap(), "old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "temporary files are gone");
    }

    #[cfg(unix)]
    #[test]
    fn permissions_and_symbolic_links_survive() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = crate::testing::folder();
        let file = folder.path().join("real.yaml");
        let link = folder.path().join("link.yaml");
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write(&link, "new", Access::Kept).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    }
}
