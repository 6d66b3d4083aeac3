//! Go's `net/url`: parsing and printing.

use super::Problem;
use super::escape::{Part, escape, must_escape, unescape};
use super::host::{parse_host, valid_optional_port};

/// A parsed address.
#[derive(Default)]
pub(super) struct Url {
    pub(super) scheme: Vec<u8>,
    pub(super) opaque: Vec<u8>,
    pub(super) user: Option<User>,
    pub(super) host: Vec<u8>,
    pub(super) path: Vec<u8>,
    pub(super) query: Vec<u8>,
    pub(super) fragment: Vec<u8>,
    /// As it was written, where escaping the path gives something else.
    raw_path: Vec<u8>,
    raw_fragment: Vec<u8>,
    /// A `?` with nothing behind it.
    force_query: bool,
    /// A scheme, and a path without `//` before it.
    omit_host: bool,
}

/// What stands before the `@`.
pub(super) struct User {
    name: Vec<u8>,
    password: Option<Vec<u8>>,
}

impl User {
    pub(super) fn display(&self) -> Vec<u8> {
        let mut text = escape(&self.name, Part::User);
        if let Some(password) = &self.password {
            text.push(b':');
            text.extend(escape(password, Part::User));
        }
        text
    }
}

/// Splits at the first `sign`; without one the second part is empty.
fn cut(text: &[u8], sign: u8) -> (&[u8], &[u8]) {
    match text.iter().position(|byte| *byte == sign) {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default()),
        None => (text, b""),
    }
}

/// Parses an address. An error comes with the part of it that Go names.
pub(super) fn parse(address: &[u8]) -> Result<Url, (Vec<u8>, Problem)> {
    let (rest, fragment) = cut(address, b'#');
    let mut url = parse_rest(rest).map_err(|problem| (rest.to_vec(), problem))?;
    if !fragment.is_empty() {
        url.fragment =
            unescape(fragment, Part::Fragment).map_err(|problem| (address.to_vec(), problem))?;
        if escape(&url.fragment, Part::Fragment) != fragment {
            url.raw_fragment = fragment.to_vec();
        }
    }
    Ok(url)
}

fn parse_rest(address: &[u8]) -> Result<Url, Problem> {
    if address.iter().any(|byte| *byte < b' ' || *byte == 0x7F) {
        return Err(Problem::Words("net/url: invalid control character in URL"));
    }
    let mut url = Url::default();
    if address == b"*" {
        url.path = b"*".to_vec();
        return Ok(url);
    }
    let (scheme, mut rest) = split_scheme(address)?;
    url.scheme = lower(scheme);
    let marks = memchr::memchr_iter(b'?', rest).count();
    if let (Some(before), 1) = (rest.strip_suffix(b"?"), marks) {
        url.force_query = true;
        rest = before;
    } else {
        let (before, query) = cut(rest, b'?');
        url.query = query.to_vec();
        rest = before;
    }
    if !rest.starts_with(b"/") {
        if !url.scheme.is_empty() {
            url.opaque = rest.to_vec();
            return Ok(url);
        }
        if cut(rest, b'/').0.contains(&b':') {
            return Err(Problem::Words("first path segment in URL cannot contain colon"));
        }
    }
    let relative = url.scheme.is_empty();
    if let Some(authority) = rest.strip_prefix(b"//")
        && !(relative && rest.starts_with(b"///"))
    {
        let end = authority.iter().position(|byte| *byte == b'/').unwrap_or(authority.len());
        let (authority, path) = authority.split_at(end);
        rest = path;
        (url.user, url.host) = parse_authority(&url.scheme, authority)?;
    } else if !relative && rest.starts_with(b"/") {
        url.omit_host = true;
    }
    url.path = unescape(rest, Part::Path)?;
    if escape(&url.path, Part::Path) != rest {
        url.raw_path = rest.to_vec();
    }
    Ok(url)
}

