//! What reading from AWS costs in a day, by a model: one that reads for every object, as External
//! Secrets Operator does (eso-semantics 3.2), beside what this controller is measured to do.

use std::fmt::Write as _;

/// What Secrets Manager takes for a call, in dollars: 0.05 for 10,000.
const CALL: f64 = 0.05 / 10_000.0;

/// Values that one call carries.
const BATCH: u32 = 20;

/// The share of the interval after which a refresh comes on average: up to a tenth early.
const PERIOD: f64 = 0.95;

/// Characters of the longest bar.
const WIDTH: f64 = 40.0;

const DAY: f64 = 86_400.0;

/// How many objects, how many different values, seconds between refreshes.
const FLEETS: [(u32, u32, f64); 5] = [
    (1_000, 10, 3_600.0),
    (1_000, 1_000, 3_600.0),
    (5_000, 500, 3_600.0),
    (1_000, 10, 60.0),
    (5_000, 500, 60.0),
];

/// Reads a day: for every object; for every value; for twenty values at a time.
fn reads((objects, values, interval): (u32, u32, f64)) -> [f64; 3] {
    let rounds = DAY / interval;
    let ours = rounds / PERIOD;
    let batches = values.div_ceil(BATCH);
    [f64::from(objects) * rounds, f64::from(values) * ours, f64::from(batches) * ours]
}

/// A bar for each, as long as its logarithm.
pub(crate) fn chart() -> Result<String, std::fmt::Error> {
    let most = FLEETS.into_iter().map(|fleet| reads(fleet)[0]).fold(1.0, f64::max).log10();
    let mut text = String::new();
    for fleet in FLEETS {
        let (objects, values, interval) = fleet;
        writeln!(text, "{objects} objects, {values} values, every {:.0} min", interval / 60.0)?;
        let names = ["a read for each object", "for each value", "batches of 20"];
        for (name, calls) in names.into_iter().zip(reads(fleet)) {
            let length = (calls.log10() / most * WIDTH).max(1.0);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 40")]
            let bar = "#".repeat(length as usize);
            writeln!(text, "  {name:<23}{bar:<41}{calls:>10.0} calls{:>9.3} USD", calls * CALL)?;
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_thousand_objects_every_minute_are_36_dollars_a_day() {
        let [objects, values, batches] = reads((5_000, 500, 60.0));
        assert_eq!((objects, objects * CALL), (7_200_000.0, 36.0));
        assert!((values / 757_895.0 - 1.0).abs() < 1e-5 && (batches * 20.0 - values).abs() < 1.0);
    }

    /// 1234567 as 1,234,567.
    fn grouped(number: f64) -> String {
        let digits = format!("{number:.0}");
        let first = digits.len() % 3;
        let (head, tail) = digits.split_at(first);
        let groups = tail.as_bytes().chunks(3).map(|it| String::from_utf8_lossy(it).into_owned());
        let head = (!head.is_empty()).then(|| head.to_owned());
        head.into_iter().chain(groups).collect::<Vec<_>>().join(",")
    }

    #[test]
    fn the_readme_has_the_table() {
        let readme = include_str!("../../../../controller/README.md");
        for fleet in FLEETS {
            let (objects, values, interval) = fleet;
            let every = if interval < 3600.0 { "minute" } else { "hour" };
            let cells = reads(fleet).map(|calls| {
                let dollars = format!("{:.3}", calls * CALL).replace("0.000", "under 0.001");
                format!("{} calls, {dollars} USD", grouped(calls))
            });
            let (objects, values) = (grouped(objects.into()), grouped(values.into()));
            let row = format!("| {objects}, {values}, {every} | {} |", cells.join(" | "));
            assert!(readme.contains(&row), "{row}");
        }
    }
}
