//! Runs a check against a server, and says how its answers differ from AWS's.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use extsecret_tests::aws_client::{Answer, AwsClient, Service};
use extsecret_tests::sigv4::Credentials;
use regex::Regex;
use serde_json::{Value, json};

use crate::check::{Ask, Check, Expect, Signed, Step};

/// How long a date gets to change: longer than the whole seconds that some servers keep.
const DATE_DEADLINE: Duration = Duration::from_millis(1100);

/// How a server has label changes sent to a queue, given a client and the queue's URL and ARN.
pub(crate) type RouteLabelEvents<'a> = Box<dyn Fn(&AwsClient, &str, &str) + Send + Sync + 'a>;

/// How a server gets a role, given a client, the role's name and its policy.
pub(crate) type MakeRole<'a> = Box<dyn Fn(&AwsClient, &str, &Value) + Send + Sync + 'a>;

/// A server, and what is particular to it.
pub(crate) struct Server<'a> {
    pub(crate) client: AwsClient,
    /// The account of the client's credentials.
    pub(crate) account: String,
    pub(crate) make_role: MakeRole<'a>,
    pub(crate) route_label_events: RouteLabelEvents<'a>,
    /// Statuses that it gives for a code wherever it gives the code.
    pub(crate) statuses: BTreeMap<String, u16>,
}

/// What a server made of the table.
#[derive(Debug, Default)]
pub(crate) struct Results {
    /// By the names of the checks: what differed first.
    pub(crate) deviations: BTreeMap<&'static str, String>,
    /// The codes of those particular statuses that were seen.
    pub(crate) statuses_seen: BTreeSet<String>,
}

/// Runs all checks, one after the other.
pub(crate) fn run_all(server: &Server, checks: &[Check]) -> Results {
    let mut results = Results::default();
    for (number, check) in checks.iter().enumerate() {
        let mut run = Run {
            server,
            known: BTreeMap::from([
                ("p".to_owned(), json!(format!("c{number}x"))),
                ("account".to_owned(), json!(server.account)),
            ]),
            tokens: 0,
            statuses_seen: &mut results.statuses_seen,
        };
        if let Err(seen) = run.check(check) {
            let seen = run.neutral(&seen);
            results.deviations.insert(check.name, seen);
        }
    }
    results
}

struct Run<'a> {
    server: &'a Server<'a>,
    /// The values that names stand for.
    known: BTreeMap<String, Value>,
    /// How many tokens were given out.
    tokens: u32,
    statuses_seen: &'a mut BTreeSet<String>,
}

