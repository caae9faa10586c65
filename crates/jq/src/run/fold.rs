//! `reduce` and `foreach`.

use super::{Interpreter, Out, product::Outputs};
use crate::{
    fault::{RunResult, Stop},
    node::Fold,
    value::Value,
};

/// The items of a fold: for each, the values of the variables of the pattern.
struct Items<'a> {
    bindings: Vec<Vec<Value<'a>>>,
    error: Option<Stop<'a>>,
}

impl<'a> Interpreter<'a> {
    /// Returns the output of a fold of [`Arity::One`](crate::node::Arity::One).
    pub(super) fn reduce(&mut self, fold: &'a Fold, input: &Value<'a>) -> RunResult<'a> {
        let mut reduced = Value::Null;
        self.fold(fold, input, &mut |_, state| {
            reduced = state;
            Ok(())
        })?;
        Ok(reduced)
    }

    /// Sends each output of an update its own way through the rest of the items.
    pub(super) fn fold(
        &mut self,
        fold: &'a Fold,
        input: &Value<'a>,
        out: Out<'_, 'a>,
    ) -> RunResult<'a, ()> {
        let starts = self.outputs(&fold.start, input.clone())?;
        let mut items = self.items(fold, input)?;
        self.fold_items(fold, &mut items, starts, out)
    }

    fn items(&mut self, fold: &'a Fold, input: &Value<'a>) -> RunResult<'a, Items<'a>> {
        let mut bindings = Vec::new();
        let ended = self.bind(&fold.items, &fold.pattern, input, &mut |run| {
            let values = fold.pattern.slots().map(|slot| run.variables[slot].clone());
            let values: Vec<_> = values.collect();
            run.meter.spend(values.len())?;
            bindings.push(values);
            Ok(())
        });
        match ended {
            Ok(()) => Ok(Items { bindings, error: None }),
            Err(error @ Stop::Error(_)) => Ok(Items { bindings, error: Some(error) }),
            Err(stop) => Err(stop),
        }
    }

    fn fold_items(
        &mut self,
        fold: &'a Fold,
        items: &mut Items<'a>,
        starts: Outputs<'a>,
        out: Out<'_, 'a>,
    ) -> RunResult<'a, ()> {
        // For each item that was passed, the states that still have to go on from there.
        let mut waiting = vec![(0, starts.values.into_iter(), starts.error)];
        while let Some((passed, states, error)) = waiting.last_mut() {
            let passed = *passed;
            let Some(state) = states.next() else {
                error.take().map_or(Ok(()), Err)?;
                waiting.pop();
                continue;
            };
            if states.len() == 0 && error.is_none() {
                waiting.pop();
            }
            if let (Some(project), true) = (&fold.project, passed > 0) {
                self.restore(fold, &items.bindings[passed - 1])?;
                self.each(project, &state, out)?;
            }
            if let Some(values) = items.bindings.get(passed) {
                self.restore(fold, values)?;
                let next = self.outputs(&fold.update, state)?;
                waiting.push((passed + 1, next.values.into_iter(), next.error));
                continue;
            }
            items.error.take().map_or(Ok(()), Err)?;
            if fold.project.is_none() {
                out(self, state)?;
            }
        }
        Ok(())
    }

    fn restore(&mut self, fold: &'a Fold, values: &[Value<'a>]) -> RunResult<'a, ()> {
        self.meter.spend(values.len())?;
        for (slot, value) in fold.pattern.slots().zip(values) {
            self.variables[slot] = value.clone();
        }
        Ok(())
    }
}
