//! `/healthz`, `/readyz` and `/metrics`: for the kubelet and for Prometheus, and bounded, because
//! everything in the cluster can reach them.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use futures::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use crate::metrics::Metrics;
use crate::system;

/// How long a request may take to arrive, and a connection may idle.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a connection may last, however slowly its answers are read.
const LIFE: Duration = Duration::from_mins(5);

/// Bytes of one request's head.
const HEAD: usize = 16 << 10;

/// Header fields of one request.
const FIELDS: usize = 64;

/// Connections of one listener at once; others wait.
const CONNECTIONS: usize = 64;

/// After this long without a sign of life, the process is not alive: several times the longest that
/// its main loop ever takes for a round.
const SILENCE: Duration = Duration::from_mins(1);

/// An address as Go's programs take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// `0`: nothing is served.
    Off,
    /// Without a host, every address of the machine.
    At { host: Option<String>, port: u16 },
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "0" {
            return Ok(Self::Off);
        }
        let parse = || {
            let (host, port) = text.rsplit_once(':')?;
            let port = port.parse().ok()?;
            let host = match host.strip_prefix('[') {
                // The name of an interface may follow, which is not for addresses to listen on.
                Some(host) => host.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?.to_string(),
                None if host.contains([':', '/', ' ']) => return None,
                None => host.to_owned(),
            };
            Some(Self::At { host: Some(host).filter(|host| !host.is_empty()), port })
        };
        let error = "give an address and a port, such as :8080, 127.0.0.1:8080 or [::1]:8080, or 0 for none";
        parse().ok_or_else(|| error.to_owned())
    }
}

impl Address {
    async fn bind(&self) -> anyhow::Result<Option<TcpListener>> {
        let Self::At { host, port } = self else { return Ok(None) };
        let listener = match host {
            Some(host) => TcpListener::bind((host.as_str(), *port)).await,
            // This takes IPv4 as well, unless the machine knows no IPv6.
            None => match TcpListener::bind((Ipv6Addr::UNSPECIFIED, *port)).await {
                Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
                    TcpListener::bind((Ipv4Addr::UNSPECIFIED, *port)).await
                }
                bound => bound,
            },
        };
        let host = host.as_deref().unwrap_or_default();
        let listener = listener
            .with_context(|| format!("cannot listen on {host}:{port}: give another address"))?;
        Ok(Some(listener))
    }
}

/// Whether the process works, and may be relied on.
#[derive(Debug)]
pub(crate) struct Health {
    ready: AtomicBool,
    started: Instant,
    /// The last sign of life, in milliseconds after the start; zero before the first.
    beat: AtomicU64,
}

impl Default for Health {
    fn default() -> Self {
        Self { ready: AtomicBool::new(false), started: system::instant(), beat: AtomicU64::new(0) }
    }
}

impl Health {
    /// Says whether all is known that has to be known.
    pub(crate) fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }

    /// Gives a sign of life: in every round of the main loop, from its first.
    pub(crate) fn beat(&self) {
        self.beat.store(self.age().max(1), Ordering::Relaxed);
    }

    fn age(&self) -> u64 {
        let age = system::instant().saturating_duration_since(self.started).as_millis();
        u64::try_from(age).unwrap_or(u64::MAX)
    }

    fn silence(&self) -> Option<Duration> {
        let beat = self.beat.load(Ordering::Relaxed);
        let silence = Duration::from_millis(self.age().saturating_sub(beat));
        (beat > 0 && silence > SILENCE).then_some(silence)
    }
}

/// Of an answer.
type Body = UnsyncBoxBody<Bytes, Infallible>;

/// What one listener serves.
#[derive(Clone)]
struct Site {
    health: Option<Arc<Health>>,
    metrics: Option<Arc<Metrics>>,
}

/// Where something is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    /// `/healthz` and `/readyz`.
    pub(crate) live: Option<SocketAddr>,
    /// `/metrics`.
    pub(crate) metrics: Option<SocketAddr>,
}

/// Serves until the runtime ends. Both addresses may be the same.
///
/// # Errors
/// If an address cannot be listened on.
pub(crate) async fn serve(
    live: &Address,
    numbers: &Address,
    health: Arc<Health>,
    metrics: Arc<Metrics>,
) -> anyhow::Result<Bound> {
    let any_port = matches!(numbers, Address::At { port: 0, .. });
    if live == numbers && !any_port {
        let site = Site { health: Some(health), metrics: Some(metrics) };
        let bound = start(live, site).await?;
        return Ok(Bound { live: bound, metrics: bound });
    }
    let live = start(live, Site { health: Some(health), metrics: None }).await?;
    let metrics = start(numbers, Site { health: None, metrics: Some(metrics) }).await?;
    Ok(Bound { live, metrics })
}

async fn start(address: &Address, site: Site) -> anyhow::Result<Option<SocketAddr>> {
    let Some(listener) = address.bind().await? else { return Ok(None) };
    let bound = listener.local_addr().context("cannot tell the address that is listened on")?;
    tokio::spawn(listen(listener, site));
    Ok(Some(bound))
}

async fn listen(listener: TcpListener, site: Site) {
    let free = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // Nobody closes it.
        let Ok(place) = Arc::clone(&free).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors: others have to let go first.
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let site = site.clone();
        tokio::spawn(async move {
            let _ = timeout(LIFE, converse(stream, site)).await;
            drop(place);
        });
    }
}

async fn converse(stream: TcpStream, site: Site) {
    let service = service_fn(|request: Request<Incoming>| {
        let answer = site.answer(request.method(), request.uri().path());
        async { Ok::<_, Infallible>(answer) }
    });
    // What a client does with its connection is its own business.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(HEAD)
        .max_headers(FIELDS)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

impl Site {
    fn answer(&self, method: &Method, path: &str) -> Response<Body> {
        if !matches!(*method, Method::GET | Method::HEAD) {
            let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "");
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return answer;
        }
        match (path, &self.health, &self.metrics) {
            ("/healthz", Some(health), _) => match health.silence() {
                None => text(StatusCode::OK, "ok"),
                Some(silence) => {
                    let seconds = silence.as_secs();
                    let message = format!("the main loop has been stuck for {seconds} s");
                    text(StatusCode::INTERNAL_SERVER_ERROR, message)
                }
            },
            ("/readyz", Some(health), _) if health.ready.load(Ordering::Relaxed) => {
                text(StatusCode::OK, "ok")
            }
            ("/readyz", Some(_), _) => {
                text(StatusCode::SERVICE_UNAVAILABLE, "not everything is listed yet")
            }
            ("/metrics", _, Some(metrics)) => {
                let frames = metrics.encode().map(|piece| Ok(Frame::data(Bytes::from(piece))));
                let body = StreamBody::new(stream::iter(frames)).boxed_unsync();
                let mut answer = text(StatusCode::OK, "").map(|_| body);
                let version = "text/plain; version=0.0.4; charset=utf-8";
                answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(version));
                answer
            }
            _ => text(StatusCode::NOT_FOUND, ""),
        }
    }
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Body> {
    let mut answer = Response::new(Full::new(body.into()).boxed_unsync());
    *answer.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

#[cfg(test)]
mod tests;
