//! Operators, objects and texts whose parts have several outputs: all combinations of them.

use super::{Interpreter, Out};
use crate::{
    fault::{RunFault, RunResult, Stop},
    meter::Meter,
    node::{Arity, AstNode},
    value::{Object, Value},
};

/// The outputs of a node, up to the first error.
pub(super) struct Outputs<'a> {
    pub(super) values: Vec<Value<'a>>,
    pub(super) error: Option<Stop<'a>>,
}

/// One output of each of some nodes, to be taken in their order. An error is an output too.
pub(super) struct OutputRow<'r, 'a> {
    lists: std::slice::IterMut<'r, Outputs<'a>>,
    places: std::slice::Iter<'r, usize>,
}

impl Outputs<'_> {
    fn len(&self) -> usize {
        self.values.len() + usize::from(self.error.is_some())
    }
}

impl<'a> OutputRow<'_, 'a> {
    pub(super) fn take(&mut self) -> RunResult<'a> {
        let (Some(list), Some(place)) = (self.lists.next(), self.places.next()) else {
            return Ok(Value::Null);
        };
        match list.values.get(*place) {
            Some(value) => Ok(value.clone()),
            None => list.error.take().map_or(Ok(Value::Null), Err),
        }
    }
}

impl<'a> Interpreter<'a> {
    /// Collects what a node puts out for an input that nothing else needs.
    pub(super) fn outputs(
        &mut self,
        node: &'a AstNode,
        input: Value<'a>,
    ) -> RunResult<'a, Outputs<'a>> {
        let mut values = Vec::new();
        let ended = if node.arity == Arity::One {
            self.consume(node, input).map(|output| values.push(output))
        } else {
            self.each(node, &input, &mut |run, output| {
                run.meter.spend(1)?;
                values.push(output);
                Ok(())
            })
        };
        match ended {
            Ok(()) => Ok(Outputs { values, error: None }),
            Err(error @ Stop::Error(_)) => Ok(Outputs { values, error: Some(error) }),
            Err(stop) => Err(stop),
        }
    }

    /// Passes on every combination of the outputs of some nodes, those of the last changing first.
    /// There is none, and no error either, if one of the nodes has no output.
    pub(super) fn product(
        &mut self,
        nodes: impl Iterator<Item = &'a AstNode>,
        input: &Value<'a>,
        out: &mut dyn FnMut(&mut Self, &mut OutputRow<'_, 'a>) -> RunResult<'a, ()>,
    ) -> RunResult<'a, ()> {
        let mut lists = Vec::new();
        for node in nodes {
            let outputs = self.outputs(node, input.clone())?;
            if outputs.len() == 0 {
                return Ok(());
            }
            lists.push(outputs);
        }
        let mut places = vec![0; lists.len()];
        loop {
            self.meter.spend(lists.len())?;
            out(self, &mut OutputRow { lists: lists.iter_mut(), places: places.iter() })?;
            if !advance(&mut places, &lists) {
                return Ok(());
            }
        }
    }

    /// Applies an operator to every combination of its operands.
    pub(super) fn pairs(
        &mut self,
        operands: [&'a AstNode; 2],
        input: &Value<'a>,
        out: Out<'_, 'a>,
        operator: &dyn Fn(&Meter, Value<'a>, Value<'a>) -> RunResult<'a>,
    ) -> RunResult<'a, ()> {
        self.product(operands.into_iter(), input, &mut |run, row| {
            let left = row.take()?;
            let right = row.take()?;
            let result = operator(&run.meter, left, right)?;
            out(run, result)
        })
    }

    /// Returns an object whose parts have one output each.
    pub(super) fn object(
        &mut self,
        entries: &'a [(AstNode, AstNode)],
        input: &Value<'a>,
    ) -> RunResult<'a> {
        let mut object = Object::with_capacity(entries.len());
        for (key, value) in entries {
            let key = self.one(key, input)?;
            let value = self.one(value, input)?;
            self.insert(&mut object, key, value)?;
        }
        Ok(Value::object(object)?)
    }

    pub(super) fn objects(
        &mut self,
        entries: &'a [(AstNode, AstNode)],
        input: &Value<'a>,
        out: Out<'_, 'a>,
    ) -> RunResult<'a, ()> {
        let parts = entries.iter().flat_map(|(key, value)| [key, value]);
        self.product(parts, input, &mut |run, row| {
            let mut object = Object::with_capacity(entries.len());
            for _ in entries {
                let key = row.take()?;
                let value = row.take()?;
                run.insert(&mut object, key, value)?;
            }
            out(run, Value::object(object)?)
        })
    }

    fn insert(
        &self,
        object: &mut Object<'a>,
        key: Value<'a>,
        value: Value<'a>,
    ) -> RunResult<'a, ()> {
        let Value::Text(key) = key else {
            return Err(RunFault::wanted("the key of an object", "a string", &key).into());
        };
        self.meter.spend_text(key.len())?;
        object.insert(key, value);
        Ok(())
    }

    /// Returns a text whose parts have one output each.
    pub(super) fn text(&mut self, parts: &'a [AstNode], input: &Value<'a>) -> RunResult<'a> {
        let mut text = String::new();
        for part in parts {
            let part = self.one(part, input)?;
            self.append(&mut text, &part)?;
        }
        Ok(Value::text(text))
    }

    pub(super) fn texts(
        &mut self,
        parts: &'a [AstNode],
        input: &Value<'a>,
        out: Out<'_, 'a>,
    ) -> RunResult<'a, ()> {
        self.product(parts.iter(), input, &mut |run, row| {
            let mut text = String::new();
            for _ in parts {
                run.append(&mut text, &row.take()?)?;
            }
            out(run, Value::text(text))
        })
    }

    fn append(&self, text: &mut String, value: &Value<'a>) -> RunResult<'a, ()> {
        if let Value::Text(part) = value {
            self.meter.spend_text(part.len())?;
            text.push_str(part);
        }
        Ok(())
    }
}

/// Goes to the next combination; returns whether there is one.
fn advance(places: &mut [usize], lists: &[Outputs<'_>]) -> bool {
    for (place, list) in places.iter_mut().zip(lists).rev() {
        *place += 1;
        if *place < list.len() {
            return true;
        }
        *place = 0;
    }
    false
}
