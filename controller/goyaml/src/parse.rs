//! From tokens to events.

use crate::error::Fault;
use crate::scan::{Kind, Scanner, Token};

#[derive(Debug)]
pub(crate) enum Event {
    StreamStart,
    StreamEnd,
    DocumentStart,
    DocumentEnd,
    Alias(Vec<u8>),
    Scalar {
        anchor: Option<Vec<u8>>,
        tag: Vec<u8>,
        text: Vec<u8>,
        /// Whether what it is may be told from its looks.
        implicit: bool,
    },
    SequenceStart {
        anchor: Option<Vec<u8>>,
    },
    SequenceEnd,
    MappingStart {
        anchor: Option<Vec<u8>>,
    },
    MappingEnd,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    StreamStart,
    ImplicitDocumentStart,
    DocumentStart,
    DocumentContent,
    DocumentEnd,
    End,
    BlockNode,
    BlockSequenceFirstEntry,
    BlockSequenceEntry,
    IndentlessSequenceEntry,
    BlockMappingFirstKey,
    BlockMappingKey,
    BlockMappingValue,
    FlowSequenceFirstEntry,
    FlowSequenceEntry,
    FlowSequencePairKey,
    FlowSequencePairValue,
    FlowSequencePairEnd,
    FlowMappingFirstKey,
    FlowMappingKey,
    FlowMappingValue,
    FlowMappingEmptyValue,
}

pub(crate) struct Parser<'a> {
    scanner: Scanner<'a>,
    state: State,
    /// What follows when the current node is complete.
    states: Vec<State>,
    /// The lines where the open collections begin.
    lines: Vec<usize>,
    /// Handles and what they stand for.
    tags: Vec<(Vec<u8>, Vec<u8>)>,
}

type Parsed = Result<Event, Fault>;

impl<'a> Parser<'a> {
    pub(crate) fn new(raw: &'a [u8]) -> Self {
        Self {
            scanner: Scanner::new(raw),
            state: State::StreamStart,
            states: Vec::new(),
            lines: Vec::new(),
            tags: Vec::new(),
        }
    }

    pub(crate) fn next(&mut self) -> Parsed {
        match self.state {
            State::StreamStart => {
                self.scanner.next()?;
                self.state = State::ImplicitDocumentStart;
                Ok(Event::StreamStart)
            }
            State::ImplicitDocumentStart => self.document_start(true),
            State::DocumentStart => self.document_start(false),
            State::DocumentContent => match self.scanner.peek()?.kind {
                Kind::Version(..)
                | Kind::TagDirective { .. }
                | Kind::DocumentStart
                | Kind::DocumentEnd
                | Kind::StreamEnd => {
                    self.pop_state();
                    Ok(empty())
                }
                _ => self.node(true, false),
            },
            State::DocumentEnd => {
                if self.peek(&Kind::DocumentEnd)? {
                    self.scanner.next()?;
                }
                self.tags.clear();
                self.state = State::DocumentStart;
                Ok(Event::DocumentEnd)
            }
            State::End => Ok(Event::StreamEnd),
            State::BlockNode => self.node(true, false),
            State::BlockSequenceFirstEntry => {
                self.open()?;
                self.block_sequence_entry()
            }
            State::BlockSequenceEntry => self.block_sequence_entry(),
            State::IndentlessSequenceEntry => self.indentless_sequence_entry(),
            State::BlockMappingFirstKey => {
                self.open()?;
                self.block_mapping_key()
            }
            State::BlockMappingKey => self.block_mapping_key(),
            State::BlockMappingValue => self.block_mapping_value(),
            State::FlowSequenceFirstEntry => {
                self.open()?;
                self.flow_sequence_entry(true)
            }
            State::FlowSequenceEntry => self.flow_sequence_entry(false),
            State::FlowSequencePairKey => self.flow_sequence_pair_key(),
            State::FlowSequencePairValue => self.flow_sequence_pair_value(),
            State::FlowSequencePairEnd => {
                self.scanner.peek()?;
                self.state = State::FlowSequenceEntry;
                Ok(Event::MappingEnd)
            }
            State::FlowMappingFirstKey => {
                self.open()?;
                self.flow_mapping_key(true)
            }
            State::FlowMappingKey => self.flow_mapping_key(false),
            State::FlowMappingValue => self.flow_mapping_value(false),
            State::FlowMappingEmptyValue => self.flow_mapping_value(true),
        }
    }

