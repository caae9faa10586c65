//! What is said of each cause: why it is so, and what to do.

use std::fmt::Write as _;

use astralform_domain::StatusReason;

use super::{Cause, Explanation};

impl Explanation {
    /// Returns what is wrong, in a sentence; nothing where nothing is.
    pub fn why(&self) -> Option<String> {
        self.cause.as_ref().map(|cause| self.reason(cause))
    }

    /// Returns what to do about it; nothing where nothing is wrong.
    pub fn fix(&self) -> Option<String> {
        self.cause.as_ref().map(|cause| self.remedy(cause))
    }

    fn reason(&self, cause: &Cause) -> String {
        let tool = &self.tool;
        let connector = self.connector();
        let agent = self.agent();
        let environment = self.environment;
        match cause {
            Cause::UnknownTool(nearest) => format!("there is no tool `{tool}`{nearest}"),
            Cause::NotEnabled => {
                format!("the connector `{connector}` is enabled nowhere in the project")
            }
            Cause::OtherEnvironment(other) => format!(
                "the connector `{connector}` is enabled in `{other}`, and not in `{environment}`"
            ),
            Cause::Frozen => "the project is frozen".to_owned(),
            Cause::Paused => format!("the connector `{connector}` is paused"),
            Cause::CredentialsMissing => {
                format!("the connector `{connector}` has no credentials yet")
            }
            Cause::CredentialsRejected(since) => format!(
                "the provider refuses the credentials of the connector `{connector}` since {since}"
            ),
            Cause::Misconfigured => format!(
                "the catalogue entry of `{connector}` is gone, or has other addresses than when \
                 the credentials were entered"
            ),
            Cause::AddressNotAllowed(why) => why.clone(),
            Cause::NoReturnUrl => format!(
                "the environment `{environment}` confirms who connects an account, and no return \
                 URL is registered, so that nobody can be asked to connect one"
            ),
            Cause::UnknownAgent => "the project has no such agent".to_owned(),
            Cause::AgentDisabled => format!("the agent `{agent}` is disabled"),
            Cause::NotAssigned => {
                format!("the agent `{agent}` has not been assigned the connector `{connector}`")
            }
            Cause::ToolNotAssigned => format!(
                "the agent `{agent}` has been assigned other tools of `{connector}`, and not `{tool}`"
            ),
            Cause::ToolNotOffered => format!(
                "`{tool}` is not among the tools that `{connector}` offers in `{environment}`"
            ),
            _ => self.reason_of_account(cause),
        }
    }

    fn reason_of_account(&self, cause: &Cause) -> String {
        let connector = self.connector();
        let agent = self.agent();
        match cause {
            Cause::CredentialOver => "the API key or session has ended".to_owned(),
            Cause::OtherAgent => {
                format!("the API key or session is bound to another agent than `{agent}`")
            }
            Cause::KeyLimited => {
                format!("the API key is bound to other connectors than `{connector}`")
            }
            Cause::SessionLimited => {
                format!("the session was opened for other tools than `{}`", self.tool)
            }
            Cause::EndUserRequired => "no end user is named whose account could be used".to_owned(),
            Cause::NotConnected => {
                format!("the end user has not connected an account to `{connector}`")
            }
            Cause::AwaitingConfirmation => format!(
                "the end user connected an account to `{connector}`, and the developer's backend \
                 has not confirmed yet that it was them"
            ),
            Cause::NothingShared => format!(
                "end users may not connect accounts of their own to `{connector}`, and the project \
                 shares none"
            ),
            Cause::SharedUnusable => format!(
                "the account or API key that the project shares for `{connector}` has stopped working"
            ),
            Cause::ScopesMissing(missing) => {
                format!(
                    "the connection was not granted what the tool needs: {}",
                    missing.join(", ")
                )
            }
            Cause::NeedsReauth(why) => {
                format!("the connection has to be connected again: {}", ended(*why))
            }
            Cause::RefreshFailing(since) => {
                let mut text = "the token has ended, and the provider gives no new one".to_owned();
                if let Some(since) = since {
                    let _ = write!(text, " since {since}");
                }
                text
            }
            Cause::TokenRefused(since) => format!(
                "the provider refuses the token since {since}, though it has not ended and was not \
                 withdrawn as far as it says"
            ),
            other => other.code().to_owned(),
        }
    }

