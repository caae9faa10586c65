use std::time::Duration;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD},
};
use http::StatusCode;
use proptest::prelude::*;
use serde_json::{Value, json};
use url::form_urlencoded::byte_serialize;

use super::*;

mod stream;

const SECRET: &str = "CANARY/\"tok&n+=~-0123456789abcdef";

fn secrets(texts: &[&str]) -> Secrets {
    let mut secrets = Secrets::none();
    for text in texts {
        secrets.add(&Secret::new((*text).to_owned()));
    }
    secrets
}

fn answer(status: u16, body: impl Into<Vec<u8>>) -> Answer {
    let status = StatusCode::from_u16(status).unwrap();
    let first_byte = Duration::ZERO;
    Answer { status, headers: HeaderMap::new(), body: body.into().into(), first_byte }
}

fn scrubbed(texts: &[&str], status: u16, body: impl Into<Vec<u8>>) -> String {
    let clean = secrets(texts).scrub(answer(status, body)).body;
    String::from_utf8(clean.to_vec()).unwrap()
}

fn percent(text: &str, upper: bool) -> String {
    let digits = |byte| if upper { format!("%{byte:02X}") } else { format!("%{byte:02x}") };
    text.bytes().map(digits).collect()
}

fn hex(text: &str) -> String {
    let digits = |byte| format!("{byte:02x}");
    text.bytes().map(digits).collect()
}

fn each(text: &str, written: impl Fn(char) -> String) -> String {
    text.chars().map(written).collect()
}

/// Returns a secret among other things as a provider may write it.
fn written(secret: &str) -> Vec<String> {
    let mut all = vec![
        secret.to_owned(),
        percent(secret, true),
        percent(secret, false),
        byte_serialize(secret.as_bytes()).collect(),
        hex(secret),
        hex(secret).to_uppercase(),
        serde_json::to_string(secret).unwrap(),
        each(secret, |c| format!("\\u{:04x}", u32::from(c))),
        each(secret, |c| format!("&#{};", u32::from(c))),
        each(secret, |c| format!("&#x{:X};", u32::from(c))),
        secret.replace('&', "&amp;").replace('"', "&quot;"),
        secret.replace('/', "\\/"),
        each(secret, |c| format!("{c}\u{7f}")),
        serde_json::to_string(&serde_json::to_string(secret).unwrap()).unwrap(),
        percent(&serde_json::to_string(secret).unwrap(), true),
    ];
    for before in ["", "u:", "user", "users:"] {
        let pair = format!("{before}{secret}, and more");
        all.push(STANDARD.encode(&pair));
        all.push(URL_SAFE.encode(&pair));
        all.push(URL_SAFE_NO_PAD.encode(format!("{before}{secret}")));
        let form: String = byte_serialize(secret.as_bytes()).collect();
        all.push(format!("Basic {}", STANDARD.encode(format!("{before}{form}"))));
    }
    all
}

/// Returns what a reader could make of a text: itself, and what its escapes mean.
fn readings(text: &str) -> Vec<Vec<u8>> {
    let decoded = Decoded::rounds(text.as_bytes()).map(|decoded| decoded.bytes);
    std::iter::once(text.as_bytes().to_vec()).chain(decoded).collect()
}

fn assert_clean(text: &str, secret: &str, how: &str) {
    let forms = Patterns::whole(&[Secret::new(secret.to_owned())]);
    for reading in readings(text) {
        assert_eq!(forms.find(&reading, 0), None, "{how}: {text}");
    }
}

#[test]
fn o14_a_credential_comes_back_in_no_form_whatever_the_provider_makes_of_it() {
    for secret in [SECRET, "xoxp-1234567890-abcdefghij", "ünicode-ключ-0123456789"] {
        for form in written(secret) {
            let text = format!("no such token: Bearer {form} was revoked");
            for status in [200, 401] {
                let document = json!({"error": {"message": &text, "also": [&text]}, "n": 1});
                let clean = scrubbed(&[secret], status, document.to_string());
                let read: Value = serde_json::from_str(&clean).unwrap();
                let message = read["error"]["message"].as_str().unwrap();
                assert_clean(message, secret, &form);
                assert!(message.starts_with("no such token: ") && message.contains(REDACTED));
                assert_eq!(read["n"], 1);
            }
            let clean = scrubbed(&[secret], 401, text.clone());
            assert_clean(&clean, secret, &form);
            assert!(clean.contains("revoked"), "{clean}");
        }
    }
}

