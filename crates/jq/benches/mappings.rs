//! What the JSON work of one tool call costs: `cargo bench -p astralform-jq`.
//!
//! Prints the best time of many rounds, in microseconds; nothing is compared or recorded.

#![expect(clippy::print_stdout, reason = "the times are what it is for")]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use astralform_jq::{Document, Program, StepBudget};
use serde_json::{Value, json};

const QUERY: &str = r#"{
    types: (if .include_private then "public,private" else "public" end),
    exclude_archived: true,
    limit: (.limit // 100),
    cursor,
}"#;
const CODE: &str = r#"if .ok then null else (.error // "unknown_error") end"#;
const RESULT: &str = r#"
    (.response_metadata.next_cursor // "") as $next
    | {
        channels: [.channels[]
          | ((.topic.value // "") | split("&lt;") | join("<") | split("&gt;") | join(">")
              | split("&amp;") | join("&")) as $topic
          | {id, name, private: .is_private, member: .is_member, members: .num_members}
          + (if $topic != "" then {topic: $topic} else {} end)],
      }
      + (if $next != "" then {next_cursor: $next} else {} end)"#;

const ROUNDS: usize = 40;
const RUNS: u32 = 500;

fn main() {
    let arguments = json!({"limit": 20, "cursor": "dGVhbTpDMDYxRkE1UEI="});
    let call = Call::new(arguments);
    let small = page(2);
    println!("a page of {} bytes", small.len());
    report("parse", || Document::parse(&small).expect("the page is JSON"));
    let document = Document::parse(&small).expect("the page is JSON");
    report("arguments to query", || call.query());
    report("code of the answer", || call.run(&call.code, &document));
    report("result of the answer", || call.run(&call.result, &document));
    report("all of one call", || call.whole(&small));
    let large = page(17);
    println!("a page of {} bytes", large.len());
    report("parse", || Document::parse(&large).expect("the page is JSON"));
    let document = Document::parse(&large).expect("the page is JSON");
    report("result of the answer", || call.run(&call.result, &document));
    report("all of one call", || call.whole(&large));
}

struct Call {
    query: Program,
    code: Program,
    result: Program,
    arguments: Value,
}

impl Call {
    fn new(arguments: Value) -> Self {
        let compile = |source| {
            Program::compile(source, &["arguments", "status"]).expect("the mapping compiles")
        };
        Self { query: compile(QUERY), code: compile(CODE), result: compile(RESULT), arguments }
    }

    fn query(&self) -> Value {
        let input = Document::from_value(&self.arguments).expect("the arguments are not deep");
        self.run(&self.query, &input)
    }

    fn run(&self, program: &Program, input: &Document<'_>) -> Value {
        let variables = [&self.arguments, &json!(200)];
        program.run(input, &variables, StepBudget::DEFAULT).expect("the mapping fits")
    }

    fn whole(&self, body: &[u8]) -> (Value, Value, Value) {
        let query = self.query();
        let document = Document::parse(body).expect("the page is JSON");
        (query, self.run(&self.code, &document), self.run(&self.result, &document))
    }
}

/// Returns a provider's page of channels, most of which no mapping looks at.
fn page(channels: usize) -> Vec<u8> {
    let channel = |number: usize| {
        json!({
            "id": format!("C0{number:08}"), "name": format!("channel-{number}"),
            "is_channel": true, "is_group": false, "is_im": false, "is_mpim": false,
            "is_private": false, "created": 1_449_252_889, "is_archived": false,
            "is_general": number == 0, "unlinked": 0, "name_normalized": format!("channel-{number}"),
            "is_shared": false, "is_org_shared": false, "is_pending_ext_shared": false,
            "pending_shared": [], "context_team_id": "T012345678", "updated": 1_678_229_664_302_u64,
            "parent_conversation": null, "creator": "U012A3CDE", "is_ext_shared": false,
            "shared_team_ids": ["T012345678"], "pending_connected_team_ids": [], "is_member": true,
            "topic": {"value": "Company-wide announcements &amp; work-based matters",
                "creator": "U012A3CDE", "last_set": 1_449_709_364},
            "purpose": {"value": "This channel is for team-wide communication and announcements.",
                "creator": "U012A3CDE", "last_set": 1_449_709_364},
            "previous_names": ["announcements"], "num_members": 4 + number,
        })
    };
    let channels: Vec<_> = (0..channels).map(channel).collect();
    let page = json!({
        "ok": true, "channels": channels,
        "response_metadata": {"next_cursor": "dGVhbTpDMDYxRkE1UEI="},
    });
    page.to_string().into_bytes()
}

fn report<T>(what: &str, work: impl Fn() -> T) {
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        for _ in 0..RUNS {
            black_box(work());
        }
        best = best.min(started.elapsed() / RUNS);
    }
    println!("  {what:<22} {:8.2} µs", best.as_secs_f64() * 1e6);
}
