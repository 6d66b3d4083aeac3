//! IAM policy documents, as far as access to secrets uses them.

use serde::Deserialize;
use serde_json::{Map, Value};

/// A policy of an identity, a resource, a session or a role's trust.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Policy {
    statements: Vec<Statement>,
}

/// Why a text is no policy that the double understands. It refuses what it does not know, since a
/// condition that is ignored would grant what AWS denies.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Not JSON, or not of the form of a policy.
    #[error("not a policy document: {0}")]
    Form(String),
    /// A condition operator that the double does not evaluate.
    #[error("condition operator {0} is not supported")]
    Operator(String),
}

#[derive(Debug, Clone, PartialEq)]
struct Statement {
    allow: bool,
    principals: Option<Vec<String>>,
    actions: Patterns,
    resources: Patterns,
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone, PartialEq)]
enum Patterns {
    Any(Vec<String>),
    AllBut(Vec<String>),
}

#[derive(Debug, Clone, PartialEq)]
struct Condition {
    operator: Operator,
    negated: bool,
    if_exists: bool,
    for_all: bool,
    key: String,
    values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Operator {
    Equals,
    EqualsIgnoreCase,
    Like,
    Null,
}

/// What a request asks of a policy.
pub(crate) struct Question<'a> {
    /// `secretsmanager:GetSecretValue`.
    pub(crate) action: &'a str,
    /// An ARN, or `*` for actions without resources.
    pub(crate) resource: &'a str,
    /// ARNs that stand for the caller: the session, its role, or the token's provider.
    pub(crate) principals: &'a [&'a str],
    /// The caller's account.
    pub(crate) account: &'a str,
    /// Values of a condition key.
    pub(crate) context: &'a dyn Fn(&str) -> Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Deny,
    Allow,
    /// Allowed to the caller's account: its own policies decide.
    AllowAccount,
    Silent,
}

impl Policy {
    /// Reads a policy document.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let document: Document =
            serde_json::from_str(text).map_err(|error| PolicyError::Form(error.to_string()))?;
        let statements: Result<_, _> =
            document.statement.into_vec().into_iter().map(Statement::try_from).collect();
        Ok(Self { statements: statements? })
    }

    /// Allows the actions on the resources; `*` and `?` are wildcards in both.
    pub fn allow(actions: &[&str], resources: &[&str]) -> Self {
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        Self {
            statements: vec![Statement {
                allow: true,
                principals: None,
                actions: Patterns::Any(owned(actions)),
                resources: Patterns::Any(owned(resources)),
                conditions: Vec::new(),
            }],
        }
    }

    /// Adds what another says.
    pub(crate) fn append(&mut self, other: Self) {
        self.statements.extend(other.statements);
    }

    /// True if a resource may carry it: every statement says whom it is about.
    pub(crate) fn names_principals(&self) -> bool {
        self.statements.iter().all(|statement| statement.principals.is_some())
    }

    /// True if it allows something to everybody without a condition.
    pub(crate) fn is_public(&self) -> bool {
        self.statements.iter().any(|statement| {
            let everybody = statement.principals.iter().flatten().any(|name| name == "*");
            statement.allow && everybody && statement.conditions.is_empty()
        })
    }

    pub(crate) fn ask(&self, question: &Question<'_>) -> Verdict {
        let mut verdict = Verdict::Silent;
        for statement in &self.statements {
            let Some(reach) = statement.reaches(question) else { continue };
            if !statement.allow {
                return Verdict::Deny;
            }
            if reach == Verdict::Allow || verdict == Verdict::Silent {
                verdict = reach;
            }
        }
        verdict
    }
}

impl Statement {
    /// How it is about the question, if it is: about the caller, or about the caller's account.
    fn reaches(&self, question: &Question<'_>) -> Option<Verdict> {
        let reach = match &self.principals {
            None => Verdict::Allow,
            Some(named) => {
                let root = format!("arn:aws:iam::{}:root", question.account);
                let is_caller = |name: &String| {
                    name == "*" || question.principals.iter().any(|principal| principal == name)
                };
                if named.iter().any(is_caller) {
                    Verdict::Allow
                } else if named.iter().any(|name| name == question.account || *name == root) {
                    Verdict::AllowAccount
                } else {
                    return None;
                }
            }
        };
        let applies = self.actions.match_ignoring_case(question.action)
            && self.resources.matches(question)
            && self.conditions.iter().all(|condition| condition.holds(question));
        applies.then_some(reach)
    }
}

