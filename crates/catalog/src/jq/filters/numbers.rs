//! Filters on numbers.

use jaq_json::Val;

use super::super::fault::Fault;
use super::super::number::Number;
use super::super::value::Metered;
use super::{Entry, NO_ARGS, Outcome, plain};

pub(super) const FILTERS: &[Entry] = &[
    Entry::new("abs", NO_ARGS, |call| plain(call, |input| on("`abs`", input, Number::absolute))),
    Entry::new("floor", NO_ARGS, |call| {
        plain(call, |input| on("`floor`", input, |number| number.rounded(f64::floor)))
    }),
    Entry::new("ceil", NO_ARGS, |call| {
        plain(call, |input| on("`ceil`", input, |number| number.rounded(f64::ceil)))
    }),
    Entry::new("round", NO_ARGS, |call| {
        plain(call, |input| on("`round`", input, |number| number.rounded(f64::round)))
    }),
];

fn on(what: &'static str, input: &Metered, f: fn(Number) -> Result<Val, Fault>) -> Outcome {
    match input.val() {
        Val::Num(num) => f(Number::of(num)?).map(Metered::new),
        other => Err(Fault::wanted(what, "a number", other)),
    }
}
