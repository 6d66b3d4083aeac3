//! Variables: where they are declared, and what an element of a list is called.

use oxc_ast::ast::{self, BindingPattern, VariableDeclarationKind};
use oxc_span::{GetSpan, Span};

use super::names::{RESERVED, is_inherited};
use super::{Facts, Reader};
use crate::lodash::Refusal;
use crate::lodash::ir::{Binding, Expr, ExprKind, Function, Method, Stmt, StmtKind, VariableId};

/// How a name is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Declared {
    Let,
    Const,
    Var,
    /// The `var` of a loop.
    LoopVar,
    /// A parameter.
    Parameter,
}

impl Reader<'_> {
    pub(super) fn declare(
        &mut self,
        name: &str,
        how: Declared,
        span: Span,
    ) -> Result<VariableId, Refusal> {
        if RESERVED.contains(&name) {
            return self.refuse(span, "a variable with the name of something else");
        }
        let lexical = matches!(how, Declared::Let | Declared::Const);
        if lexical && name == "let" {
            return self.failed(span, "a variable called `let`");
        }
        if lexical && self.scopes.last().is_some_and(|scope| scope.hoisted.contains(name)) {
            return self.failed(span, "a second declaration of a variable");
        }
        if how == Declared::LoopVar && self.outer_var(name).is_some() {
            // Either an error, or the variable from outside gets the loop's last value.
            return self.refuse(span, "a `var` that is declared again by a loop");
        }
        if matches!(how, Declared::Var | Declared::LoopVar) {
            self.hoist(name);
        }
        if how == Declared::Var
            && let Some(outer) = self.outer_var(name)
        {
            return self.failed(span, "a second declaration of a variable").or_else(|refusal| {
                let known = self.facts_of(outer).is_some_and(|facts| facts.var);
                if known { Ok(outer) } else { Err(refusal) }
            });
        }
        let id = VariableId(self.variables.len());
        let taken = self.scopes.last_mut().and_then(|scope| scope.ids.insert(name.to_owned(), id));
        if taken.is_some() {
            return self.failed(span, "a second declaration of a variable");
        }
        self.variables.push(name.to_owned());
        self.facts.push(Facts {
            constant: how == Declared::Const,
            var: matches!(how, Declared::Var | Declared::Parameter),
            ..Facts::default()
        });
        Ok(id)
    }

    /// Notes a `var` in all blocks that it goes out of.
    fn hoist(&mut self, name: &str) {
        for scope in self.scopes.iter_mut().rev() {
            scope.hoisted.insert(name.to_owned());
            if scope.function {
                return;
            }
        }
    }

    /// The variable that a `var` means: one of the function around it, if there is one already.
    fn outer_var(&self, name: &str) -> Option<VariableId> {
        for scope in self.scopes.iter().rev() {
            if let Some(id) = scope.ids.get(name) {
                return Some(*id);
            }
            if scope.function {
                return None;
            }
        }
        None
    }

    /// True when a block before it declares the same `var`, so that it has a value already.
    fn is_set_in_a_block(&self, name: &str) -> bool {
        self.outer_var(name).is_none()
            && self.scopes.last().is_some_and(|scope| scope.hoisted.contains(name))
    }

    /// A variable that the template's author did not name.
    pub(super) fn unnamed(&mut self) -> VariableId {
        let id = VariableId(self.variables.len());
        self.variables.push("v".to_owned());
        self.facts.push(Facts::default());
        id
    }

    pub(super) fn declaration(
        &mut self,
        declaration: &ast::VariableDeclaration<'_>,
        out: &mut Vec<Stmt>,
    ) -> Result<(), Refusal> {
        let how = match declaration.kind {
            VariableDeclarationKind::Var => Declared::Var,
            VariableDeclarationKind::Let => Declared::Let,
            VariableDeclarationKind::Const => Declared::Const,
            _ => return self.refuse(declaration.span, "a declaration with `using`"),
        };
        for declarator in &declaration.declarations {
            let span = declarator.span;
            let value = declarator.init.as_ref().map(|init| self.expression(init)).transpose()?;
            match (&declarator.id, value) {
                (BindingPattern::BindingIdentifier(name), value) => {
                    if value.is_none() && how == Declared::Var && self.scopes.len() > 1 {
                        // It would keep its value from the turn before.
                        return self.refuse(span, "a `var` without a value in a block");
                    }
                    if value.is_none() && how == Declared::Var && self.is_set_in_a_block(&name.name)
                    {
                        return self.refuse(span, "a `var` that a block before it has set");
                    }
                    if value.is_none() && how == Declared::Const {
                        return self.failed(span, "a `const` without a value");
                    }
                    let before = self.variables.len();
                    let own_list = value.as_ref().is_some_and(is_own_list);
                    if let Some(value) = &value {
                        self.share(value);
                    }
                    let variable = self.declare(&name.name, how, span)?;
                    let fresh = variable.0 >= before;
                    if let Some(facts) = self.facts_of(variable) {
                        facts.own_list = own_list && (fresh || facts.own_list);
                    }
                    let kind = match value {
                        None if !fresh => continue,
                        Some(value) if !fresh => StmtKind::Assign { variable, value },
                        value => StmtKind::Let { variable, value },
                    };
                    out.push(Stmt { kind, span: self.span(span) });
                }
                (pattern, Some(value)) => {
                    self.share(&value);
                    let whole = self.unnamed();
                    let span = self.span(span);
                    out.push(Stmt {
                        kind: StmtKind::Let { variable: whole, value: Some(value) },
                        span,
                    });
                    let binding = self.binding(pattern, how)?;
                    let member = |key: String, variable| Stmt {
                        kind: StmtKind::Let {
                            variable,
                            value: Some(Expr {
                                kind: ExprKind::Member {
                                    object: Box::new(Expr {
                                        kind: ExprKind::Variable(whole),
                                        span,
                                    }),
                                    key,
                                    optional: false,
                                },
                                span,
                            }),
                        },
                        span,
                    };
                    match binding {
                        Binding::Members(members) => {
                            out.extend(members.into_iter().map(|(key, id)| member(key, id)));
                        }
                        Binding::Elements(elements) => {
                            let named = elements.into_iter().enumerate();
                            out.extend(
                                named.filter_map(|(i, id)| Some(member(i.to_string(), id?))),
                            );
                        }
                        Binding::None | Binding::One(_) => {}
                    }
                }
                (_, None) => return self.failed(span, "a pattern without a value"),
            }
        }
        Ok(())
    }

    /// What a pattern calls the value that it is given.
    pub(super) fn binding(
        &mut self,
        pattern: &BindingPattern<'_>,
        how: Declared,
    ) -> Result<Binding, Refusal> {
        match pattern {
            BindingPattern::BindingIdentifier(name) => {
                Ok(Binding::One(self.declare_new(&name.name, how, name.span)?))
            }
            BindingPattern::ArrayPattern(array) => {
                if let Some(rest) = &array.rest {
                    return self.refuse(rest.span, "a rest pattern");
                }
                let mut elements = Vec::new();
                for element in &array.elements {
                    elements.push(match element {
                        None => None,
                        Some(BindingPattern::BindingIdentifier(name)) => {
                            Some(self.declare_new(&name.name, how, name.span)?)
                        }
                        Some(other) => {
                            return self.refuse(other.span(), "a pattern in a pattern");
                        }
                    });
                }
                Ok(Binding::Elements(elements))
            }
            BindingPattern::ObjectPattern(object) => {
                if let Some(rest) = &object.rest {
                    return self.refuse(rest.span, "a rest pattern");
                }
                let mut members = Vec::new();
                for property in &object.properties {
                    let Some(key) = property.key.static_name() else {
                        return self.refuse(property.span, "a computed key in a pattern");
                    };
                    if is_inherited(&key) {
                        return self.refuse(property.span, "a member that every object inherits");
                    }
                    let BindingPattern::BindingIdentifier(name) = &property.value else {
                        return self.refuse(property.span, "a pattern in a pattern");
                    };
                    let id = self.declare_new(&name.name, how, name.span)?;
                    members.push((key.into_owned(), id));
                }
                Ok(Binding::Members(members))
            }
            BindingPattern::AssignmentPattern(default) => {
                self.refuse(default.span, "a default value in a pattern")
            }
        }
    }

    /// A name that must not be one already.
    fn declare_new(
        &mut self,
        name: &str,
        how: Declared,
        span: Span,
    ) -> Result<VariableId, Refusal> {
        let before = self.variables.len();
        let id = self.declare(name, how, span)?;
        if id.0 < before {
            return self.refuse(span, "a `var` that is declared again by a pattern");
        }
        Ok(id)
    }

    /// Notes that the values of variables in `value` become a part of something else.
    pub(super) fn share(&mut self, value: &Expr) {
        match &value.kind {
            ExprKind::Variable(id) => {
                if let Some(facts) = self.facts_of(*id) {
                    facts.shared = true;
                }
            }
            ExprKind::List(items) => items.iter().for_each(|item| self.share(item)),
            ExprKind::Object(members) => members.iter().for_each(|(_, item)| self.share(item)),
            ExprKind::Chain(inner) => self.share(inner),
            ExprKind::Logical { left, right, .. } => {
                self.share(left);
                self.share(right);
            }
            ExprKind::Conditional { then, otherwise, .. } => {
                self.share(then);
                self.share(otherwise);
            }
            ExprKind::Call { function: Function::Assign | Function::FromEntries, arguments }
            | ExprKind::Method { method: Method::Concat, arguments, .. } => {
                for argument in arguments {
                    self.share(argument);
                }
            }
            _ => {}
        }
    }
}

/// True for a value that nothing else can refer to.
pub(super) fn is_fresh(value: &Expr) -> bool {
    match &value.kind {
        ExprKind::Member { object, .. } => is_fresh(object),
        _ => is_own_list(value),
    }
}

/// True for an expression that makes a new list.
pub(super) fn is_own_list(value: &Expr) -> bool {
    match &value.kind {
        ExprKind::List(_) | ExprKind::Each { .. } => true,
        ExprKind::Call { function, .. } => matches!(
            function,
            Function::Keys | Function::Values | Function::Entries | Function::JsonParse
        ),
        ExprKind::Method { method, .. } => {
            matches!(method, Method::Split | Method::Slice | Method::Concat)
        }
        _ => false,
    }
}
