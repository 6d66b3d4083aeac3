//! What the values of an object must look like, by how the object uses them.

use std::collections::BTreeMap;

use super::pipeline::{Content, Part, TemplateText};
use super::store;
use crate::kes::{Backend, Binary, Kes};
use crate::lodash::ir::{
    Binding, Encoding, Expr, ExprKind, Function, Program, Stmt, StmtKind, VariableId,
};
use crate::property;

/// Nesting of statements and expressions that is followed.
const MAX_DEPTH: usize = 200;
/// Members, elements and texts of one object that are told apart.
const MAX_LEAVES: usize = 4_000;

/// Members of whole values that no object names. They stand for all that may be there.
pub(super) const INVENTED: [&str; 2] = ["first-member", "other.member"];
/// Names of parameters below a path, which the number of the path follows.
pub(super) const PARAMETERS: [&str; 2] = ["first-parameter", "other-parameter"];

/// A value.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    /// Members of the object that it is, or that its text is as JSON.
    pub(super) members: Vec<(String, Shape)>,
    /// Elements of the list that it is.
    pub(super) element: Option<Box<Shape>>,
    /// The text is read as JSON.
    pub(super) parsed: bool,
    /// The text is read as base64.
    pub(super) base64: bool,
    /// The text may have to be base64: a template prints it among base64.
    pub(super) encoded: bool,
}

impl Shape {
    /// The member of this name, made when it is not there.
    fn member(&mut self, name: &str) -> &mut Shape {
        let at = self.members.iter().position(|(known, _)| known == name);
        let at = at.unwrap_or_else(|| {
            self.members.push((name.to_owned(), Shape::default()));
            self.members.len() - 1
        });
        // The place was found or made just now.
        &mut self.members[at].1
    }

    fn step(&mut self, step: &Step) -> &mut Shape {
        match step {
            Step::Member(name) => self.member(name),
            Step::Element => self.element.get_or_insert_default(),
            Step::Parsed => {
                self.parsed = true;
                self
            }
        }
    }
}

/// A step from a value to what is in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Member(String),
    Element,
    /// `JSON.parse`
    Parsed,
}

/// All values that an object reads, by their names in a file of values.
pub(super) fn of(kes: &Kes<'_>, texts: &[TemplateText<'_>]) -> BTreeMap<String, Shape> {
    let mut values: BTreeMap<String, Shape> = BTreeMap::new();
    // Where a template's `data.NAME` comes from.
    let mut sources: BTreeMap<&str, (String, Vec<Step>)> = BTreeMap::new();
    let mut first_extract = None;
    for item in &kes.extracts {
        let (key, version) = store::address(kes, item);
        let name = store::name(&key, version.as_deref());
        let shape = values.entry(name.clone()).or_default();
        shape.parsed = true;
        first_extract.get_or_insert(name);
    }
    for item in &kes.items {
        let (key, version) = store::address(kes, item);
        let name = store::name(&key, version.as_deref());
        let mut steps = Vec::new();
        let shape = values.entry(name.clone()).or_default();
        if kes.backend == Backend::Ibm {
            ibm(item, shape);
        }
        let mut leaf = &mut *shape;
        if let Some(property) = item.property.as_ref().filter(|text| !text.value.is_empty()) {
            let outer = kes.backend == Backend::Ibm;
            steps.push(Step::Parsed);
            for segment in property::segments(&property.value) {
                // IBM's own wrapping is not in the store.
                if outer && segment == "payload" && steps.len() == 1 {
                    continue;
                }
                let index = !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_digit());
                steps.push(if index { Step::Element } else { Step::Member(segment) });
            }
            if steps.len() > 1 || !outer {
                for step in &steps {
                    leaf = leaf.step(step);
                }
            }
        }
        if item.binary == Binary::Yes {
            leaf.base64 = true;
        }
        if let Some(key) = &item.name {
            sources.insert(key.value.as_ref(), (name, steps));
        }
    }
    for text in texts {
        let Content::Program(program) = &text.text else { continue };
        for demand in demands(program) {
            let (name, mut steps) = match (sources.get(demand.key.as_str()), &first_extract) {
                (Some((name, steps)), _) => (name.clone(), steps.clone()),
                (None, Some(name)) => {
                    (name.clone(), vec![Step::Parsed, Step::Member(demand.key.clone())])
                }
                (None, None) => continue,
            };
            steps.extend(demand.steps);
            let mut leaf = values.entry(name).or_default();
            for step in &steps {
                leaf = leaf.step(step);
            }
            leaf.base64 |= demand.base64;
            leaf.encoded |= text.part == Part::Data;
        }
    }
    // What a whole value brings besides what is named.
    for item in &kes.extracts {
        let (key, version) = store::address(kes, item);
        if let Some(shape) = values.get_mut(&store::name(&key, version.as_deref())) {
            for member in INVENTED {
                shape.member(member);
            }
        }
    }
    values
}

