//! Filters that ask what a value is, or turn it into another type.

use jaq_json::Val;

use super::super::fault::{Fault, Kind};
use super::super::meter;
use super::super::number::Number;
use super::super::output::to_json_text;
use super::super::value::Metered;
use super::{Call, Entry, NO_ARGS, Outcome, Outputs, answer, paid, plain};

pub(super) const FILTERS: &[Entry] = &[
    Entry::new("type", NO_ARGS, |call| plain(call, |input| Ok(Metered::text(kind(input).name())))),
    Entry::new("length", NO_ARGS, |call| plain(call, length)),
    Entry::new("tostring", NO_ARGS, |call| plain(call, Metered::to_text)),
    Entry::new("tojson", NO_ARGS, |call| plain(call, to_json)),
    Entry::new("tonumber", NO_ARGS, |call| plain(call, to_number)),
    Entry::new("values", NO_ARGS, |call| only(call, |kind| kind != Kind::Null)),
    Entry::new("nulls", NO_ARGS, |call| only(call, |kind| kind == Kind::Null)),
    Entry::new("booleans", NO_ARGS, |call| only(call, |kind| kind == Kind::Boolean)),
    Entry::new("numbers", NO_ARGS, |call| only(call, |kind| kind == Kind::Number)),
    Entry::new("strings", NO_ARGS, |call| only(call, |kind| kind == Kind::String)),
    Entry::new("arrays", NO_ARGS, |call| only(call, |kind| kind == Kind::Array)),
    Entry::new("objects", NO_ARGS, |call| only(call, |kind| kind == Kind::Object)),
    Entry::new("iterables", NO_ARGS, |call| only(call, is_iterable)),
    Entry::new("scalars", NO_ARGS, |call| only(call, |kind| !is_iterable(kind))),
];

fn kind(input: &Metered) -> Kind {
    Kind::of(input.val())
}

fn is_iterable(kind: Kind) -> bool {
    matches!(kind, Kind::Array | Kind::Object)
}

/// Lets values of some kinds pass.
fn only(call: Call<'_>, wanted: fn(Kind) -> bool) -> Outputs<'_> {
    if paid().is_ok() && !wanted(kind(&call.1)) {
        return Box::new(std::iter::empty());
    }
    answer(Ok(call.1))
}

fn length(input: &Metered) -> Outcome {
    let count = match input.val() {
        Val::Null => 0,
        Val::Arr(items) => items.len(),
        Val::Obj(entries) => entries.len(),
        Val::TStr(text) => {
            meter::spend_text(text.len())?;
            String::from_utf8_lossy(text).chars().count()
        }
        Val::Num(num) => return Ok(Metered::new(Number::of(num)?.absolute()?)),
        other => return Err(Fault::wanted("`length`", "a value that has one", other)),
    };
    Ok(Metered::new(Val::from(count)))
}

fn to_json(input: &Metered) -> Outcome {
    Ok(Metered::text(to_json_text(input.val())?))
}

fn to_number(input: &Metered) -> Outcome {
    match input.val() {
        Val::Num(_) => Ok(input.clone()),
        Val::TStr(text) => {
            let number = std::str::from_utf8(text).ok().and_then(Number::parse);
            let number =
                number.ok_or(Fault::Plain("`tonumber` met a text that is not a number"))?;
            Ok(Metered::new(number.into_val()?))
        }
        other => Err(Fault::wanted("`tonumber`", "a string or a number", other)),
    }
}
