//! What a page says: simple blocks, and the Markdown that they are read from and written as.
//!
//! Marks inside a line are kept as they were typed; they are not taken apart.

use serde_json::{Map, Value, json};

use super::answer::Refusal;
use super::rich_text::{self, only};

/// One block of a page.
#[derive(Clone)]
pub(crate) struct Block {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    /// The rich text that it holds, as the API writes it.
    pub(crate) rich_text: Value,
}

/// What kind of block it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Paragraph,
    Heading(u8),
    Bulleted,
    Numbered,
    ToDo { checked: bool },
    Quote,
    Code { language: String },
    Divider,
}

const KINDS: [(&str, Kind); 9] = [
    ("paragraph", Kind::Paragraph),
    ("heading_1", Kind::Heading(1)),
    ("heading_2", Kind::Heading(2)),
    ("heading_3", Kind::Heading(3)),
    ("bulleted_list_item", Kind::Bulleted),
    ("numbered_list_item", Kind::Numbered),
    ("to_do", Kind::ToDo { checked: false }),
    ("quote", Kind::Quote),
    ("divider", Kind::Divider),
];

/// The languages of code, of which there are more; another one is plain text to Markdown, and
/// refused elsewhere.
const LANGUAGES: [&str; 24] = [
    "bash",
    "c",
    "c#",
    "c++",
    "css",
    "diff",
    "docker",
    "go",
    "graphql",
    "html",
    "java",
    "javascript",
    "json",
    "kotlin",
    "markdown",
    "php",
    "plain text",
    "python",
    "ruby",
    "rust",
    "shell",
    "sql",
    "typescript",
    "yaml",
];

/// Reads Markdown: every line that is not empty is a block, but for those of a fence.
pub(crate) fn from_markdown(markdown: &str, mut id: impl FnMut() -> String) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        let (kind, text) = match line.trim_end().strip_prefix("```") {
            Some(language) => {
                let inside: Vec<_> =
                    lines.by_ref().take_while(|line| line.trim_end() != "```").collect();
                let known = LANGUAGES.into_iter().find(|known| *known == language);
                let language = known.unwrap_or("plain text").to_owned();
                (Kind::Code { language }, inside.join("\n"))
            }
            None if line.trim().is_empty() => continue,
            None => of_line(line.trim()),
        };
        blocks.push(Block { id: id(), kind, rich_text: rich_text::plain(&text) });
    }
    blocks
}

fn of_line(line: &str) -> (Kind, String) {
    let marks = [
        ("# ", Kind::Heading(1)),
        ("## ", Kind::Heading(2)),
        ("### ", Kind::Heading(3)),
        ("- [ ] ", Kind::ToDo { checked: false }),
        ("- [x] ", Kind::ToDo { checked: true }),
        ("- ", Kind::Bulleted),
        ("* ", Kind::Bulleted),
        ("> ", Kind::Quote),
    ];
    if line == "---" {
        return (Kind::Divider, String::new());
    }
    let marked = marks.into_iter().find_map(|(mark, kind)| Some((kind, line.strip_prefix(mark)?)));
    if let Some((kind, rest)) = marked {
        return (kind, rest.to_owned());
    }
    match line.split_once(". ") {
        Some((number, rest)) if number.parse::<u32>().is_ok() => (Kind::Numbered, rest.to_owned()),
        _ => (Kind::Paragraph, line.to_owned()),
    }
}

