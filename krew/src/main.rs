//! `dist`: builds what is released, each part by a command of its own, into one folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::{Parser, Subcommand};
use extsecret_dist::{chart, docs};

/// Builds what is released
#[derive(Debug, Parser)]
#[command(name = "dist", version)]
struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The controller's chart, with the definitions
    Chart {
        /// The folder that it goes to
        #[arg(long, default_value = "target/dist", value_name = "FOLDER")]
        out: PathBuf,
        /// Helm
        #[arg(long, default_value = "helm", value_name = "PROGRAM")]
        helm: PathBuf,
    },
    /// The parts of documents that are made of something else
    Docs {
        /// Only say which are stale
        #[arg(long)]
        check: bool,
    },
}

fn main() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    match Args::parse().what {
        What::Chart { out, helm } => {
            fs::create_dir_all(&out).with_context(|| format!("cannot create {}", out.display()))?;
            chart::package(&root, &out, &helm)?;
        }
        What::Docs { check } => {
            let mut stale = docs::documents(&root)?;
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
