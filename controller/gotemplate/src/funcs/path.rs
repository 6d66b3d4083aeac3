//! Paths with slashes. ESO runs on Linux, where the functions of Go's `filepath` are those of
//! `path`.

use super::arguments::{made, text};
use super::{Call, Failure, Function, Type};
use crate::value::Value;

const ONE: &[Type] = &[Type::String];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("base", ONE, |call, arguments| made(call, base(text(arguments, 0)))),
    Function::new("clean", ONE, |call, arguments| made(call, clean(text(arguments, 0)))),
    Function::new("dir", ONE, |call, arguments| made(call, dir(text(arguments, 0)))),
    Function::new("ext", ONE, |call, arguments| made(call, ext(text(arguments, 0)))),
    Function::new("isAbs", ONE, is_abs),
    Function::new("osBase", ONE, |call, arguments| made(call, base(text(arguments, 0)))),
    Function::new("osClean", ONE, |call, arguments| made(call, clean(text(arguments, 0)))),
    Function::new("osDir", ONE, |call, arguments| made(call, dir(text(arguments, 0)))),
    Function::new("osExt", ONE, |call, arguments| made(call, ext(text(arguments, 0)))),
    Function::new("osIsAbs", ONE, is_abs),
];

fn is_abs(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    Ok(Value::Bool(text(arguments, 0).starts_with(b"/")))
}

fn base(path: &[u8]) -> &[u8] {
    if path.is_empty() {
        return b".";
    }
    let end = path.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
    let path = path.get(..end).unwrap_or_default();
    let last = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    if last.is_empty() { b"/" } else { last }
}

fn ext(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|byte| matches!(byte, b'.' | b'/')) {
        Some(at) if path.get(at) == Some(&b'.') => path.get(at..).unwrap_or_default(),
        _ => b"",
    }
}

fn dir(path: &[u8]) -> Vec<u8> {
    let end = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    clean(path.get(..end).unwrap_or_default())
}

/// The shortest path that names the same, judged by the text alone.
fn clean(path: &[u8]) -> Vec<u8> {
    let rooted = path.starts_with(b"/");
    let mut kept: Vec<&[u8]> = Vec::new();
    for element in path.split(|byte| *byte == b'/') {
        match element {
            b"" | b"." => {}
            b".." if kept.last().is_some_and(|last| *last != b"..") => {
                kept.pop();
            }
            b".." if rooted => {}
            _ => kept.push(element),
        }
    }
    let mut cleaned = if rooted { b"/".to_vec() } else { Vec::new() };
    cleaned.extend(kept.join(&b'/'));
    if cleaned.is_empty() { b".".to_vec() } else { cleaned }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleans_by_the_text_alone() {
        for (path, cleaned) in [
            ("", "."),
            ("/..", "/"),
            ("a/../..", ".."),
            ("../../a/./b//", "../../a/b"),
            ("/a/b/../../..", "/"),
        ] {
            assert_eq!(clean(path.as_bytes()), cleaned.as_bytes(), "{path}");
        }
    }

    #[test]
    fn takes_paths_apart() {
        assert_eq!(base(b"/a/b.tar.gz//"), b"b.tar.gz");
        assert_eq!(base(b"//"), b"/");
        assert_eq!(ext(b"/a.d/b"), b"");
        assert_eq!(ext(b".a.b"), b".b");
        assert_eq!(dir(b"a/b/"), b"a/b");
    }
}
