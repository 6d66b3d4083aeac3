//! A way to a server that can be disturbed: closed, silent, slow, or cut off in the middle of an answer.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How it is on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Open,
    /// Nobody gets through, and what is under way ends.
    Refused,
    /// Nothing arrives, and no connection ends.
    Silent,
    /// A few bytes at a time.
    Slow,
    /// Answers end after some hundred bytes.
    Cut,
}

/// It lives as long as the process.
pub(crate) struct Passage {
    address: SocketAddr,
    shared: Arc<Mutex<State>>,
}

struct State {
    way: Way,
    connections: Vec<TcpStream>,
}

impl Passage {
    /// To a server, given as a host and a port.
    pub(crate) fn to(upstream: String) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Mutex::new(State { way: Way::Open, connections: Vec::new() }));
        let state = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                // A connection that ends is the business of whoever has it.
                let _ = connect(client, &upstream, &state);
            }
        });
        Ok(Self { address, shared })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn set(&self, way: Way) {
        let mut state = lock(&self.shared);
        state.way = way;
        if way == Way::Refused {
            for connection in state.connections.drain(..) {
                let _ = connection.shutdown(Shutdown::Both);
            }
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connect(client: TcpStream, upstream: &str, shared: &Arc<Mutex<State>>) -> io::Result<()> {
    let mut state = lock(shared);
    if state.way == Way::Refused {
        return client.shutdown(Shutdown::Both);
    }
    let server = TcpStream::connect(upstream)?;
    state.connections.push(client.try_clone()?);
    state.connections.push(server.try_clone()?);
    drop(state);
    for (from, to, is_answer) in
        [(client.try_clone()?, server.try_clone()?, false), (server, client, true)]
    {
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            let _ = carry(&from, &to, is_answer, &shared);
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
        });
    }
    Ok(())
}

fn carry(
    mut from: &TcpStream,
    mut to: &TcpStream,
    is_answer: bool,
    shared: &Mutex<State>,
) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        let mut rest = &buffer[..count];
        while !rest.is_empty() {
            let way = lock(shared).way;
            let now = match way {
                Way::Refused => return Ok(()),
                Way::Silent => {
                    thread::sleep(Duration::from_millis(20));
                    continue;
                }
                Way::Slow => {
                    thread::sleep(Duration::from_millis(30));
                    rest.len().min(700)
                }
                Way::Cut if is_answer => {
                    return to.write_all(&rest[..rest.len().min(300)]);
                }
                Way::Open | Way::Cut => rest.len(),
            };
            let (part, later) = rest.split_at(now);
            to.write_all(part)?;
            rest = later;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_through_is_what_the_way_lets_through() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let passage = Passage::to(listener.local_addr().unwrap().to_string()).unwrap();
        let ask = || {
            let mut client = TcpStream::connect(passage.address()).unwrap();
            client.write_all(b"question").unwrap();
            client
        };
        let answer = |mut client: TcpStream| {
            let (mut server, _) = listener.accept().unwrap();
            let mut question = [0; 8];
            server.read_exact(&mut question).unwrap();
            server.write_all(&[b'x'; 1000]).unwrap();
            drop(server);
            let mut answer = Vec::new();
            let _ = client.read_to_end(&mut answer);
            answer.len()
        };
        assert_eq!(answer(ask()), 1000);
        passage.set(Way::Cut);
        assert!(answer(ask()) < 1000);
        passage.set(Way::Slow);
        assert_eq!(answer(ask()), 1000);
        passage.set(Way::Refused);
        let mut refused = ask();
        assert!(!matches!(refused.read(&mut [0; 8]), Ok(1..)));
        passage.set(Way::Open);
        assert_eq!(answer(ask()), 1000);
    }
}
