//! Constraints: `>=1.2, <2 || ~3.1`.

use std::sync::LazyLock;

use super::version::{Version, compare_prereleases};
use crate::regexp::Regexp;

/// Branches of which one must hold; in a branch, all of its conditions.
#[cfg_attr(test, derive(Debug))]
pub(super) struct Constraint {
    branches: Vec<Vec<Condition>>,
}

#[cfg_attr(test, derive(Debug))]
struct Condition {
    operator: Operator,
    version: Version,
    /// How many segments the condition fixes.
    segments: Segments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    TildeOrEqual,
    NotEqual,
    Greater,
    Less,
    GreaterEqual,
    LessEqual,
    Tilde,
    Caret,
}

/// Go's flags for segments that are missing or `x`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Segments {
    All,
    /// `1.2` or `1.2.x`
    Minor,
    /// `1` or `1.x`
    Major,
    /// `*`
    None,
}

/// Why a text is no constraint.
#[cfg_attr(test, derive(Debug))]
pub(super) enum Error {
    Improper(Vec<u8>),
    Parser,
}

/// The patterns that say what a constraint looks like.
struct Patterns {
    /// One condition.
    one: Regexp,
    /// A condition somewhere.
    find: Regexp,
    /// Conditions with commas or spaces between them.
    all: Regexp,
    /// `1.2 - 3.4`
    range: Regexp,
}

static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| {
    const OPERATOR: &str = r"(=||!=|>|<|>=|=>|<=|=<|~|~>|\^)";
    // A segment may have a bar in it, and is no number then.
    const SEGMENT: &str = r"[0-9xX*|]+";
    const PIECES: &str = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*";
    let version =
        format!(r"(v?({SEGMENT})(\.{SEGMENT})?(\.{SEGMENT})?(-{PIECES})?(?:\+{PIECES})?)");
    let condition = format!(r"{OPERATOR}\s*{version}");
    let new = |pattern: String| Regexp::new(pattern).ok();
    Some(Patterns {
        one: new(format!(r"^\s*{condition}\s*$"))?,
        all: new(format!(r"^\s*{condition}\s*(?:(?:\s+|,\s*){condition}\s*)*$"))?,
        range: new(format!(r"\s*{version}\s+-\s+{version}\s*"))?,
        find: new(condition)?,
    })
});

impl Constraint {
    pub(super) fn parse(text: &[u8]) -> Result<Self, Error> {
        let patterns = PATTERNS.as_ref().ok_or(Error::Parser)?;
        let text = patterns.without_ranges(text);
        let mut branches = Vec::new();
        for branch in split_bars(&text) {
            if !patterns.all.is_match(branch) {
                return Err(Error::Improper(branch.to_vec()));
            }
            let found = patterns.find.find_all(branch, -1).unwrap_or_default();
            let conditions: Result<Vec<_>, _> =
                found.into_iter().map(|text| patterns.condition(text)).collect();
            branches.push(conditions?);
        }
        Ok(Self { branches })
    }

    pub(super) fn check(&self, version: &Version) -> bool {
        self.branches.iter().any(|branch| {
            let prereleases =
                branch.iter().any(|condition| !condition.version.prerelease.is_empty());
            (prereleases || version.prerelease.is_empty())
                && branch.iter().all(|condition| condition.check(version))
        })
    }
}

