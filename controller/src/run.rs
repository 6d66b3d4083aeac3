//! Starting, working and stopping.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use extsecret_engine::template;
use extsecret_provider::aws::{Aws, Endpoints, Settings};
use gotemplate::Delimiters;
use kube::{Client, Config};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::{Id, JoinError, JoinSet};

use crate::apply::Apply;
use crate::args::Args;
use crate::cache::Cache;
use crate::changes;
use crate::connect::Objects;
use crate::events::Recorder;
use crate::follow::Follow;
use crate::http::{self, Health};
use crate::index::{Source, SourceKind};
use crate::key::Key;
use crate::leader::Leadership;
use crate::metrics::Metrics;
use crate::queue::{Next, Trigger};
use crate::reconcile::{self, Context, LONGEST_SHARE, Memory, Options};
use crate::restarts::{self, Worker, WorkloadWatches};
use crate::system;
use crate::watch::{Started, Wanted, Watches};
use crate::work::{Room, Work};

/// Bytes of values that are remembered at most, so that they can be shared.
const REMEMBERED: usize = 16 << 20;

/// Looks that are under way at most, most of which wait for a provider.
const MOST_LOOKS: usize = 512;

/// How long running looks have to end when the process is asked to.
const GRACE: Duration = Duration::from_secs(20);

/// How long events may be written that were recorded before the end.
const LAST_WORDS: Duration = Duration::from_secs(8);

/// How long the API server may send nothing on a connection that is read from. On that of a watch it sends
/// a bookmark every minute.
const SILENCE: Duration = Duration::from_secs(150);

/// How often numbers are taken, and unused watches let go.
const ROUND: Duration = Duration::from_secs(1);

/// Works until it is asked to stop.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let metrics = Arc::new(Metrics::default());
    let health = Arc::new(Health::default());
    let (served, counted) = (Arc::clone(&health), Arc::clone(&metrics));
    let bound = http::serve(&args.live_addr, &args.metrics_addr, served, counted).await?;
    let [live, numbers] = [bound.live, bound.metrics].map(|it| it.map(tracing::field::display));
    tracing::info!(live, metrics = numbers, "listening");

    let (client, home) = connect().await?;
    let cache = Arc::new(Cache::default());
    let work = Arc::new(Work::default());
    let follow = Arc::new(Follow::new(client.clone(), waker(&cache, &work)));
    let aws = Arc::new(provider(&args, client.clone(), &follow)?);
    let queue = changes::Queue::open(&args, &aws).await?;
    let recorder =
        Arc::new(Recorder::start(client.clone(), Arc::clone(&metrics), system::timestamp));
    let apply = Apply::new(client.clone());
    let restarts = tokio::select! {
        restarts = restarts::open(&args.restart, &apply, &home) => restarts?.map(Arc::new),
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    let webhook = args.restart.webhook()?;
    let context = Arc::new(Context {
        options: options(&args),
        cache: Arc::clone(&cache),
        work: Arc::clone(&work),
        follow: Arc::clone(&follow),
        apply: apply.clone(),
        providers: Arc::clone(&aws) as _,
        recorder: Arc::clone(&recorder),
        metrics: Arc::clone(&metrics),
        memory: Memory::default(),
        restarts: restarts.clone(),
        queue: queue.as_ref().map(changes::Queue::health),
    });
    let watches = Watches {
        client: client.clone(),
        cache,
        work,
        metrics: Arc::clone(&metrics),
        restarts: restarts.clone(),
        namespace: args.namespace.clone(),
    };
    let wanted = Wanted {
        cluster_stores: args.enable_cluster_store_reconciler,
        cluster_external_secrets: args.enable_cluster_external_secret_reconciler,
    };
    let mut started = watches.start(wanted);
    if let Some(state) = &restarts {
        let workloads = WorkloadWatches {
            client: client.clone(),
            state: Arc::clone(state),
            metrics: Arc::clone(&metrics),
            namespace: args.namespace.clone(),
        };
        started.and(workloads.start());
    }
    let listed = started.clone();
    let stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let mut stop = std::pin::pin!(stop);
    tokio::select! {
        () = started.all() => {}
        () = &mut stop => return Ok(()),
        () = complain(&listed) => {}
    }
    // A replica that waits knows everything, and so can work as soon as it may.
    health.set_ready(true);
    tracing::info!(external_secrets = context.cache.external_secrets(), "everything is listed");
    let mut leadership = tokio::select! {
        leadership = lead(&args, client, &home) => leadership?,
        () = &mut stop => return Ok(()),
    };
    context.metrics.leads(true);
    let reading = queue.map(|queue| queue.start(&context));
    let restarting = restarts.map(|state| {
        let work = Arc::clone(&context.work);
        let notifier = webhook.map(|it| it.start(Arc::clone(&metrics)));
        let worker = Worker { state, apply, recorder, metrics, work, notifier };
        tokio::spawn(worker.run())
    });
    let ended = work_until(&args, &context, &aws, &health, leadership.as_mut(), stop).await;
    context.metrics.leads(false);
    // What it writes at this moment is whole, or is not written.
    restarting.inspect(tokio::task::JoinHandle::abort);
    ended?;
    // The next leader need not wait for what is still to be told, and the pod ends in time also if nobody
    // answers any more.
    let read = async {
        if let Some(reading) = reading {
            reading.end().await;
        }
    };
    let told = async {
        match context.recorder.flush(LAST_WORDS).await {
            0 => {}
            left => tracing::warn!(left, "some events were not written"),
        }
    };
    let released = async {
        if let Some(leadership) = leadership {
            leadership.release().await;
        }
    };
    tokio::join!(read, told, released);
    Ok(())
}

