//! The shortest digits of a float, as Go's `strconv` has them.
//!
//! Where two texts of the same length are equally near, Go takes the even one, and Rust the upper
//! one: 2133333333333333.25 is `2.1333333333333332e+15` there and would be `...33e15` here.

/// The fewest digits that read back as the same number, with an exponent: `1.5e-7`.
pub fn scientific(f: f64) -> String {
    let shortest = format!("{f:e}");
    // Texts of up to 15 digits are all different numbers, so that none is as near as another.
    match digits(&shortest) {
        count @ 15.. => {
            let even = format!("{f:.*e}", count - 1);
            if even.parse() == Ok(f) { even } else { shortest }
        }
        _ => shortest,
    }
}

/// Like [`scientific`] for the digits that 32 bits leave.
pub(crate) fn scientific_32(f: f32) -> String {
    let shortest = format!("{f:e}");
    match digits(&shortest) {
        count @ 6.. => {
            let even = format!("{f:.*e}", count - 1);
            if even.parse() == Ok(f) { even } else { shortest }
        }
        _ => shortest,
    }
}

/// How many digits stand before the exponent.
fn digits(scientific: &str) -> usize {
    let mantissa = scientific.split('e').next().unwrap_or_default();
    mantissa.bytes().filter(u8::is_ascii_digit).count()
}

/// The digits of a text with an exponent, without one: `0.00000015`.
pub fn plain(scientific: &str) -> String {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(mantissa) => ("-", mantissa),
        None => ("", mantissa),
    };
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    match usize::try_from(exponent) {
        Err(_) => {
            let zeros = usize::try_from(exponent.unsigned_abs()).unwrap_or_default() - 1;
            format!("{sign}0.{}{digits}", "0".repeat(zeros))
        }
        Ok(exponent) => match digits.split_at_checked(exponent + 1) {
            Some((whole, "")) => format!("{sign}{whole}"),
            Some((whole, fraction)) => format!("{sign}{whole}.{fraction}"),
            None => format!("{sign}{digits}{}", "0".repeat(exponent + 1 - digits.len())),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_even_one_of_two_equally_near_texts() {
        assert_eq!(scientific(8_533_333_333_333_333.0 / 4.0), "2.1333333333333332e15");
        assert_eq!(scientific(-8_533_333_333_333_333.0 / 4.0), "-2.1333333333333332e15");
        assert_eq!(scientific(8_533_333_333_333_335.0 / 4.0), "2.1333333333333338e15");
        assert_eq!(scientific_32(8_388_608.0), "8.388608e6");
        assert_eq!(scientific(0.1), "1e-1");
    }

    #[test]
    fn plain_texts_have_the_same_digits() {
        for (f, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-120.0, "-120"),
            (1e20, "100000000000000000000"),
            (12.5, "12.5"),
            (-0.000_001_5, "-0.0000015"),
            (0.1, "0.1"),
            (8_533_333_333_333_333.0 / 4.0, "2133333333333333.2"),
        ] {
            assert_eq!(plain(&scientific(f)), text);
        }
    }
}
