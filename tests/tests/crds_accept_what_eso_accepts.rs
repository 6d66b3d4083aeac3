//! Whatever ESO's schema accepts, ours accepts, and our types keep it.
//!
//! Objects are made from ESO's schema: for each field of it one object that has the field, and
//! then many at random. Each object must pass ESO's schema (or the generator is wrong), must pass
//! ours with unknown fields refused, and must come back from our types as the same JSON.

mod crds_eso;

use std::collections::BTreeMap;

use crds_eso::KINDS;
use extsecret_crds::{
    ClusterExternalSecret, ClusterSecretStore, ExternalSecret, SecretStore, schema,
};
use jsonschema::Validator;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::string::string_regex;
use proptest::test_runner::{Config, TestRng, TestRunner};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// Objects of each kind that are made at random, beside those for each field.
const RANDOM_OBJECTS: usize = 300;

/// Texts that are not what they look like, for fields that take any text.
const TEXTS: [&str; 10] =
    ["", "a", "yes", "0777", "null", "~", "1e3", "a\nb\n", "\u{e4}\u{1f511}\u{0}", "{{ .x }}"];

/// One step from a part of a schema to a part of it.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    Property(String),
    Item,
    MapValue,
}

/// The parts of a schema, each with the step that leads to it.
fn parts(schema: &Value) -> Vec<(Step, &Value)> {
    let properties = schema["properties"].as_object().into_iter().flatten();
    let mut parts: Vec<_> =
        properties.map(|(name, part)| (Step::Property(name.clone()), part)).collect();
    parts.extend(schema.get("items").map(|part| (Step::Item, part)));
    let values = schema.get("additionalProperties").filter(|part| part.is_object());
    parts.extend(values.map(|part| (Step::MapValue, part)));
    parts
}

/// The ways to all parts of a schema that have no parts themselves.
fn leaves(schema: &Value) -> Vec<Vec<Step>> {
    let parts = parts(schema);
    if parts.is_empty() {
        return vec![Vec::new()];
    }
    let below = |(step, part): (Step, &Value)| {
        leaves(part).into_iter().map(move |mut way| {
            way.insert(0, step.clone());
            way
        })
    };
    parts.into_iter().flat_map(below).collect()
}

/// True if a value has something at the end of a way.
fn has(value: &Value, way: &[Step]) -> bool {
    let Some((step, rest)) = way.split_first() else { return true };
    match step {
        Step::Property(name) => value.get(name).is_some_and(|value| has(value, rest)),
        Step::Item => value.as_array().into_iter().flatten().any(|value| has(value, rest)),
        Step::MapValue => {
            value.as_object().into_iter().flatten().any(|(_, value)| has(value, rest))
        }
    }
}

/// Makes values that a schema accepts.
struct Generator {
    runner: TestRunner,
    /// How often a field that need not be there is there, in percent.
    density: u64,
}

impl Generator {
    /// Makes the same values in every run.
    fn new() -> Self {
        let config = Config::default();
        let seed = TestRng::deterministic_rng(config.rng_algorithm);
        Self { runner: TestRunner::new_with_rng(config, seed), density: 40 }
    }

    fn below(&mut self, limit: u64) -> u64 {
        (0..limit).new_tree(&mut self.runner).expect("a number").current()
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let index = self.below(of.len() as u64);
        &of[usize::try_from(index).expect("an index")]
    }

    fn chance(&mut self) -> bool {
        self.below(100) < self.density
    }

    /// A whole object of `kind` with something at the end of `way`.
    fn object(&mut self, kind: &str, schema: &Value, way: &[Step]) -> Value {
        let mut object = json!({
            "apiVersion": "external-secrets.io/v1",
            "kind": kind,
            "metadata": { "name": "a.b-c", "labels": { "a": "" }, "annotations": { "b": "yes" } },
        });
        for part in ["spec", "status"] {
            let way = match way.split_first() {
                Some((Step::Property(name), rest)) if name == part => Some(rest),
                _ => None,
            };
            // Our types want a spec, as every object has one that does anything.
            if way.is_some() || part == "spec" || self.chance() {
                object[part] = self.value(&schema["properties"][part], way);
            }
        }
        object
    }

