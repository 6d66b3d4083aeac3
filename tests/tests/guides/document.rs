//! The commands that a document tells people to type.

use std::fs;
use std::path::Path;

use extsecret_tests::tools;
use regex::Regex;

/// What the first word of a command is.
const PROGRAMS: [&str; 12] = [
    "kubectl", "helm", "cargo", "docker", "krew", "aws", "jq", "git", "curl", "go", "make",
    ".ci/run",
];

/// Beginnings of what is set apart and is no command: a file, and a finding.
const OTHER: [&str; 2] = ["app/db: { user: app", "warning[W07]: `port`"];

/// A document.
#[derive(Debug)]
pub(crate) struct Document {
    /// Its path in the repository.
    pub(crate) path: String,
    pub(crate) sections: Vec<Section>,
}

/// What stands below one heading, up to the next of any level.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) heading: String,
    pub(crate) commands: Vec<Command>,
}

/// One command as it is written.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    /// Its document and line.
    pub(crate) place: String,
    pub(crate) text: String,
    /// What it prints, as the document shows it.
    pub(crate) shown: Vec<String>,
    /// A word of a sentence, such as `kubectl apply` or `kubectl extsecret render --diff`, which
    /// nobody is told to type as it is.
    pub(crate) is_name: bool,
}

pub(crate) fn root() -> &'static Path {
    tools::crate_dir().parent().unwrap()
}

/// All documents that have commands.
pub(crate) fn all() -> Vec<Document> {
    let mut found = Vec::new();
    below(Path::new(""), &mut found);
    found.sort_unstable();
    let documents = found.iter().map(|path| Document::read(path));
    documents.filter(|it| it.sections.iter().any(|it| !it.commands.is_empty())).collect()
}

/// Markdown files of the repository.
fn below(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = folder.join(&name);
        // Of what is made nothing is written by hand.
        let is_made = name.starts_with('.') || ["target", "node_modules"].contains(&&*name);
        if entry.path().is_dir() && !is_made {
            below(&path, found);
        } else if path.extension().is_some_and(|it| it == "md") {
            found.push(path.to_str().unwrap().to_owned());
        }
    }
}

impl Document {
    pub(crate) fn read(path: &str) -> Self {
        Self::parse(path, &fs::read_to_string(root().join(path)).unwrap())
    }

    fn parse(path: &str, text: &str) -> Self {
        let mut sections = vec![Section { heading: String::new(), commands: Vec::new() }];
        let mut block: Vec<(usize, &str)> = Vec::new();
        let (mut fence, mut is_shell) = (false, false);
        for (number, line) in text.lines().enumerate() {
            let section = sections.last_mut().unwrap();
            let place = |number: usize| format!("{path}:{}", number + 1);
            let starts_block = !fence && block.is_empty() && line.starts_with("    ");
            if let Some(language) = line.trim_start().strip_prefix("```") {
                fence = !fence;
                is_shell = fence && ["", "sh", "bash", "console"].contains(&language);
                section.commands.extend(in_block(&std::mem::take(&mut block), place));
            } else if fence {
                if is_shell {
                    block.push((number, line));
                }
            } else if starts_block
                || (!block.is_empty() && (line.is_empty() || line.starts_with("    ")))
            {
                block.push((number, line));
            } else {
                section.commands.extend(in_block(&std::mem::take(&mut block), place));
                if line.starts_with('#') {
                    let heading = line.trim_start_matches('#').trim().to_owned();
                    sections.push(Section { heading, commands: Vec::new() });
                } else {
                    section.commands.extend(in_sentence(line, &place(number)));
                }
            }
        }
        let rest = std::mem::take(&mut block);
        let last = sections.last_mut().unwrap();
        last.commands.extend(in_block(&rest, |number| format!("{path}:{}", number + 1)));
        Self { path: path.to_owned(), sections }
    }
}

/// Whether a line begins with a program, variables before it or not.
fn is_command(line: &str) -> bool {
    let word = line.split(' ').find(|it| !it.contains('=') || it.starts_with('-'));
    word.is_some_and(|word| PROGRAMS.contains(&word))
}

