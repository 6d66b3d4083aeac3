//! Statements, and the parts of the template among them.

use oxc_ast::ast::{self, AssignmentTarget, Expression, SimpleAssignmentTarget, Statement};
use oxc_span::GetSpan;
use oxc_syntax::operator::{AssignmentOperator, BinaryOperator, LogicalOperator, UpdateOperator};

use super::names::RESERVED;
use super::{Facts, Reader, Within};
use crate::lodash::Refusal;
use crate::lodash::ir::{Binary, Expr, ExprKind, Logical, Span, Stmt, StmtKind, VariableId};
use crate::lodash::scan::PieceKind;

impl Reader<'_> {
    pub(super) fn statements(
        &mut self,
        given: &[Statement<'_>],
        out: &mut Vec<Stmt>,
    ) -> Result<(), Refusal> {
        given.iter().try_for_each(|statement| self.statement(statement, out))
    }

    fn statement(&mut self, given: &Statement<'_>, out: &mut Vec<Stmt>) -> Result<(), Refusal> {
        self.deeper(given.span(), |reader| reader.any_statement(given, out))
    }

    fn any_statement(&mut self, given: &Statement<'_>, out: &mut Vec<Stmt>) -> Result<(), Refusal> {
        let span = given.span();
        let refused = match given {
            Statement::EmptyStatement(_) => return Ok(()),
            Statement::ExpressionStatement(it) => {
                let mark = self.source.mark(it.span.start as usize).map(|mark| mark.piece);
                return match mark {
                    Some(piece) => self.mark(piece, &it.expression, out),
                    None => self.effect(&it.expression, out),
                };
            }
            Statement::BlockStatement(it) => {
                return self.scoped(false, |reader| reader.statements(&it.body, out));
            }
            Statement::VariableDeclaration(it) => return self.declaration(it, out),
            Statement::IfStatement(it) => {
                let condition = self.expression(&it.test)?;
                let then = self.block(&it.consequent)?;
                let otherwise =
                    it.alternate.as_ref().map(|it| self.block(it)).transpose()?.unwrap_or_default();
                let kind = StmtKind::If { condition, then, otherwise };
                out.push(Stmt { kind, span: self.span(span) });
                return Ok(());
            }
            Statement::ForOfStatement(it) => return self.for_of(it, out),
            Statement::ForInStatement(it) => return self.for_in(it, out),
            Statement::ForStatement(it) => return self.count(it, out),
            Statement::ContinueStatement(it) if it.label.is_none() => {
                return self.jump(StmtKind::Continue, Within::Loop, span, out);
            }
            Statement::BreakStatement(it) if it.label.is_none() => {
                return self.jump(StmtKind::Break, Within::Loop, span, out);
            }
            Statement::ReturnStatement(it) if it.argument.is_none() => {
                return self.jump(StmtKind::Continue, Within::Callback, span, out);
            }
            Statement::ContinueStatement(_) | Statement::BreakStatement(_) => "a jump to a label",
            Statement::ReturnStatement(_) => "`return` with a value",
            Statement::FunctionDeclaration(_) => "a function",
            Statement::ClassDeclaration(_) => "a class",
            Statement::WhileStatement(_) | Statement::DoWhileStatement(_) => "a `while` loop",
            Statement::SwitchStatement(_) => "`switch`",
            Statement::ThrowStatement(_) => "`throw`",
            Statement::TryStatement(_) => "`try`",
            Statement::WithStatement(_) => "`with`",
            Statement::LabeledStatement(_) => "a label",
            Statement::DebuggerStatement(_) => "`debugger`",
            _ => "this kind of statement",
        };
        self.refuse(span, refused)
    }

    fn jump(
        &mut self,
        kind: StmtKind,
        within: Within,
        span: oxc_span::Span,
        out: &mut Vec<Stmt>,
    ) -> Result<(), Refusal> {
        if self.place != within {
            return self.refuse(span, "a jump out of the template");
        }
        out.push(Stmt { kind, span: self.span(span) });
        Ok(())
    }

    /// A statement in a scope of its own.
    pub(super) fn block(&mut self, given: &Statement<'_>) -> Result<Vec<Stmt>, Refusal> {
        let mut body = Vec::new();
        match given {
            // It opens its own.
            Statement::BlockStatement(_) => self.statement(given, &mut body)?,
            _ => self.scoped(false, |reader| reader.statement(given, &mut body))?,
        }
        Ok(body)
    }

    /// A part of the template; anything but what stands for it means that code reached around it.
    fn mark(
        &mut self,
        piece: usize,
        statement: &Expression<'_>,
        out: &mut Vec<Stmt>,
    ) -> Result<(), Refusal> {
        let span = statement.span();
        let Some((kind, whole, text)) = self.piece(piece) else {
            return self.refuse(span, "this kind of statement");
        };
        let text = text.to_owned();
        let kind = match (kind, appended(statement)) {
            (PieceKind::Text, Some(Expression::NumericLiteral(_))) => StmtKind::Text(text),
            (PieceKind::Escape, Some(Expression::CallExpression(call))) => {
                match (&call.callee, call.arguments.as_slice()) {
                    (Expression::Identifier(name), [value]) if name.name == "__e" => {
                        match value.as_expression() {
                            Some(value) => StmtKind::PrintEscaped(self.expression(value)?),
                            None => return self.refuse(span, "a spread argument"),
                        }
                    }
                    _ => return self.around(whole),
                }
            }
            (PieceKind::Interpolate | PieceKind::Template, Some(wrapped)) => match printed(wrapped)
            {
                Some(value) => StmtKind::Print(match self.printed_buffer(value)? {
                    Some(buffer) => buffer,
                    None => self.expression(value)?,
                }),
                None => return self.around(whole),
            },
            _ => return self.around(whole),
        };
        self.marks += 1;
        out.push(Stmt { kind, span: whole });
        Ok(())
    }

    fn around<T>(&self, span: Span) -> Result<T, Refusal> {
        let _ = self;
        Err(Refusal::new(span, "code that reaches around the text of the template"))
    }

    /// An expression that stands for what it does.
    pub(super) fn effect(
        &mut self,
        given: &Expression<'_>,
        out: &mut Vec<Stmt>,
    ) -> Result<(), Refusal> {
        let span = given.span();
        match given.without_parentheses() {
            Expression::AssignmentExpression(it) => self.assignment(it, out),
            Expression::UpdateExpression(it) => {
                let SimpleAssignmentTarget::AssignmentTargetIdentifier(name) = &it.argument else {
                    return self.refuse(span, "a change of a member");
                };
                let operator = match it.operator {
                    UpdateOperator::Increment => Binary::Add,
                    UpdateOperator::Decrement => Binary::Sub,
                };
                let variable = self.assignable(name)?;
                let here = self.span(span);
                let operand = |kind| Box::new(Expr { kind, span: here });
                let number = ExprKind::Unary {
                    operator: crate::lodash::ir::Unary::Plus,
                    operand: operand(ExprKind::Variable(variable)),
                };
                let value = Expr {
                    kind: ExprKind::Binary {
                        operator,
                        left: operand(number),
                        right: operand(ExprKind::Number(1.0)),
                    },
                    span: here,
                };
                out.push(Stmt { kind: StmtKind::Assign { variable, value }, span: here });
                Ok(())
            }
            Expression::SequenceExpression(it) => {
                it.expressions.iter().try_for_each(|part| self.effect(part, out))
            }
            Expression::CallExpression(call) => self.call_for_effect(call, out),
            Expression::ConditionalExpression(it) => {
                let condition = self.expression(&it.test)?;
                let (mut then, mut otherwise) = (Vec::new(), Vec::new());
                self.effect(&it.consequent, &mut then)?;
                self.effect(&it.alternate, &mut otherwise)?;
                let kind = StmtKind::If { condition, then, otherwise };
                out.push(Stmt { kind, span: self.span(span) });
                Ok(())
            }
            Expression::LogicalExpression(it) if it.operator == LogicalOperator::And => {
                let condition = self.expression(&it.left)?;
                let mut then = Vec::new();
                self.effect(&it.right, &mut then)?;
                let kind = StmtKind::If { condition, then, otherwise: Vec::new() };
                out.push(Stmt { kind, span: self.span(span) });
                Ok(())
            }
            other => {
                let value = self.expression(other)?;
                out.push(Stmt { kind: StmtKind::Discard(value), span: self.span(span) });
                Ok(())
            }
        }
    }

    fn call_for_effect(
        &mut self,
        call: &ast::CallExpression<'_>,
        out: &mut Vec<Stmt>,
    ) -> Result<(), Refusal> {
        let span = self.span(call.span);
        match call.callee.without_parentheses() {
            Expression::Identifier(name)
                if name.name == "print" && self.resolve("print").is_none() =>
            {
                for value in self.arguments(call)? {
                    out.push(Stmt { kind: StmtKind::Print(value), span });
                }
                return Ok(());
            }
            Expression::StaticMemberExpression(member) if !member.optional && !call.optional => {
                match member.property.name.as_str() {
                    "forEach" => return self.for_each(call, &member.object, out),
                    "push" => {
                        let object = self.expression(&member.object)?;
                        let ExprKind::Variable(variable) = object.kind else {
                            return self.refuse(call.span, "a change of a list without a name");
                        };
                        for value in self.arguments(call)? {
                            self.share(&value);
                            if let Some(facts) = self.facts_of(variable) {
                                facts.pushed = Some(span);
                            }
                            out.push(Stmt { kind: StmtKind::Push { variable, value }, span });
                        }
                        return Ok(());
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        let value = Expr { kind: self.call(call)?, span };
        out.push(Stmt { kind: StmtKind::Discard(value), span });
        Ok(())
    }

    /// The variable that an assignment changes.
    fn assignable(&mut self, name: &ast::IdentifierReference<'_>) -> Result<VariableId, Refusal> {
        let Some(id) = self.resolve(&name.name) else {
            // It makes a global variable, which the next template finds.
            return self.refuse(name.span, "an assignment to a name that nothing declares");
        };
        if self.facts_of(id).is_some_and(|facts| facts.constant) {
            return self.failed(name.span, "an assignment to a constant");
        }
        Ok(id)
    }

    fn assignment(
        &mut self,
        given: &ast::AssignmentExpression<'_>,
        out: &mut Vec<Stmt>,
    ) -> Result<(), Refusal> {
        let span = self.span(given.span);
        let AssignmentTarget::AssignmentTargetIdentifier(name) = &given.left else {
            return self.refuse(given.span, "an assignment to something else than a variable");
        };
        if given.operator == AssignmentOperator::Assign {
            let value = self.expression(&given.right)?;
            self.share(&value);
            let kind = match self.resolve(&name.name) {
                Some(_) => {
                    let variable = self.assignable(name)?;
                    let own = super::bindings::is_own_list(&value);
                    if let Some(facts) = self.facts_of(variable) {
                        facts.own_list &= own;
                    }
                    StmtKind::Assign { variable, value }
                }
                // A global of the controller; here it lives as long as the block it is set in.
                None if RESERVED.contains(&name.name.as_str()) => {
                    return self.refuse(given.span, "an assignment to something of lodash or Node");
                }
                None => {
                    if super::names::global(&name.name).is_some() || self.scopes.len() > 1 {
                        return self.refuse(given.span, "an assignment to a global");
                    }
                    let own_list = super::bindings::is_own_list(&value);
                    let variable = VariableId(self.variables.len());
                    self.variables.push(name.name.to_string());
                    self.facts.push(Facts { var: true, own_list, ..Facts::default() });
                    if let Some(scope) = self.scopes.first_mut() {
                        scope.ids.insert(name.name.to_string(), variable);
                    }
                    StmtKind::Let { variable, value: Some(value) }
                }
            };
            out.push(Stmt { kind, span });
            return Ok(());
        }
        let variable = self.assignable(name)?;
        let left = Box::new(Expr { kind: ExprKind::Variable(variable), span });
        let right = self.boxed(&given.right)?;
        let binary =
            |operator| ExprKind::Binary { operator, left: left.clone(), right: right.clone() };
        let logical =
            |operator| ExprKind::Logical { operator, left: left.clone(), right: right.clone() };
        let kind = match given.operator {
            AssignmentOperator::Addition => binary(Binary::Add),
            AssignmentOperator::Subtraction => binary(Binary::Sub),
            AssignmentOperator::Multiplication => binary(Binary::Mul),
            AssignmentOperator::Division => binary(Binary::Div),
            AssignmentOperator::Remainder => binary(Binary::Rem),
            AssignmentOperator::LogicalOr => logical(Logical::Or),
            AssignmentOperator::LogicalAnd => logical(Logical::And),
            AssignmentOperator::LogicalNullish => logical(Logical::Coalesce),
            _ => return self.refuse(given.span, "arithmetic on bits"),
        };
        if let Some(facts) = self.facts_of(variable) {
            facts.own_list = false;
        }
        let value = Expr { kind, span };
        out.push(Stmt { kind: StmtKind::Assign { variable, value }, span });
        Ok(())
    }
}

/// `X` of `__p += X`.
fn appended<'s>(statement: &'s Expression<'_>) -> Option<&'s Expression<'s>> {
    let Expression::AssignmentExpression(it) = statement else { return None };
    match &it.left {
        AssignmentTarget::AssignmentTargetIdentifier(name)
            if name.name == "__p" && it.operator == AssignmentOperator::Addition =>
        {
            Some(&it.right)
        }
        _ => None,
    }
}

fn inside<'s>(given: &'s Expression<'s>) -> Option<&'s Expression<'s>> {
    match given {
        Expression::ParenthesizedExpression(it) => Some(&it.expression),
        _ => None,
    }
}

/// `E` of `((__t = (E)) == null ? '' : __t)`.
fn printed<'s>(wrapped: &'s Expression<'s>) -> Option<&'s Expression<'s>> {
    let Expression::ConditionalExpression(choice) = inside(wrapped)? else { return None };
    let Expression::BinaryExpression(test) = &choice.test else { return None };
    let Expression::AssignmentExpression(assign) = inside(&test.left)? else { return None };
    let AssignmentTarget::AssignmentTargetIdentifier(name) = &assign.left else { return None };
    let untouched = name.name == "__t"
        && assign.operator == AssignmentOperator::Assign
        && test.operator == BinaryOperator::Equality
        && matches!(test.right, Expression::NullLiteral(_))
        && choice.alternate.is_specific_id("__t");
    if untouched { inside(&assign.right) } else { None }
}
