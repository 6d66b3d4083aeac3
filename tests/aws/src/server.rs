//! Connections: one thread, one listener on the loopback interface, HTTP/1.1 without TLS.

use std::error::Error as _;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::dispatch::{self, Outcome};
use crate::reply::ReplyBody;
use crate::world::World;

/// Larger than anything that a service accepts.
const MAX_BODY: usize = 4 * 1024 * 1024;

/// The thread that listens; it ends when this is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Why a request gets no answer.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum NoAnswer {
    #[error("reset on purpose")]
    Reset,
    #[error("the request could not be read")]
    Unreadable,
}

type Answer = Pin<Box<dyn Future<Output = Result<Response<ReplyBody>, NoAnswer>> + Send>>;

impl Server {
    pub(crate) fn start(world: Arc<World>, address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        world.listens_at(address);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("aws-double".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    // Without a listener nobody is answered, which a test notices.
                    _ = listen(listener, world) => {}
                }
            });
            // Connections end with the runtime, in whatever state they are.
        })?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was printed by it.
            let _ = thread.join();
        }
    }
}

async fn listen(listener: TcpListener, world: Arc<World>) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        // A client that is gone before it is accepted is no reason to stop.
        if let Ok((stream, _)) = listener.accept().await {
            world.counters.connected();
            tokio::spawn(serve(stream, Arc::clone(&world)));
        }
    }
}

async fn serve(stream: TcpStream, world: Arc<World>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| answer(Arc::clone(&world), request));
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let ended = std::future::poll_fn(|context| connection.poll_without_shutdown(context)).await;
    let stream = connection.into_parts().io.into_inner();
    let is_reset = ended.is_err_and(|error| {
        error.source().and_then(|source| source.downcast_ref()) == Some(&NoAnswer::Reset)
    });
    if is_reset {
        // Without it the client sees an orderly end of the connection.
        let _ = stream.set_zero_linger();
    }
}

fn answer(world: Arc<World>, request: Request<Incoming>) -> Answer {
    Box::pin(async move {
        let (parts, body) = request.into_parts();
        let body = Limited::new(body, MAX_BODY).collect().await;
        let body = body.map_err(|_| NoAnswer::Unreadable)?.to_bytes();
        match dispatch::answer(&world, &parts, &body).await {
            Outcome::Reply(response) => Ok(response),
            Outcome::Reset => Err(NoAnswer::Reset),
            Outcome::Hang => std::future::pending().await,
        }
    })
}