    fn peek(&mut self, kind: &Kind) -> Result<bool, Fault> {
        Ok(self.scanner.peek()?.kind == *kind)
    }

    fn pop_state(&mut self) {
        self.state = self.states.pop().unwrap_or(State::End);
    }

    /// Takes the token that begins a collection.
    fn open(&mut self) -> Result<(), Fault> {
        let token = self.scanner.next()?;
        self.lines.push(token.line);
        Ok(())
    }

    /// Takes the token that ends a collection.
    fn close(&mut self, event: Event) -> Parsed {
        self.pop_state();
        self.lines.pop();
        self.scanner.next()?;
        Ok(event)
    }

    /// Something is wrong at the next token, in what begins at line `context`. Unlike for the
    /// scanner, Go does not count from 1 here.
    fn fault(&mut self, problem: &'static str, context: usize) -> Result<Fault, Fault> {
        let line = self.scanner.peek()?.line;
        Ok(Fault { problem, line: if line == 0 { context } else { line } })
    }

    /// A fault in the innermost collection.
    fn fault_inside<T>(&mut self, problem: &'static str) -> Result<T, Fault> {
        let context = self.lines.pop().unwrap_or_default();
        Err(self.fault(problem, context)?)
    }

    // Documents.

    fn document_start(&mut self, implicit: bool) -> Parsed {
        while !implicit && self.peek(&Kind::DocumentEnd)? {
            self.scanner.next()?;
        }
        match self.scanner.peek()?.kind {
            Kind::StreamEnd => {
                self.scanner.next()?;
                self.state = State::End;
                Ok(Event::StreamEnd)
            }
            Kind::Version(..) | Kind::TagDirective { .. } | Kind::DocumentStart => {
                self.explicit_document_start()
            }
            _ if implicit => {
                self.directives()?;
                self.states.push(State::DocumentEnd);
                self.state = State::BlockNode;
                Ok(Event::DocumentStart)
            }
            _ => self.explicit_document_start(),
        }
    }

    fn explicit_document_start(&mut self) -> Parsed {
        self.directives()?;
        if !self.peek(&Kind::DocumentStart)? {
            return Err(self.fault("did not find expected <document start>", 0)?);
        }
        self.scanner.next()?;
        self.states.push(State::DocumentEnd);
        self.state = State::DocumentContent;
        Ok(Event::DocumentStart)
    }

    fn directives(&mut self) -> Result<(), Fault> {
        let mut versioned = false;
        loop {
            match self.scanner.peek()?.kind {
                Kind::Version(..) if versioned => {
                    return Err(self.fault("found duplicate %YAML directive", 0)?);
                }
                Kind::Version(1, 1) => versioned = true,
                Kind::Version(..) => {
                    return Err(self.fault("found incompatible YAML document", 0)?);
                }
                Kind::TagDirective { .. } => {}
                _ => break,
            }
            if let Kind::TagDirective { handle, .. } = &self.scanner.peek()?.kind
                && self.tags.iter().any(|(known, _)| known == handle)
            {
                return Err(self.fault("found duplicate %TAG directive", 0)?);
            }
            if let Token { kind: Kind::TagDirective { handle, prefix }, .. } =
                self.scanner.next()?
            {
                self.tags.push((handle, prefix));
            }
        }
        for (handle, prefix) in [(b"!".as_slice(), "!"), (b"!!", "tag:yaml.org,2002:")] {
            if self.tags.iter().all(|(known, _)| known != handle) {
                self.tags.push((handle.to_vec(), prefix.as_bytes().to_vec()));
            }
        }
        Ok(())
    }

    // Nodes.

