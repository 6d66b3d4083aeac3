//! `kubectl extsecret migrate plan`, `apply`, `status` and `rollback`

use std::collections::BTreeSet;
use std::io::{self, IsTerminal as _, Write as _};

use anyhow::{Context as _, bail};
use extsecret_migrate::handover::{
    Blocker, Facts, Installation, Next, Pair, Request, Resource, Settings, Stage, Step, back,
    needs, obstacles, outline,
};
use serde_json::Value;

use crate::cli::{
    ApplyArgs, DoingArgs, DryRun, HowArgs, Live, ManifestArgs, PlanArgs, ProgressArgs,
    RollbackArgs, WhichArgs,
};
use crate::cluster::kinds::NAMESPACES;
use crate::cluster::{Changed, Cluster};
use crate::doctor::{self, Successor};
use crate::exit::Exit;
use crate::handover::advice;
use crate::handover::input::{self, Manifests, Wanted};
use crate::handover::progress::Progress;
use crate::handover::run::{Ended, Run};
use crate::handover::show::{Row, Survey, counted, problems_text};
use crate::handover::state::State;
use crate::handover::{observe, preflight};
use crate::output;

/// What to do when the API server cannot be asked any more.
const INTERRUPTED: &str = "interrupted; run the same command again, which goes on from there";

pub(crate) fn run(live: &Live) -> anyhow::Result<Exit> {
    match live {
        Live::Plan(args) => plan(args),
        Live::Apply(args) => apply(args),
        Live::Status(args) => status(args),
        Live::Rollback(args) => rollback(args),
    }
}

fn plan(args: &PlanArgs) -> anyhow::Result<Exit> {
    let cluster = Cluster::connect(&args.cluster)?;
    let state = State::look(&args.which.state_dir, &identity(&cluster)?)?;
    let survey = survey(&cluster, &state, &args.manifests, &args.which, &args.how)?;
    if args.output.is_some() {
        let text = serde_json::to_string_pretty(&survey.document(args.how.until))? + "\n";
        output::stdout_verbatim(&text)?;
    } else {
        output::stdout(&survey.plan(args.how.until))?;
        tell(&survey);
    }
    Ok(if survey.blocked() { Exit::Refused } else { Exit::Success })
}

/// What stands beside a plan.
fn tell(survey: &Survey) {
    let mut text = survey.doubts();
    text.push_str(&advice::text(survey.rows.iter().map(|row| &row.facts)));
    text.push_str(&survey.problems());
    text.push_str(&survey.summary());
    output::stderr(&text);
}

fn apply(args: &ApplyArgs) -> anyhow::Result<Exit> {
    let cluster = Cluster::connect(&args.cluster)?;
    let identity = identity(&cluster)?;
    let folder = &args.which.state_dir;
    let state = State::look(folder, &identity)?;
    let survey = survey(&cluster, &state, &args.manifests, &args.which, &args.how)?;
    let until = args.how.until;
    output::stdout(&survey.plan(until))?;
    tell(&survey);
    if survey.blocked() {
        output::stderr("nothing was changed\n");
        return Ok(Exit::Refused);
    }
    match args.doing.dry_run {
        Some(DryRun::Client) => return Ok(Exit::Success),
        Some(DryRun::Server) => return Ok(ask_server(&cluster, &survey, until)),
        None if until == Step::Preflight => return Ok(Exit::Success),
        None => {}
    }
    if !agreed(&args.doing, "Hand over?")? {
        output::stderr("nothing was changed\n");
        return Ok(Exit::CouldNotRun);
    }
    let state = State::open(folder, &identity)?;
    let mut run = Run::new(&cluster, &state, &args.which.kes, args.doing.timeout);
    let stopped = walk(&mut run, &survey, until).context(INTERRUPTED)?;
    run.progress = Progress::hidden();
    if !stopped.is_empty() {
        let problems: Vec<_> = stopped.iter().map(|(pair, it)| (pair.as_ref(), it)).collect();
        output::stderr(&problems_text(&problems));
        output::stderr(
            "stopped: mend it and run the same command again, which goes on from there, or go back \
             with `kubectl extsecret migrate rollback`\n",
        );
        return Ok(Exit::Refused);
    }
    finish(&cluster, &run, &survey, until)?;
    Ok(Exit::Success)
}

