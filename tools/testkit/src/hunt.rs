//! The hunt for secrets in bytes: raw, and in the encodings in which they usually travel.

use std::fmt::Write as _;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

/// A secret that must not be found, with the name it is reported by.
pub struct Prey {
    /// What it is.
    pub name: &'static str,
    /// The secret itself.
    pub secret: String,
}

impl Prey {
    /// Returns the forms in which the secret is found in `bytes`, by name.
    pub fn found_in(&self, bytes: &[u8]) -> Vec<String> {
        let forms = forms(&self.secret).into_iter();
        let found = forms.filter(|(_, form)| contains(bytes, form.as_bytes()));
        found.map(|(form, _)| format!("{} ({form})", self.name)).collect()
    }
}

/// Returns every form of a secret that is looked for.
pub fn forms(secret: &str) -> Vec<(String, String)> {
    let mut forms = vec![
        ("raw".to_owned(), secret.to_owned()),
        ("hex".to_owned(), hex(secret, false)),
        ("HEX".to_owned(), hex(secret, true)),
        ("every byte URL-encoded".to_owned(), percent(secret)),
        (
            "URL-encoded".to_owned(),
            url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        ),
    ];
    for shift in 0..3 {
        forms.push((format!("base64, shifted by {shift}"), base64(secret, shift, false)));
        forms.push((format!("base64url, shifted by {shift}"), base64(secret, shift, true)));
    }
    forms
}

/// Returns the characters of a base64 text that depend on the secret alone when `shift` bytes
/// precede it.
fn base64(secret: &str, shift: usize, url_safe: bool) -> String {
    let padded = [&[0; 2][..shift], secret.as_bytes()].concat();
    let text =
        if url_safe { URL_SAFE_NO_PAD.encode(padded) } else { STANDARD_NO_PAD.encode(padded) };
    let start = (shift * 8).div_ceil(6);
    let end = (shift + secret.len()) * 8 / 6;
    text[start..end].to_owned()
}

fn hex(secret: &str, upper: bool) -> String {
    secret.bytes().fold(String::new(), |mut text, byte| {
        let written = if upper { write!(text, "{byte:02X}") } else { write!(text, "{byte:02x}") };
        written.expect("a string takes every write");
        text
    })
}

fn percent(secret: &str) -> String {
    secret.bytes().fold(String::new(), |mut text, byte| {
        write!(text, "%{byte:02X}").expect("a string takes every write");
        text
    })
}

fn contains(bytes: &[u8], form: &[u8]) -> bool {
    bytes.windows(form.len()).any(|window| window == form)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    use super::*;

    #[test]
    fn a_planted_secret_is_found_in_every_form_wherever_it_stands() {
        let prey = Prey { name: "token", secret: "CANARY-å/+?~-0123456789".to_owned() };
        for before in ["", "a", "ab", "abc"] {
            let text = format!("{before}{}after", prey.secret);
            for planted in [
                text.clone(),
                hex(&text, false),
                hex(&text, true),
                percent(&text),
                url::form_urlencoded::byte_serialize(text.as_bytes()).collect(),
                STANDARD.encode(&text),
                URL_SAFE.encode(&text),
            ] {
                let around = format!("some log line: {planted} and more");
                assert!(!prey.found_in(around.as_bytes()).is_empty(), "{around}");
            }
        }
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let prey = Prey { name: "token", secret: "CANARY-token-0123456789".to_owned() };
        assert!(prey.found_in(b"CANARY-other-0123456789 CANARY-token-012345678").is_empty());
    }
}
