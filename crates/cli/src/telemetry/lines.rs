//! Lines on their way to a reader of the log that may stall: a thread of its own writes them. A
//! limited number of lines wait for it, and those beyond are counted.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use astralform_domain::limits;
use serde_json::{Map, Value};
use tracing_subscriber::fmt::MakeWriter;

use super::{floods::Floods, form::Form};

/// Takes lines, and never waits for the reader.
#[derive(Clone)]
pub(super) struct LogWriter {
    queue: SyncSender<LogMessage>,
    waiting: Arc<PendingLines>,
}

/// The log of a process. Dropped, it writes what still waits, if that is read.
pub(crate) struct Log {
    queue: SyncSender<LogMessage>,
}

enum LogMessage {
    Line(Vec<u8>),
    /// The order to write what waits, and then to answer.
    End(SyncSender<()>),
}

/// What waits to be written.
#[derive(Default)]
struct PendingLines {
    bytes: AtomicUsize,
    /// How many lines found no room since that number was last written.
    lost: AtomicUsize,
}

/// How many lines wait at most, however short they are.
const LONGEST_QUEUE: usize = 4_096;
/// How often the number of lines that were left out is written.
const TELL: Duration = Duration::from_secs(1);
/// How long the end of the process waits for a reader.
const PATIENCE: Duration = Duration::from_secs(1);

impl LogWriter {
    /// Starts the thread that writes lines to `sink`.
    pub(super) fn to(
        sink: impl Write + Send + 'static,
        form: Form,
        floods: Arc<Floods>,
    ) -> io::Result<(Self, Log)> {
        let (queue, messages) = sync_channel(LONGEST_QUEUE);
        let waiting = Arc::<PendingLines>::default();
        let thread = Writing { sink, form, messages, floods, waiting: Arc::clone(&waiting) };
        thread::Builder::new().name("log".to_owned()).spawn(move || thread.run())?;
        Ok((Self { queue: queue.clone(), waiting }, Log { queue }))
    }

    fn take(&self, line: &[u8]) {
        let before = self.waiting.bytes.fetch_add(line.len(), Ordering::Relaxed);
        let is_full = limits::LOG_WAITING.is_exceeded_by(before + line.len());
        if is_full || self.queue.try_send(LogMessage::Line(line.to_vec())).is_err() {
            self.waiting.bytes.fetch_sub(line.len(), Ordering::Relaxed);
            self.waiting.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.take(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for LogWriter {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let (done, written) = sync_channel(1);
        let end = Instant::now() + PATIENCE;
        let mut message = LogMessage::End(done);
        while let Err(TrySendError::Full(unsent)) = self.queue.try_send(message) {
            if Instant::now() > end {
                return;
            }
            message = unsent;
            thread::sleep(Duration::from_millis(10));
        }
        let _ = written.recv_timeout(PATIENCE);
    }
}

/// The thread that writes.
struct Writing<W> {
    sink: W,
    form: Form,
    messages: Receiver<LogMessage>,
    floods: Arc<Floods>,
    waiting: Arc<PendingLines>,
}

impl<W: Write> Writing<W> {
    fn run(mut self) {
        let mut told = Instant::now();
        loop {
            match self.messages.recv_timeout(TELL) {
                Ok(LogMessage::Line(line)) => {
                    self.write(&line);
                    self.waiting.bytes.fetch_sub(line.len(), Ordering::Relaxed);
                }
                Ok(LogMessage::End(done)) => {
                    self.tell();
                    let _ = done.send(());
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if told.elapsed() >= TELL {
                self.tell();
                told = Instant::now();
            }
        }
    }

    /// Writes a line. An error is dropped: there is no other place to report it.
    fn write(&mut self, line: &[u8]) {
        let _ = self.sink.write_all(line);
    }

    /// Writes how many lines were left out, or lost.
    fn tell(&mut self) {
        for left_out in self.floods.take() {
            let message = "log lines of one kind were counted instead of written";
            let fields = [("lines", left_out.lines.into()), ("kind", left_out.place.into())];
            self.write_own(message, fields);
        }
        let lost = self.waiting.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let message = "log lines were lost: they came faster than they were read";
            self.write_own(message, [("lines", lost.into())]);
        }
    }

    fn write_own<const N: usize>(&mut self, message: &str, fields: [(&str, Value); N]) {
        let fields: Map<_, _> =
            fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let line = self.form.warning(message, &fields);
        self.write(line.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, MutexGuard};

    use super::*;

    /// A sink that takes nothing as long as it is locked.
    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Sink {
        fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
            self.0.lock().unwrap()
        }
    }

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_last_lines_are_written_before_the_end() {
        let sink = Sink::default();
        let (lines, log) = LogWriter::to(sink.clone(), Form::Json, Arc::default()).unwrap();
        for number in 0..100 {
            lines.take(format!("{number}\n").as_bytes());
        }
        drop(log);
        assert!(sink.lock().ends_with(b"98\n99\n"));
    }

    #[test]
    fn f22_a_reader_that_stalls_stops_nobody_and_what_was_lost_is_counted() {
        let sink = Sink::default();
        let (lines, log) = LogWriter::to(sink.clone(), Form::Json, Arc::default()).unwrap();
        let stalled = sink.lock();
        let line = [b'x'; 999];
        let sent = 10_000;
        let kept = limits::LOG_WAITING.count() / line.len();
        for _ in 0..sent {
            lines.take(&line);
        }
        let lost = lines.waiting.lost.load(Ordering::Relaxed);
        assert!(lost >= sent - kept - 1, "{lost}: so much memory it may take and no more");
        drop(stalled);
        drop(log);
        let written = String::from_utf8(sink.lock().clone()).unwrap();
        assert!(
            written.contains(&format!("\"lines\":{lost}")),
            "{}",
            &written[written.len() - 300..]
        );
        assert_eq!(written.matches(&"x".repeat(999)).count(), sent - lost);
    }
}
