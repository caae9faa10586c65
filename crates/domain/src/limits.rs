//! The limits of everything that comes in or is kept, in one table.
//!
//! `docs/limits.md` shows the same rows; a test compares the two. Code takes a limit from here and
//! nowhere else.

/// One limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Its name in this file.
    pub name: &'static str,
    /// The most that is allowed, in `unit`.
    pub value: u64,
    /// What it counts.
    pub unit: &'static str,
    /// What is limited.
    pub of: &'static str,
    /// What happens beyond it.
    pub beyond: &'static str,
}

impl Limit {
    /// Returns the limit as a number of things in memory.
    #[expect(clippy::cast_possible_truncation, reason = "the product runs on 64 bits")]
    pub const fn count(&self) -> usize {
        self.value as usize
    }

    /// Returns whether so many, or so much, are more than allowed.
    pub const fn is_exceeded_by(&self, how_many: usize) -> bool {
        how_many > self.count()
    }
}

macro_rules! limits {
    ($($name:ident = $value:literal $unit:literal, of $of:literal, beyond $beyond:literal;)+) => {
        $(
            #[doc = concat!("Limits ", $of, ".")]
            pub const $name: Limit = Limit {
                name: stringify!($name),
                value: $value,
                unit: $unit,
                of: $of,
                beyond: $beyond,
            };
        )+
        /// All limits, in the order of the documentation.
        pub const ALL: &[Limit] = &[$($name),+];
    };
}

limits! {
    SEATS = 10_000 "connections", of "the connections of all, or fewer where the limit of open files says so", beyond "the longest idle one makes way; where none is idle, a new one waits";
    SEATS_OF_ADDRESS = 2_000 "connections", of "the connections of one address, three quarters of all at most", beyond "its longest idle one makes way; where none is idle, a new one is closed";
    ARRIVALS = 200 "a second", of "the connections that one address opens", beyond "a new one is closed";
    ARRIVALS_BURST = 2_000 "connections", of "those that it opens at once, after a pause", beyond "a new one is closed";
    VISITOR_REQUESTS = 50 "a second", of "the requests of one address for which no credential answers", beyond "they wait for 2 s, then 429";
    VISITOR_BURST = 200 "requests", of "those that it may send at once, after a pause", beyond "they wait for 2 s, then 429";
    END_USER_REQUESTS = 50 "a second", of "the requests of one end user, unless set otherwise", beyond "they wait for 2 s, then 429";
    END_USER_BURST = 100 "requests", of "those that they may send at once, after a pause", beyond "they wait for 2 s, then 429";
    MEMBER_REQUESTS = 100 "a second", of "the requests of one member who administers", beyond "they wait for 2 s, then 429";
    MEMBER_BURST = 200 "requests", of "those that they may send at once, after a pause", beyond "they wait for 2 s, then 429";
    AT_ONCE = 32 "requests", of "the requests of one end user or member that are under way at the same time", beyond "they wait for 2 s, then 429";
    QUEUE = 4_096 "requests", of "the requests of all that wait for their turn, or for their refusal", beyond "429 at once";
    THROTTLED = 20_000 "callers", of "the callers whose rates are remembered", beyond "those who asked least recently are forgotten";
    BODY = 65_536 "bytes", of "the body of a request", beyond "413";
    TOOL_CALL_BODY = 294_912 "bytes", of "the body of a tool call", beyond "413";
    BODIES = 67_108_864 "bytes", of "the bodies of all requests that are under way", beyond "503 with Retry-After";
    BODIES_OF_CREDENTIAL = 8_388_608 "bytes", of "the bodies of one API key's, session's or member's requests that are under way", beyond "429 with Retry-After";
    BODIES_OF_ADDRESS = 16_777_216 "bytes", of "the bodies of one address's requests that are under way", beyond "429 with Retry-After";
    ANSWER_HEAD = 65_536 "bytes", of "what a provider sends ahead of an answer's body", beyond "the connection is closed, the call fails";
    INTERIM_ANSWERS = 8 "answers", of "the interim answers (1xx) of a provider to one request", beyond "the connection is closed, the call fails";
    IDLE_WAY_OUT = 256 "connections", of "the idle connections to providers", beyond "the least recently used one is closed";
    LOG_LINES = 20 "lines a second", of "the log lines of one kind", beyond "they are counted; a line a second says how many";
    LOG_WAITING = 1_048_576 "bytes", of "the log lines that wait for their reader", beyond "they are lost and counted";
    WAITERS = 2_000 "requests", of "the requests of all that wait for end users (`wait_seconds`, `?wait=`), on one server", beyond "they are answered without a wait";
    WAITERS_OF_CREDENTIAL = 200 "requests", of "those of one API key or session", beyond "they are answered without a wait";
    ARGUMENTS = 262_144 "bytes", of "the arguments of a tool call", beyond "413";
    ARGUMENT_FAULTS = 20 "faults", of "the faults that one refusal of arguments lists", beyond "the first ones are listed";
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn x3_the_document_lists_every_limit() {
        let mut table = String::from("| limit | of | beyond it |\n|---|---|---|\n");
        for limit in ALL {
            let (value, unit, of, beyond) = (limit.value, limit.unit, limit.of, limit.beyond);
            writeln!(table, "| {} {unit} | {of} | {beyond} |", grouped(value)).unwrap();
        }
        let document = include_str!("../../../docs/limits.md");
        assert!(document.contains(&table), "docs/limits.md should have this table:\n\n{table}");
    }

    fn grouped(value: u64) -> String {
        let digits = value.to_string();
        let mut text = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        text
    }
}
