//! What may be a name, and what only looks like one.

/// `[-._a-zA-Z0-9]+`, at most 253 characters: what a key of a Secret may be.
pub(crate) fn is_secret_key(name: &str) -> bool {
    (1..=253).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
}

/// A DNS-1123 subdomain, as names of objects are.
pub(crate) fn is_dns_subdomain(name: &str) -> bool {
    (1..=253).contains(&name.len())
        && name.split('.').all(|label| {
            let bytes = label.as_bytes();
            let edge =
                |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
            edge(bytes.first())
                && edge(bytes.last())
                && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
        })
}

/// A DNS-1123 label, as names of namespaces are.
pub(crate) fn is_dns_label(name: &str) -> bool {
    name.len() <= 63 && !name.contains('.') && is_dns_subdomain(name)
}

/// Text that some other tool was going to replace.
pub(crate) fn is_placeholder(text: &str) -> bool {
    [("<", ">"), ("${", "}"), ("$(", ")"), ("{{", "}}"), ("__", "__"), ("%", "%"), ("@", "@")]
        .iter()
        .any(|(open, close)| {
            text.find(open).is_some_and(|at| text[at + open.len()..].contains(close))
        })
        || (text.starts_with('$') && text.len() > 1)
}

pub(super) fn nearest_backend(given: &str) -> Option<&'static str> {
    const KNOWN: [&str; 7] = [
        "secretsManager",
        "systemManager",
        "vault",
        "azureKeyVault",
        "gcpSecretsManager",
        "ibmcloudSecretsManager",
        "akeyless",
    ];
    let plain = |s: &str| {
        s.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
    };
    let wanted = plain(given);
    KNOWN.iter().copied().find(|known| {
        let known = plain(known);
        known == wanted
            || (wanted.len() >= 4 && (known.starts_with(&wanted) || wanted.starts_with(&known)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_of_the_usual_tools_are_recognised() {
        for text in ["<<x>>", "${REGION}", "$(X)", "{{ .x }}", "__X__", "$X", "%X%"] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in ["vault", "my-app", "a_b", "secretsManager"] {
            assert!(!is_placeholder(text), "{text}");
        }
    }

    #[test]
    fn misspelt_backends_have_a_neighbour() {
        assert_eq!(nearest_backend("SecretsManager"), Some("secretsManager"));
        assert_eq!(nearest_backend("azure-key-vault"), Some("azureKeyVault"));
        assert_eq!(nearest_backend("azureKeyvaultt"), Some("azureKeyVault"));
        assert_eq!(nearest_backend("local"), None);
    }

    #[test]
    fn names_follow_dns() {
        for name in ["a", "a-b.c", "0"] {
            assert!(is_dns_subdomain(name), "{name}");
        }
        for name in ["", "A", "-a", "a-", "a..b", "{{ .x }}", "a_b"] {
            assert!(!is_dns_subdomain(name), "{name}");
        }
    }
}
