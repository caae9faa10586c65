use serde_json::{Value, json};

use super::answer::Refusal;

/// How many elements an array of a request may have.
pub(crate) const LONGEST_LIST: usize = 100;
/// How many characters a text of a rich text element, or an address, may have.
pub(crate) const LONGEST_TEXT: usize = 2_000;

const ANNOTATIONS: [&str; 6] = ["bold", "italic", "strikethrough", "underline", "code", "color"];

/// Returns a plain text as the API writes it.
pub(crate) fn plain(text: &str) -> Value {
    if text.is_empty() {
        return json!([]);
    }
    json!([element(text, None)])
}

/// Returns all text of a rich text that the API wrote.
pub(crate) fn joined(rich_text: &Value) -> String {
    let items = rich_text.as_array().map_or(&[][..], Vec::as_slice);
    items.iter().filter_map(|item| item["plain_text"].as_str()).collect()
}

/// Reads the rich text of a request, of which only the kind `text` is simulated.
pub(crate) fn read(given: &Value, path: &str) -> Result<Value, Refusal> {
    let wrong = |should| Refusal::body(path, should, Some(given));
    let items = given.as_array().ok_or_else(|| wrong("an array"))?;
    if items.len() > LONGEST_LIST {
        return Err(too_long(path, items.len(), LONGEST_LIST));
    }
    let read = items.iter().enumerate();
    let read = read.map(|(at, item)| read_element(item, &format!("{path}[{at}]")));
    Ok(Value::Array(read.collect::<Result<_, _>>()?))
}

fn read_element(given: &Value, path: &str) -> Result<Value, Refusal> {
    only(given, path, &["type", "text", "annotations"])?;
    if given.get("type").is_some_and(|kind| kind != "text") {
        return Err(Refusal::body(&format!("{path}.type"), "`\"text\"`", given.get("type")));
    }
    let text = &given["text"];
    only(text, &format!("{path}.text"), &["content", "link"])?;
    let content = text["content"].as_str();
    let at = format!("{path}.text.content");
    let content = content.ok_or_else(|| Refusal::body(&at, "a string", text.get("content")))?;
    if content.chars().count() > LONGEST_TEXT {
        return Err(too_long(&at, content.chars().count(), LONGEST_TEXT));
    }
    if let Some(given) = given.get("annotations") {
        only(given, &format!("{path}.annotations"), &ANNOTATIONS)?;
    }
    let link = match &text["link"] {
        Value::Null => None,
        link => {
            let at = format!("{path}.text.link.url");
            let url = link["url"].as_str().filter(|url| url.chars().count() <= LONGEST_TEXT);
            Some(url.ok_or_else(|| Refusal::body(&at, "a URL", link.get("url")))?)
        }
    };
    let mut element = element(content, link);
    for (name, value) in given["annotations"].as_object().into_iter().flatten() {
        element["annotations"][name] = value.clone();
    }
    Ok(element)
}

fn element(content: &str, link: Option<&str>) -> Value {
    json!({
        "type": "text",
        "text": { "content": content, "link": link.map(|url| json!({ "url": url })) },
        "annotations": {
            "bold": false, "italic": false, "strikethrough": false,
            "underline": false, "code": false, "color": "default",
        },
        "plain_text": content,
        "href": link,
    })
}

/// Refuses what is no object, and members that are not known.
pub(crate) fn only(given: &Value, path: &str, known: &[&str]) -> Result<(), Refusal> {
    let Some(object) = given.as_object() else {
        let given = if given.is_null() { None } else { Some(given) };
        return Err(Refusal::body(path, "an object", given));
    };
    match object.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some((name, value)) => {
            Err(Refusal::body(&format!("{path}.{name}"), "not present", Some(value)))
        }
    }
}

/// Answers that a list or text has more than it may.
pub(crate) fn too_long(path: &str, has: usize, most: usize) -> Refusal {
    Refusal::invalid(format!(
        "body failed validation: {path}.length should be ≤ `{most}`, instead was `{has}`."
    ))
}
