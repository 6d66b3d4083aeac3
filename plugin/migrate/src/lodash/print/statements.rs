//! Statements.

use super::go::Go;
use super::types::Ty;
use super::{Printer, nil};
use crate::lodash::Refusal;
use crate::lodash::ir::{Expr, ExprKind, Stmt, StmtKind, VariableId};

impl Printer<'_> {
    pub(super) fn statements(&mut self, body: &[Stmt]) -> Result<(), Refusal> {
        body.iter().try_for_each(|statement| self.statement(statement))
    }

    pub(super) fn statement(&mut self, statement: &Stmt) -> Result<(), Refusal> {
        match &statement.kind {
            StmtKind::Text(text) => self.literal(text),
            StmtKind::Print(value) => self.print(value)?,
            StmtKind::PrintEscaped(value) => self.print_escaped(value)?,
            StmtKind::Let { variable, value } => {
                let given = match value {
                    Some(value) => self.assigned(*variable, value)?,
                    None => nil(),
                };
                self.action(format!("{} := {}", self.name(*variable), given.text));
            }
            StmtKind::Assign { variable, value } => {
                let given = self.assigned(*variable, value)?;
                self.action(format!("{} = {}", self.name(*variable), given.text));
            }
            StmtKind::Push { variable, value } => {
                let item = self.types.variable(*variable).item();
                let given = self.value(value)?;
                let given = self.held_inside(given, &item);
                let name = self.name(*variable);
                self.action(format!("{name} = append {name} {}", given.arg()));
            }
            StmtKind::If { condition, then, otherwise } => {
                self.branches(condition, then, otherwise)?;
            }
            StmtKind::ForEach { list, method, item, index, body } => {
                self.for_each(list, *method, item, *index, body)?;
            }
            StmtKind::ForIn { object, key, body } => self.for_in(object, *key, body)?,
            StmtKind::Count { variable, from, to, inclusive, body } => {
                self.count(*variable, from, to, *inclusive, body)?;
            }
            StmtKind::Continue => self.action("continue"),
            StmtKind::Break => self.action("break"),
            StmtKind::Discard(value) => {
                if !matches!(
                    value.kind,
                    ExprKind::Text(_)
                        | ExprKind::Number(_)
                        | ExprKind::Undefined
                        | ExprKind::Null
                        | ExprKind::Bool(_)
                ) {
                    let given = self.value(value)?;
                    self.action(format!("$_ := {}", given.text));
                }
            }
        }
        Ok(())
    }

    fn assigned(&mut self, variable: VariableId, value: &Expr) -> Result<Go, Refusal> {
        let ty = self.types.variable(variable);
        let given = self.value(value)?;
        let list = matches!((&given.ty, &ty), (Ty::Json | Ty::OptJson, Ty::List(_)));
        if list {
            return self.refuse(value.span, "a variable that is a list only at times");
        }
        Ok(self.held(given, &ty))
    }

    /// `if` with its chain of `else if`, as flat as it was written.
    fn branches(
        &mut self,
        condition: &Expr,
        then: &[Stmt],
        otherwise: &[Stmt],
    ) -> Result<(), Refusal> {
        let test = self.condition(condition)?;
        self.action(format!("if {}", test.text));
        self.statements(then)?;
        let mut rest = otherwise;
        while let [Stmt { kind: StmtKind::If { condition, then, otherwise }, .. }] = rest {
            let (before, test) = self.aside(|printer| printer.condition(condition))?;
            if !before.is_empty() {
                break;
            }
            self.action(format!("else if {}", test.text));
            self.statements(then)?;
            rest = otherwise;
        }
        if !rest.is_empty() {
            self.action("else");
            self.statements(rest)?;
        }
        self.action("end");
        Ok(())
    }
}
