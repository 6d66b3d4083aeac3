//! The objects of a class: what the AWS provider (ASCP) fetches, and the files it makes of it.
//!
//! Rules are those of ASCP's own reading of the list, which is Go's: names of fields match in any
//! case, and a number or boolean where a text is wanted becomes its text.

use std::borrow::Cow;
use std::collections::BTreeMap;

use extsecret_crds::provider::aws::AwsService;
use extsecret_manifest::node::{Entry, Node, Value};
use extsecret_manifest::source::Span;

use super::jmes;
use crate::codes;
use crate::finding::{Findings, WithHelp};
use crate::kes::{Text, wrong_type};

/// Path of the list in its class.
pub(super) const OBJECTS: &str = "spec.parameters.objects";

/// One value that is fetched.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) service: AwsService,
    /// Name or ARN.
    pub(super) key: String,
    /// In ESO's notation.
    pub(super) version: Option<String>,
    /// The region in its ARN.
    pub(super) region: Option<Region>,
}

/// A region and where it is said.
#[derive(Clone, Debug)]
pub(super) struct Region {
    pub(super) name: String,
    pub(super) span: Span,
}

/// One file of the mount.
#[derive(Debug)]
pub(super) struct File {
    pub(super) field: String,
    pub(super) span: Span,
    /// Path below the mount, as ASCP writes it.
    pub(super) path: String,
    /// Position in [`Fetched::values`].
    pub(super) object: usize,
    /// gjson path of a member; the whole value without.
    pub(super) property: Option<String>,
    /// Four octal digits.
    pub(super) mode: Option<String>,
}

/// All that a class fetches.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    pub(super) values: Vec<Object>,
    pub(super) files: Vec<File>,
    /// Paths to positions in `files`.
    pub(super) by_path: BTreeMap<String, usize>,
    /// Names of whole objects to positions in `files`.
    pub(super) by_key: BTreeMap<String, usize>,
    /// Nothing in the list was refused.
    pub(super) complete: bool,
}

/// How `/` in a name becomes part of a file name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Translation {
    /// It is replaced by this character.
    Replace(char),
    /// It stays, and files stand in folders.
    Keep,
}

impl Translation {
    /// Reads `pathTranslation`; `None` when ASCP refuses it.
    pub(super) fn of(text: &str) -> Option<Self> {
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (None, _) => Some(Self::Replace('_')),
            // ASCP counts bytes.
            (Some(c), None) if c.is_ascii() => Some(Self::Replace(c)),
            _ if text.eq_ignore_ascii_case("false") => Some(Self::Keep),
            _ => None,
        }
    }

    pub(super) fn path(self, name: &str) -> String {
        match self {
            Self::Replace(c) => name.replace('/', c.encode_utf8(&mut [0; 4])),
            Self::Keep => name.trim_start_matches('/').to_owned(),
        }
    }
}

/// Reads the list.
pub(super) fn read(list: &Node, translation: Translation, found: &mut Findings<'_>) -> Fetched {
    let mut out = Fetched::default();
    let Some(items) = list.as_sequence() else {
        wrong_type(found, list, OBJECTS, "array");
        return out;
    };
    if items.is_empty() {
        found.at(&codes::E25, list.span, OBJECTS, "`objects` names no object");
    }
    for (i, item) in items.iter().enumerate() {
        let field = format!("{OBJECTS}[{i}]");
        let Some(entries) = item.as_mapping() else {
            wrong_type(found, item, &field, "object");
            continue;
        };
        Reader { found, translation, out: &mut out }.object(item, entries, &field);
    }
    out
}

struct Reader<'f, 's, 'o> {
    found: &'f mut Findings<'s>,
    translation: Translation,
    out: &'o mut Fetched,
}

/// The fields of an object as written.
#[derive(Default)]
struct Fields<'n> {
    name: Option<Text<'n>>,
    kind: Option<Text<'n>>,
    alias: Option<Text<'n>>,
    version: Option<Text<'n>>,
    label: Option<Text<'n>>,
    mode: Option<String>,
    members: Option<&'n Node>,
}

