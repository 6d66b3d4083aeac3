//! Tokens of pages: opaque, good for the query that they came from and for no other.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::Value;

/// Signs tokens, so that a made-up one is told from a real one.
#[derive(Debug)]
pub(crate) struct Pages {
    key: hmac::Key,
}

/// Of the 32 bytes of the signature, as many as are sent.
const SIGNED: usize = 16;

impl Pages {
    pub(crate) fn new(key: &[u8]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key) }
    }

    /// A token for what comes after `cursor` in the answer to `query`.
    pub(crate) fn token(&self, query: &Value, cursor: &str) -> String {
        let tag = self.tag(query, cursor);
        let mut bytes: Vec<u8> = tag.as_ref().iter().take(SIGNED).copied().collect();
        bytes.extend_from_slice(cursor.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The cursor of a token; none if it is no token of this query.
    pub(crate) fn cursor(&self, query: &Value, token: &str) -> Option<String> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (tag, cursor) = bytes.split_at_checked(SIGNED)?;
        let cursor = std::str::from_utf8(cursor).ok()?;
        let expected = self.tag(query, cursor);
        expected.as_ref().starts_with(tag).then(|| cursor.to_owned())
    }

    fn tag(&self, query: &Value, cursor: &str) -> hmac::Tag {
        hmac::sign(&self.key, format!("{query}\n{cursor}").as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_token_is_good_for_its_query_only() {
        let pages = Pages::new(b"key");
        let token = pages.token(&json!({"name": "a"}), "17");
        assert_eq!(pages.cursor(&json!({"name": "a"}), &token).as_deref(), Some("17"));
        assert_eq!(pages.cursor(&json!({"name": "b"}), &token), None);
        assert_eq!(Pages::new(b"other").cursor(&json!({"name": "a"}), &token), None);
        for bad in ["", "17", "bm9uc2Vuc2U", "*"] {
            assert_eq!(pages.cursor(&json!({"name": "a"}), bad), None, "{bad}");
        }
    }
}
