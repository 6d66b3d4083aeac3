//! What the API takes, and what surprises all the same. One file for each rule: its code with the
//! explanation, and the check. `fixtures` holds for each a manifest that triggers it and one that
//! does not.

use extsecret_manifest::diagnostic::{Code, Diagnostic};

use crate::subject::{Manifests, Subject};

mod deletion;
mod generator_in_data;
mod interval_unreadable;
mod interval_zero;
mod no_store;
mod one_secret_twice;
mod only_find;
mod plain_text;
mod regexp;
mod region;
mod repeated_key;
mod secret_exists;
mod store_elsewhere;
mod store_missing;
mod sync_windows;
mod template_key;
mod template_syntax;
mod templates;

/// A rule.
#[derive(Debug)]
pub struct Rule {
    /// What `explain` says about it.
    pub code: &'static Code,
    /// Looks at an object, and adds what it finds.
    pub check: fn(&Subject<'_>, &Manifests<'_>, &mut Vec<Diagnostic>),
}

/// All rules, by code.
pub static ALL: &[&Rule] = &[
    &interval_zero::RULE,
    &interval_unreadable::RULE,
    &only_find::RULE,
    &regexp::RULE,
    &secret_exists::RULE,
    &store_elsewhere::RULE,
    &template_syntax::RULE,
    &template_key::RULE,
    &deletion::RULE,
    &region::RULE,
    &plain_text::RULE,
    &one_secret_twice::RULE,
    &repeated_key::RULE,
    &generator_in_data::RULE,
    &sync_windows::RULE,
    &no_store::RULE,
    &store_missing::RULE,
];
