use astralform_domain::Secret;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::SECRET;
use crate::Fault;

/// Returns the symmetric signature of Standard Webhooks: over `id.timestamp.body`, by the bytes
/// that the secret spells.
pub(super) fn signature(
    secret: &Secret,
    id: &str,
    timestamp: i64,
    body: &str,
) -> Result<String, Fault> {
    let spelled = secret.expose().strip_prefix(SECRET).and_then(|text| STANDARD.decode(text).ok());
    let key = spelled.ok_or(Fault::Inconsistent("a webhook's secret is none"))?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes a key of any length");
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector that the reference implementations of Standard Webhooks are tested with.
    #[test]
    fn it_is_that_of_the_reference_implementations() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signed = signature(&secret, id, 1_614_265_330, r#"{"test": 2432232314}"#).unwrap();
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_of_another_form_signs_nothing() {
        for text in ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_?"] {
            let signed = signature(&Secret::new(text.to_owned()), "id", 1, "{}");
            assert!(signed.is_err(), "{text}");
        }
    }
}