/// The members that a type of IBM's has.
fn ibm(item: &crate::kes::Item<'_>, shape: &mut Shape) {
    let members: &[&str] = match item.secret_type.as_ref().map(|kind| kind.value.as_ref()) {
        Some("username_password") => &["username", "password"],
        Some("imported_cert") => &["certificate", "private_key", "intermediate"],
        Some("public_cert" | "private_cert") => &["certificate", "private_key"],
        Some("kv") => &["some"],
        _ => return,
    };
    shape.parsed = true;
    for member in members {
        shape.member(member);
    }
}

/// A part of a fetched value that a template looks at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Demand {
    key: String,
    steps: Vec<Step>,
    base64: bool,
}

/// What a template looks at. Branches and loops are all looked into once.
fn demands(program: &Program) -> Vec<Demand> {
    let mut reader =
        Reader { variables: vec![None; program.variables.len()], demands: Vec::new(), depth: 0 };
    reader.block(&program.body);
    reader.demands.sort();
    reader.demands.dedup();
    reader.demands
}

/// A part of a value, while it is followed.
type Value = Option<(String, Vec<Step>)>;

struct Reader {
    variables: Vec<Value>,
    demands: Vec<Demand>,
    depth: usize,
}

impl Reader {
    fn block(&mut self, body: &[Stmt]) {
        if self.depth >= MAX_DEPTH {
            return;
        }
        self.depth += 1;
        for statement in body {
            self.statement(statement);
        }
        self.depth -= 1;
    }

    fn statement(&mut self, statement: &Stmt) {
        match &statement.kind {
            StmtKind::Text(_) | StmtKind::Continue | StmtKind::Break => {}
            StmtKind::Print(value)
            | StmtKind::PrintEscaped(value)
            | StmtKind::Discard(value)
            | StmtKind::Push { value, .. } => {
                self.expr(value);
            }
            StmtKind::Let { variable, value } => {
                let part = value.as_ref().and_then(|value| self.expr(value));
                self.set(*variable, part);
            }
            StmtKind::Assign { variable, value } => {
                if let Some(part) = self.expr(value) {
                    self.set(*variable, Some(part));
                }
            }
            StmtKind::If { condition, then, otherwise } => {
                self.expr(condition);
                self.block(then);
                self.block(otherwise);
            }
            StmtKind::ForEach { list, item, body, .. } => {
                let list = self.expr(list);
                self.bind(item, list);
                self.block(body);
            }
            StmtKind::ForIn { object, body, .. } => {
                self.expr(object);
                self.block(body);
            }
            StmtKind::Count { from, to, body, .. } => {
                self.expr(from);
                self.expr(to);
                self.block(body);
            }
        }
    }

    fn set(&mut self, variable: VariableId, part: Value) {
        if let Some(place) = self.variables.get_mut(variable.0) {
            *place = part;
        }
    }

    fn bind(&mut self, binding: &Binding, list: Value) {
        let element = self.step(list, Step::Element);
        match binding {
            Binding::None | Binding::Elements(_) => {}
            Binding::One(variable) => self.set(*variable, element),
            Binding::Members(members) => {
                for (name, variable) in members {
                    let part = self.step(element.clone(), Step::Member(name.clone()));
                    self.set(*variable, part);
                }
            }
        }
    }

