use std::{
    fmt::{self, Write as _},
    time::{Duration, Instant},
};

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
    claim: String,
    found: String,
    holds: bool,
}

impl Report {
    pub(crate) fn begin(title: impl Into<String>) -> Self {
        let title = title.into();
        Self { title, started: Instant::now(), took: Duration::ZERO, findings: Vec::new() }
    }

    /// Notes what was found of something that has to hold.
    pub(crate) fn claim(&mut self, claim: &str, found: impl fmt::Display, holds: bool) {
        let (claim, found) = (claim.to_owned(), found.to_string());
        self.findings.push(Finding { claim, found, holds });
        self.took = self.started.elapsed();
    }

    /// Notes that a number has to be another.
    pub(crate) fn equal<T: Copy + PartialEq + fmt::Display>(
        &mut self,
        claim: &str,
        found: T,
        wanted: T,
    ) {
        let holds = found == wanted;
        let found =
            if holds { found.to_string() } else { format!("{found}, where {wanted} was expected") };
        self.claim(claim, found, holds);
    }

    /// Notes a figure that nothing depends on.
    pub(crate) fn figure(&mut self, what: &str, found: impl fmt::Display) {
        self.claim(what, found, true);
    }

    /// Whether everything holds that has to.
    pub fn holds(&self) -> bool {
        self.findings.iter().all(|finding| finding.holds)
    }

    /// As Markdown.
    pub fn markdown(&self) -> String {
        let mut text = format!("## {}\n\n", self.title);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{} s\n", self.took.as_secs());
        text.push_str("| what | found | |\n|---|---|---|\n");
        for Finding { claim, found, holds } in &self.findings {
            let mark = if *holds { "holds" } else { "**fails**" };
            let _ = writeln!(text, "| {claim} | {found} | {mark} |");
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
