use std::{
    fmt::{self, Write as _},
    time::{Duration, Instant},
};

use crate::progress::note;

/// What a scenario has shown.
#[derive(Debug)]
pub struct Report {
    title: String,
    started: Instant,
    took: Duration,
    findings: Vec<Finding>,
}

/// What was to hold, and what was found.
#[derive(Debug)]
struct Finding {
    what: String,
    found: String,
    /// Nothing for a figure that nothing depends on.
    bar: Option<String>,
    holds: bool,
}

impl Report {
    pub(crate) fn begin(title: impl Into<String>) -> Self {
        let title = title.into();
        note(&format!("begins: {title}"));
        Self { title, started: Instant::now(), took: Duration::ZERO, findings: Vec::new() }
    }

    /// Notes what was found of something that has to hold, beside the bar that it is measured by.
    pub(crate) fn claim(
        &mut self,
        what: &str,
        found: impl fmt::Display,
        bar: impl fmt::Display,
        holds: bool,
    ) {
        self.add(what, found.to_string(), Some(bar.to_string()), holds);
    }

    /// Notes a number that has to be another.
    pub(crate) fn equal<T: PartialEq + fmt::Display>(&mut self, what: &str, found: T, wanted: T) {
        let holds = found == wanted;
        self.claim(what, found, wanted, holds);
    }

    /// Notes a time that may be so long; [`Duration::MAX`] stands for what did not happen.
    pub(crate) fn within(&mut self, what: &str, found: Duration, most: Duration) {
        let text = if found == Duration::MAX { "never".to_owned() } else { format!("{found:.3?}") };
        self.claim(what, text, format!("≤ {most:?}"), found <= most);
    }

    /// Notes something of which there must be none, with some examples.
    pub(crate) fn none(&mut self, what: &str, found: &[String]) {
        let examples = found.iter().take(3).cloned().collect::<Vec<_>>().join("; ");
        let found_text = format!("{} {examples}", found.len());
        self.claim(what, found_text.trim_end(), 0, found.is_empty());
    }

    /// Notes a figure that nothing depends on.
    pub(crate) fn figure(&mut self, what: &str, found: impl fmt::Display) {
        self.add(what, found.to_string(), None, true);
    }

    fn add(&mut self, what: &str, found: String, bar: Option<String>, holds: bool) {
        self.findings.push(Finding { what: what.to_owned(), found, bar, holds });
        self.took = self.started.elapsed();
    }

    /// Returns what was run, in how many words it takes.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Returns whether everything holds that has to.
    pub fn holds(&self) -> bool {
        self.findings.iter().all(|finding| finding.holds)
    }

    /// Writes it as Markdown.
    pub fn markdown(&self) -> String {
        let verdict = if self.holds() { "Pass" } else { "**FAIL**" };
        let mut text = format!("## {}\n\n", self.title);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{verdict}, {} s\n", self.took.as_secs());
        text.push_str("| what | found | bar | |\n|---|---|---|---|\n");
        for Finding { what, found, bar, holds } in &self.findings {
            let (bar, mark) = match (bar, holds) {
                (None, _) => ("", ""),
                (Some(bar), true) => (bar.as_str(), "pass"),
                (Some(bar), false) => (bar.as_str(), "**FAIL**"),
            };
            let _ = writeln!(text, "| {what} | {found} | {bar} | {mark} |");
        }
        text
    }
}

/// For a test that reads it.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.markdown())
    }
}
