use std::collections::VecDeque;

const KEPT: usize = 10_000;

/// One message in a conversation.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) channel: String,
    pub(crate) ts: String,
    pub(crate) thread_ts: Option<String>,
    pub(crate) author: Author,
    pub(crate) text: String,
}

/// Who wrote a message, and through which app.
#[derive(Debug, Clone)]
pub(crate) struct Author {
    pub(crate) user: String,
    pub(crate) bot_id: Option<String>,
    pub(crate) app_id: Option<String>,
}

/// All messages, oldest first; the oldest are forgotten when there are too many.
pub(crate) struct Messages {
    kept: VecDeque<Message>,
    last_ts: i64,
}

// === impl Message ===

impl Message {
    pub(crate) fn permalink(&self, public_url: &str) -> String {
        let page = format!("{public_url}/slack/archives/{}/p", self.channel);
        let link = page + &self.ts.replace('.', "");
        match &self.thread_ts {
            Some(thread) => format!("{link}?thread_ts={thread}&cid={}", self.channel),
            None => link,
        }
    }

    /// Returns when it was posted, in seconds since 1970.
    pub(crate) fn seconds(&self) -> i64 {
        self.ts.split('.').next().and_then(|seconds| seconds.parse().ok()).unwrap_or_default()
    }
}

// === impl Messages ===

impl Messages {
    pub(crate) fn new(messages: Vec<Message>) -> Self {
        Self { kept: messages.into(), last_ts: 0 }
    }

    pub(crate) fn push(&mut self, message: Message) {
        self.kept.push_back(message);
        if self.kept.len() > KEPT {
            self.kept.pop_front();
        }
    }

    pub(crate) fn find(&self, channel: &str, ts: &str) -> Option<&Message> {
        self.kept.iter().find(|message| message.channel == channel && message.ts == ts)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Message> {
        self.kept.iter()
    }

    /// Returns the identifying timestamp of a message posted now; unique even when the clock stands
    /// still.
    pub(crate) fn next_ts(&mut self, now: i64) -> String {
        self.last_ts = now.max(self.last_ts + 1);
        format!("{}.{:06}", self.last_ts / 1_000_000, self.last_ts % 1_000_000)
    }
}
