//! A double of the AWS services that secrets come from, for tests and benchmarks: Secrets Manager,
//! Parameter Store, STS, SQS and one question to IAM behind one plain HTTP endpoint on the loopback interface.
//!
//! It exists because emulators are wrong, each in its own way, exactly where a controller gets
//! hurt: staging labels after a rollback, request limits, page tokens, throttling, credentials
//! that expire, identities that may read one secret and not the next. The double keeps AWS's
//! rules there, and adds what no service offers: counters of every operation, faults on demand and
//! a clock that a test moves.
//!
//! ```
//! use extsecret_test_aws::{Config, Double};
//!
//! let aws = Double::start(Config::default()).expect("a free loopback port");
//! aws.secrets().put("app/db", r#"{"user":"app"}"#);
//! // Point any SDK at `aws.endpoint()` with the credentials `aws.admin()`.
//! assert_eq!(aws.counters().calls("secretsmanager:GetSecretValue"), 0);
//! ```
//!
//! A request walks through `server` (connections), `dispatch` (faults, signature, throttling,
//! counters) and the module of its service; what an identity may do is decided in `policy`.
//! Values never appear in logs or `Debug`, as in the programs that are tested with it.

mod clock;
mod control;
mod counters;
mod dispatch;
mod double;
mod error;
mod events;
mod faults;
mod form;
mod iam;
mod identity;
mod ids;
mod issuer;
mod kms;
mod page;
mod parameter_store;
mod policy;
mod reply;
mod secrets_manager;
mod seed;
mod server;
mod sigv4;
mod sqs;
mod sts;
mod throttle;
mod world;

pub use clock::Clock;
pub use counters::{CallRecord, Counters};
pub use double::{Config, Double, Parameters, Queues, Secrets};
pub use error::AwsError;
pub use faults::{Effect, FaultId, Faults, Rule};
pub use identity::{Credentials, Identities, Permissions, Role};
pub use issuer::TokenIssuer;
pub use jiff::Timestamp;
pub use policy::{Policy, PolicyError};
pub use seed::{Seed, SeedError};
pub use throttle::Throttle;
