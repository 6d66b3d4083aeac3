//! Shapes of strings that the API uses in many places. They exist in the schema only; the types
//! hold a `String`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// Defines a type without values whose schema is the given one.
macro_rules! shape {
    ($(#[$doc:meta])* $name:ident = $schema:tt) => {
        $(#[$doc])*
        pub(crate) enum $name {}

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

shape! {
    /// Name of a Kubernetes object: a DNS subdomain (RFC 1123).
    ObjectName = {
        "type": "string",
        "minLength": 1,
        "maxLength": 253,
        "pattern": r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
    }
}

shape! {
    /// Name of a namespace: a DNS label (RFC 1123).
    NamespaceName = {
        "type": "string",
        "minLength": 1,
        "maxLength": 63,
        "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
    }
}

shape! {
    /// Key in a Secret or ConfigMap.
    DataKey = {
        "type": "string",
        "minLength": 1,
        "maxLength": 253,
        "pattern": "^[-._a-zA-Z0-9]+$",
    }
}

shape! {
    /// Any text but the empty one.
    NotEmpty = { "type": "string", "minLength": 1 }
}

shape! {
    /// Five cron fields, a name for a usual schedule, or `@every` with a duration.
    CronExpression = {
        "type": "string",
        "minLength": 1,
        "pattern": concat!(
            r"^(@(annually|yearly|monthly|weekly|daily|midnight|hourly)",
            r"|@every [^\s]+.*",
            r"|[^\s]+( [^\s]+){4})$",
        ),
    }
}