/// The commands of lines that are set apart. Those that begin with `$ ` have what they print below
/// them; among others, what is no command is what the one before it prints.
fn in_block(block: &[(usize, &str)], place: impl Fn(usize) -> String) -> Vec<Command> {
    let Some((number, first)) = block.first() else { return Vec::new() };
    let indent = first.len() - first.trim_start().len();
    let lines = block.iter().map(|(number, line)| (*number, line.get(indent..).unwrap_or("")));
    let first = first.trim_start();
    let has_prompts = first.starts_with("$ ");
    if !has_prompts && !is_command(first) {
        let known = OTHER.iter().any(|it| first.starts_with(it));
        assert!(known, "{}: is this a command? Its program is not known: {first}", place(*number));
        return Vec::new();
    }
    let mut commands: Vec<Command> = Vec::new();
    let mut goes_on = false;
    for (number, line) in lines {
        let begins = match line.strip_prefix("$ ") {
            Some(command) => Some(command),
            None if !has_prompts && !goes_on && is_command(line) => Some(line),
            None => None,
        };
        let typed = match (begins, commands.last_mut()) {
            (Some(text), _) => {
                let (place, text) = (place(number), text.to_owned());
                commands.push(Command { place, text, shown: Vec::new(), is_name: false });
                true
            }
            (None, Some(command)) if goes_on => {
                command.text = format!("{}\n{line}", command.text);
                true
            }
            (None, Some(command)) => {
                command.shown.push(line.to_owned());
                false
            }
            (None, None) => false,
        };
        goes_on = typed && is_open(&commands.last().unwrap().text);
    }
    for command in &mut commands {
        let used = command.shown.iter().rposition(|line| !line.is_empty());
        command.shown.truncate(used.map_or(0, |it| it + 1));
    }
    commands
}

/// Whether a command goes on in the next line.
fn is_open(text: &str) -> bool {
    let count =
        |word: &str| text.split_whitespace().filter(|it| it.trim_end_matches(';') == word).count();
    let is_joined = text.ends_with('\\') || text.ends_with('|') || text.ends_with("&&");
    is_joined || count("do") > count("done") || text.matches('\'').count() % 2 == 1
}

/// Commands within a sentence.
fn in_sentence(line: &str, place: &str) -> Vec<Command> {
    let code = Regex::new("`([^`]+)`").unwrap();
    let found = code.captures_iter(line).map(|it| it[1].to_owned());
    let commands = found.filter(|it| it.contains(' ') && is_command(it));
    commands
        .map(|text| Command {
            place: place.to_owned(),
            is_name: is_name(&text),
            text,
            shown: Vec::new(),
        })
        .collect()
}

/// Whether these are a program's verbs, and at most flags without a value.
fn is_name(text: &str) -> bool {
    let mut words = text.split(' ').skip_while(|it| !it.starts_with("--"));
    let has_more = text.contains(" explain ")
        || text.split(' ').any(|it| it.starts_with('-') && !it.starts_with("--"));
    !has_more && words.all(|it| it.starts_with("--") && !it.contains('='))
}

#[test]
fn commands_are_found_as_people_see_them() {
    let text = "Look `kubectl get -A` or `kubectl apply --server-side`:\n\n    $ helm list\n    NAME\n\n    $ helm version\n\n## Next\n\n\
                1. So\n\n       kubectl get a |\n         while read -r b; do\n           echo \"$b\"\n         done\n       \
                kubectl wait \\\n         -f c\n       done: 2\n\n```sh\njq . d\n```\n\n```json\n{}\n```\n";
    let document = Document::parse("a.md", text);
    let found: Vec<_> = document
        .sections
        .iter()
        .flat_map(|it| &it.commands)
        .map(|it| (it.place.as_str(), it.text.as_str(), it.shown.join("|"), it.is_name))
        .collect();
    let none = String::new;
    assert_eq!(
        found,
        [
            ("a.md:1", "kubectl get -A", none(), false),
            ("a.md:1", "kubectl apply --server-side", none(), true),
            ("a.md:3", "helm list", "NAME".to_owned(), false),
            ("a.md:6", "helm version", none(), false),
            (
                "a.md:12",
                "kubectl get a |\n  while read -r b; do\n    echo \"$b\"\n  done",
                none(),
                false
            ),
            ("a.md:16", "kubectl wait \\\n  -f c", "done: 2".to_owned(), false),
            ("a.md:21", "jq . d", none(), false),
        ]
    );
    let headings: Vec<_> = document.sections.iter().map(|it| it.heading.as_str()).collect();
    assert_eq!(headings, ["", "Next"]);
}
