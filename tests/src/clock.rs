//! The wall clock of a controller, which jumps as a machine's does whose time somebody sets.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

use crate::tools;

/// What is preloaded.
const SOURCE: &str = include_str!("clock.c");

/// A clock that processes share.
#[derive(Debug)]
pub struct Clock {
    library: PathBuf,
    /// Two numbers: by how many seconds it is ahead, and how many processes have had it.
    file: PathBuf,
    shared: File,
}

impl Clock {
    /// One that is right. `file` is where it is kept.
    ///
    /// # Errors
    /// If the library that moves it cannot be built, or the file not be written.
    pub fn start(file: PathBuf) -> anyhow::Result<Self> {
        let library = library()?;
        fs::write(&file, [0; 16]).with_context(|| format!("writing {}", file.display()))?;
        let shared = File::options().read(true).write(true).open(&file)?;
        Ok(Self { library, file, shared })
    }

    /// What a process needs in its environment.
    pub fn environment(&self) -> [(&'static str, OsString); 2] {
        [("LD_PRELOAD", self.library.clone().into()), ("TEST_CLOCK", self.file.clone().into())]
    }

    /// Sets it so many seconds ahead of what is right.
    ///
    /// # Errors
    /// If its file cannot be written.
    pub fn set(&self, seconds: i64) -> anyhow::Result<()> {
        self.shared.write_all_at(&seconds.to_ne_bytes(), 0).context("setting the clock")
    }

    /// How many processes have had it: one that is linked statically has not.
    ///
    /// # Errors
    /// If its file cannot be read.
    pub fn users(&self) -> anyhow::Result<i64> {
        let mut bytes = [0; 8];
        self.shared.read_exact_at(&mut bytes, 8).context("reading the clock")?;
        Ok(i64::from_ne_bytes(bytes))
    }
}

/// Builds what is preloaded, with the C compiler that Rust links with.
fn library() -> anyhow::Result<PathBuf> {
    let folder = tools::target_dir().join("clock");
    fs::create_dir_all(&folder)?;
    // Others may be building it, too.
    let mine = |name: &str| folder.join(format!("{}.{name}", std::process::id()));
    let (source, built, library) = (mine("c"), mine("so"), folder.join("clock.so"));
    fs::write(&source, SOURCE)?;
    let result = compile(&source, &built);
    fs::remove_file(&source)?;
    result?;
    fs::rename(&built, &library)?;
    Ok(library)
}

fn compile(source: &Path, to: &Path) -> anyhow::Result<()> {
    let made = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([to, source])
        .arg("-ldl")
        .output()
        .context("running cc, the C compiler that Rust links with")?;
    ensure!(made.status.success(), "cc: {}", String::from_utf8_lossy(&made.stderr));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(clock: &Clock) -> i64 {
        let asked = Command::new("date").arg("+%s").envs(clock.environment()).output().unwrap();
        String::from_utf8(asked.stdout).unwrap().trim().parse().unwrap()
    }

    #[test]
    fn it_jumps_for_those_that_have_it() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::start(folder.path().join("clock")).unwrap();
        let before = date(&clock);
        clock.set(-7200).unwrap();
        let behind = date(&clock);
        assert!((7000..=7200).contains(&(before - behind)), "{before}, then {behind}");
        assert_eq!(clock.users().unwrap(), 2);
    }
}