impl Patterns {
    fn match_ignoring_case(&self, action: &str) -> bool {
        let action = action.to_ascii_lowercase();
        let is_named = |list: &[String]| {
            list.iter().any(|pattern| glob(&pattern.to_ascii_lowercase(), &action))
        };
        match self {
            Self::Any(list) => is_named(list),
            Self::AllBut(list) => !is_named(list),
        }
    }

    fn matches(&self, question: &Question<'_>) -> bool {
        let is_named = |list: &[String]| {
            list.iter().any(|pattern| {
                filled(pattern, question).is_some_and(|pattern| glob(&pattern, question.resource))
            })
        };
        match self {
            Self::Any(list) => is_named(list),
            Self::AllBut(list) => !is_named(list),
        }
    }
}

impl Condition {
    fn holds(&self, question: &Question<'_>) -> bool {
        let actual = (question.context)(&self.key);
        if self.operator == Operator::Null {
            let wants_null = self.values.iter().any(|value| value.eq_ignore_ascii_case("true"));
            return wants_null == actual.is_empty();
        }
        if actual.is_empty() {
            // A negated comparison with nothing holds, as does one that is only made if it can be.
            return self.if_exists || self.negated || self.for_all;
        }
        let fits = |value: &String| {
            let any = self.values.iter().any(|wanted| match self.operator {
                Operator::EqualsIgnoreCase => wanted.eq_ignore_ascii_case(value),
                _ => filled(wanted, question).is_some_and(|wanted| {
                    if self.operator == Operator::Like {
                        glob(&wanted, value)
                    } else {
                        wanted == *value
                    }
                }),
            });
            any != self.negated
        };
        if self.for_all || self.negated { actual.iter().all(fits) } else { actual.iter().any(fits) }
    }
}

/// A pattern with its variables, such as `${aws:PrincipalTag/team}`, filled in; none if one has
/// no value.
fn filled(pattern: &str, question: &Question<'_>) -> Option<String> {
    let mut text = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some((before, variable)) = rest.split_once("${") {
        let (key, after) = variable.split_once('}')?;
        text.push_str(before);
        text.push_str((question.context)(key).first()?);
        rest = after;
    }
    text.push_str(rest);
    Some(text)
}

/// Whether a pattern with `*` (anything) and `?` (one character) matches the whole text.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // The last star, and where the text it swallows ends for now.
    let mut star = None;
    while let Some(byte) = text.get(t) {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(wanted) if *wanted == b'?' || wanted == byte => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((at, swallowed)) = star else { return false };
                star = Some((at, swallowed + 1));
                p = at + 1;
                t = swallowed + 1;
            }
        }
    }
    pattern.iter().skip(p).all(|byte| *byte == b'*')
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    statement: OneOrMany<RawStatement>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    Many(Vec<T>),
    One(T),
}

