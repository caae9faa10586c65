//! The texts in a Rust source: what stands in it between quotes, outside of comments.

/// Returns the literals of a source with the numbers of the lines that they begin on.
pub(crate) fn literals(source: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find(['"', '/', '\'']) {
        let before = &rest[..at];
        let line = source[..source.len() - rest.len() + at].matches('\n').count() + 1;
        rest = &rest[at..];
        rest = if rest.starts_with("//") {
            rest.find('\n').map_or("", |end| &rest[end..])
        } else if let Some(inside) = rest.strip_prefix('"') {
            let (text, after) = literal(inside, &terminator(before));
            found.push((line, text.to_owned()));
            after
        } else if rest.starts_with('\'') {
            after_quote(rest)
        } else {
            &rest[1..]
        };
    }
    found
}

/// Returns what ends a literal that begins after `before`: a raw one ends with as many `#` as it
/// began with.
fn terminator(before: &str) -> String {
    let hashes = before.len() - before.trim_end_matches('#').len();
    let is_raw = before.trim_end_matches('#').ends_with('r');
    format!("\"{}", "#".repeat(if is_raw { hashes } else { 0 }))
}

fn literal<'a>(text: &'a str, end: &str) -> (&'a str, &'a str) {
    let mut from = 0;
    while let Some(at) = text[from..].find(end).map(|at| from + at) {
        let escapes = text[..at].len() - text[..at].trim_end_matches('\\').len();
        if end.len() > 1 || escapes.is_multiple_of(2) {
            return (&text[..at], &text[at + end.len()..]);
        }
        from = at + 1;
    }
    (text, "")
}

/// Returns what follows a character, or a lifetime.
fn after_quote(text: &str) -> &str {
    let escaped =
        text[1..].strip_prefix('\\').and_then(|it| Some(&it[it.char_indices().nth(1)?.0..]));
    if let Some(after) = escaped {
        return after.split_once('\'').map_or("", |(_, after)| after);
    }
    let mut characters = text[1..].char_indices();
    let (_, second) = (characters.next(), characters.next());
    match second {
        Some((at, '\'')) => &text[1 + at + 1..],
        _ => &text[1..],
    }
}

/// Returns whether a literal names one of the providers: it is a name, or begins with one that
/// something follows, as the names of tools and hosts do. Words of a sentence are none.
pub(crate) fn names<'a>(
    literal: &str,
    providers: impl IntoIterator<Item = &'a String>,
) -> Option<&'a str> {
    let literal = literal.to_lowercase();
    let literal = literal.trim_start_matches("https://").trim_start_matches("www.");
    let is_named = |provider: &&String| {
        literal.match_indices(provider.as_str()).any(|(at, _)| {
            let before = literal[..at].chars().next_back();
            let after = literal[at + provider.len()..].chars().next();
            let begins = before.is_none_or(|c| "./:@".contains(c));
            match after {
                None => begins,
                Some(c) => begins && "_-./:".contains(c) && !literal[at..].contains(". "),
            }
        })
    };
    let is_sentence = literal.contains(' ');
    let found = providers.into_iter().find(is_named).filter(|_| !is_sentence);
    found.map(String::as_str)
}

#[test]
fn literals_are_told_from_comments_characters_and_lifetimes() {
    let source = r##"
// "none" it's
fn f<'a>(x: &'a str) -> char { '"' } // "none"
let a = "one \" two";
let b = r#"three "four" x"#; let c = '\''; let d = "five";
"##;
    let expected = [(4, "one \\\" two"), (5, "three \"four\" x"), (5, "five")];
    assert_eq!(literals(source), expected.map(|(line, text)| (line, text.to_owned())));
}

#[test]
fn a_provider_is_named_by_a_name_a_tool_or_a_host_and_not_by_a_word() {
    let providers = ["box", "close", "segment", "slack"].map(ToOwned::to_owned);
    let names = |literal| names(literal, &providers);
    for (literal, named) in [
        ("slack", "slack"),
        ("Slack", "slack"),
        ("slack_list_channels", "slack"),
        ("https://slack.com/api", "slack"),
        ("api.box.com", "box"),
        ("close", "close"),
    ] {
        assert_eq!(names(literal), Some(named), "{literal}");
    }
    for none in
        ["inbox", "box_sizing_of a page", "segments", "close the page", "slacker", "/closed"]
    {
        assert_eq!(names(none), None, "{none}");
    }
}
