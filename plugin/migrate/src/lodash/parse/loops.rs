//! Loops.

use std::collections::BTreeSet;

use oxc_ast::ast::{
    self, Argument, ArrowFunctionBody, AssignmentTarget, Expression, ForStatementInit,
    ForStatementLeft, SimpleAssignmentTarget, VariableDeclarationKind,
};
use oxc_span::GetSpan;
use oxc_syntax::operator::{AssignmentOperator, BinaryOperator, UpdateOperator};

use super::bindings::Declared;
use super::{Reader, Within};
use crate::lodash::Refusal;
use crate::lodash::ir::{Binding, Expr, ExprKind, Stmt, StmtKind, VariableId};

impl Reader<'_> {
    fn within<T>(
        &mut self,
        place: Within,
        run: impl FnOnce(&mut Self) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let before = std::mem::replace(&mut self.place, place);
        let result = run(self);
        self.place = before;
        result
    }

    /// `E.forEach(function)` as a statement.
    pub(super) fn for_each(
        &mut self,
        call: &ast::CallExpression<'_>,
        object: &Expression<'_>,
        out: &mut Vec<Stmt>,
    ) -> Result<(), Refusal> {
        let list = self.expression(object)?;
        let [function] = call.arguments.as_slice() else {
            return self.refuse(call.span, "`forEach` without one function");
        };
        let mut body = Vec::new();
        let parameters = self.scoped(true, |reader| {
            reader.within(Within::Callback, |reader| match function {
                Argument::ArrowFunctionExpression(arrow) if !arrow.r#async => {
                    let parameters = reader.parameters(&arrow.params)?;
                    match &arrow.body {
                        ArrowFunctionBody::FunctionBody(it) => {
                            reader.statements(&it.statements, &mut body)?;
                        }
                        other => {
                            if let Some(result) = other.as_expression() {
                                reader.effect(result, &mut body)?;
                            }
                        }
                    }
                    Ok(parameters)
                }
                Argument::FunctionExpression(it) if !it.r#async && !it.generator => {
                    let parameters = reader.parameters(&it.params)?;
                    if let Some(it) = &it.body {
                        reader.statements(&it.statements, &mut body)?;
                    }
                    Ok(parameters)
                }
                other => reader.refuse(other.span(), "a function that is not written in place"),
            })
        })?;
        let kind = StmtKind::ForEach {
            list,
            method: true,
            item: parameters.item,
            index: parameters.index,
            body,
        };
        out.push(Stmt { kind, span: self.span(call.span) });
        Ok(())
    }

    fn loop_binding(&mut self, left: &ForStatementLeft<'_>) -> Result<Binding, Refusal> {
        let ForStatementLeft::VariableDeclaration(declaration) = left else {
            return self.refuse(left.span(), "a loop over a variable from outside");
        };
        let how = match declaration.kind {
            // It is the same variable in every turn, which nothing here can tell.
            VariableDeclarationKind::Var => Declared::LoopVar,
            VariableDeclarationKind::Let => Declared::Let,
            VariableDeclarationKind::Const => Declared::Const,
            _ => return self.refuse(declaration.span, "a declaration with `using`"),
        };
        match declaration.declarations.as_slice() {
            [only] if only.init.is_none() => self.binding(&only.id, how),
            _ => self.refuse(declaration.span, "a loop with a value"),
        }
    }

    pub(super) fn for_of(
        &mut self,
        given: &ast::ForOfStatement<'_>,
        out: &mut Vec<Stmt>,
    ) -> Result<(), Refusal> {
        if given.r#await {
            return self.refuse(given.span, "`for await`");
        }
        let list = self.expression(&given.right)?;
        let (item, body) = self.scoped(false, |reader| {
            let item = reader.loop_binding(&given.left)?;
            let body = reader.within(Within::Loop, |reader| reader.block(&given.body))?;
            Ok((item, body))
        })?;
        let mut changed = BTreeSet::new();
        assigned(&body, &mut changed);
        if mentions(&list, &changed) {
            return self.refuse(given.span, "a loop over a list that it changes");
        }
        let kind = StmtKind::ForEach { list, method: false, item, index: None, body };
        out.push(Stmt { kind, span: self.span(given.span) });
        Ok(())
    }

    pub(super) fn for_in(
        &mut self,
        given: &ast::ForInStatement<'_>,
        out: &mut Vec<Stmt>,
    ) -> Result<(), Refusal> {
        let object = self.expression(&given.right)?;
        let (key, body) = self.scoped(false, |reader| {
            let Binding::One(key) = reader.loop_binding(&given.left)? else {
                return reader.refuse(given.left.span(), "a pattern for a key");
            };
            let body = reader.within(Within::Loop, |reader| reader.block(&given.body))?;
            Ok((key, body))
        })?;
        out.push(Stmt { kind: StmtKind::ForIn { object, key, body }, span: self.span(given.span) });
        Ok(())
    }

    /// `for (let i = A; i < B; i++)`; what else a `for` can be is refused.
    pub(super) fn count(
        &mut self,
        given: &ast::ForStatement<'_>,
        out: &mut Vec<Stmt>,
    ) -> Result<(), Refusal> {
        const OTHER: &str = "a `for` loop that does not simply count";
        let Some(ForStatementInit::VariableDeclaration(init)) = &given.init else {
            return self.refuse(given.span, OTHER);
        };
        let Some((first, rest)) = init.declarations.split_first() else {
            return self.refuse(given.span, OTHER);
        };
        let (Some(name), Some(from)) = (first.id.get_binding_identifier(), &first.init) else {
            return self.refuse(given.span, OTHER);
        };
        let how = match init.kind {
            VariableDeclarationKind::Var => Declared::LoopVar,
            _ => Declared::Let,
        };
        let from = self.expression(from)?;
        self.scoped(false, |reader| {
            let variable = reader.declare(&name.name, how, name.span)?;
            for other in rest {
                let (Some(name), Some(value)) = (other.id.get_binding_identifier(), &other.init)
                else {
                    return reader.refuse(given.span, OTHER);
                };
                let value = reader.expression(value)?;
                if mentions(&value, &BTreeSet::from([variable])) {
                    return reader.refuse(given.span, OTHER);
                }
                reader.share(&value);
                let id = reader.declare(&name.name, how, name.span)?;
                let kind = StmtKind::Let { variable: id, value: Some(value) };
                out.push(Stmt { kind, span: reader.span(other.span) });
            }
            let (to, inclusive) = match &given.test {
                Some(Expression::BinaryExpression(test))
                    if test.left.is_specific_id(&name.name) =>
                {
                    let inclusive = match test.operator {
                        BinaryOperator::LessThan => false,
                        BinaryOperator::LessEqualThan => true,
                        _ => return reader.refuse(given.span, OTHER),
                    };
                    (reader.expression(&test.right)?, inclusive)
                }
                _ => return reader.refuse(given.span, OTHER),
            };
            if !given.update.as_ref().is_some_and(|update| adds_one(update, &name.name)) {
                return reader.refuse(given.span, OTHER);
            }
            let body = reader.within(Within::Loop, |reader| reader.block(&given.body))?;
            let mut changed = BTreeSet::new();
            assigned(&body, &mut changed);
            let counted = changed.contains(&variable);
            changed.insert(variable);
            if counted || mentions(&to, &changed) {
                return reader.refuse(given.span, OTHER);
            }
            let kind = StmtKind::Count { variable, from, to, inclusive, body };
            out.push(Stmt { kind, span: reader.span(given.span) });
            Ok(())
        })
    }
}

