//! Makes the first inputs of the fuzz targets, and their dictionaries, from the cases that Go has
//! answered: `cargo run --example seeds` in this folder.

mod made;

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// A target, the folder of the corpus its inputs come from, and the members of a case that make
/// an input, with a NUL byte between them.
const TARGETS: &[(&str, &str, &[&str])] = &[
    ("template_parse", "template", &["template"]),
    ("template_execute", "template", &["template", "data.x"]),
    ("json", "json", &["json"]),
    ("gjson", "gjson", &["path", "json"]),
    ("regexp", "regexp", &["pattern", "subject", "replacement"]),
    ("yaml", "yaml", &["yaml"]),
];

/// Longer words are found by the fuzzer from the seeds.
const MAX_WORD: usize = 24;

fn main() -> Result<(), Box<dyn Error>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cases = here.join("../../tests/oracle/corpus");
    made::write(&here.join("corpus"), &cases.join("template"))?;
    for (target, mode, members) in TARGETS {
        let folder = here.join("corpus").join(target);
        fs::create_dir_all(&folder)?;
        let mut words = BTreeSet::new();
        let mut count = 0;
        for file in files(&cases.join(mode))? {
            let group = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            for (line, case) in fs::read_to_string(&file)?.lines().enumerate() {
                let case: Map<String, Value> = serde_json::from_str(case)
                    .map_err(|error| format!("{}:{}: {error}", file.display(), line + 1))?;
                let Some(input) = input(&case, members)? else { continue };
                words.extend(words_of(&input));
                fs::write(folder.join(format!("{group}-{line}")), input)?;
                count += 1;
            }
        }
        let dictionary: String = words.iter().map(|word| format!("\"{word}\"\n")).collect();
        fs::write(here.join("corpus").join(format!("{target}.dict")), dictionary)?;
        println!("{target}: {count} inputs, {} words", words.len());
    }
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The input that a case makes; none if the first of the members is not in it.
fn input(case: &Map<String, Value>, members: &[&str]) -> Result<Option<Vec<u8>>, Box<dyn Error>> {
    let mut input = Vec::new();
    for (i, member) in members.iter().enumerate() {
        let value = match member.split_once('.') {
            Some((outer, name)) => {
                let plain = case.get(outer).and_then(|map| map.get(name));
                let encoded = case.get(&format!("{outer}_base64")).and_then(|map| map.get(name));
                bytes(plain, encoded)?
            }
            None => bytes(case.get(*member), case.get(&format!("{member}_base64")))?,
        };
        match value {
            None if i == 0 => return Ok(None),
            None => {}
            Some(value) => {
                if i > 0 {
                    input.push(0);
                }
                input.extend(value);
            }
        }
    }
    Ok(Some(input))
}

fn bytes(
    plain: Option<&Value>,
    encoded: Option<&Value>,
) -> Result<Option<Vec<u8>>, Box<dyn Error>> {
    Ok(match (plain.and_then(Value::as_str), encoded.and_then(Value::as_str)) {
        (Some(text), _) => Some(text.into()),
        (None, Some(encoded)) => Some(STANDARD.decode(encoded)?),
        (None, None) => None,
    })
}

/// The words of an input: names, and runs of signs.
fn words_of(input: &[u8]) -> Vec<String> {
    let class = |byte: &u8| match byte {
        b'_' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => 0,
        b'!'..=b'~' => 1,
        _ => 2,
    };
    input
        .chunk_by(|a, b| class(a) == class(b))
        .filter(|word| word.first().is_some_and(|byte| class(byte) < 2))
        .filter(|word| (2..=MAX_WORD).contains(&word.len()))
        .filter_map(|word| std::str::from_utf8(word).ok())
        .map(|word| word.replace('\\', "\\\\").replace('"', "\\\""))
        .collect()
}