impl<T> OneOrMany<T> {
    fn into_vec(self) -> Vec<T> {
        match self {
            Self::Many(many) => many,
            Self::One(one) => vec![one],
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RawStatement {
    #[serde(rename = "Sid")]
    _sid: Option<String>,
    effect: String,
    principal: Option<Value>,
    action: Option<OneOrMany<String>>,
    not_action: Option<OneOrMany<String>>,
    resource: Option<OneOrMany<String>>,
    not_resource: Option<OneOrMany<String>>,
    #[serde(default)]
    condition: Map<String, Value>,
}

impl TryFrom<RawStatement> for Statement {
    type Error = PolicyError;

    fn try_from(raw: RawStatement) -> Result<Self, PolicyError> {
        let form = |text: &str| PolicyError::Form(text.to_owned());
        let allow = match raw.effect.as_str() {
            "Allow" => true,
            "Deny" => false,
            _ => return Err(form("Effect is neither Allow nor Deny")),
        };
        let actions = match (raw.action, raw.not_action) {
            (Some(list), None) => Patterns::Any(list.into_vec()),
            (None, Some(list)) => Patterns::AllBut(list.into_vec()),
            _ => return Err(form("a statement has either Action or NotAction")),
        };
        let resources = match (raw.resource, raw.not_resource) {
            (Some(list), None) => Patterns::Any(list.into_vec()),
            (None, Some(list)) => Patterns::AllBut(list.into_vec()),
            // The trust policy of a role is about that role.
            (None, None) => Patterns::Any(vec!["*".to_owned()]),
            (Some(_), Some(_)) => {
                return Err(form("a statement has either Resource or NotResource"));
            }
        };
        let principals = raw.principal.map(|value| principals(&value)).transpose()?;
        let mut conditions = Vec::new();
        for (operator, keys) in &raw.condition {
            let keys = keys.as_object().ok_or_else(|| form("a condition is not an object"))?;
            for (key, values) in keys {
                conditions.push(condition(operator, key, texts(values)?)?);
            }
        }
        Ok(Self { allow, principals, actions, resources, conditions })
    }
}

fn principals(value: &Value) -> Result<Vec<String>, PolicyError> {
    match value {
        Value::String(everyone) if everyone == "*" => Ok(vec!["*".to_owned()]),
        Value::Object(kinds) => {
            let lists: Result<Vec<_>, _> = kinds.values().map(texts).collect();
            Ok(lists?.concat())
        }
        _ => Err(PolicyError::Form("a principal is neither * nor an object".to_owned())),
    }
}

fn texts(value: &Value) -> Result<Vec<String>, PolicyError> {
    let one = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        _ => Err(PolicyError::Form("a value is not a text".to_owned())),
    };
    match value {
        Value::Array(values) => values.iter().map(one).collect(),
        value => Ok(vec![one(value)?]),
    }
}

fn condition(name: &str, key: &str, values: Vec<String>) -> Result<Condition, PolicyError> {
    let (for_all, base) = match name.split_once(':') {
        Some(("ForAllValues", base)) => (true, base),
        Some(("ForAnyValue", base)) => (false, base),
        Some(_) => return Err(PolicyError::Operator(name.to_owned())),
        None => (false, name),
    };
    let (if_exists, base) =
        base.strip_suffix("IfExists").map_or((false, base), |base| (true, base));
    let (operator, negated) = match base {
        "StringEquals" => (Operator::Equals, false),
        "StringNotEquals" => (Operator::Equals, true),
        "StringEqualsIgnoreCase" | "Bool" => (Operator::EqualsIgnoreCase, false),
        "StringNotEqualsIgnoreCase" => (Operator::EqualsIgnoreCase, true),
        "StringLike" | "ArnLike" | "ArnEquals" => (Operator::Like, false),
        "StringNotLike" | "ArnNotLike" | "ArnNotEquals" => (Operator::Like, true),
        "Null" => (Operator::Null, false),
        _ => return Err(PolicyError::Operator(name.to_owned())),
    };
    Ok(Condition { operator, negated, if_exists, for_all, key: key.to_owned(), values })
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn ask(policy: &str, action: &str, resource: &str) -> Verdict {
        Policy::parse(policy).unwrap().ask(&Question {
            action,
            resource,
            principals: &["arn:aws:iam::1:role/app"],
            account: "1",
            context: &|key| match key {
                "aws:PrincipalTag/team" => vec!["blue".to_owned()],
                "aud" => vec!["a".to_owned(), "sts".to_owned()],
                _ => Vec::new(),
            },
        })
    }

    #[test]
    fn globs_match_whole_texts() {
        for (pattern, text) in [
            ("*", ""),
            ("a*c", "abbc"),
            ("a?c", "abc"),
            ("*b*", "abc"),
            ("a*b*c", "aXbXbYc"),
            ("", ""),
        ] {
            assert!(glob(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a", "ab"), ("?", ""), ("a*c", "ab"), ("a?c", "ac"), ("", "a")] {
            assert!(!glob(pattern, text), "{pattern} {text}");
        }
    }

    proptest! {
        /// Each star stands for what is between the parts; nothing else matters.
        #[test]
        fn globs_match_what_they_were_made_from(parts in vec(("[ab]{0,3}", "[ab]{0,3}"), 0..4)) {
            let text: String = parts.iter().flat_map(|(one, other)| [one.as_str(), other]).collect();
            let pattern: String = parts.iter().flat_map(|(one, _)| [one.as_str(), "*"]).collect();
            prop_assert!(glob(&pattern, &text));
            let longer = pattern + "c";
            prop_assert!(!glob(&longer, &text));
            prop_assert_eq!(glob(&text, "abba"), text == "abba");
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in ".{0,200}") {
            let _ = Policy::parse(&text);
            let _ = glob(&text, "a*b?c");
        }
    }

    #[test]
    fn a_denial_beats_what_is_allowed() {
        let policy = r#"{"Version":"2012-10-17","Statement":[
            {"Effect":"Allow","Action":"secretsmanager:Get*","Resource":["arn:s:ok/*"]},
            {"Sid":"no","Effect":"Deny","Action":["*"],"Resource":"arn:s:ok/root"}]}"#;
        assert_eq!(ask(policy, "secretsmanager:getsecretvalue", "arn:s:ok/a"), Verdict::Allow);
        assert_eq!(ask(policy, "secretsmanager:GetSecretValue", "arn:s:ok/root"), Verdict::Deny);
        assert_eq!(ask(policy, "secretsmanager:GetSecretValue", "arn:s:other"), Verdict::Silent);
        assert_eq!(ask(policy, "secretsmanager:PutSecretValue", "arn:s:ok/a"), Verdict::Silent);
    }

    #[test]
    fn principals_are_callers_or_their_accounts() {
        let policy = |principal: &str| {
            format!(
                r#"{{"Statement":{{"Effect":"Allow","Principal":{principal},"Action":"*","Resource":"*"}}}}"#
            )
        };
        let asked = |principal: &str| ask(&policy(principal), "s:A", "r");
        assert_eq!(asked(r#""*""#), Verdict::Allow);
        assert_eq!(asked(r#"{"AWS":["arn:aws:iam::1:role/app"]}"#), Verdict::Allow);
        assert_eq!(asked(r#"{"AWS":"arn:aws:iam::1:root"}"#), Verdict::AllowAccount);
        assert_eq!(asked(r#"{"AWS":"1"}"#), Verdict::AllowAccount);
        assert_eq!(asked(r#"{"AWS":"arn:aws:iam::2:root"}"#), Verdict::Silent);
        assert!(!Policy::allow(&["*"], &["*"]).names_principals());
    }

    #[test]
    fn conditions_and_variables() {
        let asked = |condition: &str| {
            let policy = format!(
                r#"{{"Statement":{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{condition}}}}}"#
            );
            ask(&policy, "s:A", "r") == Verdict::Allow
        };
        assert!(asked(r#"{"StringEquals":{"aws:PrincipalTag/team":"blue"}}"#));
        assert!(!asked(r#"{"StringNotEquals":{"aws:PrincipalTag/team":"blue"}}"#));
        assert!(asked(r#"{"StringLike":{"aws:PrincipalTag/team":["x","b*"]}}"#));
        assert!(!asked(r#"{"StringEquals":{"missing":"x"}}"#));
        assert!(asked(r#"{"StringEqualsIfExists":{"missing":"x"}}"#));
        assert!(asked(r#"{"Null":{"missing":"true"}}"#));
        assert!(asked(r#"{"StringEquals":{"aud":"sts"}}"#), "one of a list is enough");
        assert!(!asked(r#"{"ForAllValues:StringEquals":{"aud":"sts"}}"#));

        let own = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"s:${aws:PrincipalTag/team}/*"}}"#;
        assert_eq!(ask(own, "s:A", "s:blue/x"), Verdict::Allow);
        assert_eq!(ask(own, "s:A", "s:red/x"), Verdict::Silent);
    }

    #[test]
    fn what_it_does_not_know_is_refused() {
        let numeric = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NumericLessThan":{"a":"1"}}}}"#;
        assert_eq!(
            Policy::parse(numeric),
            Err(PolicyError::Operator("NumericLessThan".to_owned()))
        );
        for text in ["", "{}", r#"{"Statement":{"Effect":"Maybe","Action":"*"}}"#] {
            assert!(matches!(Policy::parse(text), Err(PolicyError::Form(_))), "{text}");
        }
    }
}
