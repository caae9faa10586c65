//! Floods of one kind of line: the first ones of each second are written, the others are counted.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use astralform_domain::limits::{self, Limit};
use astralform_server::CALLS;
use tracing::{Event, Level, Metadata, Subscriber, callsite::Identifier};
use tracing_subscriber::layer::Context;

/// How much of each kind of line was seen. A kind is a place in the code.
#[derive(Default)]
pub(super) struct Floods(Mutex<HashMap<Identifier, LineKind>>);

struct LineKind {
    metadata: &'static Metadata<'static>,
    since: Instant,
    written: usize,
    left_out: usize,
}

/// How many lines of one kind were left out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LeftOut {
    pub(super) place: String,
    pub(super) lines: usize,
}

const SECOND: Duration = Duration::from_secs(1);

impl Floods {
    /// Counts a line, and returns whether it is written.
    fn admit(&self, metadata: &'static Metadata<'static>, now: Instant) -> bool {
        let mut kinds = self.lock();
        let kind = kinds.entry(metadata.callsite()).or_insert_with(|| LineKind {
            metadata,
            since: now,
            written: 0,
            left_out: 0,
        });
        if now.duration_since(kind.since) >= SECOND {
            (kind.since, kind.written) = (now, 0);
        }
        let is_written = kind.written < limit(metadata).count();
        if is_written {
            kind.written += 1;
        } else {
            kind.left_out += 1;
        }
        is_written
    }

    /// Returns what was left out since it was last asked.
    pub(super) fn take(&self) -> Vec<LeftOut> {
        let mut kinds = self.lock();
        let flooded = kinds.values_mut().filter(|kind| kind.left_out > 0);
        let taken = flooded.map(|kind| {
            let file = kind.metadata.file().unwrap_or_else(|| kind.metadata.target());
            let place = format!("{file}:{}", kind.metadata.line().unwrap_or_default());
            LeftOut { place, lines: std::mem::take(&mut kind.left_out) }
        });
        taken.collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Identifier, LineKind>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns how many lines of a kind are written in a second.
fn limit(metadata: &Metadata<'_>) -> Limit {
    if metadata.target() == CALLS { limits::CALL_LINES } else { limits::LOG_LINES }
}

/// Leaves lines of a flood out. An operator who asks for details (`debug`, `trace`) gets all of
/// those.
pub(super) struct Layer(pub(super) Arc<Floods>);

impl<S: Subscriber> tracing_subscriber::Layer<S> for Layer {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let metadata = event.metadata();
        *metadata.level() > Level::INFO || self.0.admit(metadata, Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use tracing::callsite::Callsite as _;

    use super::*;

    fn kinds() -> [&'static Metadata<'static>; 2] {
        let one = tracing::callsite! { name: "one", kind: tracing::metadata::Kind::EVENT, fields: };
        let two = tracing::callsite! { name: "two", kind: tracing::metadata::Kind::EVENT, fields: };
        [one.metadata(), two.metadata()]
    }

    #[test]
    fn lines_about_calls_have_a_limit_of_their_own() {
        let call = tracing::callsite! {
            name: "call", kind: tracing::metadata::Kind::EVENT, target: CALLS,
            level: Level::INFO, fields:
        };
        let floods = Floods::default();
        let start = Instant::now();
        let written = (0..1_000).filter(|_| floods.admit(call.metadata(), start)).count();
        assert_eq!(written, limits::CALL_LINES.count());
    }

    #[test]
    fn f22_a_flood_of_one_kind_of_line_is_counted_and_the_other_kinds_are_written() {
        let (floods, start, [flood, other]) = (Floods::default(), Instant::now(), kinds());
        let most = limits::LOG_LINES.count();
        for second in 0..3 {
            let now = start + second * SECOND;
            let written = (0..1_000).filter(|_| floods.admit(flood, now)).count();
            assert_eq!(written, most);
            assert!(floods.admit(other, now));
            let left_out = floods.take();
            assert_eq!(left_out.len(), 1);
            assert_eq!(left_out[0].lines, 1_000 - most);
            assert!(left_out[0].place.contains("floods.rs:"), "{left_out:?}");
            assert!(floods.take().is_empty(), "each is told of once");
        }
    }
}
