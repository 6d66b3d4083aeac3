//! Folders for tests, below the target folder: a killed test leaves nothing elsewhere.

use tempfile::TempDir;

/// An empty folder, gone when dropped.
pub(crate) fn folder() -> TempDir {
    let program = std::env::current_exe().unwrap();
    tempfile::tempdir_in(program.parent().unwrap()).unwrap()
}
