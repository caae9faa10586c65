//! Filters on numbers.

use super::{Filter, RunResult, Value};
use crate::{fault::RunFault, number::Number};

pub(super) const FILTERS: &[Filter] = &[
    Filter::plain("abs", |_, input| Ok(number("`abs`", input)?.absolute()?)),
    Filter::plain("floor", |_, input| Ok(number("`floor`", input)?.rounded(f64::floor)?)),
    Filter::plain("ceil", |_, input| Ok(number("`ceil`", input)?.rounded(f64::ceil)?)),
    Filter::plain("round", |_, input| Ok(number("`round`", input)?.rounded(f64::round)?)),
];

fn number<'a>(what: &'static str, input: &Value<'a>) -> RunResult<'a, Number> {
    Number::of(input).ok_or_else(|| RunFault::wanted(what, "a number", input).into())
}
