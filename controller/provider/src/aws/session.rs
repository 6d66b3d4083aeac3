//! One identity in one region: its questions, each kind in a queue of its own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::{Mutex, PoisonError};

use extsecret_crds::external_secret::Find;
use extsecret_engine::collect::Fetched;
use extsecret_engine::request::Fetch;
use tokio::time::Instant;

use super::call::{Group, NotBefore};
use super::client::Client;
use super::credentials::Kept;
use super::{many, one, parameter_store, scoped, secrets_manager};
use crate::coalesce::{Coalescer, Memory, Source};
use crate::pace::Turn;
use crate::provider::ProviderError;
use crate::value::SecretValue;

/// A service that holds values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Service {
    Secrets,
    Parameters,
}

/// A question, with the store's prefix in it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Question {
    Value {
        key: String,
        version: Option<String>,
    },
    Tags {
        key: String,
    },
    /// The search as JSON, which is the same text for the same search.
    Find {
        prefix: String,
        find: String,
    },
}

/// An answer that many share. `Debug` is not there on purpose.
#[derive(Clone)]
pub(super) enum Shared {
    Value(Arc<SecretValue>),
    Tags(Arc<BTreeMap<String, String>>),
    Found(Arc<Vec<(String, SecretValue)>>),
}

impl Shared {
    pub(super) fn to_fetched(&self) -> Fetched {
        match self {
            Self::Value(value) => one(value),
            Self::Tags(tags) => Fetched::Tags(BTreeMap::clone(tags)),
            Self::Found(found) => many(found),
        }
    }
}

/// Questions that can go into one queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Current values, which one call may bring many of.
    Current,
    /// Values of a version.
    Version,
    Tags,
    Find,
}

/// Everything that is asked as one identity in one region.
pub(super) struct Session {
    pub(super) credentials: Arc<Kept>,
    used: Mutex<Instant>,
    queues: Vec<Arc<Coalescer<Reader>>>,
}

impl Session {
    pub(super) fn new(client: &Client, memory: &Arc<Memory>) -> Self {
        let credentials = Arc::clone(&client.secrets_manager.caller.credentials);
        let mut queues = Vec::new();
        for service in [Service::Secrets, Service::Parameters] {
            for kind in [Kind::Current, Kind::Version, Kind::Tags, Kind::Find] {
                let batches = NotBefore::default();
                let reader = Reader { client: client.clone(), service, kind, batches };
                queues.push(Coalescer::new(reader, Arc::clone(memory)));
            }
        }
        Self { credentials, used: Mutex::new(Instant::now()), queues }
    }

