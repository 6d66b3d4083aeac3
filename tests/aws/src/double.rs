//! The handle of a running double.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use crate::clock::Clock;
use crate::counters::Counters;
use crate::dispatch;
use crate::error::AwsError;
use crate::faults::Faults;
use crate::identity::{Credentials, Identities, Permissions};
use crate::seed::{Seed, SeedError, plant};
use crate::server::Server;
use crate::sqs::{Place, Subscription};
use crate::throttle::Throttle;
use crate::world::World;

/// What a double shall be like.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// The account of the administrator and of the handles.
    pub account: String,
    /// The region of the handles. Requests go to the region that they are signed for.
    pub region: String,
    /// The credentials of the user `admin`, who may do everything in the account.
    pub admin: Credentials,
    /// What identifiers and chances are made from.
    pub seed: u64,
    /// How many calls the journal keeps.
    pub journal_length: usize,
    /// Whether there are knobs below `/_double/`; a test that has the handle needs none.
    pub control: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            account: "123456789012".to_owned(),
            region: "us-east-1".to_owned(),
            admin: Credentials {
                access_key_id: "test".to_owned(),
                secret_access_key: "test".to_owned(),
                session_token: None,
            },
            seed: 0,
            journal_length: 10_000,
            control: false,
        }
    }
}

/// A running double; it stops when this is dropped.
pub struct Double {
    world: Arc<World>,
    server: Server,
}

impl Double {
    /// Starts it on a thread of its own; it answers when this returns.
    ///
    /// # Errors
    ///
    /// If the address cannot be bound or the thread cannot be started.
    pub fn start(config: Config) -> io::Result<Self> {
        let address = config.address;
        let world = Arc::new(World::new(config));
        let (account, admin) = (&world.config.account, world.config.admin.clone());
        world.identities.add_user_with(account, "admin", admin, Permissions::Everything);
        let server = Server::start(Arc::clone(&world), address)?;
        Ok(Self { world, server })
    }

    /// The URL for all services.
    pub fn endpoint(&self) -> &str {
        self.world.endpoint()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The account of the administrator and of the handles.
    pub fn account(&self) -> &str {
        &self.world.config.account
    }

    /// The region of the handles.
    pub fn region(&self) -> &str {
        &self.world.config.region
    }

    /// The credentials of the user who may do everything.
    pub fn admin(&self) -> &Credentials {
        &self.world.config.admin
    }

    /// The double's time.
    pub fn clock(&self) -> &Clock {
        &self.world.clock
    }

    /// What was asked of it.
    pub fn counters(&self) -> &Counters {
        &self.world.counters
    }

    /// Trouble.
    pub fn faults(&self) -> &Faults {
        &self.world.faults
    }

    /// Rate limits.
    pub fn throttle(&self) -> &Throttle {
        &self.world.throttle
    }

    /// Users, roles and what they may do.
    pub fn identities(&self) -> &Identities {
        &self.world.identities
    }

    /// Adds what is in a seed.
    pub fn seed(&self, seed: Seed) -> Result<(), SeedError> {
        plant(&self.world, seed)
    }

    /// Secrets of the default account and region.
    pub fn secrets(&self) -> Secrets<'_> {
        Secrets { double: self, account: self.account(), region: self.region() }
    }

    /// Parameters of the default account and region.
    pub fn parameters(&self) -> Parameters<'_> {
        Parameters { double: self, account: self.account(), region: self.region() }
    }

    /// Queues of the default account and region.
    pub fn queues(&self) -> Queues<'_> {
        Queues { double: self, account: self.account(), region: self.region() }
    }

    /// Does an operation on the test's behalf, in the notation of IAM
    /// (`secretsmanager:TagResource`) and with its parameters in JSON: no signature, no permission,
    /// no limit, no fault, and it is not counted.
    pub fn act(&self, operation: &str, input: &Value) -> Result<Value, AwsError> {
        self.act_in(self.account(), self.region(), operation, input)
    }

    /// The same in another account and region.
    pub fn act_in(
        &self,
        account: &str,
        region: &str,
        operation: &str,
        input: &Value,
    ) -> Result<Value, AwsError> {
        dispatch::act(&self.world, account, region, operation, input)
    }
}

