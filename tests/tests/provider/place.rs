//! A controller's surroundings: AWS, a cluster of which only Secrets and service accounts matter, and
//! a clock that a test moves.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use extsecret_crds::SecretStoreSpec;
use extsecret_crds::external_secret::StoreKind;
use extsecret_engine::collect::Fetched;
use extsecret_engine::request::{Fetch, StoreName};
use extsecret_provider::aws::{Endpoints, Settings};
use extsecret_provider::provider::{
    Cluster, Provider, ProviderError, Providers as _, Scope, ServiceAccount, Window,
};
use extsecret_tests::aws::{AUDIENCE, Aws, Credentials, Permissions, Role};
use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio::time::Instant;
use zeroize::Zeroizing;

pub(crate) const BATCH: &str = "secretsmanager:BatchGetSecretValue";
pub(crate) const GET: &str = "secretsmanager:GetSecretValue";
pub(crate) const ASSUME: &str = "sts:AssumeRole";
pub(crate) const WITH_TOKEN: &str = "sts:AssumeRoleWithWebIdentity";

/// Who issues tokens in this cluster.
const ISSUER: &str = "https://oidc.example.test/cluster";

/// Secrets, service accounts and their tokens.
pub(crate) struct Objects {
    secrets: Mutex<BTreeMap<(String, String, String), String>>,
    accounts: Mutex<BTreeMap<(String, String), ServiceAccount>>,
    issuer: extsecret_test_aws::TokenIssuer,
    pub(crate) tokens: AtomicU64,
}

impl Objects {
    pub(crate) fn put_secret(&self, namespace: &str, name: &str, key: &str, value: &str) {
        let place = (namespace.to_owned(), name.to_owned(), key.to_owned());
        self.secrets.lock().unwrap().insert(place, value.to_owned());
    }

    /// The three keys of credentials in one Secret.
    pub(crate) fn put_keys(&self, namespace: &str, name: &str, keys: &Credentials) {
        self.put_secret(namespace, name, "id", &keys.access_key_id);
        self.put_secret(namespace, name, "secret", &keys.secret_access_key);
        if let Some(token) = &keys.session_token {
            self.put_secret(namespace, name, "token", token);
        }
    }

    pub(crate) fn put_account(&self, namespace: &str, name: &str, role: &str) {
        let annotations = BTreeMap::from([("eks.amazonaws.com/role-arn".into(), role.into())]);
        let account = ServiceAccount { uid: format!("{namespace}-{name}"), annotations };
        self.accounts.lock().unwrap().insert((namespace.into(), name.into()), account);
    }
}

impl Cluster for Objects {
    fn secret_key<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Zeroizing<Vec<u8>>, ProviderError>> {
        let place = (namespace.to_owned(), name.to_owned(), key.to_owned());
        let found = self.secrets.lock().unwrap().get(&place).cloned();
        let found = found.ok_or_else(|| ProviderError::Invalid(format!("no Secret {place:?}")));
        Box::pin(async { Ok(Zeroizing::new(found?.into_bytes())) })
    }

    fn service_account<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<ServiceAccount, ProviderError>> {
        let place = (namespace.to_owned(), name.to_owned());
        let found = self.accounts.lock().unwrap().get(&place).cloned();
        let found = found.ok_or_else(|| ProviderError::Invalid(format!("no account {place:?}")));
        Box::pin(async { found })
    }

    fn token<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
        audiences: &'a [String],
    ) -> BoxFuture<'a, Result<Zeroizing<String>, ProviderError>> {
        self.tokens.fetch_add(1, Ordering::Relaxed);
        let token = self.issuer.token(namespace, name, &audiences[0], 3600);
        Box::pin(async { Ok(Zeroizing::new(token)) })
    }
}

