//! Any bytes as the arguments of any function of templates: addresses, versions and their ranges,
//! dates, layouts and zones, durations, numbers, encodings, paths.
//!
//! The first byte chooses the function, what follows are up to three texts with NUL bytes between
//! them. Whatever comes in: nothing panics, the limits hold, the same input has the same result, and
//! no error shows a value.

#![no_main]

mod fixed;

use std::sync::LazyLock;

use fixed::Fixed;
use gotemplate::{ErrorKind, Limits, Options, Template, Value, funcs};
use libfuzzer_sys::{Corpus, fuzz_target};

/// More than one call, or arguments that are no texts.
const MORE: &[&str] = &[
    "{{ urlParse .x | urlJoin }}",
    "{{ $v := semver .x }}{{ $v.IncMajor }}{{ $v.IncPatch }}{{ $v.Compare (semver .y) }}",
    "{{ (mustToDate .x .y).Format .z }}",
    "{{ date .x 1700000000 }}{{ htmlDate 0 }}",
    "{{ dateInZone .x 1700000000 .y }}",
    "{{ dateModify .x now }}{{ durationRound .x }}",
    "{{ atoi .x | add 1 }}{{ int64 .x }}{{ float64 .x | round 2 }}{{ toDecimal .x }}",
    "{{ printf .x .y .z 1 2.5 (list .y) }}",
    "{{ $d := dict .x .y }}{{ get $d .z }}{{ dig .x .z $d }}{{ toJson $d | fromJson | toYaml }}",
    "{{ fromYaml .x | toYaml }}{{ fromJson .y | toJson }}",
    "{{ splitList .x .y | join .z }}{{ split .x .y }}{{ splitn .x 3 .y }}",
    "{{ trunc 3 .x }}{{ trunc -3 .x }}{{ substr 1 4 .x }}{{ abbrev 5 .x }}{{ wrap 3 .x }}",
    "{{ indent 2 .x }}{{ cat .x .y }}{{ replace .x .y .z }}{{ untitle .x | title }}",
    "{{ encryptAES .x .y | decryptAES .x }}",
    "{{ htpasswd .x .y .z }}{{ derivePassword 1 \"long\" .x .y .z }}",
];

/// Functions that cost much and read nothing.
const SLOW: &[&str] = &["bcrypt", "derivePassword", "genCA", "genPrivateKey", "genSelfSignedCert"];

/// A word that a value may have and no message.
const SECRET_WORD: &str = "qzjxkvwq";

/// Small, so that an input that eats time or memory stands out as slow.
const LIMITS: Limits =
    Limits { steps: 20_000, output_bytes: 64 << 10, value_bytes: 1 << 20, depth: 20 };

/// Each function with one, two and three texts, and [`MORE`].
static TEMPLATES: LazyLock<Vec<Template>> = LazyLock::new(|| {
    let names = funcs::names().filter(|name| !SLOW.contains(name));
    let calls = names.flat_map(|name| {
        [".x", ".x .y", ".x .y .z"].map(|arguments| format!("{{{{ {name} {arguments} }}}}"))
    });
    let calls = calls.chain(MORE.iter().map(|&call| call.to_owned()));
    // Go refuses some of them before they run.
    calls
        .filter_map(|call| Template::parse("t", call.as_bytes(), Options::default()).ok())
        .collect()
});

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let [high, low, rest @ ..] = bytes else { return Corpus::Reject };
    let chosen = usize::from(u16::from_be_bytes([*high, *low]));
    let Some(template) = TEMPLATES.get(chosen) else { return Corpus::Reject };
    let mut texts = rest.splitn(3, |byte| *byte == 0).map(|text| text.to_vec());
    let mut next = || texts.next().unwrap_or_default();
    let (x, y, z) = (next(), next(), next());
    let data = Value::string_map([("x", &*x), ("y", &*y), ("z", &*z)]);
    let run = || template.execute(&data, &mut Fixed(1), &LIMITS);
    match (run(), run()) {
        (Ok(first), Ok(second)) => {
            assert_eq!(first, second);
            assert!(first.len() <= LIMITS.output_bytes);
        }
        (Err(first), Err(second)) => {
            assert_eq!(first.message.reveal(), second.message.reveal());
            assert!(!matches!(first.kind, ErrorKind::Parse | ErrorKind::Unsupported));
            let shown = format!("{first} {first:?}").to_lowercase();
            assert!(!shown.contains(SECRET_WORD), "{shown}");
        }
        (first, second) => panic!("{first:?}, then {second:?}"),
    }
    Corpus::Keep
});
