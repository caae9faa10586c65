//! Filters that run another filter on each of some items.

use super::Interpreter;
use crate::{
    fault::{RunFault, RunResult, Stop},
    node::{Arity, AstNode},
    order,
    value::{Array, Object, Value},
};

impl<'a> Interpreter<'a> {
    pub(super) fn array(&mut self, items: &'a AstNode, input: &Value<'a>) -> RunResult<'a> {
        let mut array = Array::default();
        self.each(items, input, &mut |run, item| {
            run.meter.spend(1)?;
            array.push(item);
            Ok(())
        })?;
        Ok(Value::array(array)?)
    }

    pub(super) fn first(
        &mut self,
        part: &'a AstNode,
        input: &Value<'a>,
    ) -> RunResult<'a, Option<Value<'a>>> {
        if part.arity != Arity::Many {
            return self.at_most_one(part, input);
        }
        let mut first = None;
        let ended = self.each(part, input, &mut |_, output| {
            first = Some(output);
            Err(Stop::Enough)
        });
        if first.is_none() {
            ended?;
        }
        Ok(first)
    }

    pub(super) fn last(
        &mut self,
        part: &'a AstNode,
        input: &Value<'a>,
    ) -> RunResult<'a, Option<Value<'a>>> {
        let mut last = None;
        self.each(part, input, &mut |_, output| {
            last = Some(output);
            Ok(())
        })?;
        Ok(last)
    }

    /// Looks for an output that is as `wanted`, over the items of the input, and stops there.
    pub(super) fn search(
        &mut self,
        test: &'a AstNode,
        wanted: bool,
        input: &Value<'a>,
    ) -> RunResult<'a> {
        for item in input.contents()? {
            let mut found = false;
            let ended = self.each(test, item, &mut |_, output| {
                found = output.is_true() == wanted;
                if found { Err(Stop::Enough) } else { Ok(()) }
            });
            if found {
                return Ok(wanted.into());
            }
            ended?;
        }
        Ok((!wanted).into())
    }

    /// Replaces each item by the first output for it, and drops those without one.
    pub(super) fn map_values(&mut self, filter: &'a AstNode, input: &Value<'a>) -> RunResult<'a> {
        match input {
            Value::Array(items) => {
                let mut mapped = Array::default();
                for item in items.iter() {
                    self.meter.spend(1)?;
                    self.first(filter, item)?.into_iter().for_each(|item| mapped.push(item));
                }
                Ok(Value::array(mapped)?)
            }
            Value::Object(object) => {
                let mut mapped = Object::with_capacity(object.entries().len());
                for (key, item) in object.entries() {
                    self.meter.spend_text(key.len())?;
                    if let Some(item) = self.first(filter, item)? {
                        mapped.insert(key.clone(), item);
                    }
                }
                Ok(Value::object(mapped)?)
            }
            other => Err(RunFault::wanted("`map_values`", "an array or an object", other).into()),
        }
    }

    /// Sorts by what the filter puts out for each item, all its outputs taken together.
    pub(super) fn sort_by(&mut self, key: &'a AstNode, input: &Value<'a>) -> RunResult<'a> {
        let Value::Array(items) = input else {
            return Err(RunFault::wanted("`sort_by`", "an array", input).into());
        };
        let mut keyed = Vec::with_capacity(items.len());
        for item in items.iter() {
            keyed.push((self.array(key, item)?, item.clone()));
        }
        order::sort_by_key(&self.meter, &mut keyed, |(key, _)| key)?;
        Ok(Value::rearranged(keyed.into_iter().map(|(_, item)| item).collect()))
    }
}
