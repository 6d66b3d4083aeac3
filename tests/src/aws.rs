//! AWS for tests: the double of `tests/aws`, with what the tests of a cluster need around it.
//!
//! A double starts in a few milliseconds, so every test has its own: its counters, faults and clock
//! are nobody else's. It ends with the value, and a failing test shows the last calls.
//!
//! ```no_run
//! # use extsecret_tests::aws::{Aws, Permissions};
//! # use extsecret_tests::cluster::Cluster;
//! # fn example(cluster: &Cluster) {
//! let aws = Aws::start();
//! aws.secrets().put("app/db", "a value");
//! let role = aws.role_of(cluster, "shop", "web", Permissions::Everything);
//! # }
//! ```

use std::collections::BTreeMap;
use std::ops::Deref;
use std::thread;

use extsecret_test_aws::Double;
pub use extsecret_test_aws::{Config, Credentials, Effect, Permissions, Policy, Role, Rule};

use crate::aws_client::AwsClient;
use crate::cluster::Cluster;
use crate::sigv4;

/// Who AWS's own tokens are for.
pub const AUDIENCE: &str = "sts.amazonaws.com";

/// How many of the last calls a failing test shows.
const SHOWN_CALLS: usize = 50;

/// A running double of AWS; everything that [`Double`] can is reached through it.
pub struct Aws {
    double: Double,
}

impl Deref for Aws {
    type Target = Double;

    fn deref(&self) -> &Double {
        &self.double
    }
}

impl Aws {
    /// Starts one.
    ///
    /// # Panics
    ///
    /// If it cannot listen on the loopback interface.
    pub fn start() -> Self {
        Self::start_with(Config::default())
    }

    /// Starts one that is not like the others.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn start_with(config: Config) -> Self {
        let address = config.address;
        let double = Double::start(config)
            .unwrap_or_else(|error| panic!("listening for AWS on {address}: {error}"));
        Self { double }
    }

    /// The environment for a process that shall use it as somebody: nothing of the machine's own AWS
    /// settings is left to be found.
    pub fn environment(&self, credentials: &Credentials) -> BTreeMap<&'static str, String> {
        let mut environment = self.environment_without_credentials();
        environment.insert("AWS_ACCESS_KEY_ID", credentials.access_key_id.clone());
        environment.insert("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key.clone());
        if let Some(token) = &credentials.session_token {
            environment.insert("AWS_SESSION_TOKEN", token.clone());
        }
        environment
    }

    /// The same for a process that brings its own credentials, such as a token of the cluster.
    pub fn environment_without_credentials(&self) -> BTreeMap<&'static str, String> {
        let none = || "/dev/null".to_owned();
        BTreeMap::from([
            ("AWS_ENDPOINT_URL", self.endpoint().to_owned()),
            ("AWS_REGION", self.region().to_owned()),
            // Some SDKs know the older name only.
            ("AWS_DEFAULT_REGION", self.region().to_owned()),
            ("AWS_CONFIG_FILE", none()),
            ("AWS_SHARED_CREDENTIALS_FILE", none()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ])
    }

    /// A client that asks as the user who may do everything.
    pub fn client(&self) -> AwsClient {
        self.client_of(self.admin())
    }

    /// A client that asks as somebody.
    pub fn client_of(&self, credentials: &Credentials) -> AwsClient {
        let mut client = AwsClient::new(self.endpoint());
        self.region().clone_into(&mut client.region);
        client.credentials = Some(sigv4::Credentials {
            access_key_id: credentials.access_key_id.clone(),
            secret_access_key: credentials.secret_access_key.clone(),
            session_token: credentials.session_token.clone(),
        });
        client
    }

    /// Lets the account trust the tokens of a cluster's service accounts, and returns their issuer.
    ///
    /// # Panics
    ///
    /// If the cluster does not tell its issuer and keys.
    pub fn trust(&self, cluster: &Cluster) -> String {
        let raw = |path: &str| cluster.kubectl(["get", &format!("--raw={path}")]).run().json();
        let issuer = raw("/.well-known/openid-configuration")["issuer"].clone();
        let issuer = issuer.as_str().expect("the issuer of the cluster's tokens").to_owned();
        let keys = raw("/openid/v1/jwks").to_string();
        self.identities().add_token_issuer(self.account(), &issuer, &[AUDIENCE], &keys);
        issuer
    }

    /// Makes a role for one service account of a cluster, and returns its ARN: what belongs into the
    /// annotation `eks.amazonaws.com/role-arn`.
    ///
    /// # Panics
    ///
    /// As [`trust`](Self::trust).
    pub fn role_of(
        &self,
        cluster: &Cluster,
        namespace: &str,
        service_account: &str,
        permissions: Permissions,
    ) -> String {
        let issuer = self.trust(cluster);
        let arn = format!("arn:aws:iam::{}:role/{namespace}-{service_account}", self.account());
        let subject = format!("system:serviceaccount:{namespace}:{service_account}");
        let role = Role::new(&arn).may(permissions).trusts_token(&issuer, AUDIENCE, &subject);
        self.identities().add_role(role);
        arn
    }
}

impl Drop for Aws {
    #[expect(clippy::print_stderr, reason = "libtest shows it below the test that failed")]
    fn drop(&mut self) {
        if !thread::panicking() {
            return;
        }
        let calls = self.counters().journal();
        let skipped = calls.len().saturating_sub(SHOWN_CALLS);
        eprintln!("---- the last calls to AWS, {skipped} before them");
        for call in calls.iter().skip(skipped) {
            let caller = call.caller.as_deref().unwrap_or("somebody unknown");
            let (operation, outcome) = (&call.operation, &call.outcome);
            let about = call.resources.join(", ");
            eprintln!("{} {operation} {outcome} by {caller}: {about}", call.at);
        }
    }
}