/// Looks at objects until it has to stop.
///
/// # Errors
/// If the Lease is lost. Nothing is being done any more then.
async fn work_until(
    args: &Args,
    context: &Arc<Context>,
    aws: &Aws,
    health: &Health,
    leadership: Option<&mut Leadership>,
    mut stop: Pin<&mut impl Future<Output = ()>>,
) -> anyhow::Result<()> {
    let lost = async {
        match leadership {
            Some(leadership) => leadership.lost().await,
            None => std::future::pending().await,
        }
    };
    let mut lost = std::pin::pin!(lost);
    let room = Room::new(usize::from(args.concurrent), Arc::clone(&context.work));
    let mut looks = Looks::default();
    let mut round = tokio::time::interval(ROUND);
    loop {
        health.beat();
        looks.start_more(context, &room);
        let until = context.work.queue().until();
        let pause = async {
            match until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        // Something may be due and have no place: that is no reason to turn in circles.
        let is_full = room.is_full() || looks.set.len() >= MOST_LOOKS;
        tokio::select! {
            // Others may begin in a few seconds: nothing more is begun, and nothing ended.
            biased;
            () = &mut lost => {
                looks.set.shutdown().await;
                bail!("another replica may work now: this one ends, and waits for its turn when it is started again");
            }
            () = &mut stop => break,
            Some(ended) = looks.set.join_next_with_id() => looks.ended(context, ended),
            _ = round.tick() => take_numbers(context, aws),
            () = context.work.rung() => {}
            () = pause, if !is_full => {}
        }
    }
    tracing::info!("stopping");
    let rest = async { while looks.set.join_next().await.is_some() {} };
    tokio::select! {
        ended = tokio::time::timeout(GRACE, rest) => {
            if ended.is_err() {
                tracing::warn!("some objects were still being looked at");
            }
        }
        () = &mut lost => tracing::warn!("the Lease was lost while stopping"),
    }
    looks.set.shutdown().await;
    Ok(())
}

/// Waits for its turn, where there are several replicas.
async fn lead(args: &Args, client: Client, home: &str) -> anyhow::Result<Option<Leadership>> {
    if !args.enable_leader_election {
        return Ok(None);
    }
    let namespace = args.leader_election_namespace.as_deref().unwrap_or(home);
    let identity = match &args.pod_uid {
        // What was started again in a pod need not wait for itself.
        Some(uid) => uid.clone(),
        None => format!("extsecret-controller_{:032x}", system::unique()?),
    };
    let lease = &args.leader_election_id;
    let leadership =
        Leadership::acquire(client, namespace, lease, &identity, system::timestamp).await?;
    Ok(Some(leadership))
}

/// Says again and again what is waited for; never ends.
async fn complain(listed: &Started) {
    let mut pause = tokio::time::interval(Duration::from_secs(10));
    pause.tick().await;
    loop {
        pause.tick().await;
        tracing::warn!(
            kinds = listed.missing().join(", "),
            "not everything is listed yet: are the CRDs installed, and may this controller list them?"
        );
    }
}

/// The cluster, and the namespace that this runs in.
async fn connect() -> anyhow::Result<(Client, String)> {
    // Its text holds those of its causes already.
    let mut config = Config::infer().await.map_err(|error| {
        anyhow!("there is no cluster to work for: set KUBECONFIG, or run in one: {error}")
    })?;
    // The queue tries again, with its own pauses; a call that hangs for minutes blocks others.
    config.default_retry = false;
    // A list, or the beginning of a watch, that nobody answers: TCP alone would try for a quarter of an hour.
    config.read_timeout = Some(SILENCE);
    config.reset_reader_on_write = true;
    let home = config.default_namespace.clone();
    Ok((Client::try_from(config).context("cannot connect to the cluster")?, home))
}

fn options(args: &Args) -> Options {
    let delimiters = Delimiters {
        left: args.template_left_delimiter.clone(),
        right: args.template_right_delimiter.clone(),
    };
    Options {
        class: args.controller_class.clone(),
        store_interval: args.store_requeue_interval,
        flood_gate: args.enable_flood_gate,
        adopt: args.adopt_secrets,
        frozen_interval_zero: args.freeze_interval_zero,
        lazy_refresh_time: args.lazy_refresh_time,
        cluster_stores: args.enable_cluster_store_reconciler,
        // Namespaces are not watched when there is only one.
        cluster_external_secrets: args.enable_cluster_external_secret_reconciler
            && args.namespace.is_none(),
        stores: args.enable_secret_store_reconciler,
        templates: template::Settings { delimiters, ..template::Settings::default() },
    }
}

/// Wakes whoever depends on an object that is followed by name.
fn waker(cache: &Arc<Cache>, work: &Arc<Work>) -> Arc<dyn Fn(&Source) + Send + Sync> {
    let (cache, work) = (Arc::clone(cache), Arc::clone(work));
    Arc::new(move |source| {
        let now = system::instant();
        work.wake(cache.wake_users(source, now));
        if source.kind != SourceKind::ConfigMap {
            work.wake(cache.wake_stores(now, |key, spec| reconcile::refers_to(key, spec, source)));
        }
    })
}

fn provider(args: &Args, client: Client, follow: &Arc<Follow>) -> anyhow::Result<Aws> {
    let settings = Settings {
        endpoints: Endpoints {
            secrets_manager: args.secrets_manager_endpoint.clone(),
            parameter_store: args.parameter_store_endpoint.clone(),
            sts: args.sts_endpoint.clone(),
        },
        cluster: Arc::new(Objects::new(client, Arc::clone(follow))),
        clock: Arc::new(system::time),
        random: Arc::new(system::random),
        keep: LONGEST_SHARE * 2,
        most: REMEMBERED,
    };
    Aws::new(settings).context("cannot get ready for AWS")
}

fn take_numbers(context: &Context, aws: &Aws) {
    let now = system::instant();
    let (depth, oldest) = {
        let queue = context.work.queue();
        (queue.depth(), queue.oldest(now))
    };
    context.metrics.depth("externalsecret", depth);
    context.metrics.waits(oldest, context.follow.len());
    let reachable = context.queue.as_ref().map(|queue| queue.borrow().reachable);
    context.metrics.queue_reachable(reachable);
    context.metrics.provider(aws.counts());
    for calls in aws.calls() {
        context
            .metrics
            .calls((calls.provider, calls.call, calls.status == "success"), calls.number);
    }
    context.follow.forget_unused(now, |source| context.cache.is_used(source));
}

/// Looks that are under way.
#[derive(Default)]
struct Looks {
    set: JoinSet<Next>,
    keys: HashMap<Id, (Key, Trigger)>,
}

impl Looks {
    fn start_more(&mut self, context: &Arc<Context>, room: &Room) {
        while self.set.len() < MOST_LOOKS {
            let Some(mut place) = room.enter() else { break };
            let Some((key, trigger)) = context.work.queue().next(system::instant()) else { break };
            let context = Arc::clone(context);
            let looked = key.clone();
            let handle = self.set.spawn(async move {
                reconcile::look(&context, &looked, trigger, &mut place).await
            });
            self.keys.insert(handle.id(), (key, trigger));
        }
    }

    /// One look is over. One that panicked harms its own object only.
    fn ended(&mut self, context: &Context, ended: Result<(Id, Next), JoinError>) {
        let (id, next) = match ended {
            Ok((id, next)) => (id, Some(next)),
            Err(error) => (error.id(), None),
        };
        let Some((key, trigger)) = self.keys.remove(&id) else { return };
        let result = match next {
            None => "panic",
            Some(Next::Backoff | Next::BackoffWithin(_)) => "error",
            Some(Next::After(_)) => "requeue_after",
            Some(Next::Idle | Next::Gone) => "success",
        };
        if next.is_none() {
            tracing::error!(object = %key, "looking at it panicked; it is tried again later");
        }
        context.metrics.result(key.kind, result);
        let next = next.unwrap_or(Next::Backoff);
        context.work.queue().done(&key, next, system::instant(), system::random());
        let went_well = !matches!(next, Next::Backoff | Next::BackoffWithin(_));
        context.work.looked(&key, trigger, went_well);
    }
}