/// The text between `||` and `||`.
fn split_bars(text: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.windows(2).position(|two| two == b"||") {
        parts.extend(rest.get(..at));
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    parts.push(rest);
    parts
}

impl Patterns {
    /// Writes ranges as two conditions.
    fn without_ranges(&self, text: &[u8]) -> Vec<u8> {
        let mut text = text.to_vec();
        for groups in self.range.all_groups(&text.clone()) {
            let group = |index: usize| groups.get(index).copied().flatten().unwrap_or_default();
            let (whole, low, high) = (group(0), group(1), group(6));
            let range = [b">= ", low, b", <= ", high, b" "].concat();
            // Go replaces the first text that looks like this one, wherever it is.
            let at = text.windows(whole.len().max(1)).position(|part| part == whole);
            if let Some(at) = at {
                text.splice(at..at + whole.len(), range);
            }
        }
        text
    }

    fn condition(&self, text: &[u8]) -> Result<Condition, Error> {
        let all = self.one.all_groups(text);
        let groups = all.first().ok_or_else(|| Error::Improper(text.to_vec()))?;
        let group = |index: usize| {
            let text = groups.get(index).copied().flatten().unwrap_or_default();
            std::str::from_utf8(text).unwrap_or_default()
        };
        let operator = match group(1) {
            "" | "=" => Operator::TildeOrEqual,
            "!=" => Operator::NotEqual,
            ">" => Operator::Greater,
            "<" => Operator::Less,
            ">=" | "=>" => Operator::GreaterEqual,
            "<=" | "=<" => Operator::LessEqual,
            "~" | "~>" => Operator::Tilde,
            _ => Operator::Caret,
        };
        let (major, minor, patch, prerelease) = (group(3), group(4), group(5), group(6));
        let open = |segment: &str| {
            matches!(segment.strip_prefix('.').unwrap_or(segment), "" | "x" | "X" | "*")
        };
        let (segments, version) = if open(major) {
            (Segments::None, format!("0.0.0{prerelease}"))
        } else if open(minor) {
            (Segments::Major, format!("{major}.0.0{prerelease}"))
        } else if open(patch) {
            (Segments::Minor, format!("{major}{minor}.0{prerelease}"))
        } else {
            (Segments::All, group(2).to_owned())
        };
        let version = Version::parse(version.as_bytes()).map_err(|_| Error::Parser)?;
        Ok(Condition { operator, version, segments })
    }
}

impl Condition {
    fn check(&self, version: &Version) -> bool {
        let wanted = &self.version;
        let order = version.compare(wanted);
        match self.operator {
            Operator::TildeOrEqual if self.segments == Segments::All => order.is_eq(),
            Operator::TildeOrEqual | Operator::Tilde => self.tilde(version),
            Operator::NotEqual => self.not_equal(version),
            Operator::Less => order.is_lt(),
            Operator::GreaterEqual => order.is_ge(),
            Operator::Greater => match self.segments {
                Segments::All => order.is_gt(),
                _ if version.major != wanted.major => version.major > wanted.major,
                Segments::Major => false,
                Segments::Minor => version.minor > wanted.minor,
                Segments::None => order.is_gt(),
            },
            Operator::LessEqual => match self.segments {
                Segments::All => order.is_le(),
                _ if version.major > wanted.major => false,
                Segments::Major => true,
                _ => version.major != wanted.major || version.minor <= wanted.minor,
            },
            Operator::Caret => self.caret(version),
        }
    }

    fn tilde(&self, version: &Version) -> bool {
        let wanted = &self.version;
        if version.compare(wanted).is_lt() {
            return false;
        }
        let zero = (wanted.major, wanted.minor, wanted.patch) == (0, 0, 0);
        if zero && matches!(self.segments, Segments::All | Segments::None) {
            return true;
        }
        version.major == wanted.major
            && (version.minor == wanted.minor || self.segments == Segments::Major)
    }

    fn not_equal(&self, version: &Version) -> bool {
        let wanted = &self.version;
        if self.segments == Segments::All {
            return version.compare(wanted).is_ne();
        }
        if version.major != wanted.major {
            return true;
        }
        match self.segments {
            Segments::Major => false,
            _ if version.minor != wanted.minor => true,
            Segments::Minor => {
                let (this, other) = (&version.prerelease, &wanted.prerelease);
                !(this.is_empty() && other.is_empty()) && compare_prereleases(this, other).is_ne()
            }
            _ if version.patch != wanted.patch => true,
            _ => version.compare(wanted).is_ne(),
        }
    }

    fn caret(&self, version: &Version) -> bool {
        let wanted = &self.version;
        if version.compare(wanted).is_lt() {
            return false;
        }
        if version.major != wanted.major {
            return false;
        }
        if wanted.major > 0 || self.segments == Segments::Major {
            return true;
        }
        if version.minor != wanted.minor {
            return false;
        }
        wanted.minor > 0 || self.segments == Segments::Minor || version.patch == wanted.patch
    }
}