    /// A value of a schema, with something at the end of `way`.
    fn value(&mut self, schema: &Value, way: Option<&[Step]>) -> Value {
        if schema["nullable"] == true && way.is_none_or(<[Step]>::is_empty) && self.chance() {
            return Value::Null;
        }
        if let Some(values) = schema["enum"].as_array() {
            return self.pick(values).clone();
        }
        if schema["x-kubernetes-int-or-string"] == true {
            return if self.chance() { self.integer(schema) } else { self.text(schema) };
        }
        match schema["type"].as_str() {
            Some("object") => self.map_or_object(schema, way),
            Some("array") => {
                let least = schema["minItems"].as_u64().unwrap_or(0);
                let way = way.and_then(<[Step]>::split_first).map(|(_, rest)| rest);
                let count = least.max(self.below(3)).max(u64::from(way.is_some()));
                (0..count)
                    .map(|index| self.value(&schema["items"], way.filter(|_| index == 0)))
                    .collect()
            }
            Some("string") => self.text(schema),
            Some("integer") => self.integer(schema),
            Some("number") => json!(1.5),
            Some("boolean") => json!(self.chance()),
            // Without a type anything goes.
            None if schema["x-kubernetes-preserve-unknown-fields"] == true => self.anything(),
            other => panic!("the generator does not know the type {other:?} of {schema}"),
        }
    }

    fn map_or_object(&mut self, schema: &Value, way: Option<&[Step]>) -> Value {
        let forced = way.and_then(<[Step]>::split_first);
        let most = schema["maxProperties"].as_u64().unwrap_or(u64::MAX);
        let least = schema["minProperties"].as_u64().unwrap_or(0);
        let mut object = Map::new();
        if let Some(values) = schema.get("additionalProperties") {
            for index in 0..self.below(3).max(u64::from(forced.is_some())) {
                let rest = forced.map(|(_, rest)| rest).filter(|_| index == 0);
                let key = format!("{}{index}", self.pick(&["on", "a.b/c", "\u{fc}"]));
                object.insert(key, self.value(values, rest));
            }
            return object.into();
        }
        let Some(properties) = schema["properties"].as_object() else {
            return if schema["x-kubernetes-preserve-unknown-fields"] == true {
                json!({ "any": self.anything() })
            } else {
                json!({})
            };
        };
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let mut wanted: Vec<&String> =
            properties.keys().filter(|name| required.iter().any(|other| other == *name)).collect();
        if let Some((Step::Property(name), _)) = forced
            && !wanted.contains(&name)
        {
            wanted.push(name);
        }
        let mut others: Vec<&String> =
            properties.keys().filter(|name| !wanted.contains(name)).collect();
        // In a random order, so that a limit does not favour the first names.
        while !others.is_empty() && (wanted.len() as u64) < most {
            let index = usize::try_from(self.below(others.len() as u64)).expect("an index");
            let name = others.swap_remove(index);
            if self.chance() || (wanted.len() as u64) < least {
                wanted.push(name);
            }
        }
        for name in wanted {
            let rest = match forced {
                Some((Step::Property(forced), rest)) if forced == name => Some(rest),
                _ => None,
            };
            object.insert(name.clone(), self.value(&properties[name], rest));
        }
        object.into()
    }

    fn text(&mut self, schema: &Value) -> Value {
        match schema["format"].as_str() {
            Some("byte") => return json!(self.pick(&["", "aGVsbG8="])),
            Some("date-time") => {
                let times = ["2024-02-29T23:59:59Z", "2025-01-01T00:00:00.5+02:00"];
                return json!(self.pick(&times));
            }
            None => {}
            Some(other) => panic!("the generator does not know the format {other}"),
        }
        let least = schema["minLength"].as_u64().unwrap_or(0);
        let most = schema["maxLength"].as_u64().unwrap_or(u64::MAX);
        let fits = |text: &str| (least..=most).contains(&(text.chars().count() as u64));
        let Some(pattern) = schema["pattern"].as_str() else {
            let texts: Vec<&str> = TEXTS.into_iter().filter(|text| fits(text)).collect();
            return json!(self.pick(&texts));
        };
        let body = pattern.strip_prefix('^').and_then(|body| body.strip_suffix('$'));
        let body = body.unwrap_or_else(|| panic!("the pattern {pattern} has no anchors"));
        // In ASCII, because dialects differ in what else is white space.
        let body = body.replace(r"[^\s]", "[!-~]").replace(".*", "[ -~]*");
        let strategy = string_regex(&body).expect("a pattern");
        loop {
            let text = strategy.new_tree(&mut self.runner).expect("a text").current();
            if fits(&text) {
                return json!(text);
            }
        }
    }

    fn integer(&mut self, schema: &Value) -> Value {
        let (least, most) = match schema["format"].as_str() {
            Some("int32") => (i64::from(i32::MIN), i64::from(i32::MAX)),
            _ => (i64::MIN, i64::MAX),
        };
        let least = schema["minimum"].as_i64().unwrap_or(least);
        let most = schema["maximum"].as_i64().unwrap_or(most);
        let candidates = [least, most, 0, 1, -1, 7];
        let fitting: Vec<i64> =
            candidates.into_iter().filter(|number| (least..=most).contains(number)).collect();
        json!(self.pick(&fitting))
    }

