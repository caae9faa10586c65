//! Every refusal of the API in one document, as callers get them.

mod administering;
mod kinds;
mod managing;
mod rendered;
mod runtime;

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    path::{Path, PathBuf},
};

use astralform_surface::{Code, Problem};
use astralform_testkit::Reply;
use serde_json::Value;

const HOW: &str = "docs/refusals.md is not what the API says; write it anew with \
    `cargo test -p astralform-server --test it refusals -- --ignored`, and read it as a new user";

const INTRO: &str = "\
# Refusals

What the API says when it does not do what it was asked, one example for each kind. A test provokes
each of them and writes this page; the texts may change, the codes and statuses do not. What each code
means is in [api.md](api.md#errors).
";

/// A refusal, and what it was the answer to.
pub(crate) struct Refused {
    code: String,
    status: u64,
    /// The request, where it was sent.
    request: String,
    detail: String,
    /// The places that it names, with what is wrong there.
    errors: Vec<(String, String)>,
}

impl Refused {
    /// Returns the refusal in an answer.
    pub(crate) fn to(request: &str, reply: &Reply) -> Self {
        Self::read(request, &reply.body)
    }

    pub(crate) fn read(request: &str, body: &Value) -> Self {
        let text = |value: &Value| {
            anonymous(value.as_str().unwrap_or_else(|| panic!("{request}: {body}")))
        };
        let errors = body["errors"].as_array().into_iter().flatten();
        Self {
            code: text(&body["code"]),
            status: body["status"].as_u64().unwrap(),
            request: anonymous(request),
            detail: text(&body["detail"]),
            errors: errors.map(|fault| (text(&fault["pointer"]), text(&fault["detail"]))).collect(),
        }
    }

    /// Returns a refusal that no test can provoke at will, as the code writes it.
    fn rendered(when: &str, problem: impl Into<Problem>) -> Self {
        let problem = problem.into();
        Self {
            code: problem.code().as_str().to_owned(),
            status: problem.status().into(),
            request: when.to_owned(),
            detail: problem.detail().to_owned(),
            errors: Vec::new(),
        }
    }
}

/// Returns a text without what is another one each time: ids, ports.
fn anonymous(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('_') {
        let (id, end) =
            after.split_at(after.char_indices().nth(26).map_or(after.len(), |(at, _)| at));
        let is_id = id.len() == 26
            && id.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
        out.push_str(before);
        out.push('_');
        if is_id {
            out.push('…');
        }
        rest = if is_id { end } else { after };
    }
    out + rest
}

async fn all() -> Vec<Refused> {
    let mut all = runtime::refused().await;
    all.extend(managing::refused().await);
    all.extend(administering::refused().await);
    all.extend(rendered::refused());
    all
}

fn page(all: &[Refused]) -> String {
    let mut page = INTRO.to_owned();
    for code in Code::ALL {
        writeln!(page, "\n## `{}`", code.as_str()).unwrap();
        for refused in all.iter().filter(|refused| refused.code == code.as_str()) {
            let Refused { status, request, detail, errors, .. } = refused;
            writeln!(page, "\n{status} · {request}\n> {detail}").unwrap();
            for (pointer, fault) in errors {
                writeln!(page, ">\n> - `{pointer}`: {fault}").unwrap();
            }
        }
    }
    page
}

fn checked_in() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/refusals.md")
}

#[tokio::test]
async fn every_kind_of_refusal_stands_in_the_document_as_it_is_given() {
    let all = all().await;
    let found: BTreeSet<_> = all.iter().map(|refused| refused.code.as_str()).collect();
    let missing: Vec<_> = Code::ALL.iter().filter(|code| !found.contains(code.as_str())).collect();
    assert!(missing.is_empty(), "no example of {missing:?}");
    let kinds = kinds::all();
    let shown = |kind: &kinds::Kind| all.iter().any(|refused| kind.is_shown_by(&refused.detail));
    let missing: Vec<_> = kinds.iter().filter(|kind| !shown(kind)).collect();
    assert!(missing.is_empty(), "no example of {missing:#?}");
    let document = std::fs::read_to_string(checked_in()).unwrap_or_default();
    assert!(document == page(&all), "{HOW}");
}

#[tokio::test]
#[ignore = "it writes docs/refusals.md anew"]
async fn write_the_document() {
    std::fs::write(checked_in(), page(&all().await)).unwrap();
}
