//! `dist`: builds what is released, each part by a command of its own, into one folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::{Args, Parser, Subcommand};
use extsecret_dist::platform::{PLATFORMS, Platform};
use extsecret_dist::{archive, chart, docs, manifest};

/// Builds what is released
#[derive(Debug, Parser)]
#[command(name = "dist", version)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The archive of the plugin for one platform
    Archive {
        /// Such as linux/amd64
        #[arg(long, value_parser = platform, value_name = "OS/ARCH")]
        platform: &'static Platform,
        /// The plugin, which has to run here
        #[arg(long, value_name = "FILE")]
        binary: PathBuf,
        #[command(flatten)]
        out: Out,
    },
    /// krew's manifest, and the sums of the archives
    Manifest {
        /// Where the archives will be
        #[arg(long, value_name = "URL")]
        uri: String,
        /// Every platform has to be there
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        out: Out,
    },
    /// The controller's chart, with the definitions
    Chart {
        /// Helm
        #[arg(long, default_value = "helm", value_name = "PROGRAM")]
        helm: PathBuf,
        #[command(flatten)]
        out: Out,
    },
    /// The parts of documents that are made of something else
    Docs {
        /// Only say which are stale
        #[arg(long)]
        check: bool,
        /// The plugin, freshly built
        #[arg(long, default_value = "target/debug/kubectl-extsecret", value_name = "FILE")]
        plugin: PathBuf,
        /// The controller, freshly built
        #[arg(long, default_value = "target/debug/extsecret-controller", value_name = "FILE")]
        controller: PathBuf,
    },
}

#[derive(Args, Debug)]
struct Out {
    /// The folder that it goes to
    #[arg(long, default_value = "target/dist", value_name = "FOLDER")]
    out: PathBuf,
}

impl Out {
    fn folder(self) -> anyhow::Result<PathBuf> {
        let Self { out } = self;
        fs::create_dir_all(&out).with_context(|| format!("cannot create {}", out.display()))?;
        Ok(out)
    }
}

fn platform(name: &str) -> Result<&'static Platform, String> {
    Platform::named(name).ok_or_else(|| {
        let all: Vec<_> = PLATFORMS.iter().map(|it| format!("{}/{}", it.os, it.arch)).collect();
        format!("give one of {}", all.join(", "))
    })
}

fn main() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    match Arguments::parse().what {
        What::Archive { platform, binary, out } => {
            archive::write(&root, platform, &binary, &out.folder()?)?;
        }
        What::Manifest { uri, all, out } => {
            manifest::write(&root, &out.folder()?, uri.trim_end_matches('/'), all)?;
        }
        What::Chart { helm, out } => {
            chart::package(&root, &out.folder()?, &helm)?;
        }
        What::Docs { check, plugin, controller } => {
            let programs = docs::Programs { plugin: &plugin, controller: &controller };
            let mut stale = docs::documents(&root, &programs)?;
            stale.retain(|document| !document.is_fresh());
            if check {
                let names: Vec<_> = stale.iter().map(|it| it.path.display().to_string()).collect();
                ensure!(names.is_empty(), "stale: {}; run `dist docs`", names.join(", "));
            }
            for document in stale {
                document.write()?;
            }
        }
    }
    Ok(())
}
