//! Addresses: `urlParse` takes one apart, `urlJoin` puts one together.

mod address;
mod escape;
mod host;

use super::arguments::{dict, made, shown, text};
use super::{Call, Failure, Function, Type};
use crate::error::Message;
use crate::fmt::quote;
use crate::value::{Map, Value};

use address::{Url, parse};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("urlJoin", &[Type::Dict], url_join),
    Function::new("urlParse", &[Type::String], url_parse),
];

/// Why a text is no address: Go's words, and parts of the address between them.
#[cfg_attr(test, derive(Debug, PartialEq, Eq))]
enum Problem {
    Words(&'static str),
    /// Words before and after a quoted part.
    Part(&'static str, Vec<u8>, &'static str),
    /// What Go's `net/netip` says: of the whole, about a place in it.
    Ip {
        address: Vec<u8>,
        words: &'static str,
        at: Vec<u8>,
    },
}

impl Problem {
    /// The words, with what `show` makes of parts of the address.
    fn message(&self, message: Message, show: impl Fn(Message, String) -> Message) -> Message {
        match self {
            Self::Words(words) => message.text(*words),
            Self::Part(before, part, after) => {
                show(message.text(*before), quote(part)).text(*after)
            }
            Self::Ip { address, words, at } => {
                let message = message.text("invalid host: ParseAddr(");
                let message = show(message, quote(address)).text(format!("): {words}"));
                if at.is_empty() {
                    return message;
                }
                show(message.text(" (at "), quote(at)).text(")")
            }
        }
    }
}

/// The host of an address, and the address as Go writes it after it has read it.
///
/// # Errors
/// Go's, for what is no address, all of which is secret.
pub(super) fn host_and_text(address: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Message> {
    match parse(address) {
        Ok(url) => {
            let text = url.display();
            Ok((url.host, text))
        }
        Err((part, problem)) => {
            let message = Message::from("parse ").secret(quote(&part)).text(": ");
            Err(problem.message(message, Message::secret))
        }
    }
}

/// Parses, or fails as Go's function does, with the address in the text.
fn parsed(call: &Call<'_>, address: &[u8], failure: &str) -> Result<Url, Failure> {
    parse(address).map_err(|(shown_part, problem)| {
        let message = Message::from(format!("{failure}: parse "));
        let message = shown(call, message, quote(&shown_part)).text(": ");
        problem.message(message, |message, part| shown(call, message, part)).into()
    })
}

fn url_parse(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let address = text(arguments, 0);
    call.work(address.len() / 16)?;
    call.reserve(address.len().saturating_mul(4))?;
    let url = parsed(call, address, "unable to parse url")?;
    let userinfo = url.user.as_ref().map(address::User::display).unwrap_or_default();
    let entries = [
        ("scheme", url.scheme.clone()),
        ("hostname", url.hostname().to_vec()),
        ("host", url.host),
        ("path", url.path),
        ("query", url.query),
        ("opaque", url.opaque),
        ("fragment", url.fragment),
        ("userinfo", userinfo),
    ];
    Ok(Value::map(entries.map(|(name, text)| (name.as_bytes().into(), Value::string(text)))))
}

fn url_join(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let dict = dict(arguments, 0);
    let part = |name: &str| entry(&dict, name);
    let mut url = Url::default();
    url.scheme = part("scheme")?;
    url.host = part("host")?;
    url.path = part("path")?;
    url.query = part("query")?;
    url.opaque = part("opaque")?;
    url.fragment = part("fragment")?;
    let userinfo = part("userinfo")?;
    if !userinfo.is_empty() {
        let address = [&b"proto://"[..], &userinfo, b"@host"].concat();
        url.user = parsed(call, &address, "unable to parse userinfo in dict")?.user;
    }
    made(call, url.display())
}

/// A string of the dict, or an empty one.
fn entry(dict: &Map, name: &str) -> Result<Vec<u8>, Failure> {
    match dict.entries.borrow().get(name.as_bytes()) {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(text.to_vec()),
        // Go asks nil for its type.
        Some(Value::Nil | Value::Absent) => {
            Err("runtime error: invalid memory address or nil pointer dereference".into())
        }
        Some(value) => Err(Message::from(format!(
            "unable to parse {name} key, must be of type string, but {} found",
            value.kind_name()
        ))
        .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(address: &str) -> String {
        String::from_utf8(parse(address.as_bytes()).unwrap().display()).unwrap()
    }

    #[test]
    fn writes_what_it_reads() {
        for address in [
            "https://user:p%40ss@example.com:8080/a%20b;c?q=1#frag%20ment",
            "mailto:joe@example.com",
            "//host/path",
            "file:///etc/passwd",
            "/a//b",
            "http://[fe80::1%25en0]:80/",
        ] {
            assert_eq!(round_trip(address), address);
        }
        let url = parse(b"http://[::1]:80/").unwrap();
        assert_eq!(url.hostname(), b"::1");
    }

    #[test]
    fn refuses_what_go_refuses() {
        for (address, problem) in [
            (&b"a\nb"[..], Problem::Words("net/url: invalid control character in URL")),
            (b":a", Problem::Words("missing protocol scheme")),
            (b"http://a b/", Problem::Part("invalid character ", b" ".to_vec(), " in host name")),
            (b"%zz", Problem::Part("invalid URL escape ", b"%zz".to_vec(), "")),
        ] {
            assert_eq!(parse(address).err().unwrap().1, problem);
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(address in "[a-z:/@%\\[\\]?#0-9.]{0,30}|.{0,20}") {
            if let Ok(url) = parse(address.as_bytes()) {
                url.display();
            }
        }
    }
}
