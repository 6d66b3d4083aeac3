//! The query protocol of STS: forms in, XML out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The fields of a form.
#[derive(Default)]
pub(crate) struct Form {
    fields: BTreeMap<String, String>,
}

impl Form {
    /// Reads a body of type `application/x-www-form-urlencoded`; fields that are not UTF-8 are
    /// read as far as they are.
    pub(crate) fn parse(body: &[u8]) -> Self {
        let mut fields = BTreeMap::new();
        for field in body.split(|byte| *byte == b'&').filter(|field| !field.is_empty()) {
            let mut halves = field.splitn(2, |byte| *byte == b'=');
            let name = decoded(halves.next().unwrap_or_default());
            fields.insert(name, decoded(halves.next().unwrap_or_default()));
        }
        Self { fields }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// The values of `NAME.member.1`, `NAME.member.2`, ... up to the first gap.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        (1..).map_while(|number| self.get(&format!("{name}.member.{number}"))).collect()
    }

    /// The pairs of `NAME.member.1.Key` and `NAME.member.1.Value`, and so on.
    pub(crate) fn pairs(&self, name: &str) -> Vec<(&str, &str)> {
        (1..)
            .map_while(|number| {
                let key = self.get(&format!("{name}.member.{number}.Key"))?;
                Some((key, self.get(&format!("{name}.member.{number}.Value")).unwrap_or_default()))
            })
            .collect()
    }
}

fn decoded(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match (first, after) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, after @ ..]) => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                match (digit(*high), digit(*low)) {
                    (Some(high), Some(low)) => {
                        bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
                        rest = after;
                    }
                    _ => bytes.push(b'%'),
                }
            }
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// XML as answers need it: elements in elements, and text.
pub(crate) enum Xml {
    Text(&'static str, String),
    Element(&'static str, Vec<Self>),
}

impl Xml {
    pub(crate) fn write(&self, to: &mut String) {
        match self {
            Self::Text(name, text) => {
                let _ = write!(to, "<{name}>");
                escape(text, to);
                let _ = write!(to, "</{name}>");
            }
            Self::Element(name, children) => {
                let _ = write!(to, "<{name}>");
                for child in children {
                    child.write(to);
                }
                let _ = write!(to, "</{name}>");
            }
        }
    }
}

/// Appends a text with the characters replaced that XML gives a meaning.
pub(crate) fn escape(text: &str, to: &mut String) {
    for character in text.chars() {
        match character {
            '&' => to.push_str("&amp;"),
            '<' => to.push_str("&lt;"),
            '>' => to.push_str("&gt;"),
            '"' => to.push_str("&quot;"),
            other => to.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn forms_are_read() {
        let form = Form::parse(
            b"Action=A&RoleArn=arn%3Aaws%3a1&Text=a+b%&Tags.member.1.Key=k&Tags.member.1.Value=v\
              &Tags.member.2.Key=l&Keys.member.1=x&Keys.member.3=z",
        );
        assert_eq!(form.get("RoleArn"), Some("arn:aws:1"));
        assert_eq!(form.get("Text"), Some("a b%"));
        assert_eq!(form.get("Missing"), None);
        assert_eq!(form.pairs("Tags"), [("k", "v"), ("l", "")]);
        assert_eq!(form.list("Keys"), ["x"]);
    }

    proptest! {
        #[test]
        fn what_is_encoded_comes_back(name in "[a-z]{1,5}", value in ".{0,30}") {
            let mut body = format!("first=1&{name}0=");
            for byte in value.bytes() {
                let _ = write!(body, "%{byte:02x}");
            }
            let form = Form::parse(body.as_bytes());
            prop_assert_eq!(form.get(&format!("{name}0")), Some(value.as_str()));
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in vec(any::<u8>(), 0..100)) {
            let _ = Form::parse(&bytes).list("a");
        }
    }

    #[test]
    fn xml_is_escaped() {
        let mut text = String::new();
        Xml::Element("a", vec![Xml::Text("b", "<&>\"".to_owned())]).write(&mut text);
        assert_eq!(text, "<a><b>&lt;&amp;&gt;&quot;</b></a>");
    }
}
