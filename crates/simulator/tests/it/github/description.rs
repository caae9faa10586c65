use std::sync::LazyLock;

use serde_json::Value;

use crate::official_description::Description;

static DESCRIPTION: LazyLock<Description> =
    LazyLock::new(|| Description::of("@octokit/openapi/generated/api.github.com.json"));

/// Checks an answer against the schema that GitHub's own description has for it.
#[track_caller]
pub(super) fn assert_described(method: &str, path: &str, status: u16, body: &Value) {
    let faults = DESCRIPTION.faults([method, path], status, body);
    assert!(faults.is_empty(), "{method} {path}: {faults:#?}\n{body:#}");
}
