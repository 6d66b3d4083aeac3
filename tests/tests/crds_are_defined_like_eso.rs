//! The definitions of this project beside those of ESO: a cluster that has the one must behave as
//! a cluster that has the other.

mod crds_eso;

use crds_eso::{Definition, KINDS};
use extsecret_crds::schema;
use serde_json::{Value, json};

/// Our definition and ESO's of each kind.
fn pairs(test: &str) -> Vec<(&'static str, Value, Definition)> {
    let Some(theirs) = crds_eso::definitions(test) else { return Vec::new() };
    let ours =
        schema::definitions().into_iter().map(|crd| serde_json::to_value(crd).expect("JSON"));
    KINDS.into_iter().zip(ours).zip(theirs).map(|((kind, ours), eso)| (kind, ours, eso)).collect()
}

/// A schema without what does not change how the API server treats an object.
fn without_prose(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let prose = |name: &str, value: &Value| {
                (matches!(name, "description" | "example") && value.is_string())
                    || (name == "nullable" && *value == json!(false))
            };
            let kept = fields.iter().filter(|(name, value)| !prose(name, value));
            kept.map(|(name, value)| (name.clone(), without_prose(value))).collect()
        }
        Value::Array(values) => values.iter().map(without_prose).collect(),
        other => other.clone(),
    }
}

#[test]
fn names_scopes_columns_and_subresources_are_those_of_eso() {
    for (kind, ours, eso) in pairs("names_scopes_columns_and_subresources_are_those_of_eso") {
        let theirs = &eso.crd;
        for field in ["/metadata/name", "/metadata/labels", "/spec/group", "/spec/scope"] {
            assert_eq!(ours.pointer(field), theirs.pointer(field), "{field} of {kind}");
        }
        let mut names = theirs["spec"]["names"].clone();
        // The API server fills this one in.
        assert_eq!(names["listKind"], format!("{kind}List"));
        names.as_object_mut().expect("names").remove("listKind");
        assert_eq!(ours["spec"]["names"], names, "names of {kind}");
        let versions = ours["spec"]["versions"].as_array().expect("versions");
        assert_eq!(versions.len(), 1, "versions of {kind}");
        let fields = [
            "name",
            "served",
            "storage",
            "subresources",
            "additionalPrinterColumns",
            "selectableFields",
        ];
        for field in fields {
            assert_eq!(versions[0][field], eso.v1()[field], "{field} of {kind}");
        }
    }
}

#[test]
fn the_schema_of_external_secrets_is_that_of_eso() {
    for (kind, ours, eso) in pairs("the_schema_of_external_secrets_is_that_of_eso") {
        let ours = &ours["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let compared: &[&str] = match kind {
            "ExternalSecret" => &[""],
            // Conditions have a cause and a time here, too.
            "ClusterExternalSecret" => &[
                "/properties/spec",
                "/properties/status/properties/externalSecretName",
                "/properties/status/properties/failedNamespaces",
                "/properties/status/properties/provisionedNamespaces",
            ],
            _ => &[
                "/properties/status",
                "/properties/spec/required",
                "/properties/spec/properties/conditions",
                "/properties/spec/properties/controller",
                "/properties/spec/properties/retrySettings",
            ],
        };
        for pointer in compared {
            let part = |schema: &Value| schema.pointer(pointer).map(without_prose);
            assert!(part(ours).is_some(), "{kind} has {pointer}");
            assert_eq!(part(ours), part(eso.schema()), "{pointer} of {kind}");
        }
    }
}

/// Finds where our schema of a provider says something else than ESO's about a field that both
/// have, and fields that only ours has.
fn contradictions(path: &str, ours: &Value, eso: &Value, found: &mut Vec<String>) {
    const KEYWORDS: [&str; 12] = [
        "type",
        "enum",
        "default",
        "format",
        "pattern",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
        "additionalProperties",
    ];
    // Integers have 64 bits in Go, also where the schema does not say so.
    let meaning =
        |value: &Value| without_prose(if value == "int64" { &Value::Null } else { value });
    for keyword in KEYWORDS {
        if meaning(&ours[keyword]) != meaning(&eso[keyword]) {
            found.push(format!("{path}: {keyword} is {} and {}", ours[keyword], eso[keyword]));
        }
    }
    let required = |schema: &Value| schema["required"].as_array().cloned().unwrap_or_default();
    let (needed, eso_needed) = (required(ours), required(eso));
    // A required field with a default can be left out all the same.
    let defaulted =
        |name: &Value| eso["properties"][name.as_str().unwrap_or_default()]["default"].is_string();
    for name in eso_needed.iter().filter(|name| !needed.contains(name) && !defaulted(name)) {
        found.push(format!("{path}: {name} is required by ESO only"));
    }
    for name in needed.iter().filter(|name| !eso_needed.contains(name)) {
        found.push(format!("{path}: {name} is required here only"));
    }
    if let Some(items) = ours.get("items") {
        contradictions(&format!("{path}[]"), items, &eso["items"], found);
    }
    for (name, field) in ours["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        match eso["properties"].get(name) {
            Some(eso) => contradictions(&path, field, eso, found),
            None => found.push(format!("{path} is not in ESO's schema")),
        }
    }
}

/// A field of a provider with a wrong name would be kept as an unknown one, and do nothing.
#[test]
fn modelled_fields_of_providers_are_those_of_eso() {
    for (kind, ours, eso) in pairs("modelled_fields_of_providers_are_those_of_eso") {
        let pointer = "/properties/spec/properties/provider";
        let ours = &ours["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let (Some(ours), Some(eso)) = (ours.pointer(pointer), eso.schema().pointer(pointer)) else {
            assert!(!kind.ends_with("SecretStore"), "{kind} has no provider");
            continue;
        };
        let mut found = Vec::new();
        contradictions("spec.provider", ours, eso, &mut found);
        assert!(found.is_empty(), "{kind}:\n{}", found.join("\n"));
    }
}

/// A schema without the keyword that keeps unknown fields.
fn without_preserve(schema: &Value) -> Value {
    let Value::Object(fields) = schema else { return schema.clone() };
    let kept = fields.iter().filter(|(name, _)| *name != "x-kubernetes-preserve-unknown-fields");
    kept.map(|(name, value)| (name.clone(), without_preserve(value))).collect()
}

/// The AWS provider is modelled in full; unknown fields of it are kept on top.
#[test]
fn the_schema_of_the_aws_provider_is_that_of_eso() {
    let provider = "/properties/spec/properties/provider/properties/aws";
    for (kind, ours, eso) in pairs("the_schema_of_the_aws_provider_is_that_of_eso") {
        if !kind.ends_with("SecretStore") {
            continue;
        }
        let ours = &ours["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let part = |schema: &Value| {
            let aws = without_prose(schema.pointer(provider).expect("the AWS provider"));
            let mut aws = without_preserve(&aws);
            // The message is in our words; the rule is the same.
            let tags = aws.pointer_mut("/properties/customSessionTags/x-kubernetes-validations/0");
            tags.and_then(Value::as_object_mut).expect("a rule").remove("message");
            aws
        };
        assert_eq!(part(ours), part(eso.schema()), "{kind}");
    }
}
