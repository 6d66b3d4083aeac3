//! Where the execution is, for error messages.

use crate::ast::{Arg, Command, Node, Pipe, Pos, Source};

/// The node that was looked at last.
#[derive(Clone, Copy)]
pub(super) enum At<'t> {
    Nowhere,
    Node(&'t Node),
    Pipe(&'t Pipe),
    Command(&'t Command),
    Arg(&'t Arg),
}

impl At<'_> {
    pub(super) fn pos(self) -> Option<Pos> {
        match self {
            Self::Nowhere => None,
            Self::Node(node) => Some(node.pos()),
            Self::Pipe(pipe) => Some(pipe.pos),
            Self::Command(command) => Some(command.pos),
            Self::Arg(arg) => Some(arg.pos()),
        }
    }

    /// The node as Go prints it.
    pub(super) fn source(self) -> Vec<u8> {
        match self {
            Self::Nowhere => Vec::new(),
            Self::Node(node) => node.source(),
            Self::Pipe(pipe) => pipe.source(),
            Self::Command(command) => command.source(),
            Self::Arg(arg) => arg.source(),
        }
    }
}