/// All steps; what stopped it, if something did.
fn walk(
    run: &mut Run<'_>,
    survey: &Survey,
    until: Step,
) -> anyhow::Result<Vec<(Option<Pair>, Blocker)>> {
    let whole = |ended: Ended| match ended {
        Ended::Stopped(blockers) => blockers.into_iter().map(|it| (None, it)).collect(),
        Ended::Done | Ended::Waiting => Vec::new(),
    };
    for store in &survey.stores {
        let stopped: Vec<_> = whole(run.store(store)?);
        if !stopped.is_empty() {
            return Ok(stopped);
        }
    }
    if until < Step::Shadow {
        return Ok(Vec::new());
    }
    let rows: Vec<&Row> =
        survey.rows.iter().filter(|row| row.facts.stage() != Stage::Apart).collect();
    let steps = [Step::Stop, Step::Demote, Step::Adopt, Step::Retire];
    // Between demotion and adoption nobody keeps a Secret: both are done for one at a time.
    let steps = steps
        .into_iter()
        .filter(|step| *step <= until && (*step != Step::Demote || until == Step::Demote))
        .collect::<Vec<_>>();
    run.progress = Progress::of(rows.len() * (2 + steps.len()));
    // All shadows are asked for before the first is waited for, and all are compared before
    // anything else is touched.
    let mut stopped = Vec::new();
    run.progress.now(Step::Shadow.as_str());
    for wait in [false, true] {
        for row in &rows {
            let ended = run.forward(&row.wanted, row.settings, Step::Shadow, wait)?;
            run.progress.step();
            stopped.extend(of(row, ended));
        }
        if !stopped.is_empty() {
            for row in &rows {
                run.drop_shadow(&row.wanted.pair)?;
            }
            return Ok(stopped);
        }
    }
    for step in steps {
        run.progress.now(step.as_str());
        if step == Step::Stop {
            for row in &rows {
                let stopped = of(row, run.park(&row.wanted, row.settings)?);
                if !stopped.is_empty() {
                    return Ok(stopped);
                }
            }
        }
        for row in &rows {
            let ended = run.forward(&row.wanted, row.settings, step, true)?;
            run.progress.step();
            let stopped = of(row, ended);
            if !stopped.is_empty() {
                return Ok(stopped);
            }
        }
    }
    Ok(Vec::new())
}

fn of(row: &Row, ended: Ended) -> Vec<(Option<Pair>, Blocker)> {
    match ended {
        Ended::Stopped(blockers) => {
            let pair = &row.wanted.pair;
            blockers.into_iter().map(|it| (Some(pair.clone()), it)).collect()
        }
        Ended::Done | Ended::Waiting => Vec::new(),
    }
}

/// What is left when the steps are done: KES for those that stay with it, or its removal.
fn finish(cluster: &Cluster, run: &Run<'_>, survey: &Survey, until: Step) -> anyhow::Result<()> {
    let handed = survey.rows.iter().filter(|row| row.facts.stage() != Stage::Apart).count();
    let secrets = counted(handed, "Secret", "Secrets");
    output::stderr(&format!("{secrets}: done up to step {until}\n"));
    if until < Step::Stop {
        return Ok(());
    }
    let left = observe::kes_objects(cluster)?;
    let waiting = left.iter().filter(|(_, _, parked)| !parked).count();
    if until < Step::Retire {
        if waiting > 0 {
            let objects = counted(waiting, "other KES object is", "other KES objects are");
            output::stderr(&format!(
                "note: KES is stopped, and {objects} not refreshed: go on soon, or roll back\n"
            ));
        }
        return Ok(());
    }
    if waiting > 0 {
        run.start_kes()?;
    }
    if until == Step::Remove {
        return remove(cluster, survey, left.len());
    }
    if left.is_empty() {
        output::stderr(
            "no KES object is left; `kubectl extsecret migrate apply --until remove` with the same \
             files removes KES itself\n",
        );
    }
    Ok(())
}

