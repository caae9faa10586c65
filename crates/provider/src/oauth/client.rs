use astralform_domain::Secret;

/// The developer's OAuth app, as it proves itself to the provider (RFC 6749 §2.3).
#[derive(Clone)]
pub struct Client {
    /// Its client identifier.
    pub id: String,
    /// Its client secret.
    pub secret: Secret,
}
