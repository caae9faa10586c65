use askama::Template;
use astralform_domain::{AuthFailure, AuthStatus};
use astralform_engine::Consent;
use serde::Deserialize;

/// How it ended.
#[derive(Template)]
#[template(path = "result.html")]
pub(super) struct ResultPage<'a> {
    title: String,
    outcome: &'a str,
    text: String,
    /// What to enter where the link came from.
    code: Option<&'a str>,
}

/// What a browser that has just shared an account brings.
#[derive(Default, Deserialize)]
pub(crate) struct ConfirmationQuery {
    confirmation: Option<String>,
}

pub(super) fn result<'a>(consent: &Consent<'_>, brought: &'a ConfirmationQuery) -> ResultPage<'a> {
    let service = &consent.connector;
    let project = &consent.project;
    let code = brought.confirmation.as_deref().filter(|code| {
        consent.request.owner.end_user().is_none()
            && consent.status == AuthStatus::AwaitingConfirmation
            && is_code(code)
    });
    let (title, text) = match consent.status {
        AuthStatus::AwaitingConfirmation if code.is_some() => (
            "Almost done".to_owned(),
            format!("{service} is shared with {project} once this code is entered there:"),
        ),
        AuthStatus::Pending | AuthStatus::AwaitingConfirmation => (
            "Almost done".to_owned(),
            format!("{project} still has to confirm that it was you. Please go back to it."),
        ),
        AuthStatus::Completed => connected(consent),
        AuthStatus::Declined => (
            "Nothing was connected".to_owned(),
            format!(
                "You declined to connect {service}. Nothing was stored. You can close this page."
            ),
        ),
        AuthStatus::Expired => (
            "This link has expired".to_owned(),
            format!("Nothing was connected. Please ask {project} for a new link."),
        ),
        AuthStatus::Failed => {
            let why = consent.request.state.failure();
            let why = why.map_or("something went wrong", AuthFailure::explanation);
            (format!("{service} could not be connected"), format!("What happened: {why}."))
        }
    };
    ResultPage { title, outcome: consent.status.as_str(), text, code }
}

/// Returns the title and the text for an account that is connected, or that was already when one
/// more was asked for.
fn connected(consent: &Consent<'_>) -> (String, String) {
    let service = &consent.connector;
    let project = &consent.project;
    match consent.request.found_connected() {
        None => (
            format!("{service} is connected"),
            format!("{project} can go on now. You can close this page."),
        ),
        Some(account) => (
            format!("{service} is already connected"),
            format!(
                "{project} has {account} already, so no account was added. To add another one, sign in to {service} with that one first, then ask {project} for a new link."
            ),
        ),
    }
}

/// Returns whether a text is a code: no other text is shown as one.
fn is_code(text: &str) -> bool {
    text.len() == 22 && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
}
