use serde_json::{Map, Value, json};

use super::blocks;
use super::content::{Content, DataSource, Page, Parent};
use super::rich_text;
use super::state::{Person, Workspace};

pub(crate) const ADA: &str = "11111111-0000-4000-8000-0000000000a1";
const GRACE: &str = "11111111-0000-4000-8000-0000000000a2";
const ALAN: &str = "11111111-0000-4000-8000-0000000000a3";

/// 1 January 2026, 09:00 UTC.
const FOUNDED: i64 = 1_767_258_000_000_000;
const HOUR: i64 = 3_600_000_000;

const HANDBOOK: &str = "22222222-0000-4000-8000-000000000001";
const ROADMAP: &str = "33333333-0000-4000-8000-000000000001";
const ROADMAP_DATABASE: &str = "33333333-0000-4000-8000-000000000002";
const ODD_TITLE: &str = r#"She said "ship & 'sail'" if a < b > c 🚀 </script>"#;

/// A page's last two digits, title, text, parent, and who alone sees it.
type Seed = (u8, &'static str, &'static str, Option<&'static str>, Option<&'static str>);

const PAGES: &[Seed] = &[
    (
        1,
        "Company handbook",
        "# Welcome\nThis is the simulated Acme. Nothing leaves this machine.\n- Be kind\n- [ ] Read the security page",
        None,
        None,
    ),
    (
        2,
        "Security",
        "Report what looks odd to security@example.com.\n> Trust, but verify.",
        Some(HANDBOOK),
        None,
    ),
    (
        3,
        "Engineering wiki",
        "## How we ship\n1. Review\n2. Merge\n3. Watch\n```shell\nscripts/release --dry-run\n```",
        None,
        None,
    ),
    (4, ODD_TITLE, "Is 3 < 5 && 5 > 3? The tests say yes.", None, None),
    (5, "", "A page without a title.", None, None),
    (6, "東京オフィス", "日本語のページ", None, None),
    (7, "Ada's notes", "Ask Grace about the report.", None, Some(ADA)),
    (8, "Payroll", "Confidential.", None, Some(ALAN)),
];

pub(crate) fn workspace() -> Workspace {
    let person = |id: &str, name: &str, email: &str| Person {
        id: id.to_owned(),
        name: name.to_owned(),
        email: email.to_owned(),
    };
    Workspace {
        id: "44444444-0000-4000-8000-000000000001".to_owned(),
        name: "Acme (simulated)".to_owned(),
        people: vec![
            person(ADA, "Ada Lovelace", "ada@example.com"),
            person(GRACE, "Grace Hopper", "grace@example.com"),
            person(ALAN, "Alan Turing", "alan@example.com"),
        ],
    }
}

/// Returns pages and a data source with everything a client should have met before production.
pub(crate) fn content() -> Content {
    let mut pages: Vec<_> = PAGES.iter().map(page).collect();
    let mut trashed = page(&(9, "Old plans", "Never mind.", None, None));
    trashed.in_trash = true;
    pages.push(trashed);
    pages.extend([row(11, "Billing v2", "In progress"), row(12, "Dark mode", "Not started")]);
    Content { pages, data_sources: vec![roadmap()] }
}

fn page(&(number, title, text, parent, private_to): &Seed) -> Page {
    let id = format!("22222222-0000-4000-8000-0000000000{number:02}");
    let mut blocks = 0;
    let block_id = || {
        blocks += 1;
        format!("55555555-0000-4000-8000-00000000{number:02}{blocks:02}")
    };
    let at = FOUNDED + i64::from(number) * HOUR;
    let title = json!({ "id": "title", "type": "title", "title": rich_text::plain(title) });
    Page {
        id,
        parent: parent.map_or(Parent::Workspace, |id| Parent::Page(id.to_owned())),
        properties: Map::from_iter([("title".to_owned(), title)]),
        blocks: blocks::from_markdown(text, block_id),
        icon: Value::Null,
        made_at: at,
        edited_at: at,
        made_by: private_to.unwrap_or(ADA).to_owned(),
        in_trash: false,
        private_to: private_to.map(str::to_owned),
    }
}

