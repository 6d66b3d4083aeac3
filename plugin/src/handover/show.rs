//! What a person gets to see before, between and after.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use extsecret_manifest::diagnostic::Diagnostic;
use extsecret_manifest::source::Sources;
use extsecret_migrate::handover::{
    Blocker, Facts, Installation, Pair, Request, Settings, Stage, Step, outline,
};
use serde_json::{Value, json};

use super::input::Wanted;
use crate::doctor::{Check, State};
use crate::output::table::{Cell, Column, Table};
use crate::output::text::Printer;
use crate::tty;

/// One Secret with all that is known of it.
pub(crate) struct Row {
    pub(crate) wanted: Wanted,
    pub(crate) facts: Facts,
    pub(crate) blockers: Vec<Blocker>,
    pub(crate) settings: Settings,
}

/// The cluster as a hand-over sees it.
pub(crate) struct Survey {
    pub(crate) rows: Vec<Row>,
    pub(crate) kes: Installation,
    /// What forbids everything.
    pub(crate) blockers: Vec<Blocker>,
    pub(crate) stores: Vec<Request>,
    /// KES objects that no file replaces: namespace, name, and whether they are parked.
    pub(crate) others: Vec<(String, String, bool)>,
    /// Who takes over; empty where nobody asked.
    pub(crate) successor: Vec<Check>,
}

impl Row {
    /// Steps that are left, up to one.
    pub(crate) fn steps(&self, until: Step) -> Vec<Step> {
        let mut steps: Vec<Step> =
            outline(&self.facts, self.settings, until).into_iter().map(|(step, _)| step).collect();
        steps.dedup();
        steps
    }

    fn next(&self, until: Step) -> Cell {
        if !self.blockers.is_empty() {
            let codes: BTreeSet<_> = self.blockers.iter().map(|it| it.code().id).collect();
            let codes = codes.into_iter().collect::<Vec<_>>().join(", ");
            return Cell::from(format!("blocked: {codes}")).styled(AnsiColor::Red.on_default());
        }
        let steps: Vec<_> = self.steps(until).into_iter().map(Step::as_str).collect();
        match (self.facts.stage(), steps.is_empty()) {
            (Stage::Apart, _) => "left alone: apply it with kubectl".into(),
            (_, true) => "nothing".into(),
            _ => steps.join(", ").into(),
        }
    }
}

impl Survey {
    /// True if something forbids the hand-over.
    pub(crate) fn blocked(&self) -> bool {
        !self.blockers.is_empty() || self.rows.iter().any(|row| !row.blockers.is_empty())
    }

    /// The plan, a line for each Secret.
    pub(crate) fn plan(&self, until: Step) -> String {
        let mut text = String::new();
        for deployment in &self.kes.deployments {
            let name = format!("{}/{}", deployment.namespace, deployment.name);
            let what = match deployment.replicas {
                0 => "is stopped".to_owned(),
                _ if until < Step::Stop => "runs".to_owned(),
                1 => "has 1 pod, and will be stopped".to_owned(),
                pods => format!("has {pods} pods, and will be stopped"),
            };
            let _ = writeln!(text, "KES: deployment.apps/{name} {what}");
            if !deployment.settings.is_empty() {
                let settings =
                    deployment.settings.iter().map(|(name, value)| format!("{name}={value}"));
                let settings = settings.collect::<Vec<_>>().join(" ");
                let _ = writeln!(text, "     with {settings}");
            }
        }
        if self.kes.deployments.is_empty() && self.kes.pods.is_empty() {
            text.push_str("KES: no Deployment and no pod of it was found\n");
        }
        let works = self.successor.iter().filter(|it| it.about == "controller");
        for check in works.filter(|it| it.state == State::Ok) {
            let _ = writeln!(text, "Successor: {}", check.text);
        }
        for store in &self.stores {
            let place = match store.namespace.as_str() {
                "" => String::new(),
                namespace => format!(" in {namespace}"),
            };
            let kind = crate::cluster::kind(store.resource);
            let _ = writeln!(text, "Store: {}{place}", kind.name_of(&store.name));
        }
        text.push('\n');
        text.push_str(&self.table(|row| ("NEXT", row.next(until))));
        text
    }

    /// How far everything is.
    pub(crate) fn status(&self) -> String {
        self.table(|row| ("READY", ready(&row.facts)))
    }

