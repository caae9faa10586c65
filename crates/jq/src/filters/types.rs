//! Filters that ask what a value is, or turn it into another type.

use super::{Filter, Meter, RunResult, Value};
use crate::{
    fault::{Kind, RunFault},
    number::Number,
    output::{to_json, to_text},
};

pub(super) const FILTERS: &[Filter] = &[
    Filter::plain("type", |_, input| Ok(Value::text(Kind::of(input).name()))),
    Filter::plain("length", length),
    Filter::plain("tostring", to_text),
    Filter::plain("tojson", to_json),
    Filter::plain("tonumber", to_number),
];

fn length<'a>(meter: &Meter, input: &Value<'a>) -> RunResult<'a> {
    Ok(match input {
        Value::Null => Value::Int(0),
        Value::Array(items) => items.len().into(),
        Value::Object(object) => object.entries().len().into(),
        Value::Text(text) => {
            meter.spend_text(text.len())?;
            text.chars().count().into()
        }
        other => {
            let number = Number::of(other);
            number
                .ok_or_else(|| RunFault::wanted("`length`", "a value that has one", other))?
                .absolute()?
        }
    })
}

fn to_number<'a>(_: &Meter, input: &Value<'a>) -> RunResult<'a> {
    let Value::Text(text) = input else {
        return match Number::of(input) {
            Some(_) => Ok(input.clone()),
            None => Err(RunFault::wanted("`tonumber`", "a string or a number", input).into()),
        };
    };
    let number = Number::parse(text);
    Ok(number.ok_or(RunFault::Plain("`tonumber` met a text that is not a number"))?.into_value()?)
}
