//! Why something could not be read from the cluster, for people and for whoever can do without.

use std::error::Error;
use std::fmt;

/// What was tried in vain, and why.
#[derive(Debug)]
pub(crate) struct Unread {
    /// What was tried: `read Secret shop/db`, `list pods in the namespace "shop"`.
    pub(crate) tried: String,
    pub(crate) why: Why,
}

/// Why it was in vain.
#[derive(Debug)]
pub(crate) enum Why {
    /// The caller may not.
    Forbidden(String),
    /// The server does not take the caller's credentials.
    Unauthorized(String),
    /// The server does not know the kind.
    NotServed(String),
    /// A list or watch that took too long: it has to begin anew.
    Expired,
    /// The object is not, or no longer, what a change was meant for.
    Conflict(String),
    /// The server said no, or that it cannot.
    Refused(String),
    /// Nobody answered.
    Unreachable {
        /// The address.
        server: String,
        /// The innermost cause.
        cause: String,
    },
    /// There was an answer that is not what the API promises.
    Unreadable(String),
    /// What was asked for is no name.
    NotAName,
}

impl Unread {
    pub(super) fn new(tried: impl Into<String>, why: Why) -> Self {
        Self { tried: tried.into(), why }
    }

    pub(super) fn from_kube(
        tried: &str,
        server: &str,
        resource: &str,
        error: &kube::Error,
    ) -> Self {
        let why = match error {
            kube::Error::Api(status) if status.is_forbidden() => {
                Why::Forbidden(status.message.clone())
            }
            kube::Error::Api(status) if status.code == 401 => {
                Why::Unauthorized(status.message.clone())
            }
            kube::Error::Api(status) if status.code == 410 => Why::Expired,
            kube::Error::Api(status) if status.code == 409 => {
                Why::Conflict(status.message.trim().to_owned())
            }
            // The plain "404 page not found" has no details that could be looked at.
            kube::Error::Api(status) if status.code == 404 && status.details.is_none() => {
                Why::NotServed(resource.to_owned())
            }
            kube::Error::Api(status) => Why::Refused(match status.message.trim() {
                // As a proxy answers in the place of an API server.
                "" => format!("it answers {} and says nothing more", status.code),
                message => message.to_owned(),
            }),
            kube::Error::SerdeError(error) => Why::Unreadable(error.to_string()),
            error => Why::Unreachable { server: server.to_owned(), cause: innermost(error) },
        };
        Self::new(tried, why)
    }

    /// The reason in a few words, for a place where the object is already named.
    pub(crate) fn short(&self) -> String {
        match &self.why {
            Why::Forbidden(_) => "you may not read it (forbidden)".to_owned(),
            Why::Unauthorized(_) => "your credentials are not accepted (401)".to_owned(),
            Why::NotServed(resource) => format!("the cluster does not serve {resource}"),
            Why::Expired => "the answer took too long, try again".to_owned(),
            Why::Conflict(message) | Why::Refused(message) => message.clone(),
            Why::Unreachable { cause, .. } => format!("no answer: {cause}"),
            Why::Unreadable(_) => "the answer cannot be read".to_owned(),
            Why::NotAName => "this is no name".to_owned(),
        }
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tried = &self.tried;
        match &self.why {
            Why::Forbidden(message) => {
                write!(f, "cannot {tried}: {message}; `kubectl auth can-i` tells what you may do")
            }
            Why::Unauthorized(message) => write!(
                f,
                "cannot {tried}: the API server does not accept your credentials ({message}); \
                 log in again, or choose others with --context or --user"
            ),
            Why::NotServed(resource) => write!(
                f,
                "cannot {tried}: the cluster does not serve {resource}: are the CRDs of {} \
                 installed?",
                resource.split_once('.').map_or("it", |(_, group)| group)
            ),
            Why::Expired => write!(f, "cannot {tried}: it took too long; try again"),
            Why::Conflict(message) | Why::Refused(message) => {
                write!(f, "cannot {tried}: {message}")
            }
            Why::Unreachable { server, cause } => write!(
                f,
                "cannot {tried}: no answer from the API server {server}: {cause}; --context and \
                 --kubeconfig choose another one"
            ),
            Why::Unreadable(cause) => {
                write!(f, "cannot {tried}: the answer is not as the API promises: {cause}")
            }
            Why::NotAName => write!(f, "cannot {tried}: this is no name of an object"),
        }
    }
}

impl Error for Unread {}

/// The last of a chain of causes, which is the one that says something.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    let text = last.to_string();
    // What the library calls a connection that was not made in time.
    match text.as_str() {
        "deadline has elapsed" => "it did not answer in time".to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    #[test]
    fn an_answer_without_words_has_a_cause_too() {
        let told = |message: &str| {
            let error = kube::Error::Api(Status::failure(message, "").with_code(500).boxed());
            Unread::from_kube("list secrets", "https://server", "secrets", &error).to_string()
        };
        assert_eq!(told(" \n"), "cannot list secrets: it answers 500 and says nothing more");
        assert_eq!(told("etcd is away"), "cannot list secrets: etcd is away");
    }
}
