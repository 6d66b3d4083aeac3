//! A parsed template, ready to be executed any number of times.

use std::collections::BTreeMap;

use crate::ast::Tree;
use crate::environment::Environment;
use crate::error::Error;
use crate::limits::Limits;
use crate::value::Value;
use crate::{exec, parse};

/// What stands around actions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delimiters {
    /// `{{` in Go.
    pub left: String,
    /// `}}` in Go.
    pub right: String,
}

impl Default for Delimiters {
    fn default() -> Self {
        Self { left: "{{".into(), right: "}}".into() }
    }
}

/// What a map without the wanted key means. Go's `missingkey` option.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingKey {
    /// `<no value>`, Go's default and ESO's for `rewrite.transform`.
    #[default]
    Invalid,
    /// An error, as ESO has it for everything that is written to a Secret.
    Error,
}

/// How to parse and execute.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Custom delimiters.
    pub delimiters: Delimiters,
    /// What to do about missing keys.
    pub missing_key: MissingKey,
    /// The template's own text is secret (it comes from a Secret): errors must not quote it.
    pub secret_text: bool,
}

/// A template and the templates that it defines.
#[derive(Clone, Debug)]
pub struct Template {
    pub(crate) name: String,
    pub(crate) text: Vec<u8>,
    /// By name, which a quoted string in the template can make of any bytes.
    pub(crate) trees: BTreeMap<Vec<u8>, Tree>,
    pub(crate) options: Options,
}

impl Template {
    /// Parses a template. `name` stands in errors, as in Go.
    ///
    /// # Errors
    /// What Go's `Parse` refuses, in its words, and functions this engine does not support.
    pub fn parse(name: &str, text: &[u8], options: Options) -> Result<Self, Error> {
        let trees = parse::parse(name, text, &options)?;
        Ok(Self { name: name.to_owned(), text: text.to_owned(), trees, options })
    }

    /// Executes the template on `data` and returns what it wrote.
    ///
    /// # Errors
    /// What Go's `Execute` fails on, in its words, and the limits.
    pub fn execute(
        &self,
        data: &Value,
        environment: &mut dyn Environment,
        limits: &Limits,
    ) -> Result<Vec<u8>, Error> {
        exec::execute(self, data, environment, limits)
    }
}
