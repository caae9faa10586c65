use astralform_domain::{Timestamp, WebhookDisabled, limits};
use astralform_egress::Forbidden;
use thiserror::Error;

use crate::Fault;

/// Why a webhook is not as it was wanted.
#[derive(Debug, Error)]
pub enum WebhookError {
    /// The environment has none of that id.
    #[error(
        "there is no webhook of that id in this environment: GET \
         /v1/projects/{{project}}/webhooks lists those there are"
    )]
    Unknown,
    /// Nothing can be delivered there.
    #[error(
        "`url` is none that can be delivered to: it must be an https address of at most 2048 bytes, \
         without user name or fragment"
    )]
    BadUrl,
    /// This server may not call it.
    #[error("`url`: {0}")]
    Forbidden(#[from] Forbidden),
    /// There are as many as there can be.
    #[error(
        "this environment has {} webhooks, as many as one may have: delete one first",
        limits::WEBHOOKS.value
    )]
    TooMany,
    /// Nothing is delivered to it at present.
    #[error("the webhook is disabled ({0}): enable it first, with PATCH {{\"is_enabled\": true}}")]
    Disabled(WebhookDisabled),
    /// It has a fresh secret, and the one before is still in use until then.
    #[error(
        "the secret before the present one is valid until {0}, since receivers may still use it; \
         rotate again after that, or delete the webhook and make another"
    )]
    RotatedLately(Timestamp),
    /// Something is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}
