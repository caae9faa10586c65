use serde_json::{Value, json};

use super::Call;
use super::arguments::must_be;
use super::query::Query;
use crate::slack::answer::{Members, Refusal, members};
use crate::slack::messages::Message;

const DEFAULT_COUNT: usize = 20;
const LARGEST_COUNT: usize = 100;
const LARGEST_PAGE: usize = 100;
/// Slack marks what was found with these characters of the private use area.
const HIGHLIGHT: (char, char) = ('\u{e000}', '\u{e001}');

/// Which part of the matches is wanted.
struct Window {
    count: usize,
    page: usize,
    /// Whether the caller pages by cursor rather than by number.
    by_cursor: bool,
}

/// Serves `search.messages`: the messages the person can see and that match the query.
pub(super) fn messages(call: &mut Call<'_>) -> Result<Members, Refusal> {
    let given = call.arguments.text("query")?.filter(|query| !query.trim().is_empty());
    let given = given.ok_or(Refusal::new("no_query"))?;
    let query = Query::parse(given);
    let window = window(call)?;
    let highlight = call.arguments.flag("highlight")?.unwrap_or(false);
    call.check_team()?;
    let found = sorted(call, found(call, &query), &query)?;
    let start = (window.page - 1) * window.count;
    let page = found.iter().skip(start).take(window.count);
    let matches: Vec<_> = page.map(|found| call.found(found, &query, highlight)).collect();
    let mut answer = window.describe(found.len(), matches.len());
    answer["matches"] = Value::Array(matches);
    Ok(members(json!({ "query": given, "messages": answer })))
}

fn found<'a>(call: &'a Call<'_>, query: &Query) -> Vec<&'a Message> {
    let workspace = &call.state.workspace;
    let visible = |message: &&Message| {
        let channel = workspace.conversation(&message.channel);
        channel.is_some_and(|channel| call.state.can_see(&call.caller.grant.user, channel))
    };
    let matching = |message: &&Message| query.matches(message, workspace);
    call.state.messages.iter().filter(visible).filter(matching).collect()
}

fn sorted<'a>(
    call: &Call<'_>,
    mut found: Vec<&'a Message>,
    query: &Query,
) -> Result<Vec<&'a Message>, Refusal> {
    match call.arguments.filled("sort")?.unwrap_or("score") {
        "score" => found.sort_by_key(|message| (score(message, query), message.ts.clone())),
        "timestamp" => found.sort_by_key(|message| message.ts.clone()),
        _ => return Err(must_be("sort", "`score` or `timestamp`")),
    }
    match call.arguments.filled("sort_dir")?.unwrap_or("desc") {
        "asc" => {}
        "desc" => found.reverse(),
        _ => return Err(must_be("sort_dir", "`asc` or `desc`")),
    }
    Ok(found)
}

fn window(call: &Call<'_>) -> Result<Window, Refusal> {
    let number = |name: &str, default: usize, largest: usize| match call.arguments.number(name) {
        Ok(None) => Ok(default),
        Ok(Some(number)) if (1..=largest).contains(&number) => Ok(number),
        _ => Err(must_be(name, &format!("a whole number from 1 to {largest}"))),
    };
    let count = number("count", DEFAULT_COUNT, LARGEST_COUNT)?;
    let page = number("page", 1, LARGEST_PAGE)?;
    match call.arguments.filled("cursor")? {
        None => Ok(Window { count, page, by_cursor: false }),
        Some("*") => Ok(Window { count, page: 1, by_cursor: true }),
        Some(cursor) => {
            let page = cursor.strip_prefix("page:").and_then(|page| page.parse().ok());
            let page = page.filter(|page| (1..=LARGEST_PAGE).contains(page));
            let page = page.ok_or(Refusal::new("invalid_cursor"))?;
            Ok(Window { count, page, by_cursor: true })
        }
    }
}

/// Returns how often the words occur.
fn score(message: &Message, query: &Query) -> usize {
    let text = message.text.to_lowercase();
    query.words().map(|word| text.matches(word).count()).sum()
}

// === impl Window ===

impl Window {
    fn describe(&self, total: usize, shown: usize) -> Value {
        let pages = total.div_ceil(self.count);
        let first = (self.page - 1) * self.count + usize::from(shown > 0);
        let mut described = json!({
            "total": total,
            "pagination": {
                "total_count": total,
                "page": self.page,
                "per_page": self.count,
                "page_count": pages,
                "first": first,
                "last": (first + shown).saturating_sub(1),
            },
            "paging": { "count": self.count, "total": total, "page": self.page, "pages": pages },
        });
        if self.by_cursor {
            let more = self.page < pages;
            let next = if more { format!("page:{}", self.page + 1) } else { String::new() };
            described["paging"]["next_cursor"] = json!(next);
        }
        described
    }
}

// === impl Call ===

impl Call<'_> {
    fn found(&self, message: &Message, query: &Query, highlight: bool) -> Value {
        let workspace = &self.state.workspace;
        let channel = workspace.conversation(&message.channel);
        let person = workspace.person(&message.author.user);
        let bot =
            self.state.apps.values().find(|app| app.public.bot_user_id == message.author.user);
        let username = person.map(|person| person.handle.clone());
        let username = username.or_else(|| bot.map(|app| app.public.name.to_lowercase()));
        let text = if highlight { highlighted(&message.text, query) } else { message.text.clone() };
        json!({
            "iid": format!("{}-{}", message.channel, message.ts),
            "team": workspace.id,
            "score": score(message, query),
            "channel": channel.map(|channel| self.mentioned(channel)),
            "type": "message",
            "user": message.author.user,
            "username": username,
            "ts": message.ts,
            "text": text,
            "permalink": message.permalink(self.outside.public_url()),
        })
    }
}

/// Marks the words in the text; case is kept, which needs equal lengths of both cases.
fn highlighted(text: &str, query: &Query) -> String {
    let lower = text.to_lowercase();
    let Some(word) = query.words().find(|word| lower.contains(word)) else {
        return text.to_owned();
    };
    if lower.len() != text.len() {
        return text.to_owned();
    }
    let mut marked = String::new();
    let mut end = 0;
    for (start, found) in lower.match_indices(word) {
        let (Some(before), Some(hit)) =
            (text.get(end..start), text.get(start..start + found.len()))
        else {
            return text.to_owned();
        };
        marked.extend([before, &HIGHLIGHT.0.to_string(), hit, &HIGHLIGHT.1.to_string()]);
        end = start + found.len();
    }
    marked + &text[end..]
}