/// Step 7: only when no KES object is left, and no reference to one.
fn remove(cluster: &Cluster, survey: &Survey, left: usize) -> anyhow::Result<()> {
    if left > 0 {
        let objects = counted(left, "KES object is", "KES objects are");
        bail!("{objects} left: KES stays. Hand them over, or delete them, and run again");
    }
    let owned = observe::owned_by_kes(cluster)?;
    if let Some(first) = owned.first() {
        let secrets = counted(owned.len(), "Secret still names", "Secrets still name");
        bail!("{secrets} a KES object as owner, {first} for one: KES stays. Run again in a while");
    }
    for deployment in &survey.kes.deployments {
        let name = format!("{}/{}", deployment.namespace, deployment.name);
        if let Some(release) = &deployment.release {
            output::stderr(&format!(
                "deployment.apps/{name} belongs to the Helm release {release}: helm uninstall \
                 {release} -n {}\n",
                deployment.namespace
            ));
            continue;
        }
        let (namespace, uid) = (&deployment.namespace, &deployment.uid);
        let request =
            Request::delete(Resource::Deployment, namespace, &deployment.name, uid, false);
        if let Some(Changed::Done(_)) = request.map(|it| cluster.change(&it, false)).transpose()? {
            output::stdout(&format!("deployment.apps/{name} deleted\n"))?;
        }
    }
    if let Some(definition) = &survey.kes.definition {
        let name = observe::DEFINITION;
        let request = Request::delete(Resource::Definition, "", name, &definition.uid, false);
        if let Some(Changed::Done(_)) = request.map(|it| cluster.change(&it, false)).transpose()? {
            let kind = Resource::Definition.name();
            output::stdout(&format!("{kind}/{name} deleted\n"))?;
        }
    }
    Ok(())
}

/// Has the API server check every change that can be made from here.
fn ask_server(cluster: &Cluster, survey: &Survey, until: Step) -> Exit {
    let mut refused = 0;
    let mut asked = 0;
    let mut ask = |request: &Request| {
        asked += 1;
        let answer = match cluster.change(request, true) {
            Ok(Changed::Done(_)) => return,
            Ok(Changed::Gone) => "there is no such object".to_owned(),
            Ok(Changed::Conflict(message)) => message,
            Err(error) => error.to_string(),
        };
        refused += 1;
        let place = match request.namespace.as_str() {
            "" => String::new(),
            namespace => format!(" in {namespace}"),
        };
        let name = format!("{}/{}", request.resource.name(), request.name);
        output::stderr(&format!("error: {name}{place}: {answer}\n"));
    };
    survey.stores.iter().for_each(&mut ask);
    for row in &survey.rows {
        let Wanted { pair, object } = &row.wanted;
        for (_, write) in outline(&row.facts, row.settings, until) {
            if let Some(request) = write.request(pair, &row.facts, Some(object), "dry run") {
                ask(&request);
            }
        }
    }
    if until >= Step::Stop {
        for deployment in survey.kes.deployments.iter().filter(|it| it.replicas > 0) {
            ask(&extsecret_migrate::handover::copy::scale(deployment, 0));
        }
    }
    let changes = counted(asked, "change", "changes");
    output::stderr(&format!("the API server was asked about {changes}, and refused {refused}\n"));
    if refused > 0 { Exit::Refused } else { Exit::Success }
}

fn status(args: &ProgressArgs) -> anyhow::Result<Exit> {
    let cluster = Cluster::connect(&args.cluster)?;
    let state = State::look(&args.which.state_dir, &identity(&cluster)?)?;
    let how = HowArgs { until: Step::Preflight, accept: Vec::new(), hard_demote: false };
    let mut survey = if args.manifests.any() {
        survey(&cluster, &state, &args.manifests, &args.which, &how)?
    } else {
        let pairs = begun(&cluster, &args.which)?;
        of_pairs(&cluster, &state, &args.which, pairs)?
    };
    survey.rows.iter_mut().for_each(|row| row.blockers.clear());
    if args.output.is_some() {
        let text = serde_json::to_string_pretty(&survey.document(Step::Retire))? + "\n";
        output::stdout_verbatim(&text)?;
    } else if survey.rows.is_empty() {
        output::stderr("No hand-over is begun.\n");
    } else {
        output::stdout(&survey.status())?;
        let pods = survey.kes.running();
        let kes = if pods.is_empty() { "KES does not run".to_owned() } else { pods.join(", ") };
        output::stderr(&format!("{}KES: {kes}\n", survey.summary()));
    }
    let open = |row: &Row| {
        matches!(row.facts.stage(), Stage::Parked | Stage::Demoted | Stage::Adopted | Stage::Lost)
    };
    Ok(if survey.rows.iter().any(open) { Exit::Refused } else { Exit::Success })
}

