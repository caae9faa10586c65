use crate::text_enum::text_enum;

text_enum! {
    /// `live` or `test`: OAuth apps, keys, connections and calls never cross.
    Environment("environment") {
        /// Real end users.
        Live = "live",
        /// Development and CI.
        Test = "test",
    }
}

text_enum! {
    /// How we make sure that a prompt is finished by the end user it was made for.
    VerifyEndUser("way to verify the end user") {
        /// The developer's backend vouches for the person after the browser returns to it.
        Confirm = "confirm",
        /// Connections are active at once.
        Off = "off",
    }
}

/// The settings of one environment of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentSettings {
    /// Who vouches for the person who finished in the browser.
    pub verify_end_user: VerifyEndUser,
    /// Where browsers may be sent after a prompt; exact matches only.
    pub return_urls: Vec<String>,
    /// The origins whose pages may call with a session of this environment; exact matches only.
    pub allowed_origins: Vec<String>,
}

impl EnvironmentSettings {
    /// Returns the settings a new environment starts with.
    pub fn default_for(environment: Environment) -> Self {
        let verify_end_user = match environment {
            Environment::Live => VerifyEndUser::Confirm,
            Environment::Test => VerifyEndUser::Off,
        };
        Self { verify_end_user, return_urls: Vec::new(), allowed_origins: Vec::new() }
    }
}
