//! Parts of documents that are made of something else, each between two comments:
//! `<!-- made of NAME -->` and `<!-- end -->`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::values;

/// A document of the tree, as it should be.
#[derive(Debug)]
pub struct Document {
    /// Its file.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

impl Document {
    /// Whether the file says so already.
    pub fn is_fresh(&self) -> bool {
        fs::read_to_string(&self.path).is_ok_and(|text| text == self.text)
    }

    /// Writes the file.
    ///
    /// # Errors
    /// If that fails.
    pub fn write(&self) -> anyhow::Result<()> {
        fs::write(&self.path, &self.text)
            .with_context(|| format!("cannot write {}", self.path.display()))
    }
}

/// Every document with such parts. `root` is the repository.
///
/// # Errors
/// If one cannot be read, or lacks the place for its part.
pub fn documents(root: &Path) -> anyhow::Result<Vec<Document>> {
    let values = read(&root.join("controller/chart/values.yaml"))?;
    let table = values::table(&values)?;
    Ok(vec![document(&root.join("controller/chart/README.md"), "values.yaml", &table)?])
}

/// A document with a part replaced.
fn document(path: &Path, source: &str, part: &str) -> anyhow::Result<Document> {
    let text = read(path)?;
    let begin = format!("<!-- made of {source} -->\n");
    let place = || format!("{} has no `{}`", path.display(), begin.trim_end());
    let (before, rest) = text.split_once(&begin).with_context(place)?;
    let (_, after) = rest.split_once("<!-- end -->").with_context(place)?;
    let text = format!("{before}{begin}\n{}\n\n<!-- end -->{after}", part.trim_end());
    Ok(Document { path: path.to_owned(), text })
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