#[test]
fn o14_names_numbers_and_headers_are_looked_at_too() {
    let clean = scrubbed(&["1234567890"], 200, r#"{"1234567890": 1, "b": 1234567890, "c": 12345}"#);
    assert_eq!(clean, r#"{"[redacted]": 1, "b": "[redacted]", "c": 12345}"#);
    let mut said = answer(200, "{}");
    let echoed = HeaderValue::from_static("Bearer xoxp-0123456789");
    said.headers.insert("x-echo", echoed);
    said.headers.insert("xoxp-0123456789", HeaderValue::from_static("1"));
    said.headers.insert("x-other", HeaderValue::from_static("1"));
    let clean = secrets(&["xoxp-0123456789"]).scrub(said).headers;
    assert_eq!(clean["x-echo"], "Bearer [redacted]");
    assert_eq!((clean.len(), &clean["x-other"]), (2, &HeaderValue::from_static("1")));
}

#[test]
fn o14_a_refusal_with_control_characters_between_the_letters_is_read_as_it_will_be_shown() {
    let utf16: Vec<u8> = "xoxp-0123456789".encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(scrubbed(&["xoxp-0123456789"], 401, utf16).replace('\0', ""), REDACTED);
    let split = r#"{"message": "xoxp\n-01\u000023456789 ends"}"#;
    let clean = scrubbed(&["xoxp-0123456789"], 200, split);
    assert_eq!(clean, r#"{"message": "[redacted] ends"}"#);
}

#[test]
fn what_repeats_nothing_stays_as_it_is_to_the_byte() {
    let bodies = [
        r#"{"a": "xoxp-012345678", "big": 123456789012345678901234567890, "a": 1.10}"#,
        "xoxp-012345678",
        r#"{"cut off": "xoxp-"#,
        "",
        "\"",
        "{\\",
        "%%% &amp \\u12 \\ud800 %e2%82",
    ];
    for body in bodies {
        for status in [200, 404] {
            assert_eq!(scrubbed(&["xoxp-0123456789"], status, body), body);
        }
    }
    let bytes = vec![0xff, 0xc2, b'\\', b'u'];
    assert_eq!(&secrets(&["xoxp-0123456789"]).scrub(answer(500, bytes.clone())).body[..], bytes);
    assert_eq!(scrubbed(&[], 200, "xoxp-0123456789"), "xoxp-0123456789");
}

#[test]
fn a_short_secret_is_taken_out_where_it_is_a_word() {
    let clean = scrubbed(&["", "one"], 200, r#"{"a": "key one", "b": "phone", "one": 1}"#);
    assert_eq!(clean, r#"{"a": "key [redacted]", "b": "phone", "[redacted]": 1}"#);
}

proptest! {
    #[test]
    fn o14_wherever_it_stands_a_secret_is_found_and_the_rest_is_kept(
        secret in "[A-Za-z0-9+/_.~-]{8,80}",
        before in "[ -!#-\\[\\]-~]{0,70}",
        after in "[ -!#-\\[\\]-~]{0,70}",
        which in 0_usize..30,
    ) {
        let forms = written(&secret);
        let form = &forms[which % forms.len()];
        let text = format!("{before} {form} {after}");
        let clean = scrubbed(&[&secret], 200, json!({"m": &text}).to_string());
        let read: Value = serde_json::from_str(&clean).unwrap();
        assert_clean(read["m"].as_str().unwrap(), &secret, form);
    }

    #[test]
    fn any_bytes_are_scrubbed_without_a_panic(
        body in proptest::collection::vec(any::<u8>(), 0..300),
        status in 200_u16..600,
    ) {
        let _ = secrets(&["ab", "xoxp-0123456789"]).scrub(answer(status, body));
    }
}
