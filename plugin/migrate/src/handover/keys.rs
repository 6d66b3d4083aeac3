//! The keys of a Secret that an object writes, as far as they stand in it.

use std::collections::BTreeSet;

use serde_json::Value;

/// Keys that an object writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// Those that it names.
    pub named: BTreeSet<String>,
    /// It also writes keys that only the backend knows: whole secrets, paths, searches.
    pub more: bool,
}

impl Keys {
    /// Of a KES object (kes-migration 1.2; `secretDescriptor` is the old name of its spec).
    pub fn of_kes(object: &Value) -> Self {
        let spec = [&object["spec"], &object["secretDescriptor"]];
        let mut keys = Self::default();
        for spec in spec {
            let items = ["data", "properties"].map(|field| &spec[field]);
            for item in items.into_iter().filter_map(Value::as_array).flatten() {
                keys.more |= item["path"].is_string();
                keys.name(&item["name"]);
            }
            keys.more |= some(&spec["dataFrom"]) || some(&spec["dataFromWithOptions"]);
        }
        // `template` stands beside the spec too.
        for template in [&object["spec"]["template"], &object["template"]] {
            for field in ["data", "stringData"] {
                // What is no map may be anything.
                keys.more |= template[field].is_string();
                keys.names_of(&template[field]);
            }
        }
        keys
    }

    /// Of an ExternalSecret of `external-secrets.io/v1`.
    pub fn of_eso(object: &Value) -> Self {
        let spec = &object["spec"];
        let mut keys = Self::default();
        for item in spec["data"].as_array().into_iter().flatten() {
            keys.name(&item["secretKey"]);
        }
        keys.more = some(&spec["dataFrom"]);
        let template = &spec["target"]["template"];
        keys.more |= some(&template["templateFrom"]);
        let own = template["data"].as_object().is_some_and(|data| !data.is_empty());
        if own && template["mergePolicy"] != "Merge" {
            keys = Self { named: BTreeSet::new(), more: some(&template["templateFrom"]) };
        }
        keys.names_of(&template["data"]);
        keys
    }

    fn name(&mut self, name: &Value) {
        self.named.extend(name.as_str().map(str::to_owned));
    }

    fn names_of(&mut self, map: &Value) {
        for (key, _) in map.as_object().into_iter().flatten() {
            // KES renders keys, too.
            if key.contains("<%") || key.contains("${") {
                self.more = true;
            } else {
                self.named.insert(key.clone());
            }
        }
    }
}

fn some(list: &Value) -> bool {
    list.as_array().is_some_and(|list| !list.is_empty())
}
