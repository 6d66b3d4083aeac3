//! Makes up cases without end and reports those that our crates answer otherwise than Go.
//!
//! `cargo run -p extsecret-tests --bin differential -- --minutes 60` goes through all modes. A
//! difference that `tests/oracle/differences.toml` explains is counted; any other is cut down to
//! what still differs, shown, and makes the run fail. The seed of a run makes it again.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write as _};
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extsecret_tests::oracle::{self, Differences, Line as Case, Mode, Oracle};
use extsecret_tests::random;
use extsecret_tests::tools;

use crate::random::Random;

mod documents;
mod paths;
mod patterns;
mod templates;

/// Cases that are asked at once.
const BATCH: usize = 400;
/// Differences of one kind that are shown.
const SHOWN: usize = 3;
/// A case that takes us longer is a finding of its own.
const SLOW: Duration = Duration::from_secs(5);

const USAGE: &str = "usage: differential [--mode MODE]... [--minutes N] [--seed N] [--corpus]";

struct Settings {
    modes: Vec<Mode>,
    time: Duration,
    seed: u64,
    /// Compares the corpus rather than made-up cases.
    corpus: bool,
}

fn settings() -> anyhow::Result<Settings> {
    let mut settings =
        Settings { modes: Vec::new(), time: Duration::from_mins(1), seed: 1, corpus: false };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().context(USAGE);
        match arg.as_str() {
            "--mode" => settings.modes.push(Mode::named(&value()?)?),
            "--minutes" => settings.time = Duration::from_secs_f64(value()?.parse::<f64>()? * 60.0),
            "--seed" => settings.seed = value()?.parse()?,
            "--corpus" => settings.corpus = true,
            _ => bail!(USAGE),
        }
    }
    if settings.modes.is_empty() {
        settings.modes = vec![Mode::Template, Mode::Gjson, Mode::Regexp, Mode::Json, Mode::Yaml];
    }
    Ok(settings)
}