/// The parameters of an account and region, beside the API.
#[derive(Clone, Copy)]
pub struct Parameters<'a> {
    double: &'a Double,
    account: &'a str,
    region: &'a str,
}

impl<'a> Parameters<'a> {
    /// Those of another account.
    #[must_use]
    pub fn in_account(self, account: &'a str) -> Self {
        Self { account, ..self }
    }

    /// Those of another region.
    #[must_use]
    pub fn in_region(self, region: &'a str) -> Self {
        Self { region, ..self }
    }

    /// Puts a `SecureString`, as a new version if there is one; returns the version.
    ///
    /// # Panics
    ///
    /// If the service would refuse it; the message says why.
    pub fn put(self, name: &str, value: &str) -> u64 {
        let input = json!({
            "Name": name, "Value": value, "Type": "SecureString", "Overwrite": true,
        });
        self.act("PutParameter", &input)["Version"].as_u64().unwrap_or_default()
    }

    /// Deletes a parameter.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn delete(self, name: &str) {
        self.act("DeleteParameter", &json!({ "Name": name }));
    }

    /// Does an operation on the test's behalf, such as `LabelParameterVersion`.
    ///
    /// # Panics
    ///
    /// If the service would refuse it; the message says why.
    pub fn act(self, operation: &str, input: &Value) -> Value {
        let qualified = format!("ssm:{operation}");
        self.double
            .act_in(self.account, self.region, &qualified, input)
            .unwrap_or_else(|error| panic!("{operation} in the AWS double: {error}"))
    }
}

/// The queues of an account and region, beside the API.
#[derive(Clone, Copy)]
pub struct Queues<'a> {
    double: &'a Double,
    account: &'a str,
    region: &'a str,
}

impl<'a> Queues<'a> {
    /// Those of another account.
    #[must_use]
    pub fn in_account(self, account: &'a str) -> Self {
        Self { account, ..self }
    }

    /// Those of another region.
    #[must_use]
    pub fn in_region(self, region: &'a str) -> Self {
        Self { region, ..self }
    }

    /// Makes a queue and returns its URL.
    ///
    /// # Panics
    ///
    /// If the service would refuse it.
    pub fn create(self, name: &str) -> String {
        let answer = self.act("CreateQueue", &json!({ "QueueName": name }));
        answer["QueueUrl"].as_str().unwrap_or_default().to_owned()
    }

    /// From now on the queue gets the events that services send themselves: `Secret Label Updated`
    /// and `Parameter Store Change`, as with a rule of `EventBridge`.
    pub fn gets_native_events(self, name: &str) {
        self.subscribe(name, |subscription| subscription.native = true);
    }

    /// From now on the queue gets an event for each change of a secret through the API, as with
    /// `CloudTrail` and a rule of `EventBridge`.
    pub fn gets_api_call_events(self, name: &str) {
        self.subscribe(name, |subscription| subscription.api_calls = true);
    }

    fn subscribe(self, name: &str, change: impl FnOnce(&mut Subscription)) {
        let place = Place::new(self.account, self.region, name);
        let mut queues = self.double.world.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queues.get_mut(&place);
        change(
            &mut queue.unwrap_or_else(|| panic!("no queue {name} in the AWS double")).subscription,
        );
    }

    /// Sends a message, such as a malformed event or one that came before.
    ///
    /// # Panics
    ///
    /// If the service would refuse it.
    pub fn send(self, name: &str, body: &str) {
        let url = format!("{}/{}/{name}", self.double.endpoint(), self.account);
        self.act("SendMessage", &json!({ "QueueUrl": url, "MessageBody": body }));
    }

