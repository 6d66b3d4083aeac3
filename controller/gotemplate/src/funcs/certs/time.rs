//! Times of certificates: checked when one is read, written when one is made.

use zeroize::Zeroizing;

use super::der;

/// Writes a time in seconds since the epoch: with two digits for the year where those are enough.
pub(super) fn write(seconds: i64) -> Vec<u8> {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    let short = (1950..2050).contains(&year);
    let year = if short { format!("{:02}", year % 100) } else { format!("{year:04}") };
    let text = format!("{year}{month:02}{day:02}{hour:02}{minute:02}{second:02}Z");
    let tag = if short { der::UTC_TIME } else { der::GENERALIZED_TIME };
    let element: Zeroizing<Vec<u8>> = der::write(tag, text.as_bytes());
    element.to_vec()
}

/// Year, month and day of a day since the epoch: in years that begin in March and eras of 400.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::write;

    #[test]
    fn years_get_four_digits_when_two_do_not_do() {
        assert_eq!(write(0), b"\x17\x0d700101000000Z");
        assert_eq!(write(951_827_696), b"\x17\x0d000229123456Z");
        assert_eq!(write(2_524_607_999), b"\x17\x0d491231235959Z");
        assert_eq!(write(2_524_608_000), b"\x18\x0f20500101000000Z");
        assert_eq!(write(-631_152_001), b"\x18\x0f19491231235959Z");
    }
}