fn adds_one(update: &Expression<'_>, name: &str) -> bool {
    match update {
        Expression::UpdateExpression(it) => {
            it.operator == UpdateOperator::Increment
                && matches!(&it.argument,
                    SimpleAssignmentTarget::AssignmentTargetIdentifier(id) if id.name == name)
        }
        Expression::AssignmentExpression(it) => {
            it.operator == AssignmentOperator::Addition
                && matches!(&it.left,
                    AssignmentTarget::AssignmentTargetIdentifier(id) if id.name == name)
                && matches!(&it.right, Expression::NumericLiteral(one) if one.value.to_bits() == 1.0_f64.to_bits())
        }
        _ => false,
    }
}

/// The variables that statements change.
fn assigned(body: &[Stmt], out: &mut BTreeSet<VariableId>) {
    for statement in body {
        match &statement.kind {
            StmtKind::Assign { variable, .. } | StmtKind::Push { variable, .. } => {
                out.insert(*variable);
            }
            StmtKind::If { then, otherwise, .. } => {
                assigned(then, out);
                assigned(otherwise, out);
            }
            StmtKind::ForEach { body, .. }
            | StmtKind::ForIn { body, .. }
            | StmtKind::Count { body, .. } => assigned(body, out),
            _ => {}
        }
    }
}

/// True when an expression reads one of the variables.
fn mentions(expression: &Expr, variables: &BTreeSet<VariableId>) -> bool {
    let any = |parts: &[Expr]| parts.iter().any(|part| mentions(part, variables));
    match &expression.kind {
        ExprKind::Variable(id) => variables.contains(id),
        ExprKind::Concat(parts) | ExprKind::List(parts) => any(parts),
        ExprKind::Object(members) => members.iter().any(|(_, value)| mentions(value, variables)),
        ExprKind::Member { object, .. } | ExprKind::Chain(object) => mentions(object, variables),
        ExprKind::Index { object, index, .. } => {
            mentions(object, variables) || mentions(index, variables)
        }
        ExprKind::Unary { operand, .. } => mentions(operand, variables),
        ExprKind::Binary { left, right, .. } | ExprKind::Logical { left, right, .. } => {
            mentions(left, variables) || mentions(right, variables)
        }
        ExprKind::Conditional { condition, then, otherwise } => {
            [condition, then, otherwise].iter().any(|part| mentions(part, variables))
        }
        ExprKind::Call { arguments, .. } => any(arguments),
        ExprKind::Recode { value, .. } => mentions(value, variables),
        ExprKind::Method { receiver, arguments, .. } => {
            mentions(receiver, variables) || any(arguments)
        }
        ExprKind::Each { receiver, result, .. } => {
            mentions(receiver, variables) || mentions(result, variables)
        }
        ExprKind::Undefined
        | ExprKind::Null
        | ExprKind::Bool(_)
        | ExprKind::Number(_)
        | ExprKind::Text(_)
        | ExprKind::Data
        | ExprKind::Regex(_) => false,
    }
}