fn rollback(args: &RollbackArgs) -> anyhow::Result<Exit> {
    let cluster = Cluster::connect(&args.cluster)?;
    let identity = identity(&cluster)?;
    let state = State::look(&args.which.state_dir, &identity)?;
    let pairs = if args.manifests.any() {
        let manifests = input::read(&args.manifests, cluster.namespace())?;
        manifests.wanted.into_iter().map(|wanted| wanted.pair).collect()
    } else {
        begun(&cluster, &args.which)?
    };
    let pairs = pairs.into_iter().filter(|pair| args.which.takes(&pair.namespace, &pair.secret));
    let survey = of_pairs(&cluster, &state, &args.which, pairs.collect())?;
    let rows: Vec<&Row> = survey.rows.iter().filter(|row| returns(&row.facts)).collect();
    if rows.is_empty() {
        output::stderr("No hand-over is begun; nothing was changed.\n");
        return Ok(Exit::Success);
    }
    output::stdout(&survey.status())?;
    let secrets = counted(rows.len(), "Secret goes", "Secrets go");
    output::stderr(&format!("{secrets} back to KES\n"));
    match args.doing.dry_run {
        Some(DryRun::Client) => return Ok(Exit::Success),
        Some(DryRun::Server) => return Ok(ask_server_back(&cluster, &rows)),
        None => {}
    }
    if !agreed(&args.doing, "Go back?")? {
        output::stderr("nothing was changed\n");
        return Ok(Exit::CouldNotRun);
    }
    let mut run = Run::new(&cluster, &state, &args.which.kes, args.doing.timeout);
    run.progress = Progress::of(2 * rows.len());
    run.progress.now("rollback");
    for forget in [false, true] {
        for row in &rows {
            run.progress.step();
            let stopped = of(row, run.back(&row.wanted.pair, forget).context(INTERRUPTED)?);
            if !stopped.is_empty() {
                let problems: Vec<_> =
                    stopped.iter().map(|(pair, it)| (pair.as_ref(), it)).collect();
                output::stderr(&problems_text(&problems));
                output::stderr(
                    "stopped: mend it and run the same command again, which goes on from there\n",
                );
                return Ok(Exit::Refused);
            }
        }
        if !forget && !run.start_kes()? {
            output::stderr(
                "note: no Deployment of KES was found: install it again, and it goes on with its \
                 objects\n",
            );
        }
    }
    run.progress = Progress::hidden();
    output::stderr(&format!("{}: back with KES\n", counted(rows.len(), "Secret", "Secrets")));
    Ok(Exit::Success)
}

/// True if there is something to take back.
fn returns(facts: &Facts) -> bool {
    facts.begun() || facts.shadow.is_some() || facts.adopted()
}

/// Has the API server check the first change of each way back.
fn ask_server_back(cluster: &Cluster, rows: &[&Row]) -> Exit {
    let mut refused = 0;
    for row in rows {
        let pair = &row.wanted.pair;
        let request = match back(&row.facts, false) {
            Next::Write(write) => write.request(pair, &row.facts, None, "dry run"),
            _ => None,
        };
        let answer = match request.map(|it| cluster.change(&it, true)) {
            None | Some(Ok(Changed::Done(_))) => continue,
            Some(Ok(Changed::Gone)) => "there is no such object".to_owned(),
            Some(Ok(Changed::Conflict(message))) => message,
            Some(Err(error)) => error.to_string(),
        };
        refused += 1;
        output::stderr(&format!("error: Secret {pair}: {answer}\n"));
    }
    if refused > 0 { Exit::Refused } else { Exit::Success }
}

/// The hand-overs that the cluster keeps something of.
fn begun(cluster: &Cluster, which: &WhichArgs) -> anyhow::Result<Vec<Pair>> {
    let copies = observe::copies(cluster)?;
    let mut pairs: Vec<_> = copies.into_iter().map(|copy| copy.pair).collect();
    pairs.retain(|pair| which.takes(&pair.namespace, &pair.secret));
    pairs.sort();
    Ok(pairs)
}