fn roadmap() -> DataSource {
    let property = |id: &str, name: &str, kind: &str, config: Value| {
        let mut property = json!({ "id": id, "name": name, "type": kind, "description": null });
        property[kind] = config;
        (name.to_owned(), property)
    };
    let properties = Map::from_iter([
        property("title", "Name", "title", json!({})),
        property("st%41", "Status", "status", status()),
        property("pr%42", "Priority", "select", options(&["High", "Low"])),
        property("tg%43", "Tags", "multi_select", options(&["billing", "design"])),
        property("du%44", "Due", "date", json!({})),
        property("ow%45", "Owner", "people", json!({})),
        property("es%46", "Estimate", "number", json!({ "format": "number" })),
        property("rv%47", "Reviewed", "checkbox", json!({})),
        property("ln%48", "Link", "url", json!({})),
        property("nt%49", "Notes", "rich_text", json!({})),
    ]);
    DataSource {
        id: ROADMAP.to_owned(),
        database_id: ROADMAP_DATABASE.to_owned(),
        title: "Roadmap".to_owned(),
        properties,
        made_at: FOUNDED,
        edited_at: FOUNDED + 10 * HOUR,
        made_by: ADA.to_owned(),
    }
}

fn row(number: u8, name: &'static str, status: &str) -> Page {
    let mut page = page(&(number, name, "Details follow.", None, None));
    page.parent = Parent::DataSource(ROADMAP.to_owned());
    let title = json!({ "id": "title", "type": "title", "title": rich_text::plain(name) });
    let option = |name: &str| json!({ "id": name, "name": name, "color": "default" });
    let owner = json!({
        "object": "user", "id": ADA, "name": "Ada Lovelace", "avatar_url": null, "type": "person",
        "person": { "email": "ada@example.com" },
    });
    let due = json!({ "start": "2026-12-01", "end": "2026-12-24", "time_zone": null });
    page.properties = Map::from_iter([
        ("Name".to_owned(), title),
        ("Status".to_owned(), json!({ "id": "st%41", "type": "status", "status": option(status) })),
        (
            "Priority".to_owned(),
            json!({ "id": "pr%42", "type": "select", "select": option("High") }),
        ),
        (
            "Tags".to_owned(),
            json!({ "id": "tg%43", "type": "multi_select", "multi_select": [option("billing"), option("design")] }),
        ),
        ("Due".to_owned(), json!({ "id": "du%44", "type": "date", "date": due })),
        ("Owner".to_owned(), json!({ "id": "ow%45", "type": "people", "people": [owner] })),
        ("Estimate".to_owned(), json!({ "id": "es%46", "type": "number", "number": 3.5 })),
        ("Reviewed".to_owned(), json!({ "id": "rv%47", "type": "checkbox", "checkbox": true })),
        (
            "Link".to_owned(),
            json!({ "id": "ln%48", "type": "url", "url": "https://example.com/spec" }),
        ),
        (
            "Notes".to_owned(),
            json!({ "id": "nt%49", "type": "rich_text", "rich_text": rich_text::plain("Ask Grace") }),
        ),
    ]);
    page
}

fn options(names: &[&str]) -> Value {
    let option =
        |name: &&str| json!({ "id": name, "name": name, "color": "default", "description": null });
    json!({ "options": names.iter().map(option).collect::<Vec<_>>() })
}

fn status() -> Value {
    let names = ["Not started", "In progress", "Done"];
    let mut status = options(&names);
    let groups = [("To-do", names[0]), ("In progress", names[1]), ("Complete", names[2])];
    let group = |(name, option): (&str, &str)| json!({ "id": name, "name": name, "color": "gray", "option_ids": [option] });
    status["groups"] = groups.map(group).to_vec().into();
    status
}