    fn node(&mut self, block: bool, indentless: bool) -> Parsed {
        if matches!(self.scanner.peek()?.kind, Kind::Alias(_)) {
            self.pop_state();
            let token = self.scanner.next()?;
            let Kind::Alias(name) = token.kind else { return Ok(empty()) };
            return Ok(Event::Alias(name));
        }
        let start = self.scanner.peek()?.line;
        let (anchor, tag) = self.properties(start)?;
        let state = match &self.scanner.peek()?.kind {
            Kind::BlockEntry if indentless => State::IndentlessSequenceEntry,
            Kind::FlowSequenceStart => State::FlowSequenceFirstEntry,
            Kind::FlowMappingStart => State::FlowMappingFirstKey,
            Kind::BlockSequenceStart if block => State::BlockSequenceFirstEntry,
            Kind::BlockMappingStart if block => State::BlockMappingFirstKey,
            Kind::Scalar { .. } => {
                self.pop_state();
                let token = self.scanner.next()?;
                let Kind::Scalar { text, plain } = token.kind else { return Ok(empty()) };
                let implicit = tag.is_empty() && plain || tag == b"!";
                return Ok(Event::Scalar { anchor, tag, text, implicit });
            }
            _ if anchor.is_some() || !tag.is_empty() => {
                self.pop_state();
                let implicit = tag.is_empty();
                return Ok(Event::Scalar { anchor, tag, text: Vec::new(), implicit });
            }
            _ => return Err(self.fault("did not find expected node content", start)?),
        };
        self.state = state;
        Ok(match state {
            State::FlowMappingFirstKey | State::BlockMappingFirstKey => {
                Event::MappingStart { anchor }
            }
            _ => Event::SequenceStart { anchor },
        })
    }

    /// An anchor and a tag, in either order.
    fn properties(&mut self, start: usize) -> Result<(Option<Vec<u8>>, Vec<u8>), Fault> {
        let mut anchor = None;
        let mut found = None;
        loop {
            match self.scanner.peek()?.kind {
                Kind::Anchor(_) if anchor.is_none() => {
                    if let Kind::Anchor(name) = self.scanner.next()?.kind {
                        anchor = Some(name);
                    }
                }
                Kind::Tag { .. } if found.is_none() => {
                    let token = self.scanner.next()?;
                    if let Kind::Tag { handle, suffix } = token.kind {
                        found = Some((handle, suffix, token.line));
                    }
                }
                _ => break,
            }
        }
        let Some((handle, suffix, line)) = found else { return Ok((anchor, Vec::new())) };
        if handle.is_empty() {
            return Ok((anchor, suffix));
        }
        let prefix = self.tags.iter().find(|(known, _)| *known == handle);
        let tag = prefix.map(|(_, prefix)| [prefix.as_slice(), &suffix].concat());
        let tag = tag.filter(|tag| !tag.is_empty()).ok_or(Fault {
            problem: "found undefined tag handle",
            line: if line == 0 { start } else { line },
        })?;
        Ok((anchor, tag))
    }

    /// A node, unless one of `absent` follows, in which case it is an empty one.
    fn node_or_empty(
        &mut self,
        absent: &[Kind],
        then: State,
        block: bool,
        indentless: bool,
    ) -> Parsed {
        if absent.contains(&self.scanner.peek()?.kind) {
            self.state = then;
            return Ok(empty());
        }
        self.states.push(then);
        self.node(block, indentless)
    }

    // Block collections.

    fn block_sequence_entry(&mut self) -> Parsed {
        match self.scanner.peek()?.kind {
            Kind::BlockEntry => {
                self.scanner.next()?;
                let absent = [Kind::BlockEntry, Kind::BlockEnd];
                self.node_or_empty(&absent, State::BlockSequenceEntry, true, false)
            }
            Kind::BlockEnd => self.close(Event::SequenceEnd),
            _ => self.fault_inside("did not find expected '-' indicator"),
        }
    }

    fn indentless_sequence_entry(&mut self) -> Parsed {
        if !self.peek(&Kind::BlockEntry)? {
            self.pop_state();
            return Ok(Event::SequenceEnd);
        }
        self.scanner.next()?;
        let absent = [Kind::BlockEntry, Kind::Key, Kind::Value, Kind::BlockEnd];
        self.node_or_empty(&absent, State::IndentlessSequenceEntry, true, false)
    }

