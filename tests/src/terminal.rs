//! A program at a terminal of 80 columns, and somebody who answers its questions.

use std::path::Path;

use serde_json::json;

use crate::call::Call;

/// Answers each question once it has been asked, then prints all that was on the screen, and ends as
/// the program has.
const CONVERSATION: &str = r"
import fcntl, json, os, pty, signal, struct, sys, termios
pid, terminal = pty.fork()
if pid == 0:
    # A shell that starts this in the background has Ctrl-C ignored for all that it starts.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execv(sys.argv[2], sys.argv[2:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 80, 0, 0))
screen, seen = b'', 0
def read():
    global screen
    try:
        more = os.read(terminal, 65536)
    except OSError:
        more = b''
    screen += more
    return more
for question, answer in json.loads(sys.argv[1]):
    while screen.find(question.encode(), seen) < 0 and read():
        pass
    seen = len(screen)
    os.write(terminal, answer.encode())
while read():
    pass
_, status = os.waitpid(pid, 0)
sys.stdout.buffer.write(screen)
sys.exit(os.waitstatus_to_exitcode(status))
";

/// A call of a program at a terminal: each pair is a part of what it asks, and what is typed then.
/// Arguments of the program are added as to any call.
pub fn call(python: &Path, conversation: &[(&str, &str)], program: &Path) -> Call {
    let conversation = json!(conversation).to_string();
    let call = Call::new(python).args(["-c", CONVERSATION, &conversation]).args([program]);
    call.env("TERM", "xterm")
}
