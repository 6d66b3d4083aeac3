//! Questions to the API server that are about no object: what it is, what it serves, what the caller
//! may do.

use std::cell::Cell;

use futures::StreamExt as _;
use futures::stream;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::{GetParams, PostParams};
use kube::client::Body;
use kube::core::{Request, Status};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::kinds::Kind;
use super::{Answer, Cluster, Unread, Why, read};

/// What messages call the server itself.
const SERVER: Kind =
    Kind { group: "", version: "", kind: "server", plural: "this", namespaced: false };

/// Reviews that are under way at the same time.
const AT_ONCE: usize = 8;

/// The API server, as it presents itself.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) version: String,
    /// What its clock said in the answer, to the second.
    pub(crate) date: Option<Timestamp>,
}

/// Something that somebody may do or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Access {
    pub(crate) verb: &'static str,
    pub(crate) group: &'static str,
    pub(crate) resource: &'static str,
}

impl Access {
    pub(crate) const fn to(verb: &'static str, kind: &Kind) -> Self {
        Self { verb, group: kind.group, resource: kind.plural }
    }

    /// `list pods`, `patch deployments.apps`.
    pub(crate) fn words(&self) -> String {
        match self.group {
            "" => format!("{} {}", self.verb, self.resource),
            group => format!("{} {}.{group}", self.verb, self.resource),
        }
    }
}

impl Cluster {
    /// The address of the API server.
    pub(crate) fn address(&self) -> &str {
        &self.server
    }

    /// Who answers.
    pub(crate) fn server(&self) -> Result<Server, Unread> {
        #[derive(Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct Version {
            git_version: String,
        }
        let date = Cell::new(None);
        let tried = "read the version of the API server";
        let text = self.fetch(tried, "/version", &date);
        let text = match text {
            Ok(text) => text,
            Err(Answer::NoSuchObject) => String::from("{}"),
            Err(Answer::Unread(error)) => return Err(error),
        };
        let version: Version = read(tried, &text)?;
        Ok(Server { version: version.git_version, date: date.get() })
    }

    /// What the server says at a path that is no object's; `None` if there is no such path.
    pub(crate) fn text(&self, path: &str) -> Result<Option<String>, Unread> {
        match self.fetch(&format!("read {path}"), path, &Cell::new(None)) {
            Ok(text) => Ok(Some(text)),
            Err(Answer::NoSuchObject | Answer::Unread(Unread { why: Why::NotServed(_), .. })) => {
                Ok(None)
            }
            Err(Answer::Unread(error)) => Err(error),
        }
    }

    /// The same, read as JSON.
    pub(crate) fn document<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, Unread> {
        let text = self.text(path)?;
        text.map(|text| read(&format!("read {path}"), &text)).transpose()
    }

    /// Whether the server has a kind, as it tells everybody who is somebody.
    pub(crate) fn serves(&self, kind: &Kind) -> Result<bool, Unread> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Resources {
            resources: Vec<Resource>,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Resource {
            name: String,
        }
        let found: Option<Resources> = self.document(&kind.version_path())?;
        Ok(found.is_some_and(|it| it.resources.iter().any(|it| it.name == kind.plural)))
    }

    fn fetch(
        &self,
        tried: &str,
        path: &str,
        date: &Cell<Option<Timestamp>>,
    ) -> Result<String, Answer> {
        self.send(tried, &SERVER, &async |client| {
            // As if it were an object of the folder that it is in.
            let (folder, last) = path.rsplit_once('/').unwrap_or(("", path));
            let request = Request::new(folder).get(last, &GetParams::default());
            let request = request.map_err(kube::Error::BuildRequest)?;
            let answer = client.send(request.map(Body::from)).await?;
            let header = answer.headers().get("date").and_then(|value| value.to_str().ok());
            date.set(header.and_then(|text| Some(rfc2822::parse(text).ok()?.timestamp())));
            let status = answer.status();
            let bytes = answer.into_body().collect_bytes().await?;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if status.is_success() {
                return Ok(text);
            }
            let known = serde_json::from_str::<Status>(&text);
            let known = known.unwrap_or_else(|_| Status::failure(text.trim(), ""));
            Err(kube::Error::Api(known.with_code(status.as_u16()).boxed()))
        })
    }

    /// Whether the caller may do each of these, in a namespace or for what is in none. Several
    /// questions are under way at once.
    pub(crate) fn may(&self, namespace: &str, all: &[Access]) -> Result<Vec<bool>, Unread> {
        let ask = async |access: &Access| {
            let review = SelfSubjectAccessReview {
                spec: SelfSubjectAccessReviewSpec {
                    resource_attributes: Some(ResourceAttributes {
                        namespace: Some(namespace.to_owned()),
                        verb: Some(access.verb.to_owned()),
                        group: Some(access.group.to_owned()),
                        resource: Some(access.resource.to_owned()),
                        ..ResourceAttributes::default()
                    }),
                    ..SelfSubjectAccessReviewSpec::default()
                },
                ..SelfSubjectAccessReview::default()
            };
            let body = serde_json::to_vec(&review).map_err(kube::Error::SerdeError)?;
            let request = Request::new("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews");
            let request = request.create(&PostParams::default(), body);
            let request = request.map_err(kube::Error::BuildRequest)?;
            let answer: SelfSubjectAccessReview = self.client.request(request).await?;
            Ok(answer.status.is_some_and(|status| status.allowed))
        };
        let answers: Vec<Result<bool, kube::Error>> =
            self.block_on(async { stream::iter(all).map(ask).buffered(AT_ONCE).collect().await });
        let tried = "ask what you may do";
        let answers = answers.into_iter().map(|answer| {
            answer
                .map_err(|error| Unread::from_kube(tried, &self.server, &SERVER.resource(), &error))
        });
        answers.collect()
    }
}
