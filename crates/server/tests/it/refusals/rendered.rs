//! Refusals that take a flood, a broken disk or another's haste: as the code writes them.

use astralform_domain::{AuthStatus, Timestamp, WebhookDisabled};
use astralform_engine::{
    ChangeError, ConfirmError, CredentialRefusal, SettingsError, Unusable,
    authentication::AuthenticationError, idempotency::RepeatError, sessions::SessionError,
    webhooks::WebhookError,
};
use astralform_surface::Refusal;

use super::Refused;

pub(super) fn refused() -> Vec<Refused> {
    [of_http(), of_connectors(), of_others()].into_iter().flatten().collect()
}

fn of_http() -> Vec<Refused> {
    vec![
        Refused::rendered("a body that takes longer than 30 s", Refusal::BodyTooSlow),
        Refused::rendered("a body that ends early", Refusal::BodyBrokeOff),
        Refused::rendered("more requests than a caller may send", Refusal::RateLimited),
        Refused::rendered("more requests at once than a caller may send", Refusal::TooManyAtOnce),
        Refused::rendered("more bodies at once than a caller may send", Refusal::TooManyBodies),
        Refused::rendered("more bodies at once than a server takes", Refusal::NoRoom),
        Refused::rendered("the database is away", Refusal::DatabaseAway),
        Refused::rendered("something is broken", Refusal::Internal),
    ]
}

fn of_connectors() -> Vec<Refused> {
    vec![
        Refused::rendered("a prompt whose connector was disabled meanwhile", Unusable::Disabled),
        Refused::rendered("the catalogue's entry has changed", Unusable::Misconfigured),
        Refused::rendered("more prompts than may be open", Unusable::TooManyPrompts),
        Refused::rendered("addresses that do not go together", SettingsError::BadAddresses),
        Refused::rendered("a server without a simulator", SettingsError::NoSimulator),
        Refused::rendered(
            "the provider is away",
            SettingsError::Unverified("the provider did not answer".to_owned()),
        ),
        Refused::rendered(
            "a key for an address that may not be called",
            SettingsError::NotSent("`http://10.0.0.1` may not be called".to_owned()),
        ),
        Refused::rendered(
            "a connection that nobody has confirmed",
            CredentialRefusal::AwaitingConfirmation,
        ),
        Refused::rendered("addresses that nobody has entered", SettingsError::EndpointsRequired),
        Refused::rendered("two changes at once", SettingsError::ChangedMeanwhile),
        Refused::rendered("the shared account is dead", CredentialRefusal::SharedUnusable),
    ]
}

fn of_others() -> Vec<Refused> {
    let until = Timestamp::from_secs(1_800_000_000);
    vec![
        Refused::rendered("a disabled agent", AuthenticationError::DisabledAgent("bot".to_owned())),
        Refused::rendered("a connection that awaits confirmation", ChangeError::NotUsable),
        Refused::rendered("a prompt that is over", ConfirmError::NotAwaiting(AuthStatus::Declined)),
        Refused::rendered("another proof", ConfirmError::WrongProof),
        Refused::rendered("another end user", ConfirmError::EndUserMismatch),
        Refused::rendered("two of the same at once", RepeatError::UnderWay),
        Refused::rendered("the first one broke off", RepeatError::Interrupted),
        Refused::rendered("eleven webhooks", WebhookError::TooMany),
        Refused::rendered("a paused webhook", WebhookError::Disabled(WebhookDisabled::ALL[0])),
        Refused::rendered("a session that opens another one", SessionError::NotABackend),
        Refused::rendered("a second rotation", WebhookError::RotatedLately(until)),
    ]
}
