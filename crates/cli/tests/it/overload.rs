//! A server at its default limits, under connections that nobody uses and a log that nobody reads.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::program::astralform;

/// What a test waits at most for something that should happen at once, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server whose log is read up to the line that says where it listens, and no further.
struct Unread {
    child: Child,
    address: SocketAddr,
    /// The lines until then.
    log: String,
    _rest: BufReader<std::process::ChildStderr>,
}

impl Unread {
    fn start(mut command: Command) -> Self {
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut unread = BufReader::new(child.stderr.take().unwrap());
        let mut log = String::new();
        let address = loop {
            let mut line = String::new();
            assert_ne!(unread.read_line(&mut line).unwrap(), 0, "it ended: {log}");
            log.push_str(&line);
            let line: serde_json::Value = serde_json::from_str(&line).unwrap();
            if line["fields"]["message"] == "serving" {
                break line["fields"]["address"].as_str().unwrap().parse().unwrap();
            }
        };
        Self { child, address, log, _rest: unread }
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Lets this test open as many connections as the server does.
fn raise_own_limit() {
    let own = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: own.maximum, ..own }).unwrap();
}

fn serve(folder: &Path, more: &[&str]) -> Command {
    astralform(folder, &[&["serve", "--listen", "127.0.0.1:0"], more].concat())
}

/// Wraps a command so that the system lets it open at most so many files.
fn with_files(command: &Command, files: u32) -> Command {
    let mut limited = Command::new("sh");
    limited.args(["-c", &format!("ulimit -n {files} && exec \"$0\" \"$@\"")]);
    limited.arg(command.get_program()).args(command.get_args()).env_clear();
    limited.current_dir(command.get_current_dir().unwrap()).stdin(Stdio::null());
    limited
}

/// Sends a request and returns the status of its answer.
fn ask(line: &mut TcpStream, path: &str) -> u16 {
    write!(line, "GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    status(line)
}

/// Returns the status of the next answer.
fn status(line: &mut TcpStream) -> u16 {
    line.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut read = Vec::new();
    while !is_whole(&read) {
        let mut more = [0; 4096];
        let length = line.read(&mut more).unwrap();
        assert_ne!(length, 0, "it was closed after {:?}", String::from_utf8_lossy(&read));
        read.extend_from_slice(&more[..length]);
    }
    String::from_utf8_lossy(&read).split(' ').nth(1).unwrap().parse().unwrap()
}

fn is_whole(read: &[u8]) -> bool {
    let text = String::from_utf8_lossy(read);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.unwrap().parse::<usize>().unwrap()
}

/// F5: as many connections of one address as there can be files, and nothing is sent on them.
#[test]
fn x1_connections_that_nobody_uses_stop_nobody_at_the_usual_limit_of_files() {
    const IDLE: usize = 1_100;
    raise_own_limit();
    let folder = tempfile::tempdir().unwrap();
    let server = Unread::start(with_files(&serve(folder.path(), &[]), 1_024));
    assert!(server.log.contains("\"open_files\":1024,\"connections\":320"), "{}", server.log);
    let mut idle = Vec::new();
    for number in 0..IDLE {
        idle.push(TcpStream::connect(server.address).unwrap());
        if number % 100 == 0 {
            let mut line = TcpStream::connect(server.address).unwrap();
            assert_eq!(ask(&mut line, "/readyz"), 200, "after {number}");
        }
    }
    let mut line = TcpStream::connect(server.address).unwrap();
    for _ in 0..20 {
        assert_eq!(ask(&mut line, "/readyz"), 200);
        let mut fresh = TcpStream::connect(server.address).unwrap();
        assert_eq!(ask(&mut fresh, "/healthz"), 200);
    }
    let open = fs::read_dir(format!("/proc/{}/fd", server.child.id())).unwrap().count();
    assert!(open < 500, "{open} files are open: there is room for providers and the database");
}

/// F22: whoever reads the log may stall.
#[test]
fn f22_a_log_that_nobody_reads_stops_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let server = Unread::start(serve(folder.path(), &["--log", "trace"]));
    let mut line = TcpStream::connect(server.address).unwrap();
    for number in 0..150 {
        assert_eq!(ask(&mut line, "/readyz"), 200, "request {number}");
    }
}

#[test]
fn x1_a_proxys_callers_are_throttled_each_by_itself() {
    raise_own_limit();
    let folder = tempfile::tempdir().unwrap();
    let server = Unread::start(serve(folder.path(), &["--trusted-proxies", "127.0.0.1/32"]));
    let send = |line: &mut TcpStream, caller: &str| {
        write!(line, "GET /healthz HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {caller}\r\n\r\n")
            .unwrap();
    };
    let mut lines = Vec::new();
    for _ in 0..500 {
        let mut line = TcpStream::connect(server.address).unwrap();
        send(&mut line, "6.6.6.6, 192.0.2.66");
        lines.push(line);
    }
    let mut other = TcpStream::connect(server.address).unwrap();
    for caller in ["192.0.2.7", "192.0.2.66, 192.0.2.8", "192.0.2.66, unknown"] {
        for _ in 0..50 {
            send(&mut other, caller);
            assert_eq!(status(&mut other), 200, "{caller}");
        }
    }
    let refused = lines.iter_mut().filter_map(|line| (status(line) == 429).then_some(())).count();
    assert!((1..=300).contains(&refused), "{refused}");
}
