//! Paths: `.a[0].b`, `.[]`, `.[1:]?`.

use super::{Interpreter, Out};
use crate::{
    fault::{RunResult, Stop},
    meter::Meter,
    node::{AstNode, Op, PathAccess, PathStep, ValuePath},
    value::Value,
};

impl<'a> Interpreter<'a> {
    /// Returns what a path that always leads to one value leads to.
    pub(super) fn reach(
        &mut self,
        subject: &'a AstNode,
        path: &'a ValuePath,
        input: &Value<'a>,
    ) -> RunResult<'a> {
        let owned = match subject.op {
            Op::Id | Op::Variable(_) => Value::Null,
            _ => self.one(subject, input)?,
        };
        let mut indices = Vec::new();
        for index in &path.indices {
            indices.push(self.one(index, input)?);
        }
        let subject = match subject.op {
            Op::Id => input,
            Op::Variable(slot) => &self.variables[slot],
            _ => &owned,
        };
        step_by_step(&self.meter, &path.steps, subject, &indices)
    }

    /// Passes on all that a path leads to.
    pub(super) fn follow(
        &mut self,
        path: &'a ValuePath,
        subject: &Value<'a>,
        input: &Value<'a>,
        out: Out<'_, 'a>,
    ) -> RunResult<'a, ()> {
        if path.indices.is_empty() {
            return self.walk(&path.steps, subject, &[], out);
        }
        self.product(path.indices.iter(), input, &mut |run, row| {
            let indices = path.indices.iter().map(|_| row.take());
            let indices = indices.collect::<Result<Vec<_>, _>>()?;
            run.walk(&path.steps, subject, &indices, out)
        })
    }

    fn walk(
        &mut self,
        steps: &'a [PathStep],
        value: &Value<'a>,
        indices: &[Value<'a>],
        out: Out<'_, 'a>,
    ) -> RunResult<'a, ()> {
        let Some((step, further)) = steps.split_first() else {
            return out(self, value.clone());
        };
        if let PathAccess::Each = step.access {
            let items = match value.contents() {
                Err(_) if step.optional => return Ok(()),
                items => items?,
            };
            for item in items {
                self.meter.spend(1)?;
                self.walk(further, item, indices, out)?;
            }
            return Ok(());
        }
        let (taken, indices) = indices.split_at(step.access.indices());
        match step_by_step(&self.meter, std::slice::from_ref(step), value, taken) {
            Err(Stop::Error(_)) if step.optional => Ok(()),
            value => self.walk(further, &value?, indices, out),
        }
    }
}

/// Goes along steps none of which is [`PathAccess::Each`].
fn step_by_step<'a>(
    meter: &Meter,
    steps: &[PathStep],
    mut value: &Value<'a>,
    mut indices: &[Value<'a>],
) -> RunResult<'a> {
    for (at, step) in steps.iter().enumerate() {
        let (taken, further) = indices.split_at(step.access.indices());
        value = match (&step.access, taken) {
            (PathAccess::Key(key), _) => value.entry(meter, key)?,
            (PathAccess::Position(position), _) => value.item(meter, *position)?,
            (PathAccess::Slice { start, .. }, bounds) => {
                let (start, end) = bounds.split_at(usize::from(*start));
                let part = value.slice(meter, start.first(), end.first())?;
                return step_by_step(meter, &steps[at + 1..], &part, further);
            }
            (_, [index, ..]) => value.part(meter, index)?,
            (_, []) => value,
        };
        indices = further;
    }
    Ok(value.clone())
}
