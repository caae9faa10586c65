use axum::body::Bytes;
use axum::extract;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::key_of;
use super::parameters::Parameters;
use crate::outside::Outside;
use crate::tavily::Tavily;
use crate::tavily::answer::{Refusal, respond};
use crate::tavily::dates::noon_of;
use crate::tavily::web::{Page, pages_about};

const LONGEST_QUERY: usize = 400;
const DAY: i64 = 86_400;

/// What is asked for.
struct Asked {
    query: String,
    topic: &'static str,
    credits: u64,
    passages: usize,
    at_most: usize,
    /// The oldest page that is wanted, in days.
    oldest: u32,
    include_domains: Vec<String>,
    exclude_domains: Vec<String>,
    answer: bool,
    raw_content: bool,
    usage: bool,
}

/// Serves `POST /search`.
pub(crate) async fn post(
    extract::State(tavily): extract::State<Tavily>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    respond(search(&tavily, &headers, &body))
}

fn search(tavily: &Tavily, headers: &HeaderMap, body: &[u8]) -> Result<Value, Refusal> {
    let mut state = tavily.state();
    let key = key_of(headers, &state)?;
    let asked = Asked::read(Parameters::read(headers, body)?)?;
    state.pay_search(&key, asked.credits)?;
    Ok(asked.answered(&tavily.outside))
}

// === impl Asked ===

impl Asked {
    fn read(mut given: Parameters) -> Result<Self, Refusal> {
        let query = given.text("query")?.unwrap_or_default();
        if query.trim().is_empty() {
            return Err(Refusal::bad_request("Query is missing."));
        }
        if query.chars().count() > LONGEST_QUERY {
            let words =
                format!("Query is too long. Max query length is {LONGEST_QUERY} characters.");
            return Err(Refusal::bad_request(words));
        }
        let depth = given.word("search_depth", &["basic", "advanced", "fast", "ultra-fast"])?;
        let passages = given.number("chunks_per_source", 1..=3)?;
        if passages.is_some() && depth == "ultra-fast" {
            let words = "chunks_per_source is not available with search_depth ultra-fast.";
            return Err(Refusal::bad_request(words));
        }
        let ranges = ["", "day", "week", "month", "year", "d", "w", "m", "y"];
        let asked = Self {
            query,
            topic: given.word("topic", &["general", "news", "finance"])?,
            credits: if depth == "advanced" { 2 } else { 1 },
            passages: if depth == "ultra-fast" { 1 } else { passages.unwrap_or(3) },
            at_most: given.number("max_results", 0..=20)?.unwrap_or(5),
            oldest: oldest(given.word("time_range", &ranges)?),
            include_domains: given.texts("include_domains", 300)?,
            exclude_domains: given.texts("exclude_domains", 150)?,
            answer: given.flag_or("include_answer", &["basic", "advanced"])?,
            raw_content: given.flag_or("include_raw_content", &["markdown", "text"])?,
            usage: given.flag("include_usage")?,
        };
        given.finish()?;
        Ok(asked)
    }

    fn wants(&self, page: &Page) -> bool {
        let is_of = |domain: &String| page.is_of(domain);
        let included = self.include_domains.is_empty() || self.include_domains.iter().any(is_of);
        included && !self.exclude_domains.iter().any(is_of) && page.age <= self.oldest
    }

    fn answered(&self, outside: &Outside) -> Value {
        let found = pages_about(&self.query, self.topic).into_iter();
        let found: Vec<Page> = found.filter(|page| self.wants(page)).take(self.at_most).collect();
        let answer = self.answer.then(|| {
            let places = found.iter().map(|page| page.domain).collect::<Vec<_>>().join(", ");
            format!("A made-up answer about {}, from: {places}.", self.query)
        });
        let results = found.iter().enumerate();
        let results: Vec<_> =
            results.map(|(at, page)| self.result(at, page, outside.now())).collect();
        let mut body = json!({
            "query": self.query,
            "answer": answer,
            "images": [],
            "results": results,
            "response_time": 0.42,
            "request_id": outside.secret(""),
        });
        if self.usage {
            body["usage"] = json!({ "credits": self.credits });
        }
        body
    }

    fn result(&self, at: usize, page: &Page, now: i64) -> Value {
        let mut result = Map::new();
        let mut put = |name: &str, value: Value| result.insert(name.to_owned(), value);
        put("url", page.url.as_str().into());
        put("title", page.title.as_str().into());
        put("content", page.passages(self.passages).into());
        put("score", SCORES[at.min(SCORES.len() - 1)].into());
        put("raw_content", self.raw_content.then(|| page.markdown()).into());
        if self.topic == "news" {
            let published = now / 1_000_000 - i64::from(page.age) * DAY;
            put("published_date", noon_of(published).into());
        }
        result.into()
    }
}

/// How well each result fits, by its place.
const SCORES: [f64; 5] = [0.93, 0.81, 0.74, 0.58, 0.41];

fn oldest(range: &str) -> u32 {
    match range {
        "day" | "d" => 1,
        "week" | "w" => 7,
        "month" | "m" => 31,
        "year" | "y" => 366,
        _ => u32::MAX,
    }
}
