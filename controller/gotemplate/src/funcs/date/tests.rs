use super::*;
use crate::value::{Time, Zone};

fn formatted(unix: i64, layout: &str, zone: &str) -> String {
    let zone = zone::load(zone.as_bytes()).unwrap();
    let text = format::format(&from_unix(unix, zone), layout.as_bytes());
    String::from_utf8(text).unwrap()
}

fn refused(layout: &str, value: &str) -> String {
    let error = parse::parse(layout.as_bytes(), value.as_bytes()).unwrap_err();
    String::from_utf8(error.message(true).reveal()).unwrap()
}

#[test]
fn shows_a_moment_in_a_zone() {
    let layout = "Mon Jan _2 15:04:05 MST 2006 -07:00";
    assert_eq!(formatted(0, layout, "UTC"), "Thu Jan  1 00:00:00 UTC 1970 +00:00");
    assert_eq!(
        formatted(1_720_000_000, layout, "Europe/Berlin"),
        "Wed Jul  3 11:46:40 CEST 2024 +02:00"
    );
    assert_eq!(formatted(i64::MAX, "2006-01-02", "UTC"), "292277026596-12-04");
    assert!(zone::load(b"europe/berlin").is_none());
}

#[test]
fn reads_what_it_shows() {
    let time = parse::parse(b"2006-01-02T15:04:05Z07:00", b"2024-02-29T12:30:00.5+02:00").unwrap();
    assert_eq!(time_string(&time), "2024-02-29 12:30:00.5 +0200 +0200");
    assert_eq!(time_json(&time).unwrap(), b"\"2024-02-29T12:30:00.5+02:00\"");
    let zero = Time { nanoseconds: calendar::ZERO, zone: Zone::Utc };
    assert_eq!(time_string(&zero), "0001-01-01 00:00:00 +0000 UTC");
}

#[test]
fn refuses_in_the_words_of_go() {
    assert_eq!(
        refused("2006-01-02", "2023-02-30"),
        "parsing time \"2023-02-30\": day out of range"
    );
    assert_eq!(
        refused("2006-01-02", "x"),
        "parsing time \"x\" as \"2006-01-02\": cannot parse \"x\" as \"2006\""
    );
    let error = duration::parse(b"1x").unwrap_err().message(true);
    assert_eq!(error.reveal(), b"time: unknown unit \"x\" in duration \"1x\"");
    assert!(!error.to_string().contains("1x"));
}

proptest::proptest! {
    #[test]
    fn never_panics(layout in "[-_ 0-9JanMoSTZpP.,:]{0,20}|.{0,20}", value in ".{0,20}", unix: i64) {
        let _ = parse::parse(layout.as_bytes(), value.as_bytes());
        let _ = duration::parse(value.as_bytes());
        format::format(&from_unix(unix, Zone::Named("America/New_York".into())), layout.as_bytes());
    }

    #[test]
    fn reads_back_every_date(unix in -62_135_596_800_i64..253_402_300_800) {
        let layout = b"2006-01-02T15:04:05Z07:00";
        let text = format::format(&from_unix(unix, Zone::Utc), layout);
        proptest::prop_assert_eq!(super::calendar::unix(&parse::parse(layout, &text).unwrap()), unix);
    }
}
