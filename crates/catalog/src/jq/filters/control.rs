//! Filters that decide what runs, and how often.

use jaq_core::box_iter::box_once;
use jaq_core::{Error, Exn, ValT};
use jaq_json::Val;

use super::super::meter;
use super::super::names::TOLL;
use super::super::value::Metered;
use super::{Call, Entry, FILTER, NO_ARGS, Outcome, Outputs, VALUE, answer, paid, plain};

pub(super) const FILTERS: &[Entry] = &[
    Entry::new(TOLL, NO_ARGS, |call| plain(call, toll)),
    Entry::new("empty", NO_ARGS, |_| Box::new(std::iter::empty())),
    Entry::new("error", NO_ARGS, |call| raise(call.1)),
    Entry::new("error", VALUE, |mut call| raise(call.0.pop_var())),
    Entry::new("first", FILTER, first),
    Entry::new("last", FILTER, last),
    Entry::new("null", NO_ARGS, |call| plain(call, |_| Ok(Metered::new(Val::Null)))),
    Entry::new("true", NO_ARGS, |call| plain(call, |_| Ok(true.into()))),
    Entry::new("false", NO_ARGS, |call| plain(call, |_| Ok(false.into()))),
    Entry::new("not", NO_ARGS, |call| plain(call, |input| Ok((!input.as_bool()).into()))),
    Entry::new("any", FILTER, |call| search(call, true)),
    Entry::new("all", FILTER, |call| search(call, false)),
];

fn toll(input: &Metered) -> Outcome {
    meter::spend_turn()?;
    Ok(input.clone())
}

fn raise<'a>(raised: Metered) -> Outputs<'a> {
    if paid().is_err() {
        return answer(Ok(raised));
    }
    box_once(Err(Exn::from(Error::new(raised))))
}

fn first(mut call: Call<'_>) -> Outputs<'_> {
    let (filter, context) = call.0.pop_fun();
    Box::new(filter.run((context, call.1)).next().into_iter())
}

fn last(mut call: Call<'_>) -> Outputs<'_> {
    let (filter, context) = call.0.pop_fun();
    let mut last = None;
    for output in filter.run((context, call.1)) {
        match output {
            Ok(output) => last = Some(output),
            Err(error) => return box_once(Err(error)),
        }
    }
    Box::new(last.map(Ok).into_iter())
}

/// Looks for an output that is as `wanted`, over the items of the input, and stops there.
fn search(mut call: Call<'_>, wanted: bool) -> Outputs<'_> {
    let (filter, context) = call.0.pop_fun();
    for item in call.1.values() {
        let outputs = match item {
            Ok(item) => filter.run((context.clone(), item)),
            Err(error) => return box_once(Err(error.into())),
        };
        for output in outputs {
            match output {
                Ok(output) if output.as_bool() == wanted => return answer(Ok(wanted.into())),
                Ok(_) => {}
                Err(error) => return box_once(Err(error)),
            }
        }
    }
    answer(Ok((!wanted).into()))
}
