//! A provider may repeat the credential it was called with; nobody behind us is to see it.

use serde_json::Value;

use super::shape::Shaped;

const INSTEAD: &str = "[redacted]";

/// What a call led to, without the secrets it was made with.
pub(super) fn scrub(mut shaped: Shaped, secrets: &[&str]) -> Shaped {
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        match &mut shaped {
            Shaped::Completed(result) => clean(result, secret),
            Shaped::Failed(failure) if failure.message.contains(secret) => {
                failure.message = failure.message.replace(secret, INSTEAD);
            }
            _ => {}
        }
    }
    shaped
}

fn clean(value: &mut Value, token: &str) {
    match value {
        Value::String(text) if text.contains(token) => *text = text.replace(token, INSTEAD),
        Value::Array(items) => items.iter_mut().for_each(|item| clean(item, token)),
        Value::Object(fields) if fields.keys().any(|name| name.contains(token)) => {
            *value = Value::String(INSTEAD.to_owned());
        }
        Value::Object(fields) => fields.values_mut().for_each(|field| clean(field, token)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use astralform_domain::FailureKind;
    use serde_json::json;

    use super::*;
    use crate::CallFailure;

    const SECRETS: [&str; 2] = ["", "xoxp-1"];

    #[test]
    fn o14_a_result_that_repeats_the_token_loses_it_wherever_it_stands() {
        let result = json!({"a": ["as xoxp-1,", {"b": "xoxp-1"}], "c": {"xoxp-1": 1}, "d": "xoxp"});
        let clean =
            json!({"a": ["as [redacted],", {"b": "[redacted]"}], "c": "[redacted]", "d": "xoxp"});
        assert_eq!(scrub(Shaped::Completed(result), &SECRETS), Shaped::Completed(clean));
    }

    #[test]
    fn o14_an_error_that_repeats_the_token_loses_it() {
        let failure = |message: &str| {
            Shaped::Failed(CallFailure::new(FailureKind::ProviderRejected, message))
        };
        assert_eq!(
            scrub(failure("no such token: xoxp-1"), &SECRETS),
            failure("no such token: [redacted]")
        );
    }
}
