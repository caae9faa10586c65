//! As much of HTML as our own pages and the test providers' need.

/// A form, with the values it would send.
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) action: Option<String>,
    pub(crate) fields: Vec<(String, String)>,
}

/// Returns the form of a page, as a click on the button labelled `button` would send it.
pub(crate) fn form(html: &str, button: &str) -> Option<Form> {
    let start = html.find("<form")?;
    let inside = &html[start..start + html[start..].find("</form>")?];
    let mut fields = Vec::new();
    for tag in tags(inside, "<input") {
        let kind = attribute(tag, "type").unwrap_or_default();
        let is_choice = matches!(kind.as_str(), "radio" | "checkbox");
        let chosen = !is_choice || tag.contains(" checked");
        if let (true, Some(name)) = (chosen, attribute(tag, "name")) {
            fields.push((name, attribute(tag, "value").unwrap_or_default()));
        }
    }
    let clicked = inside.split("<button").skip(1).find(|rest| {
        let label = rest.split_once('>').and_then(|(_, rest)| rest.split_once('<'));
        label.is_some_and(|(label, _)| label.trim().starts_with(button))
    })?;
    let tag = clicked.split_once('>')?.0;
    if let Some(name) = attribute(tag, "name") {
        fields.push((name, attribute(tag, "value").unwrap_or_default()));
    }
    Some(Form { action: attribute(inside.split_once('>')?.0, "action"), fields })
}

/// Returns the page with the radio button labelled `label` chosen in place of the one that was.
pub(crate) fn choose(html: &str, label: &str) -> Option<String> {
    let bare = html.replace(" checked>", ">");
    let end = bare[..bare.find(label)?].rfind('>')?;
    Some(format!("{} checked{}", &bare[..end], &bare[end..]))
}

/// Returns the page with a text in the field of that name.
pub(crate) fn fill(html: &str, field: &str, text: &str) -> Option<String> {
    let named = html.find(&format!("name=\"{field}\""))?;
    let value = named + html[named..].find("value=\"")? + "value=\"".len();
    let end = value + html[value..].find('"')?;
    let text = text.replace('&', "&#38;").replace('"', "&#34;");
    Some(format!("{}{text}{}", &html[..value], &html[end..]))
}

/// Returns the page with the checkbox labelled `label` no longer ticked.
pub(crate) fn untick(html: &str, label: &str) -> Option<String> {
    let start = html[..html.find(label)?].rfind("<input")?;
    let (before, rest) = html.split_at(start);
    Some(format!("{before}{}", rest.replacen(" checked", "", 1)))
}

/// Returns where a page moves on to by itself.
pub(crate) fn refresh(html: &str) -> Option<String> {
    let tag = tags(html, "<meta").find(|tag| tag.contains("http-equiv=\"refresh\""))?;
    let content = attribute(tag, "content")?;
    Some(content.split_once("url=")?.1.to_owned())
}

/// Returns the value of an attribute of the page's `main`.
pub(crate) fn outcome(html: &str) -> Option<String> {
    attribute(tags(html, "<main").next()?, "data-outcome")
}

fn tags<'a>(html: &'a str, start: &'a str) -> impl Iterator<Item = &'a str> {
    html.split(start).skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag)
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    Some(unescape(value))
}

fn unescape(text: &str) -> String {
    const ESCAPES: [(&str, &str); 9] = [
        ("&#38;", "&"),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&amp;", "&"),
    ];
    ESCAPES.iter().fold(text.to_owned(), |text, (escape, meant)| text.replace(escape, meant))
}
