//! The evaluator against lodash itself: what KES's packages answered for every template of the
//! corpus in `tests/kes-oracle`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json};

use super::super::js::utf8;
use super::{data, render};
use crate::lodash;
use crate::verify::js::Stop;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/kes-oracle")
}

fn bytes(value: &Json) -> Vec<u8> {
    match value {
        Json::String(text) => text.as_bytes().to_vec(),
        other => STANDARD.decode(other["base64"].as_str().unwrap()).unwrap(),
    }
}

/// The values of a case: all sets, or those it names, or its own ones beside the first set.
fn sets(all: &Map<String, Json>, case: &Json) -> Vec<Map<String, Json>> {
    let object = |value: &Json| value.as_object().unwrap().clone();
    let Some(named) = case["sets"].as_array() else { return all.values().map(object).collect() };
    named
        .iter()
        .map(|set| match set {
            Json::String(name) => object(&all[name]),
            own => {
                let mut values = object(&all["strings"]);
                values.extend(object(own));
                values.retain(|_, value| !value.is_null());
                values
            }
        })
        .collect()
}

#[test]
fn templates_come_out_as_from_lodash() {
    let all: Map<String, Json> =
        serde_json::from_str(&fs::read_to_string(folder().join("corpus/sets.json")).unwrap())
            .unwrap();
    let mut files: Vec<PathBuf> = fs::read_dir(folder().join("vectors/template"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let (mut same, mut errors, mut refused) = (0, 0, 0);
    let mut unmodelled: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for line in files.iter().flat_map(|file| {
        let text = fs::read_to_string(file).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    }) {
        let case: Json = serde_json::from_str(&line).unwrap();
        let template = case["template"].as_str().unwrap();
        let place = match case["place"].as_str() {
            Some("base64") => lodash::Place::Base64,
            _ => lodash::Place::Text,
        };
        let scope = lodash::Scope { place, ..lodash::Scope::default() };
        let Ok(translation) = lodash::translate(template, &scope) else {
            refused += 1;
            continue;
        };
        let answers = case["answers"].as_array().unwrap();
        let sets = sets(&all, &case);
        assert_eq!(sets.len(), answers.len(), "{template}");
        for (set, answer) in sets.iter().zip(answers) {
            let values: Vec<(&str, Vec<u8>)> =
                set.iter().map(|(key, value)| (key.as_str(), bytes(value))).collect();
            let data = data(values.iter().map(|(key, value)| (*key, value.as_slice())));
            match (render(&translation.program, &data), answer) {
                (Ok(text), Json::String(expected)) if utf8(&text) == *expected => same += 1,
                (Err(Stop::Throws(_)), Json::Object(_)) => errors += 1,
                // What does not even compile is the parser's business; `atob` is taken for the more
                // lenient reading of a Buffer.
                (Ok(_), Json::Object(error))
                    if error["error"].as_str().is_some_and(|error| {
                        error.starts_with("compile") || error.ends_with("InvalidCharacterError")
                    }) =>
                {
                    errors += 1;
                }
                (Err(Stop::Unmodelled(what)), _) => *unmodelled.entry(what).or_default() += 1,
                (Ok(text), _) => {
                    wrong.push(format!(
                        "{template:?}\n  found {:?}\n  lodash {answer}",
                        utf8(&text)
                    ));
                }
                (Err(stop), _) => {
                    wrong.push(format!("{template:?}\n  {stop:?}\n  lodash {answer}"));
                }
            }
        }
    }
    let left_out: usize = unmodelled.values().sum();
    println!(
        "{same} same, {errors} errors, {refused} templates refused, not modelled: {unmodelled:#?}"
    );
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong[..wrong.len().min(60)].join("\n"));
    assert!(same > 12_000 && left_out * 20 < same, "{same} same, {left_out} not modelled");
}
