use aide::{axum::ApiRouter, openapi::Tag, transform::TransformOperation};

use crate::App;

/// The operations of the API and the groups they are in.
pub struct OperationTable {
    /// The operations, each with its handler.
    pub router: Routes,
    /// The groups, in their order.
    pub groups: Vec<Tag>,
}

/// Routes with what the document says of them.
pub type Routes = ApiRouter<App>;

impl OperationTable {
    /// Returns both tables, this one first.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.groups.extend(other.groups);
        Self { router: self.router.merge(other.router), ..self }
    }
}

/// Makes a table of operations: `id: method "path" => handler;`, in named groups.
///
/// The comment above a row is what the document says of it: the first paragraph is the summary,
/// the rest the description.
#[macro_export]
macro_rules! operations {
    ($($(#[doc = $about:literal])+ $group:literal {
        $($(#[doc = $doc:literal])+ $id:ident: $method:ident $path:literal => $handler:path;)+
    })+) => {{
        use $crate::openapi::{OperationTable, Routes, described, group, method};
        OperationTable {
            groups: vec![$(group($group, concat!($($about, "\n"),+))),+],
            router: Routes::new()$($(.api_route(
                $path,
                method::$method(
                    $handler,
                    described(stringify!($id), $group, concat!($($doc, "\n"),+)),
                ),
            ))+)+,
        }
    }};
}

/// The methods a row can name; add one when it is first needed.
pub mod method {
    pub use aide::axum::routing::{
        delete_with as delete, get_with as get, patch_with as patch, post_with as post,
        put_with as put,
    };
}

/// Returns a group of operations, which its comment is about.
pub fn group(name: &str, about: &str) -> Tag {
    let description = Some(text(about.lines()));
    Tag { name: name.to_owned(), description, ..Tag::default() }
}

/// Returns what an operation's row says of it.
pub fn described(
    id: &'static str,
    group: &'static str,
    doc: &'static str,
) -> impl FnOnce(TransformOperation<'_>) -> TransformOperation<'_> {
    move |operation| {
        let (summary, description) = doc.split_once("\n\n").unwrap_or((doc, ""));
        let operation =
            operation.id(id).tag(group).summary(text(summary.lines()).trim_end_matches('.'));
        match text(description.lines()) {
            none if none.is_empty() => operation,
            description => operation.description(&description),
        }
    }
}

/// Returns the lines of a comment as paragraphs of one line each.
fn text<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for line in lines.map(str::trim) {
        match line {
            "" if text.is_empty() => {}
            "" => text.push_str("\n\n"),
            line if text.is_empty() || text.ends_with('\n') => text.push_str(line),
            line => text.extend([" ", line]),
        }
    }
    text.trim_end().to_owned()
}
