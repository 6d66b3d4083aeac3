//! Go's `time.Duration.String`.

/// `1h2m3.5s`, and below a second in the largest unit that has a whole part.
pub(crate) fn duration_text(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let amount = nanoseconds.unsigned_abs();
    match amount {
        0 => "0s".to_owned(),
        1..1_000 => format!("{sign}{amount}ns"),
        1_000..1_000_000 => format!("{sign}{}\u{b5}s", decimal(amount, 1_000, 3)),
        1_000_000..1_000_000_000 => format!("{sign}{}ms", decimal(amount, 1_000_000, 6)),
        _ => {
            let minutes = amount / 60_000_000_000;
            let seconds = decimal(amount % 60_000_000_000, 1_000_000_000, 9);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{sign}{seconds}s"),
                (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
                (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
            }
        }
    }
}

/// `amount / unit`, without zeros at the end.
fn decimal(amount: u64, unit: u64, places: usize) -> String {
    let (whole, fraction) = (amount / unit, amount % unit);
    if fraction == 0 {
        return whole.to_string();
    }
    let digits = format!("{fraction:0places$}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}
