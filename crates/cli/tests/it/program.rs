use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde_json::Value;

/// Returns the binary, without anything that the environment says to it, in a folder of its own.
pub(crate) fn astralform(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_astralform"));
    command.env_clear().current_dir(folder).args(arguments).stdin(Stdio::null());
    command
}

/// Runs the binary to its end, which must come by itself.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Output {
    const PATIENCE: Duration = Duration::from_secs(30);
    let mut command = astralform(folder, arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary starts");
    let end = Instant::now() + PATIENCE;
    while child.try_wait().expect("a child").is_none() {
        if Instant::now() > end {
            child.kill().expect("a child");
            panic!("`astralform {}` did not end", arguments.join(" "));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.wait_with_output().expect("its output")
}

/// Returns what an output said, both streams together.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

/// The binary while it runs. Dropping it ends it.
pub(crate) struct Running {
    child: Child,
    /// The first line it printed.
    pub(crate) first_line: String,
    /// What it logged after that.
    log: Arc<Mutex<Vec<u8>>>,
}

impl Running {
    /// Starts the binary and waits for its first line, on stdout or, if `on_stderr`, on stderr.
    pub(crate) fn start(folder: &Path, arguments: &[&str], on_stderr: bool) -> Self {
        Self::of(astralform(folder, arguments), on_stderr)
    }

    /// Starts a command, and waits for its first line in the same way.
    pub(crate) fn of(mut command: Command, on_stderr: bool) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let log = Arc::<Mutex<Vec<u8>>>::default();
        let mut child = command.spawn().expect("the binary starts");
        let mut first_line = String::new();
        if on_stderr {
            let stderr = child.stderr.take().expect("a piped stderr");
            let mut lines = BufReader::new(stderr);
            let mut before = String::new();
            while !first_line.contains("serving") {
                before.push_str(&first_line);
                first_line.clear();
                let length = lines.read_line(&mut first_line).expect("a line");
                assert_ne!(length, 0, "it ended:\n{before}");
            }
            let log = Arc::clone(&log);
            std::thread::spawn(move || keep(&mut lines, &log));
        } else {
            let stdout = child.stdout.take().expect("a piped stdout");
            BufReader::new(stdout).read_line(&mut first_line).expect("a line");
        }
        Self { child, first_line, log }
    }

    /// Returns what it has logged since its first line.
    pub(crate) fn log(&self) -> String {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Returns the first line of its log that has all of these words, once it is there.
    pub(crate) fn logged(&self, words: &[&str]) -> String {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let log = self.log();
            let found = log.lines().find(|line| words.iter().all(|word| line.contains(word)));
            if let Some(line) = found {
                return line.to_owned();
            }
            assert!(Instant::now() < end, "no line with {words:?} in:\n{log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        Command::new("kill").args([name, &pid]).status().expect("kill runs");
    }

    /// Returns the first line as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.first_line)
            .unwrap_or_else(|_| panic!("no JSON: {:?}", self.first_line))
    }

    /// Returns its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once, as a power failure would.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("a child");
        self.child.wait().expect("it ends");
    }

    /// Asks it to stop, as a service manager would, and says how it ended.
    pub(crate) fn terminate(mut self) -> std::process::ExitStatus {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
        self.child.wait().expect("it ends")
    }
}

fn keep(from: &mut impl std::io::Read, log: &Mutex<Vec<u8>>) {
    let mut bytes = [0; 8192];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        log.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&bytes[..length]);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