/// AWS, the cluster, and the provider between them.
pub(crate) struct Place {
    pub(crate) aws: Aws,
    pub(crate) objects: Arc<Objects>,
    pub(crate) provider: extsecret_provider::aws::Aws,
    /// How far the controller's clock is ahead, in seconds.
    ahead: Arc<AtomicU64>,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::with_endpoints(|_| {})
    }

    /// With other addresses of services than the double's.
    pub(crate) fn with_endpoints(change: impl FnOnce(&mut Endpoints)) -> Self {
        let aws = Aws::start();
        let issuer = extsecret_test_aws::TokenIssuer::new(ISSUER);
        let keys = issuer.jwks();
        aws.identities().add_token_issuer(aws.account(), ISSUER, &[AUDIENCE], &keys);
        let objects = Arc::new(Objects {
            secrets: Mutex::default(),
            accounts: Mutex::default(),
            issuer,
            tokens: AtomicU64::new(0),
        });
        objects.put_keys("shop", "aws", aws.admin());
        let ahead = Arc::new(AtomicU64::new(0));
        let seconds = Arc::clone(&ahead);
        let endpoint = Some(aws.endpoint().to_owned());
        let mut endpoints = Endpoints {
            secrets_manager: endpoint.clone(),
            parameter_store: endpoint.clone(),
            sts: endpoint,
        };
        change(&mut endpoints);
        let settings = Settings {
            endpoints,
            cluster: Arc::<Objects>::clone(&objects),
            clock: Arc::new(move || now() + Duration::from_secs(seconds.load(Ordering::Relaxed))),
            random: Arc::new(|| 0.5),
            keep: Duration::from_mins(1),
            most: 1 << 20,
        };
        let provider = extsecret_provider::aws::Aws::new(settings).unwrap();
        Self { aws, objects, provider, ahead }
    }

    /// Moves the controller's clock, and AWS's with it.
    pub(crate) fn advance(&self, by: Duration) {
        self.aws.clock().advance(by);
        self.ahead.fetch_add(by.as_secs(), Ordering::Relaxed);
    }

    pub(crate) fn count(&self, operation: &str) -> u64 {
        self.aws.counters().calls(operation)
    }

    pub(crate) fn role(&self, name: &str) -> String {
        format!("arn:aws:iam::{}:role/{name}", self.aws.account())
    }

    /// A role that the account's own users may assume.
    pub(crate) fn add_role(&self, name: &str, permissions: Permissions) -> String {
        let arn = self.role(name);
        let role = Role::new(&arn).trusts_principal(self.aws.account()).may(permissions);
        self.aws.identities().add_role(role);
        arn
    }

    pub(crate) async fn connect(
        &self,
        spec: &SecretStoreSpec,
        scope: &Scope,
    ) -> Result<Arc<dyn Provider>, ProviderError> {
        self.provider.connect(spec, scope).await
    }

    /// Asks through a store of the namespace `shop`, as if it were for the first time.
    pub(crate) async fn fetch(
        &self,
        spec: &SecretStoreSpec,
        wanted: &[Fetch],
    ) -> Vec<Result<Fetched, ProviderError>> {
        let store = self.connect(spec, &scope("shop")).await.unwrap();
        let answers = store.fetch(wanted, fresh()).await.into_iter();
        answers.map(|answer| answer.map(|it| it.fetched)).collect()
    }

    /// The text of one secret.
    pub(crate) async fn text(
        &self,
        spec: &SecretStoreSpec,
        scope: &Scope,
        key: &str,
    ) -> Result<String, ProviderError> {
        let store = self.connect(spec, scope).await?;
        store.fetch(&[value(key)], fresh()).await.remove(0).map(|it| text(&it.fetched))
    }
}

#[expect(clippy::disallowed_methods, reason = "time comes in here")]
fn now() -> SystemTime {
    SystemTime::now()
}

/// Runs a test; the provider's own tasks run beside it.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

/// Nothing older than now will do.
pub(crate) fn fresh() -> Window {
    since(Instant::now())
}

pub(crate) fn since(since: Instant) -> Window {
    Window { since, deadline: Instant::now() + Duration::from_mins(2) }
}

/// From a SecretStore of a namespace.
pub(crate) fn scope(namespace: &str) -> Scope {
    let store = StoreName { kind: StoreKind::SecretStore, name: "main".to_owned() };
    Scope { store, namespace: Some(namespace.to_owned()) }
}

/// From a ClusterSecretStore.
pub(crate) fn cluster_scope(namespace: Option<&str>) -> Scope {
    let store = StoreName { kind: StoreKind::ClusterSecretStore, name: "all".to_owned() };
    Scope { store, namespace: namespace.map(str::to_owned) }
}

/// A store with these fields of `provider.aws` beside the usual ones.
pub(crate) fn store_with(service: &str, more: &Value) -> SecretStoreSpec {
    let mut aws = json!({ "service": service, "region": "us-east-1" });
    aws.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(json!({ "provider": { "aws": aws } })).unwrap()
}

/// `auth.secretRef` with the keys of one Secret.
pub(crate) fn keys_of(secret: &str, namespace: Option<&str>) -> Value {
    let key = |key: &str| match namespace {
        None => json!({ "name": secret, "key": key }),
        Some(namespace) => json!({ "name": secret, "key": key, "namespace": namespace }),
    };
    let keys =
        json!({ "accessKeyIDSecretRef": key("id"), "secretAccessKeySecretRef": key("secret") });
    json!({ "auth": { "secretRef": keys } })
}

/// A store with the administrator's keys.
pub(crate) fn secrets_store() -> SecretStoreSpec {
    store_with("SecretsManager", &keys_of("aws", None))
}

pub(crate) fn parameters_store() -> SecretStoreSpec {
    store_with("ParameterStore", &keys_of("aws", None))
}

/// The administrator's keys, and more.
pub(crate) fn and(more: &Value) -> SecretStoreSpec {
    let mut fields = keys_of("aws", None);
    fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    store_with("SecretsManager", &fields)
}

pub(crate) fn value(key: &str) -> Fetch {
    Fetch::Value { key: key.to_owned(), version: None }
}

pub(crate) fn text(fetched: &Fetched) -> String {
    match fetched {
        Fetched::Value(payload) => String::from_utf8(payload.string.clone().unwrap()).unwrap(),
        other => panic!("{other:?}"),
    }
}