    fn table(&self, last: impl Fn(&Row) -> (&'static str, Cell)) -> String {
        let column = |header, cell: &dyn Fn(&Row) -> Cell| {
            Column::new(header, self.rows.iter().map(cell).collect())
        };
        let mut table = Table::default();
        table.push(column("NAMESPACE", &|row| row.wanted.pair.namespace.as_str().into()));
        table.push(column("SECRET", &|row| row.wanted.pair.secret.as_str().into()));
        table.push(column("NOW", &|row| stage(row.facts.stage())));
        table.push(column("CONTROLLER", &|row| controller(&row.facts).into()).dispensable(1));
        let header = self.rows.first().map_or("", |row| last(row).0);
        table.push(column(header, &|row| last(row).1));
        if let Some(room) = tty::stdout_width() {
            table.fit(room, true);
        }
        table.text(true)
    }

    /// What forbids it, and what to do.
    pub(crate) fn problems(&self) -> String {
        let mut problems: Vec<(Option<&Pair>, &Blocker)> =
            self.blockers.iter().map(|blocker| (None, blocker)).collect();
        for row in &self.rows {
            let pair = &row.wanted.pair;
            problems.extend(row.blockers.iter().map(|blocker| (Some(pair), blocker)));
        }
        problems_text(&problems)
    }

    /// What of the successor does not look well. The shadows prove whether it works.
    pub(crate) fn doubts(&self) -> String {
        let mut text = String::new();
        for check in self.successor.iter().filter(|it| it.state > State::Ok) {
            let _ = writeln!(text, "note: {}", check.text);
            for detail in &check.details {
                let _ = writeln!(text, "  {detail}");
            }
        }
        text
    }

    /// How many of what.
    pub(crate) fn summary(&self) -> String {
        let count =
            |which: &dyn Fn(&Row) -> bool| self.rows.iter().filter(|row| which(row)).count();
        let blocked = count(&|row| !row.blockers.is_empty());
        let over = count(&|row| row.facts.stage() == Stage::Retired);
        let apart = count(&|row| row.facts.stage() == Stage::Apart && row.blockers.is_empty());
        let rest = self.rows.len() - blocked - over - apart;
        let mut text = format!("{rest} to hand over, {over} handed over, {blocked} blocked");
        if apart > 0 {
            let _ = write!(text, ", {apart} not of KES");
        }
        let mut text = format!("{}: {text}\n", counted(self.rows.len(), "Secret", "Secrets"));
        if !self.others.is_empty() {
            let objects = counted(self.others.len(), "KES object is", "KES objects are");
            let _ = writeln!(text, "note: {objects} not in the files: KES keeps them");
        }
        text
    }

    /// All of it for programs.
    pub(crate) fn document(&self, until: Step) -> Value {
        let secrets: Vec<_> = self.rows.iter().map(|row| document(row, until)).collect();
        let deployments: Vec<_> = self
            .kes
            .deployments
            .iter()
            .map(|it| {
                let settings: BTreeMap<_, _> = it.settings.iter().cloned().collect();
                json!({
                    "namespace": it.namespace, "name": it.name, "replicas": it.replicas,
                    "settings": settings,
                })
            })
            .collect();
        let others: Vec<_> = self
            .others
            .iter()
            .map(|(namespace, name, parked)| {
                json!({ "namespace": namespace, "name": name, "parked": parked })
            })
            .collect();
        json!({
            "kes": { "deployments": deployments, "pods": self.kes.running() },
            "successor": self.successor,
            "blockers": blockers(&self.blockers),
            "stores": self.stores.iter().map(Request::document).collect::<Vec<_>>(),
            "secrets": secrets,
            "notInFiles": others,
        })
    }
}

fn document(row: &Row, until: Step) -> Value {
    let Wanted { pair, object } = &row.wanted;
    let writes = outline(&row.facts, row.settings, until);
    let writes: Vec<_> = writes
        .into_iter()
        .filter_map(|(step, write)| {
            let mut request = write.request(pair, &row.facts, Some(object), "")?.document();
            request["step"] = json!(step.as_str());
            Some(request)
        })
        .collect();
    json!({
        "namespace": pair.namespace, "secret": pair.secret, "externalSecret": pair.new,
        "stage": row.facts.stage().as_str(),
        "controller": controller(&row.facts),
        "ready": row.facts.new.as_ref().and_then(|new| new.ready),
        "blockers": blockers(&row.blockers),
        "writes": writes,
    })
}

fn blockers(blockers: &[Blocker]) -> Vec<Value> {
    let one = |blocker: &Blocker| {
        let Diagnostic { code, message, help, .. } = blocker.diagnostic();
        json!({ "code": code.id, "message": message, "help": help.as_deref().unwrap_or(code.action) })
    };
    blockers.iter().map(one).collect()
}

/// Blockers as every other finding looks.
pub(crate) fn problems_text(problems: &[(Option<&Pair>, &Blocker)]) -> String {
    let (sources, hidden) = (Sources::default(), BTreeSet::new());
    let found: Vec<(Option<String>, [Diagnostic; 1])> = problems
        .iter()
        .map(|(pair, blocker)| {
            let diagnostic = blocker.diagnostic();
            let help = diagnostic.help.clone().unwrap_or_else(|| diagnostic.code.action.to_owned());
            (pair.map(|pair| format!("Secret {pair}")), [diagnostic.help(help)])
        })
        .collect();
    let mut printer = Printer::new(&sources, &hidden);
    for (label, diagnostics) in &found {
        printer.add(label.as_deref(), None, diagnostics);
    }
    printer.finish()
}

fn stage(stage: Stage) -> Cell {
    let style = match stage {
        Stage::Retired => AnsiColor::Green.on_default(),
        Stage::Lost => AnsiColor::Red.on_default(),
        Stage::Parked | Stage::Demoted | Stage::Adopted => AnsiColor::Yellow.on_default(),
        Stage::Apart | Stage::WithKes => Style::new(),
    };
    Cell::from(stage.as_str()).styled(style)
}

/// Who writes the Secret: the proof of how far a hand-over is.
fn controller(facts: &Facts) -> &str {
    match &facts.secret {
        None => "no Secret",
        Some(secret) => match secret.controller() {
            None => "nobody",
            Some(owner) if owner.is_kes() => "KES",
            Some(owner) => &owner.group,
        },
    }
}

fn ready(facts: &Facts) -> Cell {
    match facts.new.as_ref().map(|new| new.ready) {
        None => "".into(),
        Some(Some(true)) => "True".into(),
        Some(Some(false)) => Cell::from("False").styled(AnsiColor::Red.on_default()),
        Some(None) => "Unknown".into(),
    }
}

pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
