use astralform_domain::limits;
use astralform_http::Rate;

/// What each may ask for in a time.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// Of an address that shows no valid credential.
    pub visitor: Rate,
    /// Of an end user, by any credential.
    pub end_user: Rate,
    /// Of a member who administers.
    pub member: Rate,
    /// Of an API key, where there is a ceiling.
    pub key: Option<Rate>,
    /// Of a project, where there is a ceiling.
    pub project: Option<Rate>,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            visitor: Rate::new(limits::VISITOR_REQUESTS.value, limits::VISITOR_BURST.value),
            end_user: Rate::new(limits::END_USER_REQUESTS.value, limits::END_USER_BURST.value),
            member: Rate::new(limits::MEMBER_REQUESTS.value, limits::MEMBER_BURST.value),
            key: None,
            project: None,
        }
    }
}
