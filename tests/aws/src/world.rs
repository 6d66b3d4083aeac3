//! Everything that the double knows, and one call on its way through it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::counters::Counters;
use crate::double::Config;
use crate::error::AwsError;
use crate::faults::Faults;
use crate::identity::{Access, Caller, Identities};
use crate::ids::Ids;
use crate::page::Pages;
use crate::throttle::Throttle;
use crate::{parameter_store, secrets_manager, sqs};

/// The state behind an endpoint.
pub(crate) struct World {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) ids: Arc<Ids>,
    pub(crate) counters: Counters,
    pub(crate) faults: Faults,
    pub(crate) throttle: Throttle,
    pub(crate) identities: Identities,
    pub(crate) pages: Pages,
    pub(crate) secrets: Mutex<secrets_manager::Store>,
    pub(crate) parameters: Mutex<parameter_store::Store>,
    pub(crate) queues: Mutex<sqs::Store>,
    /// Says that there may be a message for those who wait.
    pub(crate) arrivals: watch::Sender<()>,
    endpoint: OnceLock<String>,
}

impl World {
    pub(crate) fn new(config: Config) -> Self {
        let ids = Arc::new(Ids::new(config.seed));
        Self {
            clock: Clock::new(),
            counters: Counters::new(config.journal_length),
            faults: Faults::default(),
            throttle: Throttle::default(),
            identities: Identities::new(Arc::clone(&ids)),
            pages: Pages::new(&ids.bytes()),
            secrets: Mutex::default(),
            parameters: Mutex::default(),
            queues: Mutex::default(),
            arrivals: watch::Sender::new(()),
            endpoint: OnceLock::new(),
            ids,
            config,
        }
    }

    /// The URL that the double is reached by, once it listens.
    pub(crate) fn endpoint(&self) -> &str {
        self.endpoint.get().map_or("", String::as_str)
    }

    /// Notes where it listens; only the first time counts.
    pub(crate) fn listens_at(&self, address: SocketAddr) {
        let _ = self.endpoint.set(format!("http://{address}"));
    }

    /// Has those look again who wait for messages.
    pub(crate) fn wake_receivers(&self) {
        self.arrivals.send_replace(());
    }
}

/// A call of an operation by somebody who is known.
pub(crate) struct Call<'a> {
    pub(crate) world: &'a World,
    /// `secretsmanager:GetSecretValue`.
    pub(crate) operation: &'a str,
    pub(crate) caller: &'a Caller,
    pub(crate) region: &'a str,
    /// The double's time when the call came in.
    pub(crate) now: Timestamp,
    pub(crate) body: &'a [u8],
    resources: Mutex<Vec<String>>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        world: &'a World,
        operation: &'a str,
        caller: &'a Caller,
        region: &'a str,
        now: Timestamp,
        body: &'a [u8],
    ) -> Self {
        Self { world, operation, caller, region, now, body, resources: Mutex::default() }
    }

    /// The operation without its service.
    pub(crate) fn name(&self) -> &'a str {
        self.operation.split_once(':').map_or(self.operation, |(_, name)| name)
    }

    /// The parameters of a call in JSON.
    pub(crate) fn input<T: DeserializeOwned>(&self) -> Result<T, AwsError> {
        serde_json::from_slice(self.body).map_err(|error| {
            // The complaint of the parser may quote the input, but for a field that is not there.
            let complaint = error.to_string();
            let missing =
                complaint.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
            if let Some(field) = missing {
                return self.missing(field);
            }
            let place = format!("line {} column {}", error.line(), error.column());
            AwsError::new("SerializationException", format!("malformed input at {place}"))
        })
    }

    /// The refusal of a call that lacks a parameter.
    fn missing(&self, field: &str) -> AwsError {
        if self.operation.starts_with("sqs:") {
            let message = format!("The request must contain the parameter {field}.");
            return AwsError::new("MissingParameter", message);
        }
        let (first, rest) = field.split_at_checked(1).unwrap_or((field, ""));
        AwsError::validation(format!(
            "1 validation error detected: Value null at '{}{rest}' failed to satisfy constraint: \
             Member must not be null",
            first.to_ascii_lowercase()
        ))
    }

    /// Notes what the call is about, for the journal.
    pub(crate) fn is_about(&self, resource: &str) {
        let mut resources = self.resources.lock().unwrap_or_else(PoisonError::into_inner);
        resources.push(resource.to_owned());
    }

    /// The first thing that the call is about, as its caller wrote it.
    pub(crate) fn first_resource(&self) -> Option<String> {
        self.resources.lock().unwrap_or_else(PoisonError::into_inner).first().cloned()
    }

    pub(crate) fn resources(self) -> Vec<String> {
        self.resources.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the caller may do this, and whether a fault of the resource keeps it from it.
    /// `names` are all names that the resource goes by.
    pub(crate) fn authorize(&self, access: &Access<'_>, names: &[&str]) -> Result<(), AwsError> {
        self.world.identities.check(self.caller, access)?;
        if self.caller.is_test {
            return Ok(());
        }
        let (faults, ids) = (&self.world.faults, &self.world.ids);
        faults.of_resource(access.action, &self.caller.arn, names, ids)
    }

    /// The same for an action that is about no resource.
    pub(crate) fn authorize_any(&self, action: &str) -> Result<(), AwsError> {
        let access = Access {
            action,
            resource: "*",
            owner: &self.caller.account,
            resource_policy: None,
            context: &|_| Vec::new(),
        };
        self.world.identities.check(self.caller, &access)
    }
}
