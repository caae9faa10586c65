use std::collections::BTreeMap;

use astralform_catalog::{ApiKeyAuth, Auth, Connector};
use astralform_domain::{Secret, limits};
use astralform_provider::request::CredentialParts;

use crate::settings::SettingsError;

/// Credentials as a developer enters them, by the names that the connector gives them.
#[derive(Clone, Default)]
pub struct Credentials(BTreeMap<String, Secret>);

/// What they turn out to be.
pub(crate) enum Entered {
    /// An OAuth app; its id is left out when only the secret is new.
    Client { id: Option<String>, secret: Secret },
    /// An API key, with what belongs to it.
    Key(CredentialParts),
}

const CLIENT_ID: &str = "client_id";
const CLIENT_SECRET: &str = "client_secret";

impl Credentials {
    /// Returns an OAuth app.
    pub fn client(id: &str, secret: Secret) -> Self {
        let id = (CLIENT_ID.to_owned(), Secret::new(id.to_owned()));
        Self(BTreeMap::from([id, (CLIENT_SECRET.to_owned(), secret)]))
    }

    /// Returns what the connector makes of them.
    pub(crate) fn read(&self, connector: &Connector) -> Result<Entered, SettingsError> {
        match connector.auth() {
            Auth::OAuth(_) => self.as_client(),
            Auth::ApiKey(key) => read_key(&self.0, key).map(Entered::Key),
        }
    }

    fn as_client(&self) -> Result<Entered, SettingsError> {
        refuse_others(&self.0, &[CLIENT_ID, CLIENT_SECRET])?;
        let id = match self.0.get(CLIENT_ID) {
            Some(_) => Some(field(&self.0, CLIENT_ID)?.expose().to_owned()),
            None => None,
        };
        Ok(Entered::Client { id, secret: field(&self.0, CLIENT_SECRET)? })
    }
}

impl FromIterator<(String, Secret)> for Credentials {
    fn from_iter<I: IntoIterator<Item = (String, Secret)>>(fields: I) -> Self {
        Self(fields.into_iter().collect())
    }
}

/// Returns what was entered for a key. Spaces around it are left out: they come with copying.
pub(crate) fn read_key(
    entered: &BTreeMap<String, Secret>,
    key: &ApiKeyAuth,
) -> Result<CredentialParts, SettingsError> {
    let names: Vec<&str> = key.fields.iter().map(|field| field.name.as_str()).collect();
    refuse_others(entered, &names)?;
    let mut fields = BTreeMap::new();
    for name in names {
        fields.insert(name.to_owned(), field(entered, name)?);
    }
    Ok(CredentialParts::entered(fields, Auth::ApiKey(key)))
}

fn refuse_others(entered: &BTreeMap<String, Secret>, known: &[&str]) -> Result<(), SettingsError> {
    let other = entered.keys().find(|name| !known.contains(&name.as_str()));
    other.map_or(Ok(()), |name| {
        let known = known.join("`, `");
        Err(SettingsError::UnknownCredential { name: name.clone(), known })
    })
}

fn field(entered: &BTreeMap<String, Secret>, name: &str) -> Result<Secret, SettingsError> {
    let text = entered.get(name).map_or("", Secret::expose).trim();
    let length = text.chars().count();
    let fits = length > 0 && !limits::CREDENTIAL_FIELD.is_exceeded_by(length);
    let is_sound = fits && !text.chars().any(char::is_control);
    if is_sound {
        Ok(Secret::new(text.to_owned()))
    } else {
        Err(SettingsError::BadCredential(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(fields: &[(&str, &str)]) -> Credentials {
        let secret = |text: &str| Secret::new(text.to_owned());
        fields.iter().map(|&(name, text)| (name.to_owned(), secret(text))).collect()
    }

    #[test]
    fn an_app_can_stand_in_a_request() {
        let app = |id, secret| credentials(&[(CLIENT_ID, id), (CLIENT_SECRET, secret)]).as_client();
        assert!(app("id", "secret").is_ok());
        for (id, secret, named) in [
            ("", "secret", CLIENT_ID),
            ("i\nd", "secret", CLIENT_ID),
            ("id", "", CLIENT_SECRET),
            ("id", "se\0cret", CLIENT_SECRET),
        ] {
            let refused = app(id, secret);
            assert!(
                matches!(&refused, Err(SettingsError::BadCredential(what)) if what == named),
                "{id:?} {secret:?}"
            );
        }
    }

    #[test]
    fn what_a_connector_does_not_take_is_named() {
        let refused = credentials(&[("api_key", "k"), (CLIENT_SECRET, "s")]).as_client();
        let Err(SettingsError::UnknownCredential { name, known }) = refused else {
            panic!("taken all the same")
        };
        assert_eq!((name.as_str(), known.as_str()), ("api_key", "client_id`, `client_secret"));
    }

    #[test]
    fn spaces_around_a_key_are_left_out() {
        let Credentials(fields) = credentials(&[("api_key", "  k 1\n")]);
        assert_eq!(field(&fields, "api_key").ok().unwrap().expose(), "k 1");
    }
}