    /// How many messages can be received, how many somebody works on, and how many are delayed.
    ///
    /// # Panics
    ///
    /// If there is no such queue.
    pub fn counts(self, name: &str) -> (usize, usize, usize) {
        let place = Place::new(self.account, self.region, name);
        let now = self.double.world.clock.now();
        let mut queues = self.double.world.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queues.get_mut(&place);
        queue.unwrap_or_else(|| panic!("no queue {name} in the AWS double")).counts(now)
    }

    /// Does an operation on the test's behalf, such as `SetQueueAttributes`; receiving does not wait
    /// and is left to clients.
    ///
    /// # Panics
    ///
    /// If the service would refuse it; the message says why.
    pub fn act(self, operation: &str, input: &Value) -> Value {
        let qualified = format!("sqs:{operation}");
        self.double
            .act_in(self.account, self.region, &qualified, input)
            .unwrap_or_else(|error| panic!("{operation} in the AWS double: {error}"))
    }
}

/// The secrets of an account and region, beside the API.
#[derive(Clone, Copy)]
pub struct Secrets<'a> {
    double: &'a Double,
    account: &'a str,
    region: &'a str,
}

impl<'a> Secrets<'a> {
    /// Those of another account.
    #[must_use]
    pub fn in_account(self, account: &'a str) -> Self {
        Self { account, ..self }
    }

    /// Those of another region.
    #[must_use]
    pub fn in_region(self, region: &'a str) -> Self {
        Self { region, ..self }
    }

    /// Creates a secret with this text, or gives it a new current version.
    ///
    /// # Panics
    ///
    /// If the service would refuse it; the message says why.
    pub fn put(self, name: &str, text: &str) -> String {
        let value = json!({ "SecretString": text });
        self.put_value(name, &value)
    }

    /// The same with bytes.
    ///
    /// # Panics
    ///
    /// As [`put`](Self::put).
    pub fn put_binary(self, name: &str, bytes: &[u8]) -> String {
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.encode(bytes);
        self.put_value(name, &json!({ "SecretBinary": text }))
    }

    /// Deletes a secret at once.
    ///
    /// # Panics
    ///
    /// If the service would refuse it.
    pub fn delete(self, name: &str) {
        self.act("DeleteSecret", &json!({ "SecretId": name, "ForceDeleteWithoutRecovery": true }));
    }

    /// Lets lists (and batches by filters) show changes so much later, as they do at AWS, where it
    /// may take minutes. Of all accounts and regions, for changes from now on, in the double's time.
    pub fn set_list_lag(self, lag: Duration) {
        let mut store = self.double.world.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        store.set_list_lag(lag);
    }

    /// Lets there be a Lambda function, so that secrets can be rotated with it. It does nothing: the
    /// test puts the new value and moves the labels.
    pub fn add_rotation_function(self, arn: &str) {
        let mut store = self.double.world.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        store.add_rotation_function(arn);
    }

    /// Does an operation on the test's behalf, such as `TagResource`.
    ///
    /// # Panics
    ///
    /// If the service would refuse it; the message says why.
    pub fn act(self, operation: &str, input: &Value) -> Value {
        self.try_act(operation, input)
            .unwrap_or_else(|error| panic!("{operation} in the AWS double: {error}"))
    }

    /// As [`act`](Self::act), for a test of the refusal.
    pub fn try_act(self, operation: &str, input: &Value) -> Result<Value, AwsError> {
        let operation = format!("secretsmanager:{operation}");
        self.double.act_in(self.account, self.region, &operation, input)
    }

    fn put_value(self, name: &str, value: &Value) -> String {
        let token = self.double.world.ids.uuid();
        let with = |key: &str| {
            let mut input = value.clone();
            input[key] = json!(name);
            input["ClientRequestToken"] = json!(token);
            input
        };
        let answer = match self.try_act("PutSecretValue", &with("SecretId")) {
            Err(error) if error.code == "ResourceNotFoundException" => {
                self.act("CreateSecret", &with("Name"))
            }
            Err(error) => panic!("PutSecretValue in the AWS double: {error}"),
            Ok(answer) => answer,
        };
        answer["VersionId"].as_str().unwrap_or_default().to_owned()
    }
}