    fn anything(&mut self) -> Value {
        let values =
            [json!(null), json!(1.25), json!("yes"), json!([1, { "a": null }]), json!({ "b": {} })];
        self.pick(&values).clone()
    }
}

/// A schema for a validator that knows JSON Schema only: what `nullable` and int-or-string mean,
/// and, if `strict`, unknown fields refused as the API server does with strict field validation.
fn for_validator(schema: &Value, strict: bool) -> Value {
    let Value::Object(fields) = schema else { return schema.clone() };
    let mut out: Map<String, Value> = fields.clone();
    for part in ["items", "additionalProperties"] {
        if let Some(part) = out.get_mut(part) {
            *part = for_validator(part, strict);
        }
    }
    if let Some(Value::Object(properties)) = out.get_mut("properties") {
        properties.values_mut().for_each(|part| *part = for_validator(part, strict));
        if strict && fields.get("x-kubernetes-preserve-unknown-fields") != Some(&json!(true)) {
            out.insert("additionalProperties".to_owned(), json!(false));
        }
    }
    if fields.get("nullable") == Some(&json!(true)) {
        out.insert("type".to_owned(), json!([fields["type"], "null"]));
    }
    if fields.get("x-kubernetes-int-or-string") == Some(&json!(true)) {
        out.insert("type".to_owned(), json!(["integer", "string"]));
    }
    out.into()
}

fn validator(schema: &Value, strict: bool) -> Validator {
    jsonschema::options()
        .should_validate_formats(true)
        .build(&for_validator(schema, strict))
        .expect("a schema")
}

/// The errors of an object, one a line; empty if it is valid.
fn errors(validator: &Validator, object: &Value) -> String {
    let lines = validator.iter_errors(object);
    let lines = lines.map(|error| format!("{}: {error}", error.instance_path()));
    lines.collect::<Vec<_>>().join("\n")
}

/// Reads an object into its type and writes it again.
fn through<T: DeserializeOwned + Serialize>(object: &Value) -> Result<Value, serde_json::Error> {
    serde_json::to_value(serde_json::from_value::<T>(object.clone())?)
}

fn round_trip(kind: &str, object: &Value) -> Result<Value, serde_json::Error> {
    match kind {
        "ExternalSecret" => through::<ExternalSecret>(object),
        "SecretStore" => through::<SecretStore>(object),
        "ClusterSecretStore" => through::<ClusterSecretStore>(object),
        "ClusterExternalSecret" => through::<ClusterExternalSecret>(object),
        other => panic!("no type for {other}"),
    }
}

/// Takes out what the schema lets be `null` and is: for this API it is absent.
fn without_nulls(schema: &Value, value: &mut Value) {
    if let Value::Object(fields) = value {
        let nullable = |name: &str| schema["properties"][name]["nullable"] == true;
        fields.retain(|name, value| !(value.is_null() && nullable(name)));
        for (name, value) in fields {
            without_nulls(&schema["properties"][name], value);
        }
    }
}

/// What both sides know about one kind.
struct Comparison<'a> {
    kind: &'a str,
    eso_schema: &'a Value,
    eso: Validator,
    ours: Validator,
}

impl<'a> Comparison<'a> {
    fn new(kind: &'a str, eso_schema: &'a Value, our_schema: &Value) -> Self {
        let eso = validator(eso_schema, false);
        Self { kind, eso_schema, eso, ours: validator(our_schema, true) }
    }

    fn check(&self, object: &Value) -> Result<(), String> {
        let wrong = errors(&self.eso, object);
        assert_eq!(wrong, "", "the generator made what ESO's schema refuses: {object:#}");
        let refused = errors(&self.ours, object);
        if !refused.is_empty() {
            return Err(format!("{} refused by our schema:\n{refused}\n{object:#}", self.kind));
        }
        let mut expected = object.clone();
        without_nulls(self.eso_schema, &mut expected);
        let kept = round_trip(self.kind, object)
            .map_err(|error| format!("{} refused by our type: {error}\n{object:#}", self.kind))?;
        if kept != expected {
            return Err(format!("{} changed by our type:\n{object:#}\n{kept:#}", self.kind));
        }
        Ok(())
    }

