//! Answers that are no refusal, and that no result can be made of.

use astralform_domain::{FailureKind, limits};
use astralform_jq::{Document, RunError};
use http::{StatusCode, header};
use url::Url;

use super::{Reading, Shaped};
use crate::answer::words;

impl Reading<'_> {
    /// Returns what a success amounts to that the connector's mapping fails on.
    pub(crate) fn unfit(&self, error: &RunError) -> Shaped {
        match error {
            RunError::Exhausted | RunError::TooLarge => self.too_large(),
            _ => self.nonsense("something unexpected"),
        }
    }

    /// Returns what a success amounts to that is larger, or nested more deeply, than a mapping may
    /// read.
    pub(crate) fn too_large(&self) -> Shaped {
        let name = &self.connector.name;
        let advice = if self.tool.annotations.read_only {
            "Ask for less at a time."
        } else {
            "It was done: do not do it again."
        };
        let message = format!("The answer of {name} is too large to be read. {advice}");
        self.failed(FailureKind::ResponseTooLarge, message)
    }

    pub(crate) fn unreadable(&self) -> Shaped {
        let Some(coding) = self.answer.unread_coding() else {
            return self.nonsense("something that is not JSON");
        };
        if !self.answer.status.is_success() {
            return self.nonsense("something that cannot be unpacked");
        }
        let name = &self.connector.name;
        let status = self.answer.status.as_u16();
        let (kind, advice) = if self.tool.annotations.read_only {
            (FailureKind::ProviderRejected, " It will do so again.")
        } else {
            (FailureKind::OutcomeUnknown, "")
        };
        let message = format!(
            "{name} answered with a body that cannot be unpacked (status {status}): its coding is said to be `{coding}`, none was asked for, and only gzip and deflate are read.{advice}"
        );
        self.failed(kind, message)
    }

    /// Returns what a redirect amounts to, which is never followed. The provider has done nothing,
    /// unless it says that the result is at the address (RFC 9110 §15.4.4).
    pub(crate) fn redirect(&self, document: &Document<'_>) -> Shaped {
        let name = &self.connector.name;
        let status = self.answer.status;
        let to = self.location().map(|place| format!(" to {place}")).unwrap_or_default();
        let said = words(self.connector, document, self.variables);
        let said = said.map(|said| format!(" ({said})")).unwrap_or_default();
        let was_done = status == StatusCode::SEE_OTHER && !self.tool.annotations.read_only;
        let (kind, advice) = if was_done {
            (FailureKind::OutcomeUnknown, "")
        } else {
            (
                FailureKind::ProviderRejected,
                " Nothing was done. If it goes on, whoever manages the connector has to check its addresses.",
            )
        };
        let message = format!(
            "{name} answered with a redirect{to} (status {}), and redirects are not followed{said}.{advice}",
            status.as_u16()
        );
        self.failed(kind, message)
    }

    /// Returns the server that a redirect leads to; the rest of the address may hold secrets.
    fn location(&self) -> Option<String> {
        let to = self.answer.headers.get(header::LOCATION)?.to_str().ok()?;
        let host = Url::parse(to).ok()?.host_str()?.to_owned();
        Some(host.chars().take(limits::PROVIDER_WORDS.count()).collect())
    }

    /// Returns what a success amounts to whose form cannot be read.
    pub(crate) fn nonsense(&self, what: &str) -> Shaped {
        let name = &self.connector.name;
        let status = self.answer.status.as_u16();
        let advice = match self.trouble() {
            FailureKind::OutcomeUnknown => "",
            _ => " Try again later.",
        };
        self.failed(
            self.trouble(),
            format!("{name} answered with {what} (status {status}).{advice}"),
        )
    }
}