thread_local! {
    /// What the last panic said.
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

fn main() -> anyhow::Result<ExitCode> {
    let settings = settings()?;
    panic::set_hook(Box::new(|info| PANIC.with_borrow_mut(|text| *text = info.to_string())));
    // Far more than any recursion that has a limit needs in a debug build.
    let run = thread::Builder::new().stack_size(1 << 30).spawn(move || run(&settings))?;
    run.join().map_err(|_| anyhow::anyhow!("the run failed"))?
}

fn run(settings: &Settings) -> anyhow::Result<ExitCode> {
    let differences = Differences::load()?;
    let mut clean = true;
    for &mode in &settings.modes {
        let Some(oracle) = Oracle::start(mode)? else { bail!("Go is not installed") };
        let time = settings.time / u32::try_from(settings.modes.len())?;
        let mut comparison = Comparison::new(mode, oracle, &differences);
        let ended = if settings.corpus {
            oracle::files("corpus", mode)?
                .iter()
                .try_for_each(|file| comparison.compare(&oracle::read(file)?))
        } else {
            comparison.generate(settings.seed, time)
        };
        // A long run that ends early was not for nothing.
        clean &= comparison.summary()?;
        ended?;
    }
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Adds bytes to a case, under the name that fits them.
pub(crate) fn put(case: &mut Case, name: &str, bytes: &[u8]) {
    match str::from_utf8(bytes) {
        Ok(text) => case.insert(name.to_owned(), text.into()),
        Err(_) => case.insert(format!("{name}_base64"), STANDARD.encode(bytes).into()),
    };
}

fn made_up(mode: Mode, random: &mut Random) -> Case {
    match mode {
        Mode::Gjson => paths::case(random),
        Mode::Json => documents::json_case(random),
        Mode::Regexp => patterns::case(random),
        Mode::Yaml => documents::yaml_case(random),
        Mode::Base64 | Mode::Hash | Mode::Template | Mode::Verify => templates::case(random),
    }
}

struct Comparison<'a> {
    mode: Mode,
    oracle: Oracle,
    differences: &'a Differences,
    cases: usize,
    failed_in_go: usize,
    limited: usize,
    ignored: usize,
    undecided: usize,
    /// Go was not waited for.
    late: usize,
    explained: BTreeMap<usize, usize>,
    /// How often each kind of difference was found.
    found: BTreeMap<String, usize>,
}

/// The two answers to a case, if they differ without a reason.
struct Finding {
    go: Case,
    ours: Case,
}

impl<'a> Comparison<'a> {
    fn new(mode: Mode, oracle: Oracle, differences: &'a Differences) -> Self {
        Self {
            mode,
            oracle,
            differences,
            cases: 0,
            failed_in_go: 0,
            limited: 0,
            ignored: 0,
            undecided: 0,
            late: 0,
            explained: BTreeMap::new(),
            found: BTreeMap::new(),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a run has a length")]
    fn generate(&mut self, seed: u64, time: Duration) -> anyhow::Result<()> {
        let end = Instant::now() + time;
        // What ends this process can be found here.
        let last = tools::target_dir().join(format!("differential-{}.jsonl", self.mode));
        for batch in 0.. {
            if Instant::now() >= end {
                break;
            }
            let mut random = Random::new(seed.wrapping_mul(1_000_003).wrapping_add(batch));
            let cases: Vec<_> = (0..BATCH).map(|_| made_up(self.mode, &mut random)).collect();
            let mut text = String::new();
            for case in &cases {
                text.push_str(&serde_json::to_string(case)?);
                text.push('\n');
            }
            // On a full disk the run itself can go on.
            let _ = fs::write(&last, text);
            self.compare(&cases)?;
        }
        Ok(())
    }

    fn compare(&mut self, cases: &[Case]) -> anyhow::Result<()> {
        let answered = self.oracle.ask(cases)?;
        // What Go was not waited for goes on, and may take all memory.
        if answered.iter().any(|line| line.contains_key("late"))
            && let Some(oracle) = Oracle::start(self.mode)?
        {
            self.oracle = oracle;
        }
        for (case, line) in cases.iter().zip(&answered) {
            self.cases += 1;
            if line.contains_key("late") {
                self.late += 1;
                continue;
            }
            let go = oracle::answer_of(self.mode, line);
            self.failed_in_go += usize::from(go.keys().any(|name| name.starts_with("error")));
            let Some(finding) = self.judge(case, go, true)? else { continue };
            // The first few of a kind are worth the time.
            let times = self.found.get(&kind_of(case, &finding)).copied().unwrap_or_default();
            let small = if times < SHOWN { self.cut_down(case, &finding)? } else { case.clone() };
            let finding = self.find(&small)?.unwrap_or(finding);
            self.show(&small, &finding)?;
        }
        Ok(())
    }

    #[expect(clippy::disallowed_methods, reason = "a slow case is a finding")]
    fn judge(&mut self, case: &Case, go: Case, count: bool) -> anyhow::Result<Option<Finding>> {
        let start = Instant::now();
        let mut ours = self.ours(case)?;
        let mut took = start.elapsed();
        if took > SLOW {
            // The machine may have been busy.
            let start = Instant::now();
            ours = self.ours(case)?;
            took = took.min(start.elapsed());
        }
        if took > SLOW {
            ours.insert("slow".to_owned(), took.as_secs().into());
        }
        if ours == go {
            return Ok(None);
        }
        if ours.contains_key("limit") {
            self.limited += usize::from(count);
            return Ok(None);
        }
        // Go printed an address.
        if serde_json::to_string(&go)?.contains("0xc0") {
            self.ignored += usize::from(count);
            return Ok(None);
        }
        let mut ask = |other: &Case| -> anyhow::Result<Option<Case>> {
            let answered = self.oracle.ask(std::slice::from_ref(other))?;
            Ok(answered.first().map(|line| oracle::answer_of(self.mode, line)))
        };
        let explained = self.differences.explain(self.mode, case, (&go, &ours), &mut ask)?;
        if let Some(number) = explained {
            *self.explained.entry(number).or_default() += usize::from(count);
            return Ok(None);
        }
        if self.undecided(case, &go)? {
            self.undecided += usize::from(count);
            return Ok(None);
        }
        Ok(Some(Finding { go, ours }))
    }

    fn ours(&self, case: &Case) -> anyhow::Result<Case> {
        let ours = panic::catch_unwind(AssertUnwindSafe(|| oracle::answer(self.mode, case)));
        ours.unwrap_or_else(|_| {
            let said = PANIC.with_borrow(Clone::clone);
            Ok(Case::from_iter([("crash".to_owned(), said.into())]))
        })
    }

    /// Whether Go, which goes through a map in any order, has more than one answer.
    fn undecided(&mut self, case: &Case, go: &Case) -> anyhow::Result<bool> {
        // Of two keys, the second comes first in one of eight.
        let again = self.oracle.ask(&vec![case.clone(); 300])?;
        Ok(again.iter().any(|line| oracle::answer_of(self.mode, line) != *go))
    }

    fn find(&mut self, case: &Case) -> anyhow::Result<Option<Finding>> {
        let answered = self.oracle.ask(std::slice::from_ref(case))?;
        let go = answered.first().map(|line| oracle::answer_of(self.mode, line));
        self.judge(case, go.unwrap_or_default(), false)
    }

    /// Takes away from a case what it does not need to differ.
    fn cut_down(&mut self, case: &Case, whole: &Finding) -> anyhow::Result<Case> {
        let mut case = case.clone();
        let whole = (sort_of(&whole.go), sort_of(&whole.ours));
        let differs = |comparison: &mut Self, smaller: &Case| -> anyhow::Result<bool> {
            let found = comparison.find(smaller)?;
            Ok(found.is_some_and(|found| (sort_of(&found.go), sort_of(&found.ours)) == whole))
        };
        let mut budget = 600;
        for sibling in ["data", "data_base64"] {
            let keys: Vec<String> = case
                .get(sibling)
                .and_then(|data| data.as_object())
                .map(|data| data.keys().cloned().collect())
                .unwrap_or_default();
            for key in keys {
                let mut smaller = case.clone();
                if let Some(data) = smaller.get_mut(sibling).and_then(|data| data.as_object_mut()) {
                    data.shift_remove(&key);
                }
                if differs(self, &smaller)? {
                    case = smaller;
                }
            }
        }
        for name in ["template", "json", "yaml", "pattern", "subject", "path", "replacement"] {
            let Some(text) = case.get(name).and_then(|text| text.as_str()) else { continue };
            let mut kept: Vec<char> = text.chars().collect();
            let mut length = kept.len() / 2;
            while length > 0 && budget > 0 {
                let mut at = 0;
                let mut shorter_found = false;
                while at < kept.len() && budget > 0 {
                    let mut shorter = kept.clone();
                    shorter.drain(at..(at + length).min(kept.len()));
                    let mut smaller = case.clone();
                    smaller.insert(name.to_owned(), shorter.iter().collect::<String>().into());
                    budget -= 1;
                    if differs(self, &smaller)? {
                        kept = shorter;
                        case = smaller;
                        shorter_found = true;
                    } else {
                        at += length;
                    }
                }
                if !shorter_found || length > 1 {
                    length /= 2;
                }
            }
        }
        Ok(case)
    }

    fn show(&mut self, case: &Case, finding: &Finding) -> anyhow::Result<()> {
        let kind = kind_of(case, finding);
        let times = self.found.entry(kind.clone()).or_default();
        *times += 1;
        if *times <= SHOWN {
            let [case, go, ours] = [case, &finding.go, &finding.ours]
                .map(|line| serde_json::to_string(line).unwrap_or_default());
            let mode = self.mode;
            writeln!(
                io::stdout(),
                "DIFFERENCE {mode}: {kind}\n  {case}\n  Go   {go}\n  ours {ours}"
            )?;
        }
        Ok(())
    }

    /// Whether nothing was found.
    fn summary(&self) -> anyhow::Result<bool> {
        let explained: usize = self.explained.values().sum();
        let found: usize = self.found.values().sum();
        writeln!(
            io::stdout(),
            "{}: {} cases, {} of them errors in Go, {explained} explained, {} at a limit, {} with addresses, \
             {} with any answer in Go, {} too slow in Go, {found} differ in {} ways",
            self.mode,
            self.cases,
            self.failed_in_go,
            self.limited,
            self.ignored,
            self.undecided,
            self.late,
            self.found.len(),
        )?;
        for (number, difference) in self.differences.of(self.mode) {
            let times = self.explained.get(&number).copied().unwrap_or_default();
            writeln!(io::stdout(), "  {times:6} explained: {}", difference.reason)?;
        }
        for (kind, times) in &self.found {
            writeln!(io::stdout(), "  {times:6} {kind}")?;
        }
        Ok(found == 0)
    }
}

/// What sort of answer it is: a template that is cut in its middle fails to parse, which is another
/// matter.
fn sort_of(answer: &Case) -> String {
    let mut sort = answer.keys().map(String::as_str).collect::<Vec<_>>().join("+");
    for name in ["error", "crash"] {
        let Some(text) = answer.get(name).and_then(|text| text.as_str()) else { continue };
        for words in [": executing ", "error calling", "not defined", "wrong type", "unclosed"] {
            if text.contains(words) {
                sort.push_str(words);
            }
        }
    }
    sort
}

/// Differences of one kind have the same cause, most of the time.
fn kind_of(case: &Case, finding: &Finding) -> String {
    let said = finding.ours.get("error").and_then(|text| text.as_str()).unwrap_or_default();
    if let Some((_, missing)) = said.split_once(": function ") {
        return format!("function {missing}");
    }
    let fields = |line: &Case| line.keys().map(String::as_str).collect::<Vec<_>>().join("+");
    let words: BTreeSet<String> = case
        .get("template")
        .and_then(|template| template.as_str())
        .unwrap_or_default()
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| {
            word.len() > 1 && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        })
        .map(str::to_owned)
        .collect();
    let op = case.get("op").and_then(|op| op.as_str()).unwrap_or_default();
    let words = words.into_iter().take(6).collect::<Vec<_>>().join(" ");
    format!("{} / {}: {op}{words}", fields(&finding.go), fields(&finding.ours))
}