    fn remedy(&self, cause: &Cause) -> String {
        let connector = self.connector();
        let environment = self.environment;
        let agent = self.agent();
        let at =
            format!("/v1/projects/{{project}}/connectors/{connector}?environment={environment}");
        match cause {
            Cause::UnknownTool(_) => {
                "ask about one of the tools that GET /v1/connectors/{slug} lists".to_owned()
            }
            Cause::NotEnabled => "enable it with POST /v1/projects/{project}/connectors".to_owned(),
            Cause::OtherEnvironment(other) => format!(
                "use an API key of `{other}`, or enable it in `{environment}` with POST \
                 /v1/projects/{{project}}/connectors"
            ),
            Cause::Frozen => {
                "have whoever operates this server lift it with `astralform unfreeze`".to_owned()
            }
            Cause::Paused => format!("set `is_enabled` with PATCH {at}"),
            Cause::CredentialsMissing | Cause::CredentialsRejected(_) => format!(
                "enter the app's `credentials` as the provider's console shows them, with PATCH {at}"
            ),
            Cause::Misconfigured => format!(
                "enter `credentials`, and `endpoints` where it has any, again with PATCH {at}"
            ),
            Cause::AddressNotAllowed(_) => {
                "change the address, or the setting that the reason names".to_owned()
            }
            Cause::NoReturnUrl => format!(
                "register a URL in `return_urls`, or switch `verify_end_user` off, with PATCH \
                 /v1/projects/{{project}}/environments/{environment}"
            ),
            Cause::UnknownAgent => {
                "name an agent that GET /v1/projects/{project}/agents lists".to_owned()
            }
            Cause::AgentDisabled => {
                format!("set `is_enabled` with PATCH /v1/projects/{{project}}/agents/{agent}")
            }
            Cause::NotAssigned | Cause::ToolNotAssigned => format!(
                "assign it with PUT /v1/projects/{{project}}/agents/{agent}/connectors, or act as \
                 an agent that has it"
            ),
            Cause::ToolNotOffered => format!("add it to `tools` with PATCH {at}"),
            _ => self.remedy_of_account(cause),
        }
    }

    fn remedy_of_account(&self, cause: &Cause) -> String {
        let connector = self.connector();
        let environment = self.environment;
        let share = format!(
            "POST /v1/projects/{{project}}/connectors/{connector}/shared-connection?environment={environment}"
        );
        match cause {
            Cause::CredentialOver => "make a new API key, or open a new session".to_owned(),
            Cause::OtherAgent => {
                "act as the agent that it is bound to, or use an API key that is bound to none"
                    .to_owned()
            }
            Cause::KeyLimited => {
                format!("use an API key that is bound to no connectors, or to `{connector}` too")
            }
            Cause::SessionLimited => {
                format!("open the session for `{}` too", self.tool)
            }
            Cause::EndUserRequired => "name the end user in the header X-End-User-ID".to_owned(),
            Cause::NotConnected | Cause::ScopesMissing(_) | Cause::NeedsReauth(_) => {
                "call the tool, and show the end user the link in its answer".to_owned()
            }
            Cause::AwaitingConfirmation => {
                "have the backend confirm it with POST /v1/auth-requests/{id}/confirm, with what the \
                 browser brought to the return URL"
                    .to_owned()
            }
            Cause::NothingShared => format!("share an account with {share}, or set `allow_end_user_auth`"),
            Cause::SharedUnusable => format!("share an account again with {share}, or enter a new key"),
            Cause::RefreshFailing(_) | Cause::TokenRefused(_) => {
                "wait for the provider, or ask the end user to connect again with POST \
                 /v1/auth-requests"
                    .to_owned()
            }
            other => other.code().to_owned(),
        }
    }

    fn connector(&self) -> &str {
        self.connector.as_ref().map_or("", |connector| connector.as_str())
    }

    fn agent(&self) -> &str {
        self.agent.as_ref().map_or("", |agent| agent.as_str())
    }
}

/// Returns how a connection came to be one that has to be connected again.
const fn ended(why: StatusReason) -> &'static str {
    match why {
        StatusReason::TokenRejected => {
            "the provider refused its token for good: it was withdrawn or has ended there"
        }
        StatusReason::RefreshRejected => "the provider refused to refresh its token",
        StatusReason::RefreshOutcomeUnknown => {
            "a refresh was never answered, and the token before it is of no use any more"
        }
        StatusReason::ScopesMissing => "the provider took away scopes that were granted before",
        StatusReason::Expired => {
            "its token has ended, and the provider gave nothing to refresh it with"
        }
        StatusReason::ClientChanged => "the app, or the addresses it talks to, were replaced",
        _ => "it has ended",
    }
}