/// Writes blocks as Markdown.
pub(crate) fn to_markdown(blocks: &[Block]) -> String {
    let mut number = 0;
    let lines = blocks.iter().map(|block| {
        number = if block.kind == Kind::Numbered { number + 1 } else { 0 };
        let text = rich_text::joined(&block.rich_text);
        match &block.kind {
            Kind::Paragraph => text,
            Kind::Heading(level) => format!("{} {text}", "#".repeat(usize::from(*level))),
            Kind::Bulleted => format!("- {text}"),
            Kind::Numbered => format!("{number}. {text}"),
            Kind::ToDo { checked } => format!("- [{}] {text}", if *checked { 'x' } else { ' ' }),
            Kind::Quote => format!("> {text}"),
            Kind::Code { language } => format!("```{language}\n{text}\n```"),
            Kind::Divider => "---".to_owned(),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Reads one block of a request.
pub(crate) fn read(given: &Value, path: &str, id: String) -> Result<Block, Refusal> {
    let inside = ["object", "type"];
    let named = given.as_object().into_iter().flatten();
    let mut kinds = named.map(|(name, _)| name.as_str()).filter(|name| !inside.contains(name));
    let name = kinds.next().ok_or_else(|| Refusal::body(path, "a block", Some(given)))?;
    if let Some(more) = kinds.next() {
        let at = format!("{path}.{more}");
        return Err(Refusal::body(&at, "not present", given.get(more)));
    }
    if given.get("type").is_some_and(|kind| kind != name) {
        let should = format!("`\"{name}\"`");
        return Err(Refusal::body(&format!("{path}.type"), &should, given.get("type")));
    }
    let at = format!("{path}.{name}");
    let content = &given[name];
    let (kind, more): (Kind, &[&str]) = match name {
        "code" => {
            let given = content["language"].as_str();
            let language = LANGUAGES.into_iter().find(|known| Some(*known) == given);
            let wrong =
                || Refusal::body(&format!("{at}.language"), "a language", content.get("language"));
            let language = language.ok_or_else(wrong)?.to_owned();
            (Kind::Code { language }, &["rich_text", "language"])
        }
        "to_do" => {
            let checked = content["checked"].as_bool().unwrap_or(false);
            (Kind::ToDo { checked }, &["rich_text", "checked", "color"])
        }
        _ => {
            let known = KINDS.iter().find(|(known, _)| *known == name);
            let unknown = || Refusal::invalid(format!("{at} is a block that is not simulated."));
            (known.ok_or_else(unknown)?.1.clone(), &["rich_text", "color"])
        }
    };
    only(content, &at, if kind == Kind::Divider { &[] } else { more })?;
    let rich_text = match kind {
        Kind::Divider => json!([]),
        _ => rich_text::read(&content["rich_text"], &format!("{at}.rich_text"))?,
    };
    Ok(Block { id, kind, rich_text })
}

// === impl Block ===

impl Block {
    /// Returns the block as the API writes it, with what all blocks of its page have in common.
    pub(crate) fn written(&self, common: &Map<String, Value>) -> Value {
        let mut content = json!({ "rich_text": self.rich_text, "color": "default" });
        match &self.kind {
            Kind::Paragraph => content["icon"] = Value::Null,
            Kind::Heading(_) => content["is_toggleable"] = false.into(),
            Kind::ToDo { checked } => content["checked"] = (*checked).into(),
            Kind::Code { language } => {
                content = json!({
                    "rich_text": self.rich_text, "caption": [], "language": language,
                });
            }
            Kind::Divider => content = json!({}),
            Kind::Bulleted | Kind::Numbered | Kind::Quote => {}
        }
        let mut block = common.clone();
        block.insert("id".to_owned(), self.id.clone().into());
        block.insert("type".to_owned(), self.name().into());
        block.insert(self.name().to_owned(), content);
        Value::Object(block)
    }

    fn name(&self) -> &'static str {
        match self.kind {
            Kind::Code { .. } => "code",
            Kind::ToDo { .. } => "to_do",
            _ => KINDS.iter().find(|(_, kind)| *kind == self.kind).map_or("paragraph", |it| it.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_is_read_line_by_line_and_written_the_same() {
        let markdown = "# Plan\nFirst, **this**.\n- one\n- [x] done\n- [ ] open\n1. a\n2. b\n> said\n---\n```rust\nfn main() {}\n\n// end\n```\nLast";
        let blocks = from_markdown(markdown, || "an id".to_owned());
        assert_eq!(blocks.len(), 11);
        assert_eq!(to_markdown(&blocks), markdown);
        assert_eq!(to_markdown(&from_markdown("a\n\n\nb\n", String::new)), "a\nb");
    }
}