    /// Checks an object for each field and then others at random; returns how many.
    fn check_all(&self) -> Result<usize, String> {
        let mut generator = Generator::new();
        let mut count = 0;
        for way in leaves(self.eso_schema) {
            if matches!(way.as_slice(), [Step::Property(name)] if name != "spec") {
                continue; // apiVersion, kind, metadata
            }
            // Sparse, so that the field is seen without its neighbours, too.
            generator.density = 10;
            let object = generator.object(self.kind, self.eso_schema, &way);
            assert!(has(&object, &way), "the generator left {way:?} out of {object:#}");
            self.check(&object)?;
            count += 1;
        }
        for _ in 0..RANDOM_OBJECTS {
            generator.density = 20 + generator.below(60);
            self.check(&generator.object(self.kind, self.eso_schema, &[]))?;
            count += 1;
        }
        Ok(count)
    }
}

#[test]
fn what_eso_accepts_is_accepted_and_kept() {
    let Some(eso) = crds_eso::definitions("what_eso_accepts_is_accepted_and_kept") else { return };
    let mut counts = BTreeMap::new();
    for (kind, eso) in KINDS.into_iter().zip(&eso) {
        let ours = schema::v1(kind).expect("a schema");
        let count = Comparison::new(kind, eso.schema(), ours).check_all();
        counts.insert(kind, count.unwrap_or_else(|message| panic!("{message}")));
    }
    println!("objects checked: {counts:?}");
}

/// ESO's schema does not require a spec. Such an object does nothing, but it can be stored.
#[test]
fn an_object_without_a_spec_is_accepted() {
    for kind in KINDS {
        let object = json!({
            "apiVersion": "external-secrets.io/v1", "kind": kind, "metadata": { "name": "a" },
        });
        let ours = validator(schema::v1(kind).expect("a schema"), true);
        assert_eq!(errors(&ours, &object), "", "{kind}");
    }
}

/// The comparison itself: a schema that lacks a field, narrows an enumeration or demands too much
/// must not get through it.
#[test]
fn a_schema_that_accepts_less_is_noticed() {
    let Some(eso) = crds_eso::definitions("a_schema_that_accepts_less_is_noticed") else { return };
    let eso = &eso[0];
    let ours = schema::v1("ExternalSecret").expect("a schema");
    let data_from = "/properties/spec/properties/dataFrom/items/properties";
    let breaks: [(&str, &str, Value); 5] = [
        (data_from, "find", json!(null)),
        ("/properties/spec/properties/target/properties/template/properties", "type", json!(null)),
        (&format!("{data_from}/extract/properties/decodingStrategy"), "enum", json!(["Auto"])),
        (&format!("{data_from}/rewrite/items"), "required", json!(["regexp"])),
        ("/properties/status/properties/refreshTime", "nullable", json!(false)),
    ];
    for (pointer, keyword, value) in breaks {
        let mut broken = ours.clone();
        let part = broken.pointer_mut(pointer).and_then(Value::as_object_mut);
        let part = part.unwrap_or_else(|| panic!("no {pointer}"));
        if value.is_null() {
            part.remove(keyword).expect("the field");
        } else {
            part.insert(keyword.to_owned(), value);
        }
        let outcome = Comparison::new("ExternalSecret", eso.schema(), &broken).check_all();
        assert!(outcome.is_err(), "{keyword} of {pointer} went unnoticed");
    }
}

/// A provider, and fields of modelled objects, that this project does not know.
#[test]
fn what_is_unknown_is_kept() {
    let store = json!({
        "apiVersion": "external-secrets.io/v1",
        "kind": "SecretStore",
        "metadata": { "name": "a" },
        "spec": {
            "provider": { "tomorrow": { "deep": [{ "null": null, "number": 1.50 }] } },
            "future": { "a": [] },
        },
    });
    let aws = json!({
        "apiVersion": "external-secrets.io/v1",
        "kind": "ClusterSecretStore",
        "metadata": { "name": "a" },
        "spec": {
            "provider": { "aws": {
                "service": "Tomorrow",
                "region": "eu-west-1",
                "auth": { "pod": { "name": "x" }, "jwt": { "serviceAccountRef": { "name": "s", "new": 1 } } },
            } },
        },
    });
    let secret = json!({
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": { "name": "a" },
        "spec": {
            "refreshPolicy": "Tomorrow",
            "target": { "creationPolicy": "Elsewhere", "new": null },
            "data": [{ "secretKey": "a", "remoteRef": { "key": "k", "decodingStrategy": "Rot13", "x": 1 } }],
        },
    });
    for object in [store, aws, secret] {
        let kind = object["kind"].as_str().expect("a kind");
        assert_eq!(round_trip(kind, &object).expect("an object"), object);
    }
}
