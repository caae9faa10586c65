//! Filters on strings. They look for plain text: patterns have no bound worth the name.

use jaq_json::Val;

use super::super::fault::Fault;
use super::super::meter::{self, Spent};
use super::super::value::Metered;
use super::{Entry, NO_ARGS, Outcome, VALUE, plain, unary};

pub(super) const FILTERS: &[Entry] = &[
    Entry::new("split", VALUE, |call| unary(call, split)),
    Entry::new("join", VALUE, |call| unary(call, join)),
    Entry::new("startswith", VALUE, |call| {
        unary(call, |input, part| {
            affix("`startswith`", input, part, |text, part| text.starts_with(part))
        })
    }),
    Entry::new("endswith", VALUE, |call| {
        unary(call, |input, part| {
            affix("`endswith`", input, part, |text, part| text.ends_with(part))
        })
    }),
    Entry::new("ltrimstr", VALUE, |call| {
        unary(call, |input, part| trimmed(input, part, |text, part| text.strip_prefix(part)))
    }),
    Entry::new("rtrimstr", VALUE, |call| {
        unary(call, |input, part| trimmed(input, part, |text, part| text.strip_suffix(part)))
    }),
    Entry::new("ascii_downcase", NO_ARGS, |call| {
        plain(call, |input| ascii("`ascii_downcase`", input, str::to_ascii_lowercase))
    }),
    Entry::new("ascii_upcase", NO_ARGS, |call| {
        plain(call, |input| ascii("`ascii_upcase`", input, str::to_ascii_uppercase))
    }),
];

/// Splits a string at each separator; an empty one splits it into its characters.
pub(in super::super) fn split(input: &Metered, separator: &Metered) -> Outcome {
    let (text, separator) = (text("`split`", input)?, text("`split`", separator)?);
    meter::spend_text(text.len())?;
    if text.is_empty() {
        return Ok(Metered::array([])?);
    }
    if separator.is_empty() {
        return Ok(Metered::array(text.chars().map(Metered::text))?);
    }
    Ok(Metered::array(text.split(separator).map(Metered::text))?)
}

/// Joins items with a separator: strings as they are, null as nothing, other scalars as JSON.
fn join(input: &Metered, separator: &Metered) -> Outcome {
    let Val::Arr(items) = input.val() else {
        return Err(Fault::wanted("`join`", "an array", input.val()));
    };
    let separator = text("`join`", separator)?;
    let mut joined = String::new();
    for (at, item) in items.iter().enumerate() {
        let item = joinable(item)?;
        let item = text("`join`", &item)?;
        meter::spend_text(separator.len() + item.len())?;
        joined.push_str(if at == 0 { "" } else { separator });
        joined.push_str(item);
    }
    Ok(Metered::text(joined))
}

fn joinable(item: &Val) -> Outcome {
    match item {
        Val::Null => Ok(Metered::text("")),
        Val::Arr(_) | Val::Obj(_) => Err(Fault::wanted("`join`", "strings or numbers", item)),
        scalar => Metered::new(scalar.clone()).to_text(),
    }
}

fn affix(
    what: &'static str,
    input: &Metered,
    part: &Metered,
    has: fn(&str, &str) -> bool,
) -> Outcome {
    let (text, part) = (text(what, input)?, text(what, part)?);
    meter::spend_text(text.len() + part.len())?;
    Ok(has(text, part).into())
}

/// As in jq, what is not a string or does not have the affix stays as it is.
fn trimmed(
    input: &Metered,
    part: &Metered,
    strip: for<'t> fn(&'t str, &str) -> Option<&'t str>,
) -> Outcome {
    let (Ok(text), Ok(part)) = (text("", input), text("", part)) else {
        return Ok(input.clone());
    };
    meter::spend_text(text.len() + part.len())?;
    match strip(text, part) {
        Some(rest) => Ok(Metered::text(rest)),
        None => Ok(input.clone()),
    }
}

fn ascii(what: &'static str, input: &Metered, change: fn(&str) -> String) -> Outcome {
    let text = text(what, input)?;
    meter::spend_text(text.len())?;
    Ok(Metered::text(change(text)))
}

/// Whether a text holds another.
pub(super) fn find_text(whole: &[u8], part: &[u8]) -> Result<bool, Spent> {
    meter::spend_text(whole.len() + part.len())?;
    match (std::str::from_utf8(whole), std::str::from_utf8(part)) {
        (Ok(whole), Ok(part)) => Ok(whole.contains(part)),
        _ => Ok(false),
    }
}

/// The text of a string.
pub(super) fn text<'t>(what: &'static str, input: &'t Metered) -> Result<&'t str, Fault> {
    match input.val() {
        // Every string came in, or was made, as UTF-8, and is cut at characters only.
        Val::TStr(text) => std::str::from_utf8(text).map_err(|_| Fault::Plain("broken text")),
        other => Err(Fault::wanted(what, "a string", other)),
    }
}
