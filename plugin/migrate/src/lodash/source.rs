//! The JavaScript that lodash would compile, and the way back to the template's text.
//!
//! lodash joins the parts of a template to the body of one function: code stands in it as it is,
//! `;` and a line break on both sides, and all else becomes `__p += ...`. What a template means is
//! decided by that whole, so it is built here with the same seams; only the literal text is left
//! out, for it can be found by its place.

use super::ir::Span;
use super::scan::{Piece, PieceKind};

/// The source, and where everything in it came from.
pub(super) struct Source {
    /// What is parsed.
    pub(super) code: String,
    /// One for each part that is not code between `<%` and `%>`, in order.
    pub(super) marks: Vec<Mark>,
    /// The stretches of the template's own code, in order.
    stretches: Vec<Stretch>,
}

/// A statement that stands for a part of the template.
pub(super) struct Mark {
    /// Where the statement begins in the source.
    pub(super) start: usize,
    /// The place of the part in the list.
    pub(super) piece: usize,
}

struct Stretch {
    start: usize,
    end: usize,
    template: usize,
    whole: Span,
}

impl Source {
    pub(super) fn new(text: &str, pieces: &[Piece]) -> Self {
        let mut source = Self {
            // Nothing that follows can be a directive.
            code: ";\n".to_owned(),
            marks: Vec::new(),
            stretches: Vec::new(),
        };
        for (i, piece) in pieces.iter().enumerate() {
            if piece.kind != PieceKind::Evaluate {
                source.marks.push(Mark { start: source.code.len(), piece: i });
            }
            let (before, after) = match piece.kind {
                PieceKind::Text => ("__p += 0", ";\n"),
                PieceKind::Escape => ("__p += __e(", ");\n"),
                PieceKind::Interpolate | PieceKind::Template => {
                    ("__p += ((__t = (", ")) == null ? '' : __t);\n")
                }
                PieceKind::Evaluate => ("", ";\n"),
            };
            let inner = match piece.kind {
                PieceKind::Text => "",
                _ => text.get(piece.inner.clone()).unwrap_or_default(),
            };
            let start = source.code.len();
            source.code.push_str(before);
            source.code.push_str(inner);
            source.code.push_str(after);
            source.stretches.push(Stretch {
                start: start + before.len(),
                end: start + before.len() + inner.len(),
                template: piece.inner.start,
                whole: Span { start: piece.whole.start, end: piece.whole.end },
            });
        }
        source
    }

    /// The place in the template of a range of the source.
    pub(super) fn span(&self, start: usize, end: usize) -> Span {
        let start = self.place(start, false);
        // A range between two parts begins at the second and would end with the first.
        Span { start, end: self.place(end, true).max(start) }
    }

    fn place(&self, at: usize, is_end: bool) -> usize {
        let next = self.stretches.partition_point(|stretch| stretch.start <= at);
        let Some(stretch) = next.checked_sub(1).and_then(|i| self.stretches.get(i)) else {
            return self.stretches.first().map_or(0, |first| first.whole.start);
        };
        if at <= stretch.end {
            return stretch.template + (at - stretch.start);
        }
        // Between two parts, or in what stands around one.
        match self.stretches.get(next) {
            Some(following) if !is_end => following.whole.start,
            _ => stretch.whole.end,
        }
    }

    /// The part whose statement begins at a place of the source.
    pub(super) fn mark(&self, start: usize) -> Option<&Mark> {
        let found = self.marks.binary_search_by_key(&start, |mark| mark.start).ok()?;
        self.marks.get(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lodash::scan::pieces;

    #[test]
    fn every_range_of_the_source_has_its_place_in_the_template() {
        for text in [
            "",
            "a",
            "<% if (x) { %>b",
            "${ }<%- a %>\n<%= b %>c<% } %>",
            "<%%>${}<%=%>",
            "${a(}${}x",
        ] {
            let source = Source::new(text, &pieces(text));
            for start in 0..=source.code.len() {
                for end in start..=source.code.len() {
                    let span = source.span(start, end);
                    assert!(span.start <= span.end && span.end <= text.len(), "{text:?} {span:?}");
                }
            }
        }
    }
}
