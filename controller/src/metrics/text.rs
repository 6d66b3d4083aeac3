//! The text format of Prometheus, version 0.0.4.

use std::fmt::{Display, Write as _};

/// What kind of number a metric is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Type {
    /// It only grows, until the process ends.
    Counter,
    /// It goes up and down.
    Gauge,
}

/// A text that is being made: families, each followed by its samples.
#[derive(Default)]
pub(super) struct Text {
    text: String,
    family: String,
}

impl Text {
    /// Begins a family; `help` is one line.
    pub(super) fn family(&mut self, name: &str, kind: Type, help: &str) {
        let kind = match kind {
            Type::Counter => "counter",
            Type::Gauge => "gauge",
        };
        name.clone_into(&mut self.family);
        // Writing to a string does not fail.
        let _ = write!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    /// One sample of the family.
    pub(super) fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.text.push_str(&self.family);
        let mut before = '{';
        for (name, value) in labels {
            self.text.push(before);
            self.text.push_str(name);
            self.text.push_str("=\"");
            for char in value.chars() {
                match char {
                    '\\' => self.text.push_str("\\\\"),
                    '"' => self.text.push_str("\\\""),
                    '\n' => self.text.push_str("\\n"),
                    char => self.text.push(char),
                }
            }
            self.text.push('"');
            before = ',';
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }

    /// Bytes that it has.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// What there is so far. More samples of the family may follow.
    pub(super) fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    pub(super) fn into_string(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_follow_their_family_with_labels_escaped() {
        let mut text = Text::default();
        text.family("calls_total", Type::Counter, "Calls.");
        text.sample(&[], 1);
        text.sample(&[("a", "x"), ("b", "\"\\\n}")], 0.25);
        let expected = "# HELP calls_total Calls.\n# TYPE calls_total counter\ncalls_total 1\n\
                        calls_total{a=\"x\",b=\"\\\"\\\\\\n}\"} 0.25\n";
        assert_eq!(text.into_string(), expected);
    }
}