/// Reads the files and everything in the cluster that belongs to them.
fn survey(
    cluster: &Cluster,
    state: &State,
    manifests: &ManifestArgs,
    which: &WhichArgs,
    how: &HowArgs,
) -> anyhow::Result<Survey> {
    let Manifests { wanted, stores, blockers } = input::read(manifests, cluster.namespace())?;
    let Successor { missing, checks } = doctor::successor(cluster)?;
    let kes = observe::installation(cluster, &which.kes)?;
    let objects = observe::kes_objects(cluster)?;
    let known: BTreeSet<(String, String)> =
        wanted.iter().map(|it| (it.pair.namespace.clone(), it.pair.secret.clone())).collect();
    let mut rows = Vec::new();
    for wanted in wanted {
        let pair = &wanted.pair;
        if !which.takes(&pair.namespace, &pair.secret) {
            continue;
        }
        let name = (pair.namespace.clone(), pair.secret.clone());
        let settings =
            Settings { accept_changes: how.accept.contains(&name), hard_demote: how.hard_demote };
        let facts = if missing.is_none() {
            observe::facts(cluster, pair, state, &BTreeSet::new())?
        } else {
            observe::facts_of_kes(cluster, pair, state)?
        };
        let mut found: Vec<Blocker> =
            blockers.iter().filter(|(twice, _)| twice == pair).map(|(_, it)| it.clone()).collect();
        if facts.stage() != Stage::Apart {
            found.extend(obstacles(pair, &wanted.object, &facts, settings));
        }
        rows.push(Row { wanted, facts, blockers: found, settings });
    }
    if rows.is_empty() {
        bail!("--only and --except leave no ExternalSecret of the files; nothing was done");
    }
    let mut blockers = Vec::new();
    if rows.iter().any(|row| row.facts.old.is_some()) {
        blockers.extend(kes.obstacles());
    }
    if let Some(what) = missing {
        blockers.push(Blocker::NotServed { what });
    }
    let secrets = rows.iter().map(|row| (&row.wanted.pair, &row.facts));
    let needs = needs(secrets, &stores, &kes, how.until);
    blockers.extend(preflight::forbidden(cluster, needs)?);
    Ok(Survey {
        rows,
        blockers,
        successor: checks,
        kes,
        stores,
        others: objects
            .into_iter()
            .filter(|(namespace, name, _)| !known.contains(&(namespace.clone(), name.clone())))
            .collect(),
    })
}

/// The same without files.
fn of_pairs(
    cluster: &Cluster,
    state: &State,
    which: &WhichArgs,
    pairs: Vec<Pair>,
) -> anyhow::Result<Survey> {
    let mut rows = Vec::new();
    for pair in pairs {
        let facts = observe::facts(cluster, &pair, state, &BTreeSet::new())?;
        let wanted = Wanted { pair, object: Value::Null };
        rows.push(Row { wanted, facts, blockers: Vec::new(), settings: Settings::default() });
    }
    let kes = if rows.is_empty() {
        Installation::default()
    } else {
        observe::installation(cluster, &which.kes)?
    };
    Ok(Survey {
        rows,
        kes,
        blockers: Vec::new(),
        stores: Vec::new(),
        others: Vec::new(),
        successor: Vec::new(),
    })
}

/// What tells this cluster from every other.
fn identity(cluster: &Cluster) -> anyhow::Result<String> {
    let meta = cluster.metadata(&NAMESPACES, None, "kube-system")?;
    let uid = meta.and_then(|meta| meta.uid);
    uid.context("the namespace kube-system has no uid: is this a cluster?")
}

/// Asks, unless it was said already.
fn agreed(doing: &DoingArgs, question: &str) -> anyhow::Result<bool> {
    if doing.yes {
        return Ok(true);
    }
    if !io::stdin().is_terminal() {
        bail!("nobody can be asked here: add --yes once the plan is right; nothing was changed");
    }
    output::stderr(&format!("{question} [y/N] "));
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).context("cannot read the answer")?;
    io::stderr().flush().ok();
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
