//! Names that JavaScript and Node define.

use crate::lodash::ir::{Each, Encoding, Function, Method};

/// Members that every object inherits: nothing that was fetched.
pub(in crate::lodash) const INHERITED: &[&str] = &[
    "__defineGetter__",
    "__defineSetter__",
    "__lookupGetter__",
    "__lookupSetter__",
    "__proto__",
    "constructor",
    "hasOwnProperty",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "toLocaleString",
    "toString",
    "valueOf",
];

pub(super) fn is_inherited(name: &str) -> bool {
    INHERITED.contains(&name)
}

/// Names in scope that no variable may take: the translation goes by them.
pub(super) const RESERVED: &[&str] = &[
    "Array",
    "Boolean",
    "Buffer",
    "JSON",
    "Number",
    "Object",
    "String",
    "_",
    "__e",
    "__j",
    "__p",
    "__t",
    "arguments",
    "atob",
    "btoa",
    "data",
    "decodeURIComponent",
    "encodeURI",
    "encodeURIComponent",
    "obj",
    "parseFloat",
    "parseInt",
    "print",
    "undefined",
    "yaml",
];

/// What KES could reach and ESO cannot, in words that are safe to print.
pub(super) fn global(name: &str) -> Option<&'static str> {
    Some(match name {
        "process" => "`process`: the environment of the controller",
        "Date" => "`Date`: the time of rendering",
        "Math" => "`Math`",
        "globalThis" | "global" | "GLOBAL" | "root" | "this" => "the global object",
        "console" => "`console`",
        "Intl" => "`Intl`",
        "URL" | "URLSearchParams" => "`URL`",
        "RegExp" => "`RegExp`",
        "Map" | "Set" | "WeakMap" | "WeakSet" => "a `Map` or `Set`",
        "Symbol" | "Proxy" | "Reflect" | "Promise" | "Function" | "BigInt" => {
            "an object of the language"
        }
        "Error" | "TypeError" | "RangeError" | "SyntaxError" => "an `Error`",
        "setTimeout" | "setInterval" | "setImmediate" | "queueMicrotask" | "clearTimeout"
        | "clearInterval" | "clearImmediate" => "a timer",
        "TextEncoder" | "TextDecoder" => "a text encoder",
        "Uint8Array" | "Int8Array" | "Uint16Array" | "Int16Array" | "Uint32Array"
        | "Int32Array" | "Float32Array" | "Float64Array" | "ArrayBuffer" | "DataView" => {
            "a binary array"
        }
        "eval" | "escape" | "unescape" | "decodeURI" | "isNaN" | "isFinite" => {
            "a function of the language"
        }
        "NaN" | "Infinity" => "a number that is none",
        "Array" | "Boolean" | "Buffer" | "JSON" | "Number" | "Object" | "String" | "_" | "yaml" => {
            "an object of functions as a value"
        }
        "atob" | "btoa" | "decodeURIComponent" | "encodeURI" | "encodeURIComponent"
        | "parseFloat" | "parseInt" | "print" => "a function as a value",
        "__e" | "__j" | "__p" | "__t" | "arguments" | "obj" => "a variable of lodash's own",
        _ => return None,
    })
}

/// A function by the object it is a member of, or by its name alone.
pub(super) fn function(object: Option<&str>, name: &str) -> Option<Function> {
    Some(match (object, name) {
        (Some("JSON"), "parse") => Function::JsonParse,
        (Some("JSON"), "stringify") => Function::JsonStringify,
        (Some("yaml"), "dump" | "safeDump") => Function::YamlDump,
        (Some("yaml"), "load" | "safeLoad") => Function::YamlLoad,
        (Some("_"), "escape") => Function::Escape,
        (Some("Array"), "isArray") => Function::IsArray,
        (Some("Object"), "keys") => Function::Keys,
        (Some("Object"), "values") => Function::Values,
        (Some("Object"), "entries") => Function::Entries,
        (Some("Object"), "fromEntries") => Function::FromEntries,
        (Some("Object"), "assign") => Function::Assign,
        (Some("Number") | None, "parseInt") => Function::ParseInt,
        (Some("Number") | None, "parseFloat") => Function::ParseFloat,
        (None, "String") => Function::String,
        (None, "Number") => Function::Number,
        (None, "Boolean") => Function::Boolean,
        (None, "encodeURIComponent") => Function::EncodeUriComponent,
        (None, "encodeURI") => Function::EncodeUri,
        (None, "decodeURIComponent") => Function::DecodeUriComponent,
        _ => return None,
    })
}

/// The objects whose members are functions.
pub(super) fn is_namespace(name: &str) -> bool {
    matches!(name, "JSON" | "yaml" | "_" | "Array" | "Object" | "Number" | "Buffer" | "String")
}

/// A method that takes no function.
pub(super) fn method(name: &str) -> Option<Method> {
    Some(match name {
        "at" => Method::At,
        "charAt" => Method::CharAt,
        "charCodeAt" => Method::CharCodeAt,
        "concat" => Method::Concat,
        "endsWith" => Method::EndsWith,
        "hasOwnProperty" => Method::HasOwnProperty,
        "includes" => Method::Includes,
        "indexOf" => Method::IndexOf,
        "join" => Method::Join,
        "lastIndexOf" => Method::LastIndexOf,
        "match" => Method::Match,
        "padEnd" => Method::PadEnd,
        "padStart" => Method::PadStart,
        "pop" => Method::Pop,
        "repeat" => Method::Repeat,
        "replace" => Method::Replace,
        "replaceAll" => Method::ReplaceAll,
        "reverse" => Method::Reverse,
        "shift" => Method::Shift,
        "slice" => Method::Slice,
        "sort" => Method::Sort,
        "split" => Method::Split,
        "startsWith" => Method::StartsWith,
        "substr" => Method::Substr,
        "substring" => Method::Substring,
        "test" => Method::Test,
        "toFixed" => Method::ToFixed,
        "toLowerCase" => Method::ToLowerCase,
        "toString" => Method::ToString,
        "toUpperCase" => Method::ToUpperCase,
        "trim" => Method::Trim,
        "trimEnd" | "trimRight" => Method::TrimEnd,
        "trimStart" | "trimLeft" => Method::TrimStart,
        _ => return None,
    })
}

/// A method of arrays that takes a function.
pub(super) fn each(name: &str) -> Option<Each> {
    Some(match name {
        "map" => Each::Map,
        "filter" => Each::Filter,
        "find" => Each::Find,
        "some" => Each::Some,
        "every" => Each::Every,
        "flatMap" => Each::FlatMap,
        _ => return None,
    })
}

/// An encoding of Node's Buffer by its name, in any case.
pub(super) fn encoding(name: &str) -> Option<Encoding> {
    Some(match name.to_ascii_lowercase().as_str() {
        "utf8" | "utf-8" => Encoding::Utf8,
        "ascii" => Encoding::Ascii,
        "latin1" | "binary" => Encoding::Latin1,
        "base64" => Encoding::Base64,
        "hex" => Encoding::Hex,
        _ => return None,
    })
}
