use axum::body::Bytes;
use axum::extract;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};

use super::key_of;
use super::parameters::Parameters;
use crate::tavily::Tavily;
use crate::tavily::answer::{Refusal, respond};
use crate::tavily::web::page_at;

const MOST_URLS: usize = 20;

/// What is asked for.
struct Asked {
    urls: Vec<String>,
    /// How many passages are wanted instead of the whole page.
    passages: Option<usize>,
    in_markdown: bool,
    credits_per_bundle: u64,
    usage: bool,
}

/// Serves `POST /extract`.
pub(crate) async fn post(
    extract::State(tavily): extract::State<Tavily>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    respond(extract_from(&tavily, &headers, &body))
}

fn extract_from(tavily: &Tavily, headers: &HeaderMap, body: &[u8]) -> Result<Value, Refusal> {
    let mut state = tavily.state();
    let key = key_of(headers, &state)?;
    let asked = Asked::read(Parameters::read(headers, body)?)?;
    let mut results = Vec::new();
    let mut failed = Vec::new();
    for url in &asked.urls {
        match asked.text_at(url) {
            Some(text) => results.push(json!({ "url": url, "raw_content": text, "images": [] })),
            None => failed.push(json!({ "url": url, "error": "Failed to fetch url" })),
        }
    }
    let credits = state.pay_pages(&key, results.len() as u64, asked.credits_per_bundle)?;
    let mut body = json!({
        "results": results,
        "failed_results": failed,
        "response_time": 0.2,
        "request_id": tavily.outside.secret(""),
    });
    if asked.usage {
        body["usage"] = json!({ "credits": credits });
    }
    Ok(body)
}

// === impl Asked ===

impl Asked {
    fn read(mut given: Parameters) -> Result<Self, Refusal> {
        let urls = given.text_or_texts("urls", MOST_URLS)?;
        if urls.is_empty() {
            return Err(Refusal::bad_request("urls is missing."));
        }
        let query = given.text("query")?;
        let passages = given.number("chunks_per_source", 1..=5)?;
        if passages.is_some() && query.is_none() {
            let words = "chunks_per_source is available only when query is provided.";
            return Err(Refusal::bad_request(words));
        }
        let depth = given.word("extract_depth", &["basic", "advanced"])?;
        let asked = Self {
            urls,
            passages: query.map(|_| passages.unwrap_or(3)),
            in_markdown: given.word("format", &["markdown", "text"])? == "markdown",
            credits_per_bundle: if depth == "advanced" { 2 } else { 1 },
            usage: given.flag("include_usage")?,
        };
        given.finish()?;
        Ok(asked)
    }

    fn text_at(&self, url: &str) -> Option<String> {
        let page = page_at(url)?;
        Some(match self.passages {
            Some(at_most) => page.passages(at_most),
            None if self.in_markdown => page.markdown(),
            None => page.text,
        })
    }
}
