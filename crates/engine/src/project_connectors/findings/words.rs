//! What is said of each finding: what is wrong, and what to do.

use astralform_domain::ToolName;

use super::Finding;

impl Finding {
    /// Returns what is wrong, in a sentence.
    pub fn why(&self) -> String {
        match self {
            Self::Frozen => "the project is frozen".to_owned(),
            Self::Paused => "the connector is paused".to_owned(),
            Self::NoReturnUrl => {
                "the environment confirms who connects an account, and no return URL is registered"
                    .to_owned()
            }
            Self::EndUsersNotVerified => {
                "whoever finishes a link in `live` is taken for the end user it was made for"
                    .to_owned()
            }
            Self::PublicUrlNotPublic(uri) => {
                format!("the provider sends browsers to {uri}, which only this network reaches")
            }
            Self::ClockOff(apart) => {
                format!(
                    "this server's clock and the provider's are {} seconds apart",
                    apart.as_secs()
                )
            }
            Self::ScopesNotAsked { scopes, tools } => {
                let tools: Vec<_> = tools.iter().map(ToolName::as_str).collect();
                format!("{} need {}, which is not asked for", tools.join(", "), scopes.join(", "))
            }
            Self::ScopesNotNeeded(scopes) => {
                format!("no tool that is offered needs {}", scopes.join(", "))
            }
            Self::NoRefreshToken => {
                "tokens end, and the provider gave nothing to refresh them with".to_owned()
            }
            Self::OldCredentials(since) => format!("the client secret was entered on {since}"),
            Self::NeverReturned { prompts, .. } => format!(
                "{prompts} prompts were opened at the provider, and none of those browsers came back"
            ),
        }
    }

    /// Returns what to do.
    pub fn fix(&self) -> String {
        match self {
            Self::Frozen => "lift it with `astralform unfreeze`".to_owned(),
            Self::Paused => "set `is_enabled` of the connector".to_owned(),
            Self::NoReturnUrl => {
                "register one in the environment's `return_urls`, or switch `verify_end_user` off"
                    .to_owned()
            }
            Self::EndUsersNotVerified => {
                "set the environment's `verify_end_user` to `confirm`".to_owned()
            }
            Self::PublicUrlNotPublic(_) => {
                "set `public_url` to the https address by which end users reach this server"
                    .to_owned()
            }
            Self::ClockOff(_) => "synchronise this machine's clock, by NTP for example".to_owned(),
            Self::ScopesNotAsked { .. } => {
                "add them to the connector's `scopes`, or take the tools off its `tools`".to_owned()
            }
            Self::ScopesNotNeeded(_) => {
                "take them off the connector's `scopes`: end users are asked for less".to_owned()
            }
            Self::NoRefreshToken => {
                "switch refresh tokens or token rotation on for the app in the provider's console; \
                 until then end users connect again whenever a token ends"
                    .to_owned()
            }
            Self::OldCredentials(_) => {
                "make a new secret in the provider's console, and enter it in `credentials`: the old \
                 one is still tried for 7 days"
                    .to_owned()
            }
            Self::NeverReturned { redirect_uri, .. } => {
                format!("register exactly this redirect URI in the provider's console: {redirect_uri}")
            }
        }
    }
}
