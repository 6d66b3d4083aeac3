//! The grammar of a template: Go's `text/template/parse`.

use std::collections::BTreeMap;

use crate::ast::Tree;
use crate::error::Error;
use crate::template::Options;

/// Parses `text` into the tree called `name` and those that it defines.
pub(crate) fn parse(
    name: &str,
    _text: &[u8],
    _options: &Options,
) -> Result<BTreeMap<String, Tree>, Error> {
    let tree = Tree { name: name.into(), parse_name: name.into(), root: Vec::new() };
    Ok(BTreeMap::from([(name.to_owned(), tree)]))
}
