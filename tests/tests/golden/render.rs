//! Renders the templates that were written, by the engine of ESO's own templates.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gotemplate::{Environment, Limits, MissingKey, Options, Template, Value as GoValue};
use serde_json::Value;

use crate::case::Case;
use crate::run::{Run, run_case};

/// Nothing that a migrated template may use.
struct Nothing;

impl Environment for Nothing {
    fn now(&self) -> i128 {
        panic!("a migrated template asks for the time")
    }

    fn fill_random(&mut self, _: &mut [u8]) {
        panic!("a migrated template asks for random bytes")
    }
}

/// Runs a case as its context says. Where it is a template of a chart, the objects are what Helm
/// prints with the values of `chart.yaml`.
pub(crate) fn run_printed(case: &Case) -> Run {
    let mut run = run_case(case);
    if let Ok(chart) = fs::read_to_string(case.folder.join("chart.yaml")) {
        let chart = serde_yaml::from_str(&chart).expect("chart.yaml is YAML");
        run.stdout = as_helm_prints(&run.stdout, &chart);
    }
    run
}

fn as_helm_prints(text: &str, chart: &Value) -> String {
    let template = Template::parse("chart", text.as_bytes(), Options::default())
        .unwrap_or_else(|error| panic!("{error}\n{text}"));
    let printed = template
        .execute(&go(chart), &mut Nothing, &Limits::default())
        .unwrap_or_else(|error| panic!("{error}\n{text}"));
    String::from_utf8(printed).expect("UTF-8")
}

fn go(value: &Value) -> GoValue {
    match value {
        Value::Bool(truth) => GoValue::Bool(*truth),
        Value::String(text) => GoValue::string(text),
        Value::Object(map) => {
            GoValue::map(map.iter().map(|(key, value)| (key.as_bytes().to_vec().into(), go(value))))
        }
        other => panic!("no value of a chart: {other}"),
    }
}

/// Fails unless each template renders what the case says.
pub(crate) fn assert_renders(case: &Case, written: &[Value]) {
    for check in case.checks() {
        let key = &check.key;
        let text = written
            .iter()
            .find_map(|object| object["spec"]["target"]["template"]["data"][key].as_str())
            .unwrap_or_else(|| panic!("no template for {key} was written"));
        let options = Options { missing_key: MissingKey::Error, ..Options::default() };
        let template = Template::parse(key, text.as_bytes(), options)
            .unwrap_or_else(|error| panic!("{key}: {error}\n{text}"));
        let data = GoValue::string_map(&check.data);
        let rendered = template.execute(&data, &mut Nothing, &Limits::default());
        if check.error {
            assert!(rendered.is_err(), "{key} renders with {:?}\n{text}", check.data);
            continue;
        }
        let rendered =
            rendered.unwrap_or_else(|error| panic!("{key}: {error}\n{:?}\n{text}", check.data));
        let expected = match (check.text, check.base64) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(base64)) => STANDARD.decode(base64).expect("base64"),
            _ => panic!("{key}: a check needs text, base64 or error"),
        };
        assert_eq!(
            String::from_utf8_lossy(&rendered),
            String::from_utf8_lossy(&expected),
            "{key} with {:?}\n{text}",
            check.data
        );
    }
}
