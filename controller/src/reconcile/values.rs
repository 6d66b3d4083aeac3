//! The values of one ExternalSecret: from its stores, and from what its template is read from.

use std::time::Duration;

use extsecret_crds::ExternalSecret;
use extsecret_engine::collect::{self, CollectError, Collected, FetchError, Fetched};
use extsecret_engine::request::{self, Fetch, Request, RequestError, StoreName};
use extsecret_engine::template::{self, Reference, Sources};
use extsecret_provider::provider::{Answer, ProviderError, Scope, Window};
use futures::future::join_all;
use jiff::Timestamp;
use tokio::time::Instant;

use super::{Context, gate};
use crate::follow::Content;
use crate::index::{Source, SourceKind};
use crate::system;

/// How long the providers may take for one ExternalSecret.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long the API server may take for what a template is read from.
const SOURCES: Duration = Duration::from_secs(10);

/// What a Secret is made of.
pub(super) struct Values {
    pub(super) collected: Result<Collected, CollectError>,
    pub(super) sources: Sources,
    /// When the provider made the newest of them, if it says so.
    pub(super) made: Option<Timestamp>,
    /// When the call for the oldest of them began; nothing where none was needed.
    pub(super) began: Option<Instant>,
}

/// Fetches everything; answers of the provider that are older than `since` are not good enough.
pub(super) async fn fetch(context: &Context, object: &ExternalSecret, since: Instant) -> Values {
    let (collected, made, began) = match answers(context, object, since).await {
        Ok((requests, answers)) => {
            let began = answers.iter().flatten().map(|answer| answer.began).min();
            let answers = answers.into_iter().map(|answer| answer.map(|it| it.fetched)).collect();
            let (collected, made) = collect(object, &requests, answers);
            (collected, made, began)
        }
        Err(error) => (Err(error.into()), None, None),
    };
    // Without values no template is looked at.
    let sources =
        if collected.is_ok() { sources(context, object).await } else { Sources::default() };
    Values { collected, sources, made, began }
}

fn collect(
    object: &ExternalSecret,
    requests: &[Request],
    answers: Vec<Result<Fetched, FetchError>>,
) -> (Result<Collected, CollectError>, Option<Timestamp>) {
    let made = answers.iter().flatten().filter_map(Fetched::made).max();
    let made = made.and_then(|made| Timestamp::from_millisecond(made).ok());
    let collected = match system::System::new() {
        Ok(mut environment) => collect::collect(&object.spec, requests, answers, &mut environment),
        Err(error) => Err(CollectError::Fetch {
            missing: collect::Missing { field: request::Field::Data(0), key: None },
            error: FetchError::Failed { message: error.to_string(), may_pass: true },
        }),
    };
    (collected, made)
}

/// What is asked for, and the answers in order.
async fn answers(
    context: &Context,
    object: &ExternalSecret,
    since: Instant,
) -> Result<(Vec<Request>, Vec<Result<Answer, FetchError>>), RequestError> {
    let namespace = object.metadata.namespace.as_deref().unwrap_or_default();
    let requests = request::requests(&object.spec)?;
    let window = Window { since, deadline: system::instant() + PATIENCE };
    let mut stores: Vec<&StoreName> = Vec::new();
    for request in &requests {
        if !stores.contains(&&request.store) {
            stores.push(&request.store);
        }
    }
    let answers = join_all(stores.iter().map(|store| {
        let wanted: Vec<_> = requests.iter().filter(|it| it.store == **store).collect();
        ask(context, store, namespace, wanted, window)
    }));
    let mut answers: Vec<_> = answers.await.into_iter().map(Vec::into_iter).collect();
    let mut in_order = Vec::with_capacity(requests.len());
    for request in &requests {
        let store = stores.iter().position(|store| **store == request.store);
        let answer = store.and_then(|store| answers.get_mut(store)).and_then(Iterator::next);
        in_order.push(answer.unwrap_or_else(|| Err(lost())));
    }
    drop(stores);
    Ok((requests, in_order))
}

fn lost() -> FetchError {
    FetchError::Failed { message: "the provider gave no answer".to_owned(), may_pass: true }
}

/// The answers of one store, in order.
async fn ask(
    context: &Context,
    name: &StoreName,
    namespace: &str,
    wanted: Vec<&Request>,
    window: Window,
) -> Vec<Result<Answer, FetchError>> {
    let all = |error: FetchError| wanted.iter().map(|_| Err(error.clone())).collect();
    let store = match gate::pass(context, name, namespace) {
        Ok(store) => store,
        Err(error) => return all(error),
    };
    let Ok(spec) = &store.spec else { return all(lost()) };
    let scope = Scope { store: name.clone(), namespace: Some(namespace.to_owned()) };
    let provider = match context.providers.connect(spec, &scope).await {
        Ok(provider) => provider,
        // What is missing may be made at any moment; that credentials do not exist says nothing
        // about the secret.
        Err(ProviderError::NotFound) => return all(lost()),
        Err(error) => return all(FetchError::from(error)),
    };
    let fetches: Vec<Fetch> = wanted.iter().map(|request| request.fetch.clone()).collect();
    let answers = provider.fetch(&fetches, window).await;
    answers.into_iter().map(|answer| answer.map_err(FetchError::from)).collect()
}

/// What the template is read from; what is missing is left out, and the template says so.
async fn sources(context: &Context, object: &ExternalSecret) -> Sources {
    let mut sources = Sources::default();
    let namespace = object.metadata.namespace.as_deref().unwrap_or_default();
    let template = object.spec.target.as_ref().and_then(|target| target.template.as_ref());
    let Some(template) = template else { return sources };
    let now = system::instant();
    for reference in template::references(template) {
        let (kind, name) = match reference {
            Reference::ConfigMap(name) => (SourceKind::ConfigMap, name),
            Reference::Secret(name) => (SourceKind::Secret, name),
        };
        let source = Source::new(kind, namespace, name);
        let held = match context.follow.get(&source, now, now + SOURCES).await {
            Ok(held) => held,
            Err(error) => {
                tracing::warn!(cause = %error, "a template cannot be read");
                None
            }
        };
        match held.as_deref() {
            Some(Content::ConfigMap(data)) => {
                sources.config_maps.insert(name.to_owned(), data.clone());
            }
            Some(Content::Secret { data, .. }) => {
                let data = data.iter().map(|(key, value)| (key.clone(), value.to_vec())).collect();
                sources.secrets.insert(name.to_owned(), data);
            }
            _ => {}
        }
    }
    sources
}
