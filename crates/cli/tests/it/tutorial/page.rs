/// A block of commands in a page, with what it prints.
#[derive(Debug)]
pub(super) struct Block {
    /// The line of the page that it begins at.
    pub(super) line: usize,
    /// What a shell is given.
    pub(super) commands: String,
    /// What the page shows below it; `…` stands for anything within a line.
    pub(super) shown: String,
}

/// Returns the blocks of a page: each that is marked `sh`, with the one of another kind that follows.
pub(super) fn blocks(page: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut lines = page.lines().zip(1..);
    while let Some((text, line)) = lines.next() {
        let Some(kind) = text.strip_prefix("```") else { continue };
        let inside = lines.by_ref().map(|(text, _)| text).take_while(|text| *text != "```");
        let inside: String = inside.flat_map(|text| [text, "\n"]).collect();
        if kind == "sh" {
            found.push(Block { line, commands: inside, shown: String::new() });
        } else {
            let before = found.last_mut().filter(|block| block.shown.is_empty());
            before.expect("what is shown belongs to a block of commands").shown = inside;
        }
    }
    found
}

impl Block {
    /// Returns whether this is what the page shows.
    pub(super) fn shows(&self, printed: &str) -> bool {
        let shown: Vec<_> = self.shown.lines().collect();
        let printed: Vec<_> = printed.lines().collect();
        shown.len() == printed.len()
            && shown.iter().zip(printed).all(|(shown, printed)| is_like(shown, printed))
    }
}

/// Returns whether a line is like another one, in which `…` stands for anything.
fn is_like(shown: &str, printed: &str) -> bool {
    let mut parts = shown.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = printed.strip_prefix(first) else { return false };
    let mut parts: Vec<_> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

#[test]
fn a_page_is_read_as_its_readers_read_it() {
    let page =
        "# T\n\n```sh\necho a\necho 12\n```\n\nThat is\n\n```\na\n1…\n```\n\n```sh\ntrue\n```\n";
    let [first, second] = blocks(page).try_into().unwrap();
    assert_eq!((first.line, first.commands.as_str()), (3, "echo a\necho 12\n"));
    assert_eq!(first.shown, "a\n1…\n");
    assert!(first.shows("a\n12\n"));
    for other in ["a\n2\n", "a\n", "a\n1\n1\n", "", "a b\n12\n"] {
        assert!(!first.shows(other), "{other}");
    }
    assert!(second.shows("") && !second.shows("a\n"));
    assert!(is_like("a…c…e", "abcde") && !is_like("a…c…e", "abde") && is_like("…", ""));
}