    fn block_mapping_key(&mut self) -> Parsed {
        match self.scanner.peek()?.kind {
            Kind::Key => {
                self.scanner.next()?;
                let absent = [Kind::Key, Kind::Value, Kind::BlockEnd];
                self.node_or_empty(&absent, State::BlockMappingValue, true, true)
            }
            Kind::BlockEnd => self.close(Event::MappingEnd),
            _ => self.fault_inside("did not find expected key"),
        }
    }

    fn block_mapping_value(&mut self) -> Parsed {
        if !self.peek(&Kind::Value)? {
            self.state = State::BlockMappingKey;
            return Ok(empty());
        }
        self.scanner.next()?;
        let absent = [Kind::Key, Kind::Value, Kind::BlockEnd];
        self.node_or_empty(&absent, State::BlockMappingKey, true, true)
    }

    // Flow collections.

    fn flow_sequence_entry(&mut self, first: bool) -> Parsed {
        if !first && !self.peek(&Kind::FlowSequenceEnd)? {
            if !self.peek(&Kind::FlowEntry)? {
                return self.fault_inside("did not find expected ',' or ']'");
            }
            self.scanner.next()?;
        }
        match self.scanner.peek()?.kind {
            Kind::FlowSequenceEnd => self.close(Event::SequenceEnd),
            Kind::Key => {
                self.scanner.next()?;
                self.state = State::FlowSequencePairKey;
                Ok(Event::MappingStart { anchor: None })
            }
            _ => {
                self.states.push(State::FlowSequenceEntry);
                self.node(false, false)
            }
        }
    }

    fn flow_sequence_pair_key(&mut self) -> Parsed {
        match self.scanner.peek()?.kind {
            Kind::Value | Kind::FlowEntry | Kind::FlowSequenceEnd => {
                // Not a slip: the token is gone, as it is for Go.
                self.scanner.next()?;
                self.state = State::FlowSequencePairValue;
                Ok(empty())
            }
            _ => {
                self.states.push(State::FlowSequencePairValue);
                self.node(false, false)
            }
        }
    }

    fn flow_sequence_pair_value(&mut self) -> Parsed {
        if self.peek(&Kind::Value)? {
            self.scanner.next()?;
            let absent = [Kind::FlowEntry, Kind::FlowSequenceEnd];
            return self.node_or_empty(&absent, State::FlowSequencePairEnd, false, false);
        }
        self.state = State::FlowSequencePairEnd;
        Ok(empty())
    }

    fn flow_mapping_key(&mut self, first: bool) -> Parsed {
        if !first && !self.peek(&Kind::FlowMappingEnd)? {
            if !self.peek(&Kind::FlowEntry)? {
                return self.fault_inside("did not find expected ',' or '}'");
            }
            self.scanner.next()?;
        }
        match self.scanner.peek()?.kind {
            Kind::FlowMappingEnd => self.close(Event::MappingEnd),
            Kind::Key => {
                self.scanner.next()?;
                let absent = [Kind::Value, Kind::FlowEntry, Kind::FlowMappingEnd];
                self.node_or_empty(&absent, State::FlowMappingValue, false, false)
            }
            _ => {
                self.states.push(State::FlowMappingEmptyValue);
                self.node(false, false)
            }
        }
    }

    fn flow_mapping_value(&mut self, empty_value: bool) -> Parsed {
        if !empty_value && self.peek(&Kind::Value)? {
            self.scanner.next()?;
            let absent = [Kind::FlowEntry, Kind::FlowMappingEnd];
            return self.node_or_empty(&absent, State::FlowMappingKey, false, false);
        }
        self.scanner.peek()?;
        self.state = State::FlowMappingKey;
        Ok(empty())
    }
}

fn empty() -> Event {
    Event::Scalar { anchor: None, tag: Vec::new(), text: Vec::new(), implicit: true }
}
