//! Any text as a Helm template that is converted as it is.
//!
//! Whatever comes in: nothing panics, the masked text has the places of the file, and a conversion
//! is a template again in which every action of the file stands as often as before, and all text
//! around the objects that were converted stands as it was.

#![no_main]

use std::collections::BTreeMap;

use extsecret_manifest::helm::{HelmFile, StandIns, printed_as_it_is};
use extsecret_manifest::read::Limits;
use extsecret_manifest::source::{FileId, SourceFile};
use extsecret_manifest::write::write;
use extsecret_migrate::helm::settle;
use extsecret_migrate::{Context, FileHints, Migrator, Options, Outcome};
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let Ok(text) = std::str::from_utf8(bytes) else { return Corpus::Reject };
    let limits = Limits { max_nodes: 20_000, ..Limits::default() };
    let _ = printed_as_it_is(text);

    let mut words = StandIns::default();
    let source = SourceFile::new("chart.yaml", text);
    let Ok(file) = HelmFile::read(FileId(0), &source, &mut words, &limits) else {
        return Corpus::Keep;
    };
    let masked = file.masked.text();
    assert_eq!(masked.len(), text.len());
    for document in &file.documents {
        if let Some(region) = file.region(document.index) {
            assert!(text.get(region.range()).is_some());
        }
        if let Some(node) = document.node() {
            let _ = words.restore(&write(node), &limits);
        }
    }

    let options = Options { helm_escape: true, ..Options::default() };
    let mut migrator = Migrator::new(&Context::default(), &options);
    migrator.add_helm(FileId(0), &file, &words, FileHints::default());
    let mut migration = migrator.finish();
    let files = BTreeMap::from([(FileId(0), file)]);
    let mut edited = settle(&mut migration, &words, &files, &limits);
    let Some(edited) = edited.remove(&FileId(0)) else { return Corpus::Keep };
    assert!(migration.count(Outcome::Converted) > 0);
    let mut again = StandIns::default();
    let source = SourceFile::new("edited.yaml", edited.text.as_str());
    HelmFile::read(FileId(0), &source, &mut again, &limits)
        .unwrap_or_else(|error| panic!("{error}\n{text}\nbecame\n{}", edited.text));
    let mut rest = edited.text.as_str();
    let mut end = 0;
    for replacement in &edited.replacements {
        let kept = &text[end..replacement.span.range().start];
        let at = rest.find(kept).unwrap_or_else(|| panic!("{kept:?} of {text}\nin {rest}"));
        rest = &rest[at + kept.len()..];
        end = replacement.span.range().end;
    }
    assert!(rest.ends_with(&text[end..]), "{text}\nbecame\n{}", edited.text);
    Corpus::Keep
});
