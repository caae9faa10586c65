//! Filters on strings. They look for plain text: patterns have no useful bound on their cost.

use std::ops::Range;

use super::{Filter, Meter, RunResult, Value};
use crate::{
    fault::{RunFault, RunLimit},
    output::to_text,
    value::Text,
};

pub(super) const FILTERS: &[Filter] = &[
    Filter::unary("split", split),
    Filter::unary("join", join),
    Filter::unary("startswith", |meter, input, part| {
        let [text, part] = both(meter, "`startswith`", input, part)?;
        Ok(text.starts_with(&**part).into())
    }),
    Filter::unary("endswith", |meter, input, part| {
        let [text, part] = both(meter, "`endswith`", input, part)?;
        Ok(text.ends_with(&**part).into())
    }),
    Filter::unary("ltrimstr", |meter, input, part| {
        trimmed(meter, input, part, |text, part| {
            text.starts_with(part).then_some(part.len()..text.len())
        })
    }),
    Filter::unary("rtrimstr", |meter, input, part| {
        trimmed(meter, input, part, |text, part| text.strip_suffix(part).map(|rest| 0..rest.len()))
    }),
    Filter::plain("ascii_downcase", |meter, input| {
        ascii(meter, "`ascii_downcase`", input, str::to_ascii_lowercase)
    }),
    Filter::plain("ascii_upcase", |meter, input| {
        ascii(meter, "`ascii_upcase`", input, str::to_ascii_uppercase)
    }),
];

/// Splits a string at each separator; an empty one splits it into its characters.
pub(crate) fn split<'a>(meter: &Meter, input: &Value<'a>, separator: &Value<'a>) -> RunResult<'a> {
    let [text, separator] = both(meter, "`split`", input, separator)?;
    let parts = match text {
        Text::Borrowed(text) => parts(meter, text, separator, Text::Borrowed)?,
        Text::Shared(text) => parts(meter, text, separator, |part| Text::Shared(part.into()))?,
    };
    Ok(Value::array(parts)?)
}

fn parts<'t, 'a>(
    meter: &Meter,
    text: &'t str,
    separator: &str,
    part: fn(&'t str) -> Text<'a>,
) -> Result<Vec<Value<'a>>, RunLimit> {
    let paid = |text: &'t str| meter.spend(1).map(|()| Value::Text(part(text)));
    if text.is_empty() {
        return Ok(Vec::new());
    }
    if separator.is_empty() {
        let characters = text.char_indices();
        return characters.map(|(at, char)| paid(&text[at..at + char.len_utf8()])).collect();
    }
    text.split(separator).map(paid).collect()
}

/// Joins items with a separator: strings as they are, null as nothing, other scalars as JSON.
fn join<'a>(meter: &Meter, input: &Value<'a>, separator: &Value<'a>) -> RunResult<'a> {
    let Value::Array(items) = input else {
        return Err(RunFault::wanted("`join`", "an array", input).into());
    };
    let separator = text("`join`", separator)?;
    if let [only @ Value::Text(_)] = &***items {
        return Ok(only.clone());
    }
    let mut joined = String::new();
    for (at, item) in items.iter().enumerate() {
        let item = joinable(meter, item)?;
        meter.spend_text(separator.len() + item.len())?;
        joined.push_str(if at == 0 { "" } else { separator });
        joined.push_str(&item);
    }
    Ok(Value::text(joined))
}

fn joinable<'a>(meter: &Meter, item: &Value<'a>) -> RunResult<'a, Text<'a>> {
    match item {
        Value::Null => Ok(Text::Shared(meter.null_text("").into())),
        Value::Array(_) | Value::Object(_) => {
            Err(RunFault::wanted("`join`", "strings or numbers", item).into())
        }
        scalar => text("`join`", &to_text(meter, scalar)?).cloned(),
    }
}

/// Takes an affix off. As in jq, what is not a string or does not have the affix stays as it is.
fn trimmed<'a>(
    meter: &Meter,
    input: &Value<'a>,
    affix: &Value<'a>,
    rest: fn(&str, &str) -> Option<Range<usize>>,
) -> RunResult<'a> {
    let (Value::Text(text), Value::Text(affix)) = (input, affix) else {
        return Ok(input.clone());
    };
    meter.spend_text(text.len() + affix.len())?;
    Ok(rest(text, affix).map_or_else(|| input.clone(), |rest| Value::Text(text.slice(rest))))
}

fn ascii<'a>(
    meter: &Meter,
    what: &'static str,
    input: &Value<'a>,
    change: fn(&str) -> String,
) -> RunResult<'a> {
    let text = text(what, input)?;
    meter.spend_text(text.len())?;
    Ok(Value::text(change(text)))
}

/// Returns two strings, paid for.
fn both<'v, 'a>(
    meter: &Meter,
    what: &'static str,
    left: &'v Value<'a>,
    right: &'v Value<'a>,
) -> RunResult<'a, [&'v Text<'a>; 2]> {
    let left = text(what, left)?;
    let right = text(what, right)?;
    meter.spend_text(left.len() + right.len())?;
    Ok([left, right])
}

/// Returns the text of a string.
pub(super) fn text<'v, 'a>(
    what: &'static str,
    value: &'v Value<'a>,
) -> RunResult<'a, &'v Text<'a>> {
    match value {
        Value::Text(text) => Ok(text),
        other => Err(RunFault::wanted(what, "a string", other).into()),
    }
}
