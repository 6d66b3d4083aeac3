use proptest::prelude::*;

use super::{GoDuration, ParseError};

fn parsed(text: &str) -> Result<i64, ParseError> {
    text.parse::<GoDuration>().map(GoDuration::nanoseconds)
}

#[test]
fn reads_what_go_reads() {
    let hour = 3_600_000_000_000;
    for (text, nanoseconds) in [
        ("0", 0),
        ("+0", 0),
        ("-0", 0),
        ("0s", 0),
        ("10s", 10_000_000_000),
        ("-1m", -60_000_000_000),
        ("+5s", 5_000_000_000),
        ("1.5h", hour + hour / 2),
        (".5s", 500_000_000),
        ("5.s", 5_000_000_000),
        ("-.5h", -hour / 2),
        ("1h0m0s", hour),
        ("3h30m", 3 * hour + hour / 2),
        ("30m3h", 3 * hour + hour / 2),
        ("1us2\u{b5}s3\u{3bc}s4ns", 6_004),
        ("0.3333333333333333333h", 1_200_000_000_000),
        ("0.100000000000000000000h", 360_000_000_000),
        ("0.9223372036854775807h", 3_320_413_933_267),
        ("2562047h47m16.854775807s", i64::MAX),
        ("9223372036854775807ns", i64::MAX),
        ("-9223372036854775808ns", i64::MIN),
        ("-2562047h47m16.854775808s", i64::MIN),
    ] {
        assert_eq!(parsed(text), Ok(nanoseconds), "{text}");
    }
}

#[test]
fn refuses_what_go_refuses() {
    let invalid = |text: &str| Err(ParseError::Invalid(text.to_owned()));
    for text in ["", "-", "+", ".", "-.", ".s", "+.s", "s", "--1s", " 1s", "hello", "\u{661}s"] {
        assert_eq!(parsed(text), invalid(text), "{text}");
    }
    for text in ["3", "1.5", "1h30", "00"] {
        assert_eq!(parsed(text), Err(ParseError::MissingUnit(text.to_owned())), "{text}");
    }
    for (text, unit) in [("1d", "d"), ("1s ", "s "), ("1 s", " s"), ("1S", "S"), ("1e3s", "e")] {
        let expected = ParseError::UnknownUnit { unit: unit.to_owned(), text: text.to_owned() };
        assert_eq!(parsed(text), Err(expected), "{text}");
    }
    for text in [
        "9223372036854775808ns",
        "-9223372036854775809ns",
        "9223372036854775.808us",
        "2562047h47m16.854775808s",
        "3000000h",
        "99999999999999999999999s",
        "9223372036s1s",
    ] {
        assert_eq!(parsed(text), Err(ParseError::TooLong(text.to_owned())), "{text}");
    }
}

#[test]
fn writes_what_go_writes() {
    for (nanoseconds, text) in [
        (0, "0s"),
        (1, "1ns"),
        (-999, "-999ns"),
        (1_100, "1.1\u{b5}s"),
        (2_200_000, "2.2ms"),
        (1_000_000, "1ms"),
        (3_300_000_000, "3.3s"),
        (245_000_000_000, "4m5s"),
        (245_001_000_000, "4m5.001s"),
        (3_600_000_000_000, "1h0m0s"),
        (18_367_001_000_000, "5h6m7.001s"),
        (480_000_000_001, "8m0.000000001s"),
        (i64::MAX, "2562047h47m16.854775807s"),
        (i64::MIN, "-2562047h47m16.854775808s"),
    ] {
        assert_eq!(GoDuration::from_nanoseconds(nanoseconds).to_string(), text);
    }
}

#[test]
fn converts_to_the_standard_library() {
    let second = GoDuration::from_nanoseconds(1_000_000_000);
    assert_eq!(second.to_std(), Some(std::time::Duration::from_secs(1)));
    assert_eq!(GoDuration::from_nanoseconds(-1).to_std(), None);
    assert!(GoDuration::default().is_zero_or_negative());
    assert!(!second.is_zero_or_negative());
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(nanoseconds: i64) {
        let text = GoDuration::from_nanoseconds(nanoseconds).to_string();
        prop_assert_eq!(parsed(&text), Ok(nanoseconds));
    }

    #[test]
    fn no_text_panics(text in r"[-+]?([0-9]{0,21}(\.[0-9]{0,21})?(ns|us|\u{b5}s|ms|s|m|h|d|)){0,4}\PC?") {
        if let Ok(nanoseconds) = parsed(&text) {
            let written = GoDuration::from_nanoseconds(nanoseconds).to_string();
            prop_assert_eq!(parsed(&written), Ok(nanoseconds));
        }
    }

    #[test]
    fn parts_add_up(hours in 0..2_000_000_i64, minutes in 0..1_000_i64, seconds in 0..1_000_i64) {
        let expected = (hours * 3600 + minutes * 60 + seconds) * 1_000_000_000;
        prop_assert_eq!(parsed(&format!("{seconds}s{hours}h{minutes}m")), Ok(expected));
    }
}
