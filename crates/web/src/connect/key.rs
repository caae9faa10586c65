//! Keys that their owners enter on our page.

use std::collections::BTreeMap;

use astralform_catalog::ApiKeyAuth;
use astralform_domain::Secret;
use astralform_engine::{Consent, EnterKeyError};
use astralform_surface::{App, run_detached};
use axum::{http::StatusCode, response::Response};
use url::form_urlencoded;

use super::{asking, moving_on, not_begun};

/// One field of the form.
pub(super) struct Input<'a> {
    pub(super) name: &'a str,
    pub(super) label: &'a str,
    pub(super) help: Option<&'a str>,
    pub(super) secret: bool,
    /// What was entered before; nothing secret is sent back.
    pub(super) value: String,
}

pub(super) fn inputs<'a>(
    key: &'a ApiKeyAuth,
    entered: &BTreeMap<String, Secret>,
) -> Vec<Input<'a>> {
    let fields = key.fields.iter().map(|field| Input {
        name: &field.name,
        label: &field.label,
        help: field.help.as_deref(),
        secret: field.secret,
        value: match entered.get(&field.name) {
            Some(value) if !field.secret => value.expose().to_owned(),
            _ => String::new(),
        },
    });
    fields.collect()
}

/// Takes what was entered, or shows the page again with what is wrong with it.
pub(super) async fn enter(app: &App, link: &str, consent: &Consent<'_>, form: &[u8]) -> Response {
    let entered: BTreeMap<String, Secret> = form_urlencoded::parse(form)
        .map(|(name, text)| (name.into_owned(), Secret::new(text.into_owned())))
        .collect();
    let there = app.clone();
    let named = link.to_owned();
    let given = entered.clone();
    let taken =
        run_detached(async move { there.engine().key_entry.enter_key(&named, &given).await }).await;
    let service = &consent.connector;
    let refused = match taken {
        Ok(next) => return moving_on(&consent.project, &next),
        Err(EnterKeyError::Begin(error)) => return not_begun(app, link, error).await,
        Err(EnterKeyError::Invalid(field)) => {
            format!(
                "Please fill in “{}”: 1 to 4096 characters, on one line.",
                label(consent, &field)
            )
        }
        Err(EnterKeyError::Refused(said)) => format!("{service} does not accept this key: {said}"),
        Err(EnterKeyError::NotSent) => {
            format!(
                "This application is not set up to reach {service}, so the key could not be checked. \
                 Its developer has to check the connector."
            )
        }
        Err(EnterKeyError::Unanswered) => {
            format!("{service} did not answer, so the key could not be checked. Please try again.")
        }
    };
    asking(StatusCode::UNPROCESSABLE_ENTITY, consent, &entered, Some(refused.into()))
}

fn label<'a>(consent: &'a Consent<'_>, field: &'a str) -> &'a str {
    consent.key.and_then(|key| key.field(field)).map_or(field, |field| &field.label)
}
