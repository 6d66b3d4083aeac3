//! The series that there are of every object.

use super::text::{Text, Type};
use super::{KINDS, Row, prefix};
use crate::key::{Key, Kind};

/// Bytes of a piece, about: few enough for a connection to take at once.
const PIECE: usize = 32 << 10;

/// One family: its name, what it is, and the samples of an object.
struct Family {
    name: String,
    type_: Type,
    help: &'static str,
    /// The objects that have it; all without.
    of: Option<Kind>,
    write: fn(&mut Text, &Key, &Row),
}

/// Writes the families of all objects, in pieces.
pub(super) struct Objects {
    rows: Vec<(Key, Row)>,
    families: std::vec::IntoIter<Family>,
    /// The family that is being written, and how many objects are behind it.
    open: Option<(Family, usize)>,
    text: Text,
}

impl Objects {
    pub(super) fn new(rows: Vec<(Key, Row)>) -> Self {
        let families = families().into_iter();
        Self { rows, families, open: None, text: Text::default() }
    }
}

impl Iterator for Objects {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        loop {
            let Some((family, behind)) = &mut self.open else {
                let Some(family) = self.families.next() else {
                    return Some(self.text.take()).filter(|text| !text.is_empty());
                };
                self.text.family(&family.name, family.type_, family.help);
                self.open = Some((family, 0));
                continue;
            };
            for (key, row) in &self.rows[*behind..] {
                *behind += 1;
                if family.of.is_none_or(|kind| kind == key.kind) {
                    (family.write)(&mut self.text, key, row);
                    if self.text.len() >= PIECE {
                        return Some(self.text.take());
                    }
                }
            }
            self.open = None;
        }
    }
}

fn families() -> Vec<Family> {
    let syncs = |name: &str, help, write| Family {
        name: format!("externalsecret_sync_calls_{name}"),
        type_: Type::Counter,
        help,
        of: Some(Kind::ExternalSecret),
        write,
    };
    let mut families = vec![
        syncs("total", "Syncs.", |text, key, row| count(text, key, row.sync_calls)),
        syncs("error", "Syncs that failed.", |text, key, row| count(text, key, row.sync_errors)),
        Family {
            name: "extsecret_refresh_timestamp_seconds".to_owned(),
            type_: Type::Gauge,
            help: "When the values were last fetched without an error, in seconds since 1970.",
            of: None,
            write: |text, key, row| {
                if let Some(at) = row.refreshed {
                    text.sample(&named(key), at);
                }
            },
        },
    ];
    for kind in KINDS {
        families.push(Family {
            name: format!("{}_status_condition", prefix(kind)),
            type_: Type::Gauge,
            help: "Whether a condition has a status.",
            of: Some(kind),
            write: conditions,
        });
        families.push(Family {
            name: format!("{}_reconcile_duration", prefix(kind)),
            type_: Type::Gauge,
            help: "How long the last reconciliation took, in nanoseconds.",
            of: Some(kind),
            write: |text, key, row| {
                if let Some(took) = row.took {
                    text.sample(&named(key), took.as_nanos());
                }
            },
        });
    }
    families
}

/// A counter that begins with its first event, as External Secrets Operator's do.
fn count(text: &mut Text, key: &Key, total: u64) {
    if total > 0 {
        text.sample(&named(key), total);
    }
}

fn conditions(text: &mut Text, key: &Key, row: &Row) {
    let [name, namespace] = named(key);
    for (condition, is_true) in &row.conditions {
        for (status, holds) in [("False", !is_true), ("True", *is_true)] {
            let labels = [("condition", *condition), name, namespace, ("status", status)];
            text.sample(&labels, u8::from(holds));
        }
    }
}

fn named(key: &Key) -> [(&'static str, &str); 2] {
    [("name", &key.name.name), ("namespace", &key.name.namespace)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_small_and_cut_between_samples() {
        let object = |number: usize| {
            let row = Row { sync_calls: 1, refreshed: Some(7), ..Row::default() };
            (Key::new(Kind::ExternalSecret, "shop", &format!("web-{number:04}")), row)
        };
        let pieces: Vec<_> = Objects::new((0..1000).map(object).collect()).collect();
        assert!(pieces.len() > 2);
        for piece in &pieces {
            assert!(piece.len() < PIECE + 200 && piece.ends_with('\n'), "{}", piece.len());
        }
        let text = pieces.concat();
        for family in ["externalsecret_sync_calls_total", "extsecret_refresh_timestamp_seconds"] {
            assert_eq!(text.matches(&format!("# TYPE {family} ")).count(), 1);
            assert_eq!(text.matches(&format!("\n{family}{{")).count(), 1000);
        }
        assert_eq!(text.matches("name=\"web-0999\"").count(), 2);
    }
}
