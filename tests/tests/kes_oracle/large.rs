//! Templates far larger and deeper than any that a person writes. They are translated or refused;
//! what is counted is that it ends, and that nothing is read over and over again.

use std::collections::BTreeSet;
use std::thread;

use extsecret_migrate::lodash::{self, Place, Scope, Style};

const MEGABYTE: usize = 1 << 20;

#[allow(clippy::needless_update, reason = "other fields are for other callers")]
fn scope(style: Style) -> Scope {
    let declared = BTreeSet::from(["x".to_owned(), "s".to_owned()]);
    Scope { declared, style, place: Place::Text, ..Scope::default() }
}

/// Pieces that are repeated up to a megabyte, alone or around a middle.
const REPEATED: &[(&str, &str, &str)] = &[
    ("a", "", ""),
    ("{{", "", ""),
    ("<% ", "", ""),
    ("<%= data.x %>", "", ""),
    ("${data.x}", "", ""),
    ("${", "", ""),
    ("$", "", ""),
    ("<%=", "", ""),
    ("%>", "", ""),
    ("<% } %>", "", ""),
    ("<% { %>", "", ""),
    ("<% { %>", "x", "<% } %>"),
    ("<% if (data.x) { %>", "x", "<% } %>"),
    ("<% if (data.x) { %>a<% } else { %>", "x", "<% } %>"),
    ("<% JSON.parse(data.s).arr.forEach(e => { %>", "<%= e %>", "<% }) %>"),
    ("<% let v = data.x %>", "", ""),
    ("\\", "", ""),
    ("'", "", ""),
];

/// The same inside of one tag.
const IN_A_TAG: &[(&str, &str, &str)] = &[
    ("(", "data.x", ")"),
    ("[", "", "]"),
    ("!", "data.x", ""),
    ("- ", "1", ""),
    ("{a:", "1", "}"),
    ("data.x + ", "''", ""),
    ("data.x || ", "''", ""),
    ("data.x ? ", "1", " : 0"),
    ("data.x ? 1 : ", "0", ""),
    ("`${", "data.x", "}`"),
    ("JSON.stringify(", "data.x", ")"),
    ("Buffer.from(", "data.x", ").toString('base64')"),
    ("", "data.x", ".trim()"),
    ("", "JSON.parse(data.s)", ".a"),
    ("", "JSON.parse(data.s)", "?.a"),
    ("", "data.x", ".replace(/l/g, 'x')"),
    ("/", "", ""),
    ("\"", "", ""),
    ("`", "", ""),
    ("e => ", "1", ""),
    ("/* ", "", ""),
    ("data.x, ", "1", ""),
    ("[1].map(e => ", "e", ")"),
    ("function () { return ", "1", " }"),
];

fn around((before, middle, after): (&str, &str, &str), bytes: usize) -> String {
    let times = bytes / (before.len() + after.len()).max(1);
    format!("{}{middle}{}", before.repeat(times), after.repeat(times))
}

fn ends(text: &str) {
    for style in [Style::Exact, Style::Short] {
        match lodash::translate(text, &scope(style)) {
            // A translation may be longer than its source, by no more than a piece's form is.
            Ok(translation) => assert!(
                translation.text.len() <= 1000 * text.len() + 1000,
                "{} bytes become {}",
                text.len(),
                translation.text.len()
            ),
            Err(refusal) => {
                assert!(refusal.span.end <= text.len(), "{refusal:?}");
                assert!(refusal.construct.len() < 200, "{}", refusal.construct);
            }
        }
    }
}

/// On a stack as small as that of any thread: recursion is bounded, or this ends the process.
fn on_a_small_stack(run: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(2 << 20).spawn(run).expect("a thread");
    assert!(thread.join().is_ok(), "a panic");
}

#[test]
fn a_megabyte_is_translated_or_refused() {
    on_a_small_stack(|| {
        for piece in REPEATED {
            ends(&around(*piece, MEGABYTE));
        }
    });
}

#[test]
fn a_megabyte_in_one_tag_is_translated_or_refused() {
    on_a_small_stack(|| {
        for piece in IN_A_TAG {
            ends(&format!("<%= {} %>", around(*piece, MEGABYTE)));
            ends(&format!("<% {} %>", around(*piece, MEGABYTE)));
        }
    });
}

#[test]
fn any_depth_is_translated_or_refused() {
    on_a_small_stack(|| {
        for depth in
            [1, 10, 30, 50, 63, 64, 65, 99, 100, 101, 127, 128, 129, 200, 255, 256, 300, 1000]
        {
            for piece in REPEATED.iter().chain(IN_A_TAG) {
                let (before, middle, after) = *piece;
                let text = format!("{}{middle}{}", before.repeat(depth), after.repeat(depth));
                ends(&text);
                ends(&format!("<%= {text} %>"));
            }
        }
    });
}
