use proptest::prelude::*;

use super::*;

fn error(pattern: impl AsRef<[u8]>) -> String {
    Regexp::new(pattern).map_or_else(|error| error.to_string(), |_| String::new())
}

fn replace(pattern: &str, subject: &[u8], replacement: &str) -> Vec<u8> {
    Regexp::new(pattern).unwrap().replace_all(subject, replacement.as_bytes(), 1 << 20).unwrap()
}

#[test]
fn refuses_in_the_words_of_go() {
    for (pattern, words) in [
        ("(a", "missing closing ): `(a`"),
        ("a)", "unexpected ): `a)`"),
        ("[a", "missing closing ]: `[a`"),
        ("a**", "invalid nested repetition operator: `**`"),
        ("|*", "missing argument to repetition operator: `*`"),
        ("a{1001}", "invalid repeat count: `{1001}`"),
        ("(?:a{40}){40}", "invalid repeat count: `{40}`"),
        ("\\", "trailing backslash at end of expression: ``"),
        (r"\C", r"invalid escape sequence: `\C`"),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        ("(?x)", "invalid or unsupported Perl syntax: `(?x`"),
        ("(?P<a b>x)", "invalid named capture: `(?P<a b>`"),
        (r"\p{Old_Italic}", r"invalid character class range: `\p{Old_Italic}`"),
        ("[[:foo:]]", "invalid character class range: `[:foo:]`"),
    ] {
        // `\<` is an escaped `<` in Go.
        let words =
            if words == "x" { String::new() } else { format!("error parsing regexp: {words}") };
        assert_eq!(error(pattern), words, "{pattern}");
    }
    assert_eq!(error(b"a\xFF"), "error parsing regexp: invalid UTF-8: `\u{FFFD}`");
}

#[test]
fn reads_classes_without_set_operators() {
    for (pattern, subject, matches) in [
        ("^[a&&b]$", "&", true),
        ("^[a~~b]$", "~", true),
        (r"^\d$", "\u{664}", false),
        (r"^\p{^Greek}$", "x", true),
        ("(?i)^k$", "\u{212A}", true),
        (r"^\Q.*\E$", ".*", true),
        ("(?U)^a+$", "aaa", true),
        (r"^a\z", "a", true),
        ("a$", "a\n", false),
        (r"^\<a", "<a", true),
    ] {
        let regexp = Regexp::new(pattern).unwrap();
        assert_eq!(regexp.is_match(subject.as_bytes()), matches, "{pattern}");
    }
}

#[test]
fn takes_a_wrong_byte_for_one_replacement_character() {
    assert_eq!(replace("^.", b"\xFFa", "[$0]"), b"[\xFF]a");
    assert_eq!(replace("\u{FFFD}", b"\xC3\xC3", "x"), b"xx");
    assert_eq!(replace("", b"\xFFa", "-"), b"-\xFF-a-");
}

#[test]
fn expands_the_longest_name() {
    assert_eq!(replace("(?P<n>a)(b)", b"ab", "${n}x $nx $1x ${2}$$ $"), b"ax   b$ $");
    assert_eq!(replace("(?P<n>a)|(?P<n>b)", b"b", "<$n>"), b"<b>");
}

#[test]
fn splits_and_finds_as_go_does() {
    let comma = Regexp::new(",").unwrap();
    assert_eq!(comma.split(b"a,b,c", 2).unwrap(), [&b"a"[..], b"b,c"]);
    assert_eq!(comma.split(b"", -1).unwrap(), [b""]);
    assert!(comma.split(b"a", 0).is_none());
    assert!(comma.find_all(b"a", -1).is_none());
    let empty = Regexp::new("a*").unwrap();
    assert_eq!(empty.find_all(b"baac", -1).unwrap(), [&b""[..], b"aa", b""]);
}

/// Release builds need 128 KB for the deepest pattern; unoptimised ones a hundred times as much.
#[test]
fn takes_the_deepest_patterns() {
    let deepest = || {
        for (open, close, depth) in [("(", ")", 999), ("(?:", ")*", 999), ("(ab|cd*", ")", 332)] {
            let nested = format!("{}a{}", open.repeat(depth), close.repeat(depth));
            assert_eq!(error(&nested), "");
            let nested = format!("{}a{}", open.repeat(depth + 1), close.repeat(depth + 1));
            assert!(
                error(&nested).starts_with("error parsing regexp: expression nests too deeply")
            );
        }
    };
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(deepest).unwrap();
    thread.join().unwrap();
}

#[test]
fn ends_with_an_error_when_a_pattern_is_too_large() {
    for large in
        [r"\pL{1000}".to_owned(), r"\pL".repeat(5000), format!("(?:{}){{1000}}", "ab".repeat(9999))]
    {
        assert!(error(&large).starts_with("error parsing regexp: expression too large"));
    }
    let regexp = Regexp::new("").unwrap();
    assert_eq!(regexp.replace_all_literal(&[b'x'; 100], &[b'y'; 100], 5000), Err(TooLong));
}

proptest! {
    #[test]
    fn never_panics(pattern in ".{0,40}", subject in proptest::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(regexp) = Regexp::new(&pattern) {
            regexp.find_all(&subject, -1);
            regexp.split(&subject, 3);
            let replaced = regexp.replace_all(&subject, b"$1${a}$", 1 << 20);
            prop_assert!(replaced.is_ok());
        }
    }

    #[test]
    fn quoted_text_matches_itself(text in ".{0,20}") {
        let regexp = Regexp::new(quote_meta(text.as_bytes())).unwrap();
        prop_assert_eq!(regexp.find(text.as_bytes()), Some(text.as_bytes()));
    }
}