impl Run<'_> {
    fn check(&mut self, check: &Check) -> Result<(), String> {
        for (number, step) in check.steps.iter().enumerate() {
            let place = |operation: &str| format!("step {}, {operation}", number + 1);
            match step {
                Step::Ask(ask) => {
                    let answer = self.ask(ask);
                    self.judge(ask, &answer)
                        .map_err(|seen| format!("{}: {seen}", place(ask.operation)))?;
                    for (name, at) in &ask.keep {
                        let value = answer.body.pointer(&self.text(at)).cloned();
                        let value =
                            value.ok_or_else(|| format!("{}: no {at}", place(ask.operation)))?;
                        self.known.insert((*name).to_owned(), value);
                    }
                }
                Step::ChangesTheDate { secret, ask } => self
                    .change_the_date(secret, ask)
                    .map_err(|seen| format!("{}: {seen}", place(ask.operation)))?,
                Step::MakeRole { name, policy } => {
                    let policy = self.value(policy);
                    (self.server.make_role)(&self.server.client, &self.text(name), &policy);
                }
                Step::RouteLabelEvents(queue) => {
                    self.route_label_events(queue)
                        .map_err(|seen| format!("{}: {seen}", place("label events")))?;
                }
            }
        }
        Ok(())
    }

    fn ask(&mut self, ask: &Ask) -> Answer {
        let mut request = self.value(&ask.request);
        let makes_a_version = ["CreateSecret", "PutSecretValue", "RotateSecret", "UpdateSecret"]
            .contains(&ask.operation);
        if makes_a_version && request.get("ClientRequestToken").is_none() {
            // Every SDK sends one.
            self.tokens += 1;
            let token = json!(format!("00000000-0000-4000-8000-{:012}", self.tokens));
            request["ClientRequestToken"] = token.clone();
            self.known.insert(format!("t{}", self.tokens), token.clone());
            self.known.insert(format!("v{}", self.tokens), token);
        }
        let mut client = self.server.client.clone();
        if let Some(region) = ask.region {
            region.clone_into(&mut client.region);
        }
        match ask.signed {
            Signed::Owner => {}
            Signed::Session | Signed::SessionOfAnother => {
                let own = matches!(ask.signed, Signed::Session);
                let token = if own { self.text("$token") } else { "of-another".to_owned() };
                client.credentials = Some(Credentials {
                    access_key_id: self.text("$key"),
                    secret_access_key: self.text("$secret"),
                    session_token: Some(token),
                });
            }
            Signed::Stranger => {
                client.credentials = Some(Credentials {
                    access_key_id: "AKIAIOSFODNN7STRANGE".to_owned(),
                    secret_access_key: "test".to_owned(),
                    session_token: None,
                });
            }
            Signed::Wrongly => {
                if let Some(credentials) = &mut client.credentials {
                    "not the secret".clone_into(&mut credentials.secret_access_key);
                }
            }
            Signed::Not => client.credentials = None,
        }
        let answer = client.ask(ask.service, ask.operation, &request);
        if let (true, Some(version)) = (makes_a_version, answer.body.get("VersionId")) {
            self.known.insert(format!("v{}", self.tokens), version.clone());
        }
        answer
    }

    /// Says how an answer differs from what is expected.
    fn judge(&mut self, ask: &Ask, answer: &Answer) -> Result<(), String> {
        let refused = ask.expect.iter().any(|expect| matches!(expect, Expect::Refused { .. }));
        if !refused && answer.status != 200 {
            return Err(refusal(answer));
        }
        ask.expect.iter().try_for_each(|expect| self.meets(expect, answer))
    }

    fn meets(&mut self, expect: &Expect, answer: &Answer) -> Result<(), String> {
        let at = |place: &str| answer.body.pointer(&self.text(place)).cloned();
        match expect {
            Expect::Refused { status, codes } => {
                let Some(error) = &answer.error else {
                    return Err("accepted".to_owned());
                };
                if !codes.is_empty() && !codes.contains(&error.code.as_str()) {
                    return Err(format!("{}, not with {}", refusal(answer), codes.join(" or ")));
                }
                if answer.status == *status {
                    return Ok(());
                }
                if self.server.statuses.get(&error.code) == Some(&answer.status) {
                    self.statuses_seen.insert(error.code.clone());
                    return Ok(());
                }
                Err(format!("{}, not with status {status}", refusal(answer)))
            }
            Expect::Says(words) => {
                let words = self.text(words);
                match &answer.error {
                    Some(error) if error.message.contains(&words) => Ok(()),
                    Some(error) => Err(format!("says {:?}, not {words:?}", error.message)),
                    None => Err("accepted".to_owned()),
                }
            }
            Expect::Gives(place, wanted) => {
                let (found, wanted) = (at(place).unwrap_or_default(), self.value(wanted));
                if found == wanted {
                    Ok(())
                } else {
                    Err(format!("{place} is {}, not {}", self.shown(&found), self.shown(&wanted)))
                }
            }
            Expect::Has(place) => match at(place) {
                Some(value) if !value.is_null() => Ok(()),
                _ => Err(format!("no {place}")),
            },
            Expect::Lists { at: place, field, values } => {
                let mut wanted = self.value(&json!(values));
                let mut found = entries(at(place), field);
                for list in [&mut wanted, &mut found] {
                    // By what is the same in every run, so that a difference reads the same too.
                    let list = list.as_array_mut().expect("a list");
                    list.sort_by_key(|entry| self.neutral(&entry.to_string()));
                }
                self.same_list(place, field, &found, &wanted)
            }
            Expect::ListsInOrder { at: place, field, values } => self.same_list(
                place,
                field,
                &entries(at(place), field),
                &self.value(&json!(values)),
            ),
            Expect::Counts(place, wanted) => {
                let found = at(place).and_then(|list| Some(list.as_array()?.len())).unwrap_or(0);
                if found == *wanted {
                    Ok(())
                } else {
                    Err(format!("{place} has {found} entries, not {wanted}"))
                }
            }
            Expect::Is { at: place, words, holds } => {
                let found = at(place).unwrap_or_default();
                if holds(&found) {
                    Ok(())
                } else if found.is_array() || found.is_object() {
                    Err(format!("{place} is not {words}"))
                } else {
                    Err(format!("{place} is {}, not {words}", self.shown(&found)))
                }
            }
        }
    }

    fn change_the_date(&mut self, secret: &str, ask: &Ask) -> Result<(), String> {
        let date = |run: &Self| {
            let request = json!({ "SecretId": run.text(secret) });
            let answer = run.server.client.ask(Service::SecretsManager, "DescribeSecret", &request);
            match &answer.body["LastChangedDate"] {
                Value::Null => Err(format!("no LastChangedDate: {}", refusal(&answer))),
                date => Ok(date.clone()),
            }
        };
        let (before, ends) = (date(self)?, now() + DATE_DEADLINE);
        for number in 1.. {
            // Whatever is asked from now on comes late enough, however long the answer takes.
            let last = now() > ends;
            self.known.insert("n".to_owned(), json!(number.to_string()));
            let answer = self.ask(ask);
            self.judge(ask, &answer)?;
            if date(self)? != before {
                break;
            }
            if last {
                return Err("LastChangedDate stays".to_owned());
            }
        }
        Ok(())
    }

    fn route_label_events(&mut self, kept_as: &str) -> Result<(), String> {
        let client = &self.server.client;
        let made = client.ask(
            Service::Sqs,
            "CreateQueue",
            &json!({ "QueueName": self.text("$p-events") }),
        );
        let url = made.body["QueueUrl"].as_str().ok_or_else(|| refusal(&made))?.to_owned();
        let request = json!({ "QueueUrl": url, "AttributeNames": ["QueueArn"] });
        let about = client.ask(Service::Sqs, "GetQueueAttributes", &request);
        let arn = about.body["Attributes"]["QueueArn"].as_str().ok_or_else(|| refusal(&about))?;
        (self.server.route_label_events)(client, &url, arn);
        self.known.insert(kept_as.to_owned(), json!(url));
        Ok(())
    }

    /// A value with names replaced.
    fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => match text.strip_prefix('$').and_then(|n| self.known.get(n)) {
                Some(value) => value.clone(),
                None => Value::String(self.text(text)),
            },
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| (self.text(name), self.value(value)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            other => other.clone(),
        }
    }

    /// A text with names replaced.
    fn text(&self, text: &str) -> String {
        let names = Regex::new(r"\$([a-z]+[0-9]*)").expect("a pattern");
        names
            .replace_all(text, |found: &regex::Captures| match self.known.get(&found[1]) {
                Some(Value::String(value)) => value.clone(),
                Some(value) => value.to_string(),
                None => panic!("nothing is kept as {}", &found[0]),
            })
            .into_owned()
    }

    fn same_list(
        &self,
        place: &str,
        field: &str,
        found: &Value,
        wanted: &Value,
    ) -> Result<(), String> {
        if found == wanted {
            return Ok(());
        }
        let of = if field.is_empty() { String::new() } else { format!(" by {field}") };
        Err(format!("{place}{of} is {}, not {}", self.shown(found), self.shown(wanted)))
    }

    /// A value, cut where it gets long.
    fn shown(&self, value: &Value) -> String {
        const ENOUGH: usize = 120;
        if value.is_null() {
            return "missing".to_owned();
        }
        // First what is the same in every run, lest the cut fall elsewhere.
        let text = self.neutral(&value.to_string());
        match text.char_indices().nth(ENOUGH) {
            Some((end, _)) => format!("{}...", &text[..end]),
            None => text,
        }
    }

    /// A text that is the same in the next run: with the names instead of their values, and without
    /// what is made at random.
    fn neutral(&self, text: &str) -> String {
        let mut text = text.to_owned();
        // Of a token and a version that are the same, the version is named.
        for (name, value) in self.known.iter().rev() {
            let number = name.trim_start_matches(['t', 'v']);
            if name == "p" || number.parse::<u32>().is_ok() {
                text = text.replace(value.as_str().unwrap_or_default(), &format!("${name}"));
            }
        }
        for (pattern, word) in [
            (r"arn:aws:[a-z]+:[a-z0-9-]*:[0-9]*:[A-Za-z0-9/_+=.@:$-]+", "ARN"),
            (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
            (r"\b1[0-9]{9}(\.[0-9]+)?\b", "TIME"),
            (r"127\.0\.0\.1:[0-9]+", "ENDPOINT"),
            (r"\s+", " "),
        ] {
            text = Regex::new(pattern).expect("a pattern").replace_all(&text, word).into_owned();
        }
        text
    }
}

/// The values of a field in a list's entries, or the keys of an object.
fn entries(list: Option<Value>, field: &str) -> Value {
    match list {
        Some(Value::Array(items)) => items
            .into_iter()
            .map(|mut item| if field.is_empty() { item } else { item[field].take() })
            .collect(),
        Some(Value::Object(fields)) => fields.into_iter().map(|(name, _)| name).collect(),
        _ => json!([]),
    }
}

fn refusal(answer: &Answer) -> String {
    match &answer.error {
        Some(error) if error.code.is_empty() => format!("status {} without a code", answer.status),
        Some(error) => format!("refused with {} ({})", error.code, answer.status),
        None => "accepted".to_owned(),
    }
}

#[expect(clippy::disallowed_methods, reason = "a deadline for real servers is in real time")]
fn now() -> Instant {
    Instant::now()
}
