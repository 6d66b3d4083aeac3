//! A way to the API server that can be shut: whoever comes by it is answered 503, or gets no answer at
//! a moment that a test chooses.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use extsecret_tests::api::Api;
use extsecret_tests::controller::wait_until;
use extsecret_tests::fleet::SOON;
use tempfile::TempDir;

/// What an API server says that cannot work.
const UNAVAILABLE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain\r\n\
    content-length: 21\r\nconnection: close\r\n\r\nServer is overloaded.";

/// Where a write of a restart ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trap {
    /// It does not reach the API server.
    Before,
    /// It does, and nobody hears of it.
    After,
}

pub(crate) struct Gate {
    address: String,
    shared: Arc<Shared>,
    dir: TempDir,
}

struct Shared {
    upstream: String,
    state: Mutex<State>,
    refused: AtomicUsize,
    trapped: AtomicUsize,
    looked: AtomicUsize,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    shut: bool,
    /// Whether nobody is told of Secrets.
    silent: bool,
    trap: Option<Trap>,
    /// Whoever has come.
    clients: Vec<TcpStream>,
}

impl Gate {
    pub(crate) fn before(api: &Api) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let shared = Arc::new(Shared {
            upstream: api.address().to_owned(),
            state: Mutex::default(),
            refused: AtomicUsize::new(0),
            trapped: AtomicUsize::new(0),
            looked: AtomicUsize::new(0),
            changed: Condvar::new(),
        });
        let keeper = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let keeper = Arc::clone(&keeper);
                // A connection that ends is the business of whoever has it.
                thread::spawn(move || keeper.serve(&client).unwrap_or_default());
            }
        });
        let dir = TempDir::new().expect("a folder");
        Self { address, shared, dir }
    }

    /// A kubeconfig that leads through it.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        let file = self.dir.path().join("kubeconfig");
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: gate\n\
             clusters: [{{name: gate, cluster: {{server: 'http://{}'}}}}]\n\
             contexts: [{{name: gate, context: {{cluster: gate, user: gate}}}}]\n\
             users: [{{name: gate, user: {{}}}}]\n",
            self.address
        );
        std::fs::write(&file, text).expect("a file in a new folder");
        file
    }

    /// From now on everybody is answered 503, and what is under way ends.
    pub(crate) fn shut(&self) {
        self.shared.lock().send_away();
    }

    pub(crate) fn open(&self) {
        self.shared.lock().shut = false;
    }

    /// From now on those who watch Secrets are not told what becomes of them, or only late.
    pub(crate) fn silence_secrets(&self, silent: bool) {
        self.shared.lock().silent = silent;
        self.shared.changed.notify_all();
    }

    /// How often somebody has looked at one Secret.
    pub(crate) fn looked(&self) -> usize {
        self.shared.looked.load(Ordering::Relaxed)
    }

    /// How many were answered 503.
    pub(crate) fn refused(&self) -> usize {
        self.shared.refused.load(Ordering::Relaxed)
    }

    /// The next write of a restart ends there, and so does everything after it.
    pub(crate) fn trap(&self, trap: Trap) {
        self.shared.trapped.store(0, Ordering::Relaxed);
        self.shared.lock().trap = Some(trap);
    }

    pub(crate) fn wait_trapped(&self) {
        wait_until(SOON, "a restart is written", || {
            (self.shared.trapped.load(Ordering::Relaxed) > 0).then_some(())
        });
    }
}

impl State {
    fn send_away(&mut self) {
        self.shut = true;
        for client in self.clients.drain(..) {
            let _ = client.shutdown(Shutdown::Both);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(self: Arc<Self>, client: &TcpStream) -> io::Result<()> {
        let upstream = TcpStream::connect(&self.upstream)?;
        self.lock().clients.push(client.try_clone()?);
        let (mut answers, mut back) = (upstream.try_clone()?, client.try_clone()?);
        let watches = Arc::new(AtomicBool::new(false));
        let (told, is_watch) = (Arc::clone(&self), Arc::clone(&watches));
        let answered = thread::spawn(move || {
            let _ = told.tell(&mut answers, &mut back, &is_watch);
            let _ = back.shutdown(Shutdown::Both);
        });
        let mut requests = BufReader::new(client);
        let trapped = loop {
            let Some(request) = read_request(&mut requests)? else { break None };
            let mut state = self.lock();
            if state.shut {
                self.refused.fetch_add(1, Ordering::Relaxed);
                let _ = client.try_clone()?.write_all(UNAVAILABLE);
                break None;
            }
            let is_restart = request.starts_with(b"PATCH")
                && request.windows(13).any(|part| part == b"restarted-for");
            let what = request.split(|byte| *byte == b'\n').next().unwrap_or_default();
            let what = String::from_utf8_lossy(what);
            watches.store(what.contains("/secrets?") && what.contains("watch="), Ordering::Relaxed);
            let looks = what.starts_with("GET") && what.contains("/secrets/");
            self.looked.fetch_add(usize::from(looks), Ordering::Relaxed);
            let trap = state.trap.take_if(|_| is_restart);
            if trap.is_some() {
                state.send_away();
            }
            drop(state);
            if trap != Some(Trap::Before) {
                (&upstream).write_all(&request)?;
            }
            if trap.is_some() {
                break trap;
            }
        };
        if trapped == Some(Trap::After) {
            // It ends with the answer, which it cannot bring to anybody.
            let _ = answered.join();
        }
        self.trapped.fetch_add(usize::from(trapped.is_some()), Ordering::Relaxed);
        let _ = client.shutdown(Shutdown::Both);
        let _ = upstream.shutdown(Shutdown::Both);
        Ok(())
    }
}

impl Shared {
    /// Brings answers, those to a watch of Secrets when it may.
    fn tell(
        &self,
        answers: &mut TcpStream,
        back: &mut TcpStream,
        is_watch: &AtomicBool,
    ) -> io::Result<()> {
        let mut buffer = [0; 4096];
        loop {
            let count = answers.read(&mut buffer)?;
            if count == 0 {
                return Ok(());
            }
            let silent = |state: &mut State| state.silent && is_watch.load(Ordering::Relaxed);
            drop(self.changed.wait_while(self.lock(), silent));
            back.write_all(&buffer[..count])?;
        }
    }
}

/// One request, as it came; `None` at the end.
fn read_request(from: &mut BufReader<&TcpStream>) -> io::Result<Option<Vec<u8>>> {
    let mut request = Vec::new();
    let mut length = 0;
    loop {
        let begin = request.len();
        if from.read_until(b'\n', &mut request)? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&request[begin..]).to_ascii_lowercase();
        if let Some(text) = line.strip_prefix("content-length:") {
            length = text.trim().parse().map_err(io::Error::other)?;
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let begin = request.len();
    request.resize(begin + length, 0);
    from.read_exact(&mut request[begin..])?;
    Ok(Some(request))
}
