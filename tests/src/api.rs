//! The API of a test cluster over plain HTTP: a read takes a millisecond, where a process of kubectl
//! takes a hundred.
//!
//! kubectl's own proxy does what a client has to do; this asks the proxy.

use std::io;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster::{Cluster, read_lines};

/// Longer than any answer takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);

/// ExternalSecrets and stores, as a path.
pub const EXTERNAL_SECRETS: &str = "apis/external-secrets.io/v1";

/// An administrator's way to the API.
///
/// Paths are those of the API without the slash before them: `api/v1/namespaces/shop/secrets/web`.
#[derive(Debug)]
pub struct Api {
    proxy: Child,
    agent: ureq::Agent,
    base: String,
}

impl Api {
    /// Starts the proxy. It ends with the value, and with the test's process however that ends.
    ///
    /// # Panics
    /// If it does not start.
    pub fn of(cluster: &Cluster) -> Self {
        let mut proxy = cluster
            .kubectl(["proxy", "--port=0"])
            .until_input_ends()
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("starting kubectl proxy: {error}"));
        let lines = read_lines(proxy.stdout.take().expect("a pipe"));
        let line = lines.recv_timeout(DEADLINE).expect("the address of kubectl proxy");
        let address = line.strip_prefix("Starting to serve on ");
        let address = address.unwrap_or_else(|| panic!("kubectl proxy: {line}"));
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(DEADLINE))
            .proxy(None)
            .build();
        Self { proxy, agent: agent.into(), base: format!("http://{address}/") }
    }

    /// Where the proxy listens: a host and a port, for whoever has to speak to it in another way.
    pub fn address(&self) -> &str {
        self.base.trim_start_matches("http://").trim_end_matches('/')
    }

    /// An object or a list; `None` if there is none.
    ///
    /// # Panics
    /// If the API answers with another error.
    #[track_caller]
    pub fn get(&self, path: &str) -> Option<Value> {
        let (status, answer) = self.ask("GET", path, None, "");
        assert!(matches!(status, 200 | 404), "GET {path}: {status} {answer}");
        (status == 200).then_some(answer)
    }

    /// The objects of a list.
    ///
    /// # Panics
    /// If there is no such list.
    #[track_caller]
    pub fn list(&self, path: &str) -> Vec<Value> {
        let mut list =
            self.get(path).unwrap_or_else(|| panic!("GET {path}: there is no such list"));
        match list["items"].take() {
            Value::Array(items) => items,
            other => panic!("GET {path}: not a list: {other}"),
        }
    }

    /// Creates an object in a list.
    ///
    /// # Panics
    /// If the API refuses.
    #[track_caller]
    pub fn create(&self, path: &str, object: &Value) -> Value {
        let (status, answer) = self.ask("POST", path, Some(object), "application/json");
        assert_eq!(status, 201, "POST {path}: {answer}");
        answer
    }

    /// Changes fields of an object (a merge patch).
    ///
    /// # Panics
    /// If the API refuses.
    #[track_caller]
    pub fn patch(&self, path: &str, change: &Value) -> Value {
        let (status, answer) =
            self.ask("PATCH", path, Some(change), "application/merge-patch+json");
        assert_eq!(status, 200, "PATCH {path}: {answer}");
        answer
    }

    /// Deletes an object, or every object of a list, and what they own after them.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn delete(&self, path: &str) {
        let options = json!({ "propagationPolicy": "Background" });
        let (status, answer) = self.ask("DELETE", path, Some(&options), "application/json");
        assert!(matches!(status, 200 | 202), "DELETE {path}: {status} {answer}");
    }

    /// Whatever else there is to ask: the status of the answer and its body.
    ///
    /// # Panics
    /// If there is no answer, or one that is not JSON.
    #[track_caller]
    pub fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        content_type: &str,
    ) -> (u16, Value) {
        let url = format!("{}{path}", self.base);
        let request = ureq::http::Request::builder().method(method).uri(&url);
        let request = match body {
            Some(body) => request.header("content-type", content_type).body(body.to_string()),
            None => request.body(String::new()),
        };
        let request = request.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let agent = self.agent.configure_request(request).allow_non_standard_methods(true).build();
        let answer = self.agent.run(agent);
        let mut answer = answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let status = answer.status().as_u16();
        let reader = answer.body_mut().with_config().limit(1 << 30).reader();
        let value = serde_json::from_reader(io::BufReader::new(reader));
        (status, value.unwrap_or_else(|error| panic!("{method} {path}: {status} {error}")))
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        drop(self.proxy.stdin.take());
        let _ = self.proxy.wait();
    }
}