/// Go lowers all letters; a scheme has ASCII ones only.
fn lower(scheme: &[u8]) -> Vec<u8> {
    scheme.to_ascii_lowercase()
}

fn split_scheme(address: &[u8]) -> Result<(&[u8], &[u8]), Problem> {
    for (at, byte) in address.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err(Problem::Words("missing protocol scheme")),
            b':' => return Ok(cut(address, b':')),
            _ => break,
        }
    }
    Ok((b"", address))
}

fn parse_authority(scheme: &[u8], authority: &[u8]) -> Result<(Option<User>, Vec<u8>), Problem> {
    let Some(at) = authority.iter().rposition(|byte| *byte == b'@') else {
        return Ok((None, parse_host(scheme, authority)?));
    };
    let (user, host) = authority.split_at(at);
    let host = parse_host(scheme, host.get(1..).unwrap_or_default())?;
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(byte);
    if !user.iter().all(allowed) {
        return Err(Problem::Words("net/url: invalid userinfo"));
    }
    let (name, password) = cut(user, b':');
    let name = unescape(name, Part::User)?;
    let password = if user.contains(&b':') { Some(unescape(password, Part::User)?) } else { None };
    Ok((Some(User { name, password }), host))
}

impl Url {
    /// The host without its port and without brackets.
    pub(super) fn hostname(&self) -> &[u8] {
        let mut host = self.host.as_slice();
        if let Some(colon) = host.iter().rposition(|byte| *byte == b':') {
            let (name, port) = host.split_at(colon);
            if valid_optional_port(port) {
                host = name;
            }
        }
        let inner = host.strip_prefix(b"[").and_then(|inner| inner.strip_suffix(b"]"));
        inner.unwrap_or(host)
    }

    /// Go's `URL.String`.
    pub(super) fn display(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.scheme.is_empty() {
            out.extend_from_slice(&self.scheme);
            out.push(b':');
        }
        if self.opaque.is_empty() {
            self.push_authority(&mut out);
            let path = self.escaped_path();
            if !path.is_empty() && !path.starts_with(b"/") && !self.host.is_empty() {
                out.push(b'/');
            }
            if out.is_empty() && cut(&path, b'/').0.contains(&b':') {
                // Else it would be read as a scheme.
                out.extend_from_slice(b"./");
            }
            out.extend(path);
        } else {
            out.extend_from_slice(&self.opaque);
        }
        if self.force_query || !self.query.is_empty() {
            out.push(b'?');
            out.extend_from_slice(&self.query);
        }
        if !self.fragment.is_empty() {
            out.push(b'#');
            out.extend(written(&self.raw_fragment, &self.fragment, Part::Fragment));
        }
        out
    }

    fn push_authority(&self, out: &mut Vec<u8>) {
        let no_host = self.host.is_empty() && self.user.is_none();
        if no_host && (self.scheme.is_empty() || self.omit_host) {
            return;
        }
        if !no_host || !self.path.is_empty() {
            out.extend_from_slice(b"//");
        }
        if let Some(user) = &self.user {
            out.extend(user.display());
            out.push(b'@');
        }
        out.extend(escape(&self.host, Part::Host));
    }

    fn escaped_path(&self) -> Vec<u8> {
        if self.raw_path.is_empty() && self.path == b"*" {
            return self.path.clone();
        }
        written(&self.raw_path, &self.path, Part::Path)
    }
}

/// The part as it was written, if that is right; else escaped anew.
fn written(raw: &[u8], plain: &[u8], part: Part) -> Vec<u8> {
    let valid = |byte: &u8| b"!$&'()*+,;=:@[]%".contains(byte) || !must_escape(*byte, part);
    let same = || unescape(raw, part).is_ok_and(|text| text == plain);
    if !raw.is_empty() && raw.iter().all(valid) && same() {
        return raw.to_vec();
    }
    escape(plain, part)
}
