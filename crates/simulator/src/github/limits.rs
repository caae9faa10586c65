use std::collections::HashMap;

const SECOND: i64 = 1_000_000;

/// What requests are counted against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Resource {
    Core,
    Search,
}

/// How much of a limit is used, and until when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) resource: Resource,
    pub(crate) used: u32,
    /// In seconds since 1970.
    pub(crate) reset: i64,
}

/// The primary rate limits: each person has one of each kind with each app.
#[derive(Default)]
pub(crate) struct Limits(HashMap<(String, String, Resource), Usage>);

// === impl Limits ===

impl Limits {
    /// Counts a request; one beyond the limit is counted no more.
    pub(crate) fn count(
        &mut self,
        client_id: &str,
        login: &str,
        resource: Resource,
        now: i64,
    ) -> Result<Usage, Usage> {
        let now = now / SECOND;
        let fresh = Usage { resource, used: 0, reset: now + resource.window() };
        let key = (client_id.to_owned(), login.to_owned(), resource);
        let usage = self.0.entry(key).or_insert(fresh);
        if usage.reset <= now {
            *usage = fresh;
        }
        if usage.used >= resource.limit() {
            return Err(*usage);
        }
        usage.used += 1;
        Ok(*usage)
    }
}

// === impl Usage ===

impl Usage {
    /// Returns a limit that is used up.
    pub(crate) fn up(resource: Resource, now: i64) -> Self {
        Self { resource, used: resource.limit(), reset: now / SECOND + resource.window() }
    }

    /// Writes them as the headers of every answer tell it.
    pub(crate) fn headers(&self) -> [(&'static str, String); 5] {
        let limit = self.resource.limit();
        [
            ("x-ratelimit-limit", limit.to_string()),
            ("x-ratelimit-remaining", (limit - self.used.min(limit)).to_string()),
            ("x-ratelimit-used", self.used.to_string()),
            ("x-ratelimit-reset", self.reset.to_string()),
            ("x-ratelimit-resource", self.resource.name().to_owned()),
        ]
    }
}

// === impl Resource ===

impl Resource {
    fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Search => "search",
        }
    }

    fn limit(self) -> u32 {
        match self {
            Self::Core => 5_000,
            Self::Search => 30,
        }
    }

    fn window(self) -> i64 {
        match self {
            Self::Core => 60 * 60,
            Self::Search => 60,
        }
    }
}
