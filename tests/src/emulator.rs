//! Emulators of AWS that others have written, as child processes: a second and a third reading of
//! AWS's documentation, to hold our own double against.
//!
//! Each listens on a free port of the loopback interface, keeps nothing, and ends when the pipe to
//! it closes, which the kernel does however the test process ends. Logs are in `test-emulators` of
//! the target folder until the same test binary runs again; a failing test shows them.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::cluster::{new_folder, read_lines, running, show_logs_of_failures};
use crate::venv;

/// Longer than the imports take on a busy machine.
const START_DEADLINE: Duration = Duration::from_mins(2);

/// After the ready line, everything printed goes to the log; the end of the input is the end.
const MOTO: &str = "
import os, sys
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)
server.start()
print('READY', server.get_host_and_port()[1], flush=True)
os.dup2(2, 1)
sys.stdin.buffer.read()
os._exit(0)
";

/// It listens from the beginning, so that the first request waits until the rest has started.
const MINISTACK: &str = "
import asyncio, os, socket, sys, threading
listener = socket.create_server(('127.0.0.1', 0))
os.environ['GATEWAY_PORT'] = str(listener.getsockname()[1])
from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app
def end_with_input():
    sys.stdin.buffer.read()
    os._exit(0)
threading.Thread(target=end_with_input, daemon=True).start()
print('READY', os.environ['GATEWAY_PORT'], flush=True)
os.dup2(2, 1)
config = Config()
config.bind = [f'fd://{listener.fileno()}']
asyncio.run(serve(app, config))
";

/// A running emulator.
#[derive(Debug)]
pub struct Emulator {
    endpoint: String,
    dir: PathBuf,
    process: Child,
    /// Says, as long as this process lives, that the folder is in use.
    _lock: File,
}

impl Emulator {
    /// Starts moto; `None` if there is no Python.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn moto() -> Option<Self> {
        Self::start("moto", MOTO, &[])
    }

    /// Starts ministack, which checks signatures and permissions; `test`/`test` may do everything.
    /// `None` if there is no Python.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn ministack() -> Option<Self> {
        let settings = [
            ("AUTH", "true"),
            ("LOG_LEVEL", "WARNING"),
            ("SERVICES", "events,iam,secretsmanager,sqs,ssm,sts"),
            // A port of its own, the same for everybody.
            ("IOT_MTLS_ENABLED", "0"),
        ];
        Self::start("ministack", MINISTACK, &settings)
    }

    fn start(name: &str, program: &str, settings: &[(&str, &str)]) -> Option<Self> {
        let python = venv::python()?;
        let (dir, lock) = new_folder("test-emulators")
            .unwrap_or_else(|error| panic!("making a folder for {name}: {error}"));
        let log = dir.join("logs").join(format!("{name}.log"));
        let mut process = Command::new(python)
            .args(["-I", "-c", program])
            // Neither the machine's AWS settings nor its folders count.
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs(["HOME", "TMPDIR", "STATE_DIR", "S3_DATA_DIR"].map(|name| (name, &dir)))
            .envs(settings.iter().copied())
            .current_dir(&dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).expect("a log in a new folder"))
            // It ends with its input, not with what a terminal sends to the test's process group.
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("starting {name}: {error}"));
        let lines = read_lines(process.stdout.take().expect("a pipe"));
        let line = lines.recv_timeout(START_DEADLINE).unwrap_or_else(|error| {
            let _ = process.kill();
            let _ = process.wait();
            let complaint = fs::read_to_string(&log).unwrap_or_default();
            panic!("{name} did not start ({error}):\n{complaint}")
        });
        show_logs_of_failures(&dir);
        let port: u16 = line
            .strip_prefix("READY ")
            .and_then(|port| port.parse().ok())
            .unwrap_or_else(|| panic!("{name}: expected READY and a port, got {line:?}"));
        Some(Self { endpoint: format!("http://127.0.0.1:{port}"), dir, process, _lock: lock })
    }

    /// Where it listens, as `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
        running(|dirs| dirs.retain(|dir| *dir != self.dir));
    }
}