    fn step(&mut self, part: Value, step: Step) -> Value {
        let (key, mut steps) = part?;
        steps.push(step);
        self.demand(&key, &steps, false);
        Some((key, steps))
    }

    fn demand(&mut self, key: &str, steps: &[Step], base64: bool) {
        if self.demands.len() < MAX_LEAVES {
            self.demands.push(Demand { key: key.to_owned(), steps: steps.to_vec(), base64 });
        }
    }

    fn all(&mut self, exprs: &[Expr]) {
        for expr in exprs {
            self.expr(expr);
        }
    }

    /// Looks into an expression; the part of a value that it is, where that is plain to see.
    fn expr(&mut self, expr: &Expr) -> Value {
        if self.depth >= MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        let part = self.kind(&expr.kind);
        self.depth -= 1;
        part
    }

    fn kind(&mut self, kind: &ExprKind) -> Value {
        match kind {
            ExprKind::Variable(variable) => self.variables.get(variable.0).cloned().flatten(),
            ExprKind::Member { object, key, .. } => {
                if matches!(object.kind, ExprKind::Data) {
                    self.demand(key, &[], false);
                    return Some((key.clone(), Vec::new()));
                }
                let object = self.expr(object)?;
                let parsed = object.1.contains(&Step::Parsed);
                match key.as_str() {
                    "length" => None,
                    // A member of a text is nothing to ask of a store.
                    _ if !parsed => None,
                    key if key.bytes().all(|b| b.is_ascii_digit()) => {
                        self.step(Some(object), Step::Element)
                    }
                    key => self.step(Some(object), Step::Member(key.to_owned())),
                }
            }
            ExprKind::Index { object, index, .. } => {
                self.expr(index);
                if let (ExprKind::Data, ExprKind::Text(key)) = (&object.kind, &index.kind) {
                    self.demand(key, &[], false);
                    return Some((key.clone(), Vec::new()));
                }
                let object = self.expr(object)?;
                let parsed = object.1.contains(&Step::Parsed);
                if parsed { self.step(Some(object), Step::Element) } else { None }
            }
            ExprKind::Chain(inner) => self.expr(inner),
            ExprKind::Logical { left, right, .. } => {
                let left = self.expr(left);
                let right = self.expr(right);
                left.or(right)
            }
            ExprKind::Conditional { condition, then, otherwise } => {
                self.expr(condition);
                let then = self.expr(then);
                let otherwise = self.expr(otherwise);
                then.or(otherwise)
            }
            ExprKind::Call { function, arguments } => {
                let parts: Vec<Value> = arguments.iter().map(|it| self.expr(it)).collect();
                let first = parts.into_iter().next().flatten();
                match function {
                    Function::JsonParse => self.step(first, Step::Parsed),
                    Function::String => first,
                    _ => None,
                }
            }
            ExprKind::Recode { value, from, .. } => {
                if let Some((key, steps)) = self.expr(value)
                    && *from == Encoding::Base64
                {
                    self.demand(&key, &steps, true);
                }
                None
            }
            ExprKind::Each { receiver, item, result, .. } => {
                let list = self.expr(receiver);
                self.bind(item, list);
                self.expr(result);
                None
            }
            ExprKind::Method { receiver, arguments, .. } => {
                self.expr(receiver);
                self.all(arguments);
                None
            }
            ExprKind::Unary { operand, .. } => {
                self.expr(operand);
                None
            }
            ExprKind::Binary { left, right, .. } => {
                self.expr(left);
                self.expr(right);
                None
            }
            ExprKind::Concat(items) | ExprKind::List(items) => {
                self.all(items);
                None
            }
            ExprKind::Object(members) => {
                for (_, value) in members {
                    self.expr(value);
                }
                None
            }
            ExprKind::Undefined
            | ExprKind::Null
            | ExprKind::Bool(_)
            | ExprKind::Number(_)
            | ExprKind::Text(_)
            | ExprKind::Data
            | ExprKind::Regex(_) => None,
        }
    }
}
