//! Pages and data sources, and who sees them.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::blocks::{self, Block};
use super::ids;
use super::rich_text;
use super::times::written;

/// What something is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Parent {
    Workspace,
    Page(String),
    DataSource(String),
}

/// One page.
#[derive(Clone)]
pub(crate) struct Page {
    pub(crate) id: String,
    pub(crate) parent: Parent,
    /// The property values, as the API writes them.
    pub(crate) properties: Map<String, Value>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) icon: Value,
    pub(crate) made_at: i64,
    pub(crate) edited_at: i64,
    pub(crate) made_by: String,
    pub(crate) in_trash: bool,
    /// Who alone sees it, where it is in nobody else's part of the workspace.
    pub(crate) private_to: Option<String>,
}

/// One data source, the only one of its database.
#[derive(Clone)]
pub(crate) struct DataSource {
    pub(crate) id: String,
    pub(crate) database_id: String,
    pub(crate) title: String,
    /// What its pages have, as the API writes it.
    pub(crate) properties: Map<String, Value>,
    pub(crate) made_at: i64,
    pub(crate) edited_at: i64,
    pub(crate) made_by: String,
}

/// Everything in the workspace.
pub(crate) struct Content {
    pub(crate) pages: Vec<Page>,
    pub(crate) data_sources: Vec<DataSource>,
}

// === impl Content ===

impl Content {
    pub(crate) fn page(&self, id: &str) -> Option<&Page> {
        self.pages.iter().find(|page| page.id == id)
    }

    /// Returns a data source, by its own id or its database's.
    pub(crate) fn data_source(&self, id: &str) -> Option<&DataSource> {
        self.data_sources.iter().find(|it| it.id == id || it.database_id == id)
    }

    /// Returns whether something is among what was shared, or below it.
    pub(crate) fn is_shared(&self, shared: &BTreeSet<String>, id: &str) -> bool {
        let mut at = id.to_owned();
        // Nothing is nested deeper than there are pages.
        for _ in 0..=self.pages.len() {
            if shared.contains(&at) {
                return true;
            }
            at = match self.page(&at).map(|page| &page.parent) {
                Some(Parent::Page(parent) | Parent::DataSource(parent)) => parent.clone(),
                _ => return false,
            };
        }
        false
    }

    /// Returns what is on the first level and a person can share, with titles; without a person,
    /// what anybody can.
    pub(crate) fn to_share(&self, person: Option<&str>) -> Vec<(&str, String)> {
        let sees = |owner: &String| person.is_none_or(|person| owner == person);
        let pages = self.pages.iter().filter(|page| {
            page.parent == Parent::Workspace
                && !page.in_trash
                && page.private_to.as_ref().is_none_or(sees)
        });
        let pages = pages.map(|page| (page.id.as_str(), page.title()));
        let sources = self.data_sources.iter().map(|it| (it.id.as_str(), it.title.clone()));
        pages.chain(sources).collect()
    }

    /// Returns a page's text, with its child pages at the end.
    pub(crate) fn markdown(&self, page: &Page, base: &str) -> String {
        let children = self
            .children(page)
            .map(|child| format!("<page url=\"{}\">{}</page>", child.url(base), child.title()));
        let text = Some(blocks::to_markdown(&page.blocks)).filter(|text| !text.is_empty());
        text.into_iter().chain(children).collect::<Vec<_>>().join("\n")
    }

    /// Returns a page's blocks as the API writes them, with its child pages at the end.
    pub(crate) fn blocks(&self, page: &Page) -> Vec<Value> {
        let common = |of: &Page| {
            let Value::Object(mut common) = of.common() else { return Map::new() };
            common.insert("object".to_owned(), "block".into());
            common.insert("has_children".to_owned(), false.into());
            let parent = json!({ "type": "page_id", "page_id": page.id });
            common.insert("parent".to_owned(), parent);
            common
        };
        let own = page.blocks.iter().map(|block| block.written(&common(page)));
        let children = self.children(page).map(|child| {
            let mut block = common(child);
            block.insert("id".to_owned(), child.id.clone().into());
            block.insert("type".to_owned(), "child_page".into());
            block.insert("child_page".to_owned(), json!({ "title": child.title() }));
            Value::Object(block)
        });
        own.chain(children).collect()
    }

    fn children<'a>(&'a self, page: &Page) -> impl Iterator<Item = &'a Page> {
        let parent = Parent::Page(page.id.clone());
        self.pages.iter().filter(move |child| child.parent == parent && !child.in_trash)
    }

    fn written_parent(&self, parent: &Parent) -> Value {
        match parent {
            Parent::Workspace => json!({ "type": "workspace", "workspace": true }),
            Parent::Page(id) => json!({ "type": "page_id", "page_id": id }),
            Parent::DataSource(id) => {
                let database = self.data_source(id).map(|source| source.database_id.as_str());
                json!({
                    "type": "data_source_id",
                    "data_source_id": id,
                    "database_id": database.unwrap_or_default(),
                })
            }
        }
    }

    /// Returns a page as the API writes it.
    pub(crate) fn written_page(&self, page: &Page, base: &str) -> Value {
        let mut written = page.common();
        written["object"] = "page".into();
        written["id"] = page.id.clone().into();
        written["is_archived"] = false.into();
        written["is_locked"] = false.into();
        written["url"] = page.url(base).into();
        written["public_url"] = Value::Null;
        written["parent"] = self.written_parent(&page.parent);
        written["properties"] = page.properties.clone().into();
        written["icon"] = page.icon.clone();
        written["cover"] = Value::Null;
        written
    }
}

// === impl Page ===

impl Page {
    /// Returns the text of its one title property.
    pub(crate) fn title(&self) -> String {
        let title = self.properties.values().find(|property| property["type"] == "title");
        title.map(|property| rich_text::joined(&property["title"])).unwrap_or_default()
    }

    /// Returns where people read it.
    pub(crate) fn url(&self, base: &str) -> String {
        address(base, &self.title(), &self.id)
    }

    fn common(&self) -> Value {
        common(self.made_at, self.edited_at, &self.made_by, self.in_trash)
    }
}

// === impl DataSource ===

impl DataSource {
    /// Returns a data source as the API writes it.
    pub(crate) fn written(&self, base: &str) -> Value {
        let mut written = common(self.made_at, self.edited_at, &self.made_by, false);
        written["object"] = "data_source".into();
        written["id"] = self.id.clone().into();
        written["title"] = rich_text::plain(&self.title);
        written["description"] = json!([]);
        written["parent"] = json!({ "type": "database_id", "database_id": self.database_id });
        written["database_parent"] = json!({ "type": "workspace", "workspace": true });
        written["is_inline"] = false.into();
        written["properties"] = self.properties.clone().into();
        written["icon"] = Value::Null;
        written["cover"] = Value::Null;
        written["url"] = address(base, "", &self.database_id).into();
        written["public_url"] = Value::Null;
        written
    }
}

fn common(made_at: i64, edited_at: i64, made_by: &str, in_trash: bool) -> Value {
    let by = json!({ "object": "user", "id": made_by });
    json!({
        "created_time": written(made_at),
        "last_edited_time": written(edited_at),
        "created_by": by,
        "last_edited_by": by,
        "in_trash": in_trash,
        "archived": in_trash,
    })
}

fn address(base: &str, title: &str, id: &str) -> String {
    let plain: String =
        title.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' }).collect();
    let words: Vec<_> =
        plain.split_whitespace().chain([ids::bare(id).as_str()]).map(str::to_owned).collect();
    format!("{base}/notion/p/{}", words.join("-"))
}