    /// Notes that it is used.
    pub(super) fn touch(&self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// When it was used last.
    pub(super) fn used(&self) -> Instant {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn ask(
        &self,
        service: Service,
        prefix: &str,
        fetch: &Fetch,
        since: Instant,
    ) -> Result<(Shared, Instant), ProviderError> {
        let (kind, question) = match fetch {
            Fetch::Value { key, version } => {
                // It means the same as none, and batches know no other.
                let version = version
                    .clone()
                    .filter(|version| service != Service::Secrets || version != "AWSCURRENT");
                let kind = if version.is_none() { Kind::Current } else { Kind::Version };
                (kind, Question::Value { key: format!("{prefix}{key}"), version })
            }
            Fetch::Tags { key } => (Kind::Tags, Question::Tags { key: format!("{prefix}{key}") }),
            Fetch::Find(find) => {
                let find = serde_json::to_string(find).map_err(|error| odd_search(&error))?;
                (Kind::Find, Question::Find { prefix: prefix.to_owned(), find })
            }
        };
        let fits = |queue: &&Arc<Coalescer<Reader>>| {
            queue.source().service == service && queue.source().kind == kind
        };
        match self.queues.iter().find(fits) {
            Some(queue) => queue.get(question, since).await,
            None => Err(ProviderError::Invalid("there is no such question".to_owned())),
        }
    }
}

fn odd_search(error: &serde_json::Error) -> ProviderError {
    ProviderError::Invalid(format!("dataFrom.find cannot be written as JSON: {error}"))
}

/// Answers the questions of one queue.
pub(super) struct Reader {
    client: Client,
    service: Service,
    kind: Kind,
    batches: NotBefore,
}

/// The right to one call, or why there is none; and how many keys it may carry.
pub(super) struct ReadTurn {
    turn: Result<Turn, ProviderError>,
    most: usize,
}

impl Source for Reader {
    type Key = Question;
    type Value = Shared;
    type Turn = ReadTurn;

    async fn turn(&self, waiting: usize) -> ReadTurn {
        let many = self.kind == Kind::Current && waiting > 1 && self.batches.is_over();
        let (group, most) = match (self.service, self.kind) {
            (Service::Secrets, Kind::Current) if many => {
                (Group::SecretBatch, secrets_manager::BATCH)
            }
            (Service::Secrets, Kind::Find) => (Group::SecretList, 1),
            (Service::Secrets, _) => (Group::Secret, 1),
            (Service::Parameters, Kind::Current) if many => {
                (Group::Parameter, parameter_store::BATCH)
            }
            (Service::Parameters, Kind::Tags) => (Group::ParameterTags, 1),
            (Service::Parameters, _) => (Group::Parameter, 1),
        };
        let turn = self.client.secrets_manager.caller.turn(group).await;
        // What keeps one from being asked keeps all.
        let most = if turn.is_ok() { most } else { usize::MAX };
        ReadTurn { turn, most }
    }

    fn most(&self, turn: &ReadTurn) -> usize {
        turn.most
    }

    async fn read(
        &self,
        turn: ReadTurn,
        questions: &[Question],
    ) -> Vec<Result<Shared, ProviderError>> {
        let mut turn = match turn.turn {
            Ok(turn) => Some(turn),
            Err(error) => return questions.iter().map(|_| Err(error.clone())).collect(),
        };
        if self.kind == Kind::Current {
            return self.current(turn, questions).await;
        }
        let mut answers = Vec::with_capacity(questions.len());
        for question in questions {
            answers.push(self.answer(turn.take(), question).await);
        }
        answers
    }

    fn size(&self, value: &Shared) -> usize {
        match value {
            Shared::Value(value) => value.size(),
            Shared::Tags(tags) => tags.iter().map(|(key, value)| key.len() + value.len()).sum(),
            Shared::Found(found) => {
                found.iter().map(|(name, value)| name.len() + value.size()).sum()
            }
        }
    }
}

impl Reader {
    async fn current(
        &self,
        turn: Option<Turn>,
        questions: &[Question],
    ) -> Vec<Result<Shared, ProviderError>> {
        let keys: Vec<String> = questions
            .iter()
            .map(|question| match question {
                Question::Value { key, .. } | Question::Tags { key } => key.clone(),
                Question::Find { find, .. } => find.clone(),
            })
            .collect();
        let values = match self.service {
            Service::Secrets => {
                self.client.secrets_manager.values(turn, &keys, &self.batches).await
            }
            Service::Parameters => {
                self.client.parameter_store.values(turn, &keys, &self.batches).await
            }
        };
        let share = |value| Shared::Value(Arc::new(value));
        values.into_iter().map(|value| value.map(share)).collect()
    }

    async fn answer(
        &self,
        turn: Option<Turn>,
        question: &Question,
    ) -> Result<Shared, ProviderError> {
        let (secrets, parameters) = (&self.client.secrets_manager, &self.client.parameter_store);
        let batches = &self.batches;
        match (self.service, question) {
            (Service::Secrets, Question::Value { key, version }) => {
                let value = secrets.value(turn, key, version.as_deref()).await?;
                Ok(Shared::Value(Arc::new(value)))
            }
            (Service::Parameters, Question::Value { key, version }) => {
                let value = parameters.value(turn, key, version.as_deref()).await?;
                Ok(Shared::Value(Arc::new(value)))
            }
            (Service::Secrets, Question::Tags { key }) => {
                Ok(Shared::Tags(Arc::new(secrets.tags(turn, key).await?)))
            }
            (Service::Parameters, Question::Tags { key }) => {
                Ok(Shared::Tags(Arc::new(parameters.tags(turn, key).await?)))
            }
            (service, Question::Find { prefix, find }) => {
                let find: Find = serde_json::from_str(find).map_err(|error| odd_search(&error))?;
                let found = match service {
                    Service::Secrets => secrets.find(turn, &scoped(prefix, &find), batches).await?,
                    Service::Parameters => parameters.find(turn, prefix, &find, batches).await?,
                };
                Ok(Shared::Found(Arc::new(found)))
            }
        }
    }
}
