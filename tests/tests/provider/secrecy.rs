//! No value and no credential gets out: not in an error, not in `Debug`, not in a log.

#![expect(clippy::use_debug, reason = "what Debug shows is what is looked at")]

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use extsecret_engine::request::Fetch;
use extsecret_tests::aws::{AUDIENCE, Effect, Permissions, Role, Rule};
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::place::*;

/// Writes down everything that anybody logs.
#[derive(Clone, Default)]
pub(crate) struct Ear(pub(crate) Arc<Mutex<String>>);

impl Ear {
    fn hear(&self, metadata: &Metadata<'_>, record: impl FnOnce(&mut dyn Visit)) {
        let mut text = format!("{} {} ", metadata.target(), metadata.name());
        record(&mut Fields(&mut text));
        text.push('\n');
        self.0.lock().unwrap().push_str(&text);
    }
}

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, "{field}={value:?} ");
    }
}

impl Subscriber for Ear {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.hear(span.metadata(), |visit| span.record(visit));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut text = String::new();
        values.record(&mut Fields(&mut text));
        self.0.lock().unwrap().push_str(&text);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.hear(event.metadata(), |visit| event.record(visit));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

const CANARY: &str = "canary-4f1c9d";

#[test]
fn nothing_secret_is_shown_anywhere() {
    let ear = Ear::default();
    let place = Place::new();
    let mut shown = String::new();
    for name in ["a", "b", "c"] {
        place.aws.secrets().put(name, CANARY);
        place.aws.parameters().put(name, CANARY);
    }
    let arn = place.role("web");
    let role = Role::new(&arn).trusts_principal(place.aws.account()).trusts_token(
        "https://oidc.example.test/cluster",
        AUDIENCE,
        "*",
    );
    place.aws.identities().add_role(role);
    place.objects.put_account("shop", "web", &arn);
    let user =
        place.aws.identities().add_user(place.aws.account(), "canary", Permissions::Everything);
    place.objects.put_keys("shop", "user", &user);

    // All threads: the runtime is this one.
    let _hearing = tracing::subscriber::set_default(ear.clone());
    run(async {
        let mut with_role = keys_of("user", None);
        with_role["role"] = json!(arn);
        let jwt = json!({ "auth": { "jwt": { "serviceAccountRef": { "name": "web" } } } });
        let stores = vec![
            store_with("SecretsManager", &keys_of("user", None)),
            store_with("SecretsManager", &with_role),
            store_with("SecretsManager", &jwt),
            store_with("ParameterStore", &with_role),
        ];
        let find = |regexp: &str| {
            Fetch::Find(serde_json::from_value(json!({ "name": { "regexp": regexp } })).unwrap())
        };
        let stage = Fetch::Value { key: "a".into(), version: Some("AWSPREVIOUS".into()) };
        let tags = Fetch::Tags { key: "a".into() };
        let wanted = [value("a"), value("b"), value("gone"), stage, tags, find("."), find("(")];
        let trouble = [
            None,
            Some(Effect::Garbage),
            Some(Effect::Truncated),
            Some(Effect::error(400, "AccessDeniedException", "no")),
        ];
        for effect in trouble {
            place.aws.faults().clear();
            if let Some(effect) = effect {
                place.aws.faults().add(Rule::on("s*").effect(effect));
            }
            for spec in &stores {
                let store = place.connect(spec, &scope("shop")).await.unwrap();
                let answers = store.fetch(&wanted, fresh()).await;
                for answer in &answers {
                    let _ = writeln!(shown, "{answer:?}");
                    if let Err(error) = answer {
                        let _ = writeln!(shown, "{error}");
                    }
                }
                let _ = writeln!(shown, "{store:?} {:?}", place.provider);
            }
        }
        tracing::info!("the ear hears");
    });
    let heard = ear.0.lock().unwrap().clone();
    assert!(heard.contains("the ear hears") && heard.contains("AWS refused a call"), "{heard}");
    let calls = place.aws.counters().journal();
    let mut secrets = vec![CANARY.to_owned(), user.secret_access_key, user.access_key_id];
    secrets.extend(calls.iter().filter_map(|call| call.access_key.clone()));
    // What begins every token of this issuer, and what headers of signed requests hold.
    secrets.extend(["eyJ".to_owned(), "AWS4-HMAC".to_owned(), "x-amz-security-token".to_owned()]);
    for secret in secrets {
        assert!(!shown.contains(&secret), "shown: {secret}");
        let line = heard.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "logged: {secret}");
    }
    for call in calls {
        assert!(!shown.contains(&call.request_id), "{}", call.request_id);
    }
}