impl Reader<'_, '_, '_> {
    fn object(&mut self, item: &Node, entries: &[Entry], field: &str) {
        let given = self.fields(entries, field);
        let Some(name) = given.name else {
            if !self.found.is_refused() {
                self.refused(item.span, field, "the object has no objectName");
            }
            return;
        };
        let name_field = format!("{field}.objectName");
        if is_unrendered(&name.value) {
            self.found
                .at(
                    &codes::E14,
                    name.span,
                    name_field,
                    format!("`{}` looks like a placeholder", name.value),
                )
                .with_help("render the template first, and migrate what it prints");
            return;
        }
        let Some((service, region)) = self.service(&name, given.kind.as_ref(), field) else {
            return;
        };
        let version = self.version(&service, given.version.as_ref(), given.label.as_ref(), field);
        let object = self.out.values.len();
        let path = self.translation.path(&given.alias.as_ref().unwrap_or(&name).value);
        self.out.values.push(Object { service, key: name.value.into_owned(), version, region });
        let span = given.alias.map_or(name.span, |alias| alias.span);
        self.file(File {
            field: field.to_owned(),
            span,
            path,
            object,
            property: None,
            mode: given.mode.clone(),
        });
        if let Some(members) = given.members {
            self.members(members, object, given.mode.as_deref(), &format!("{field}.jmesPath"));
        }
    }

    fn fields<'n>(&mut self, entries: &'n [Entry], field: &str) -> Fields<'n> {
        let mut out = Fields::default();
        for entry in entries {
            let at = format!("{field}.{}", entry.key);
            match entry.key.to_ascii_lowercase().as_str() {
                _ if entry.value.is_null() => {}
                "objectname" => out.name = self.text(&entry.value, &at),
                "objecttype" => out.kind = self.text(&entry.value, &at),
                "objectalias" => out.alias = self.text(&entry.value, &at),
                "objectversion" => out.version = self.text(&entry.value, &at),
                "objectversionlabel" => out.label = self.text(&entry.value, &at),
                "filepermission" => out.mode = self.mode(&entry.value, &at),
                "jmespath" => out.members = Some(&entry.value),
                "failoverobject" => self.failover(entry, &at),
                "objecttemplate" => {
                    self.found.at(
                        &codes::E16,
                        entry.key_span,
                        at,
                        "`objectTemplate` has no counterpart; write `target.template.data` of the new object by hand",
                    );
                }
                _ => self.unknown(entry, &at),
            }
        }
        out
    }

    fn unknown(&mut self, entry: &Entry, field: &str) {
        self.found.at(
            &codes::W02,
            entry.key_span,
            field,
            format!("`{}` is unknown to the AWS provider and left out", entry.key),
        );
    }

    fn refused(&mut self, span: Span, field: &str, message: impl Into<String>) {
        self.found.at(&codes::E25, span, field, message);
    }

    /// A text; an empty one is none.
    fn text<'n>(&mut self, node: &'n Node, field: &str) -> Option<Text<'n>> {
        let value = match &node.value {
            Value::String(text) => Cow::Borrowed(text.as_str()),
            Value::Bool(value) => Cow::Owned(value.to_string()),
            Value::Number(number) if number.is_i64() || number.is_u64() => {
                Cow::Owned(number.to_string())
            }
            _ => {
                wrong_type(self.found, node, field, "string");
                return None;
            }
        };
        let raw = self.found.raw(node);
        if !matches!(node.value, Value::String(_)) && raw != value {
            self.found
                .at(
                    &codes::W02,
                    node.span,
                    field,
                    format!("without quotes, YAML and the provider read `{value}` here; that is kept"),
                )
                .with_help(
                    "nothing changes with the migration; put the value in quotes if the text as it stands is meant",
                );
        }
        (!value.is_empty()).then_some(Text { value, span: node.span })
    }

    fn mode(&mut self, node: &Node, field: &str) -> Option<String> {
        if let Some(text) = node.as_str() {
            if text.is_empty() {
                return None;
            }
            if text.len() == 4 && text.bytes().all(|b| (b'0'..=b'7').contains(&b)) {
                return Some(text.to_owned());
            }
        }
        self.found
            .at(&codes::E25, node.span, field, "a filePermission has four octal digits, in quotes")
            .with_help(
                "for example filePermission: \"0400\"; without quotes YAML reads another number",
            );
        None
    }

    fn failover(&mut self, entry: &Entry, field: &str) {
        self.found
            .at(
                &codes::E23,
                entry.key_span,
                field,
                "ESO has no second region: the failover object would never be read",
            )
            .with_help("remove failoverRegion and failoverObject from the class if one region is enough, and convert again");
    }

    /// The service that the name and the type say, and the region of an ARN.
    fn service(
        &mut self,
        name: &Text<'_>,
        kind: Option<&Text<'_>>,
        field: &str,
    ) -> Option<(AwsService, Option<Region>)> {
        let name_field = format!("{field}.objectName");
        let said = match kind.map(|kind| kind.value.as_ref()) {
            None => None,
            Some("secretsmanager") => Some(AwsService::SecretsManager),
            Some("ssmparameter") => Some(AwsService::ParameterStore),
            Some(other) => {
                let span = kind.map_or(name.span, |kind| kind.span);
                let message = format!("`{other}` is no objectType of the AWS provider");
                self.found
                    .at(&codes::E25, span, format!("{field}.objectType"), message)
                    .with_help("write secretsmanager or ssmparameter");
                return None;
            }
        };
        if !name.value.starts_with("arn:") {
            if said.is_none() {
                self.found
                    .at(
                        &codes::E25,
                        name.span,
                        field,
                        "an object whose name is no ARN needs its objectType",
                    )
                    .with_help("write objectType: secretsmanager or ssmparameter");
            }
            return said.map(|service| (service, None));
        }
        let mut parts = name.value.splitn(6, ':').skip(2);
        let (service, region) = (parts.next(), parts.next());
        let (Some(service), Some(region), Some(_), Some(_)) =
            (service, region, parts.next(), parts.next())
        else {
            self.refused(name.span, &name_field, "the ARN has less than six parts");
            return None;
        };
        let named = match service {
            "secretsmanager" => AwsService::SecretsManager,
            "ssm" | "ssmparameter" => AwsService::ParameterStore,
            other => {
                let message = format!("an ARN of the service `{other}` names no secret");
                self.refused(name.span, &name_field, message);
                return None;
            }
        };
        if said.is_some_and(|said| said != named) {
            self.refused(name.span, &name_field, "the ARN is of another service than objectType");
            return None;
        }
        Some((named, Some(Region { name: region.to_owned(), span: name.span })))
    }

    fn version(
        &mut self,
        service: &AwsService,
        version: Option<&Text<'_>>,
        label: Option<&Text<'_>>,
        field: &str,
    ) -> Option<String> {
        let parameter = *service == AwsService::ParameterStore;
        if let (Some(_), Some(label)) = (version, label) {
            let field = format!("{field}.objectVersionLabel");
            if parameter {
                let message = "a parameter has an objectVersion or an objectVersionLabel, not both";
                self.refused(label.span, &field, message);
            } else {
                self.found.at(
                    &codes::W02,
                    label.span,
                    field,
                    format!("the version id alone decides in ESO; that it carries the label `{}` is no longer checked", label.value),
                );
            }
        }
        match (version, label) {
            (Some(id), _) if parameter => Some(id.value.to_string()),
            (Some(id), _) => Some(format!("uuid/{}", id.value)),
            (None, Some(label)) if !parameter && label.value == "AWSCURRENT" => {
                self.found.at(
                    &codes::I02,
                    label.span,
                    format!("{field}.objectVersionLabel"),
                    "AWSCURRENT is the default and left out",
                );
                None
            }
            (None, label) => label.map(|label| label.value.to_string()),
        }
    }

    fn members(&mut self, list: &Node, object: usize, mode: Option<&str>, field: &str) {
        let Some(items) = list.as_sequence() else {
            wrong_type(self.found, list, field, "array");
            return;
        };
        for (i, item) in items.iter().enumerate() {
            let field = format!("{field}[{i}]");
            let Some(entries) = item.as_mapping() else {
                wrong_type(self.found, item, &field, "object");
                continue;
            };
            self.member(item, entries, object, mode, field);
        }
    }

    fn member(
        &mut self,
        item: &Node,
        entries: &[Entry],
        object: usize,
        mode: Option<&str>,
        field: String,
    ) {
        let (mut path, mut alias, mut own_mode) = (None, None, None);
        for entry in entries {
            let at = format!("{field}.{}", entry.key);
            match entry.key.to_ascii_lowercase().as_str() {
                _ if entry.value.is_null() => {}
                "path" => path = self.text(&entry.value, &at),
                "objectalias" => alias = self.text(&entry.value, &at),
                "filepermission" => own_mode = self.mode(&entry.value, &at),
                _ => self.unknown(entry, &at),
            }
        }
        let (Some(path), Some(alias)) = (path, alias) else {
            self.refused(item.span, &field, "an entry of jmesPath needs a path and an objectAlias");
            return;
        };
        let Some(property) = self.property(&path, &format!("{field}.path")) else { return };
        self.file(File {
            field,
            span: alias.span,
            path: self.translation.path(&alias.value),
            object,
            property: Some(property),
            mode: own_mode.or_else(|| mode.map(str::to_owned)),
        });
    }

    fn property(&mut self, path: &Text<'_>, field: &str) -> Option<String> {
        let segments = match jmes::segments(&path.value) {
            Ok(segments) => segments,
            Err(construct) => {
                let finding = self.found.at(
                    &codes::E24,
                    path.span,
                    field,
                    format!("the JMESPath `{}` holds {construct}", path.value),
                );
                if construct.contains("outside of quotes") {
                    finding.with_help(format!(
                        "if the member is called so, quote it in the class: path: '\"{}\"'",
                        path.value
                    ));
                }
                return None;
            }
        };
        let property = crate::property::join(&segments);
        if property != path.value {
            self.found.at(
                &codes::I01,
                path.span,
                field,
                format!("the path `{}` is written `{property}` now", path.value),
            );
        }
        if segments.len() > 1 {
            self.found.at(
                &codes::W07,
                path.span,
                field,
                format!("if the secret has a member that is itself called `{property}`, ESO reads that one"),
            );
        }
        Some(property)
    }

    /// Adds a file, unless its path cannot be one.
    fn file(&mut self, file: File) {
        let above = |part: &str| part == "..";
        if file.path.is_empty() || file.path.starts_with("..") || file.path.split('/').any(above) {
            let message = format!("`{}` cannot be the path of a file in the volume", file.path);
            self.refused(file.span, &file.field, message);
            return;
        }
        if let Some(first) = self.out.by_path.get(&file.path).and_then(|at| self.out.files.get(*at))
        {
            let place = self.found.place(first.span);
            self.found
                .at(
                    &codes::E25,
                    file.span,
                    &file.field,
                    format!("a second object is written to the file `{}`", file.path),
                )
                .with_help("give each its own objectAlias")
                .related
                .push((place, "the first one".into()));
            return;
        }
        self.out.by_path.insert(file.path.clone(), self.out.files.len());
        self.out.files.push(file);
    }
}

/// Text that some other tool was going to replace. None of these may stand in a name.
fn is_unrendered(name: &str) -> bool {
    ["{{", "${", "$(", "<"].iter().any(|open| name.contains(open))
}
