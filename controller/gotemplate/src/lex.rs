//! The words of a template: Go's `text/template/parse` lexer.
