//! The form of a check: requests one after the other, and what AWS answers.
//!
//! Strings may hold names that stand for values, in requests as in what is expected: `$p` is a
//! prefix that no other check has, for the names of what it makes; `$t1`, `$t2` ... are the tokens of
//! its first, second ... request that makes a version, `$v1`, `$v2` ... the versions that came of
//! them; `$account` is the number of the account; others are kept from answers by [`Check::keep`].

use extsecret_tests::aws_client::Service;
use serde_json::{Value, json};

/// One row of the table.
pub(crate) struct Check {
    /// Its name, for messages and for the lists of deviations.
    pub(crate) name: &'static str,
    /// What AWS does.
    pub(crate) says: &'static str,
    pub(crate) steps: Vec<Step>,
}

pub(crate) enum Step {
    Ask(Ask),
    /// Repeats a request, with `$n` counting, until the secret's `LastChangedDate` is another.
    ChangesTheDate {
        secret: &'static str,
        ask: Ask,
    },
    /// Lets there be a role of this name in the account, which the owner may assume and which may do
    /// what the policy says.
    MakeRole {
        name: &'static str,
        policy: Value,
    },
    /// Has the changes of labels sent to a queue, whose URL is kept as this.
    RouteLabelEvents(&'static str),
}

/// A request and what shall come back.
pub(crate) struct Ask {
    pub(crate) service: Service,
    pub(crate) operation: &'static str,
    pub(crate) request: Value,
    pub(crate) region: Option<&'static str>,
    pub(crate) signed: Signed,
    pub(crate) expect: Vec<Expect>,
    /// What to keep of the answer: a name and a place.
    pub(crate) keep: Vec<(&'static str, &'static str)>,
}

/// Who signs a request.
#[derive(Clone, Copy)]
pub(crate) enum Signed {
    /// The account's owner.
    Owner,
    /// The session whose `key`, `secret` and `token` are kept.
    Session,
    /// That session, with a token that is not its own.
    SessionOfAnother,
    /// The owner, with a secret key that is not theirs.
    Wrongly,
    /// Somebody whom nobody knows.
    Stranger,
    /// Nobody.
    Not,
}

pub(crate) enum Expect {
    /// An error with one of these codes, any code if there are none, and this status.
    Refused { status: u16, codes: &'static [&'static str] },
    /// The message of the error holds this.
    Says(&'static str),
    /// This value at this place; `null` stands for nothing at all.
    Gives(&'static str, Value),
    /// Something at this place.
    Has(&'static str),
    /// The list at this place has these values in this field, in any order. With the field `""`, the
    /// entries themselves; of an object, its keys.
    Lists { at: &'static str, field: &'static str, values: Vec<Value> },
    /// As `Lists`, in this order.
    ListsInOrder { at: &'static str, field: &'static str, values: Vec<Value> },
    /// The list at this place has this many entries.
    Counts(&'static str, usize),
    /// The value at this place is what the words say.
    Is { at: &'static str, words: &'static str, holds: fn(&Value) -> bool },
}

pub(crate) fn check(name: &'static str, says: &'static str) -> Check {
    Check { name, says, steps: Vec::new() }
}

/// Steps.
impl Check {
    pub(crate) fn ask(mut self, service: Service, operation: &'static str, request: Value) -> Self {
        self.steps.push(Step::Ask(ask(service, operation, request)));
        self
    }

    /// Asks Secrets Manager.
    pub(crate) fn secrets(self, operation: &'static str, request: Value) -> Self {
        self.ask(Service::SecretsManager, operation, request)
    }

    /// Asks the Parameter Store.
    pub(crate) fn parameters(self, operation: &'static str, request: Value) -> Self {
        self.ask(Service::ParameterStore, operation, request)
    }

    /// Creates a secret with a text.
    pub(crate) fn create(self, name: &'static str, text: &str) -> Self {
        self.secrets("CreateSecret", json!({ "Name": name, "SecretString": text }))
    }

    /// Gives a secret another text.
    pub(crate) fn put(self, name: &'static str, text: &str) -> Self {
        self.secrets("PutSecretValue", json!({ "SecretId": name, "SecretString": text }))
    }

    /// Reads the current text.
    pub(crate) fn get(self, name: &'static str) -> Self {
        self.secrets("GetSecretValue", json!({ "SecretId": name }))
    }

    pub(crate) fn describe(self, name: &'static str) -> Self {
        self.secrets("DescribeSecret", json!({ "SecretId": name }))
    }

    /// Schedules the deletion, seven days from now.
    pub(crate) fn delete(self, name: &'static str) -> Self {
        self.secrets("DeleteSecret", json!({ "SecretId": name, "RecoveryWindowInDays": 7 }))
    }

    pub(crate) fn changes_the_date(
        mut self,
        secret: &'static str,
        operation: &'static str,
        request: Value,
    ) -> Self {
        let ask = ask(Service::SecretsManager, operation, request);
        self.steps.push(Step::ChangesTheDate { secret, ask });
        self
    }

    /// Makes a role and starts a session of it: what follows may be signed with
    /// [`Signed::Session`].
    pub(crate) fn session(mut self, role: &'static str, statements: &Value) -> Self {
        let policy = json!({ "Version": "2012-10-17", "Statement": statements });
        self.steps.push(Step::MakeRole { name: role, policy });
        let request = json!({
            "RoleArn": format!("arn:aws:iam::$account:role/{role}"), "RoleSessionName": "a-session",
        });
        self.ask(Service::Sts, "AssumeRole", request).keep_session()
    }

    pub(crate) fn route_label_events(mut self, queue: &'static str) -> Self {
        self.steps.push(Step::RouteLabelEvents(queue));
        self
    }
}

/// More about the last step.
impl Check {
    /// Asks in this region.
    pub(crate) fn in_region(mut self, region: &'static str) -> Self {
        self.last().region = Some(region);
        self
    }

    pub(crate) fn signed(mut self, signed: Signed) -> Self {
        self.last().signed = signed;
        self
    }

    /// Is refused with this code and HTTP 400.
    pub(crate) fn refused(self, code: &'static [&'static str]) -> Self {
        self.refused_as(400, code)
    }

    /// Is refused with this status and one of these codes; no codes: any.
    pub(crate) fn refused_as(self, status: u16, codes: &'static [&'static str]) -> Self {
        self.expect(Expect::Refused { status, codes })
    }

    pub(crate) fn says(self, words: &'static str) -> Self {
        self.expect(Expect::Says(words))
    }

    pub(crate) fn gives(self, at: &'static str, value: impl Into<Value>) -> Self {
        self.expect(Expect::Gives(at, value.into()))
    }

    /// Says nothing at this place.
    pub(crate) fn lacks(self, at: &'static str) -> Self {
        self.gives(at, Value::Null)
    }

    pub(crate) fn has(self, at: &'static str) -> Self {
        self.expect(Expect::Has(at))
    }

    pub(crate) fn lists(self, at: &'static str, field: &'static str, values: &[&str]) -> Self {
        self.expect(Expect::Lists { at, field, values: texts(values) })
    }

    pub(crate) fn lists_in_order(
        self,
        at: &'static str,
        field: &'static str,
        values: &[&str],
    ) -> Self {
        self.expect(Expect::ListsInOrder { at, field, values: texts(values) })
    }

    pub(crate) fn counts(self, at: &'static str, number: usize) -> Self {
        self.expect(Expect::Counts(at, number))
    }

    pub(crate) fn is(
        self,
        at: &'static str,
        words: &'static str,
        holds: fn(&Value) -> bool,
    ) -> Self {
        self.expect(Expect::Is { at, words, holds })
    }

    /// Keeps a value of the answer for later steps.
    pub(crate) fn keep(mut self, name: &'static str, at: &'static str) -> Self {
        self.last().keep.push((name, at));
        self
    }

    /// Keeps the credentials of the answer, for [`Signed::Session`].
    pub(crate) fn keep_session(self) -> Self {
        self.keep("key", "/Credentials/AccessKeyId")
            .keep("secret", "/Credentials/SecretAccessKey")
            .keep("token", "/Credentials/SessionToken")
    }

    fn expect(mut self, expect: Expect) -> Self {
        self.last().expect.push(expect);
        self
    }

    fn last(&mut self) -> &mut Ask {
        match self.steps.last_mut() {
            Some(Step::Ask(ask) | Step::ChangesTheDate { ask, .. }) => ask,
            _ => panic!("{}: no request before", self.name),
        }
    }
}

fn ask(service: Service, operation: &'static str, request: Value) -> Ask {
    Ask {
        service,
        operation,
        request,
        region: None,
        signed: Signed::Owner,
        expect: Vec::new(),
        keep: Vec::new(),
    }
}

fn texts(values: &[&str]) -> Vec<Value> {
    values.iter().map(|value| Value::from(*value)).collect()
}
