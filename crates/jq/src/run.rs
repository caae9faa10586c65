//! Running a program on a value.
//!
//! A node that has exactly one output gives it back ([`Interpreter::one`]); any other passes its
//! outputs on one by one, as they come ([`Interpreter::each`]). Each evaluation of a node pays a
//! step, and filters pay for what they touch besides. No value outlives the run's document, program
//! and arguments, so their texts are never copied. Recursion goes as deep as the program and no
//! deeper: every limit on depth is one of `check` or of the size of values.

mod fold;
mod loops;
mod path;
mod product;

use jaq_core::ops::{Cmp, Math};

use super::{
    arithmetic::{calculate, negate, plus},
    fault::{Kind, RunResult, Stop},
    meter::{Meter, StepBudget},
    node::{Arity, AstNode, Op, Pattern},
    order,
    value::Value,
};

/// Runs a program: what is left of its budget, and its variables.
pub(super) struct Interpreter<'a> {
    pub(super) meter: Meter,
    /// The values of variables. A program has no recursion, so each variable has one place.
    variables: Vec<Value<'a>>,
}

/// Takes an output. What it returns ends the evaluation that the output comes from.
type Out<'o, 'a> = &'o mut dyn FnMut(&mut Interpreter<'a>, Value<'a>) -> RunResult<'a, ()>;

impl<'a> Interpreter<'a> {
    pub(super) fn new(budget: StepBudget, variables: Vec<Value<'a>>) -> Self {
        Self { meter: Meter::new(budget), variables }
    }

    /// Returns the output of a node of [`Arity::One`].
    fn one(&mut self, node: &'a AstNode, input: &Value<'a>) -> RunResult<'a> {
        self.meter.spend(1)?;
        match &node.op {
            Op::Id => Ok(input.clone()),
            Op::Null => Ok(Value::Null),
            Op::Bool(truth) => Ok(Value::Bool(*truth)),
            Op::Number(number) => Ok(number.into_value()?),
            Op::Text(text) => Ok(Value::text(&**text)),
            Op::Variable(slot) => Ok(self.variables[*slot].clone()),
            Op::Array(items) => self.array(items, input),
            Op::Object(entries) => self.object(entries, input),
            Op::Interpolation(pieces) => self.text(pieces, input),
            Op::Path(subject, path) => self.reach(subject, path, input),
            Op::Pipe(left, right) => {
                let between = self.one(left, input)?;
                self.consume(right, between)
            }
            Op::Bind(source, pattern, body) => {
                self.variables[pattern.slot] = self.one(source, input)?;
                self.take_apart(pattern)?;
                self.one(body, input)
            }
            Op::If(condition, then, otherwise) => {
                let branch = if self.one(condition, input)?.is_true() { then } else { otherwise };
                self.one(branch, input)
            }
            Op::Alternative(left, right) => match self.at_most_one(left, input)? {
                Some(value) if value.is_true() => Ok(value),
                _ => self.one(right, input),
            },
            Op::Logic(left, decisive, right) => {
                let decided = self.one(left, input)?.is_true() == *decisive;
                Ok((if decided { *decisive } else { self.one(right, input)?.is_true() }).into())
            }
            Op::Compare(left, operator, right) => {
                let left = self.one(left, input)?;
                let right = self.one(right, input)?;
                compare(&self.meter, &left, *operator, &right)
            }
            Op::Calculate(left, operator, right) => {
                let left = self.one(left, input)?;
                let right = self.one(right, input)?;
                calculate(&self.meter, left, *operator, right)
            }
            Op::Negate(part) => negate(&self.one(part, input)?),
            Op::Plain(filter) => filter(&self.meter, input),
            Op::Unary(filter, argument) => {
                let argument = self.one(argument, input)?;
                filter(&self.meter, input, &argument)
            }
            Op::Error(raised) => Err(Stop::raised(self.one(raised, input)?)),
            Op::Search(test, wanted) => self.search(test, *wanted, input),
            Op::MapValues(filter) => self.map_values(filter, input),
            Op::SortBy(key) => self.sort_by(key, input),
            Op::Fold(fold) => self.reduce(fold, input),
            Op::Comma(_) | Op::Try(_) | Op::Only(_) | Op::Empty | Op::First(_) | Op::Last(_) => {
                unreachable!("these may have no output or many")
            }
        }
    }

    /// Returns the output for an input that nothing else needs, so that a filter that grows it need
    /// not copy it.
    fn consume(&mut self, node: &'a AstNode, input: Value<'a>) -> RunResult<'a> {
        match &node.op {
            Op::Id => {
                self.meter.spend(1)?;
                Ok(input)
            }
            Op::Calculate(left, Math::Add, right) if matches!(left.op, Op::Id) => {
                self.meter.spend(2)?;
                let right = self.one(right, &input)?;
                plus(&self.meter, input, right)
            }
            Op::If(condition, then, otherwise) => {
                self.meter.spend(1)?;
                let holds = self.one(condition, &input)?.is_true();
                self.consume(if holds { then } else { otherwise }, input)
            }
            _ => self.one(node, &input),
        }
    }

    /// Returns the output of a node that is not [`Arity::Many`].
    fn at_most_one(
        &mut self,
        node: &'a AstNode,
        input: &Value<'a>,
    ) -> RunResult<'a, Option<Value<'a>>> {
        if node.arity == Arity::One {
            return self.one(node, input).map(Some);
        }
        let mut only = None;
        self.each(node, input, &mut |_, output| {
            only = Some(output);
            Ok(())
        })?;
        Ok(only)
    }

    /// Passes on the outputs of any node.
    pub(super) fn each(
        &mut self,
        node: &'a AstNode,
        input: &Value<'a>,
        out: Out<'_, 'a>,
    ) -> RunResult<'a, ()> {
        if node.arity == Arity::One {
            let output = self.one(node, input)?;
            return out(self, output);
        }
        self.meter.spend(1)?;
        match &node.op {
            Op::Only(wanted) if wanted(Kind::of(input)) => out(self, input.clone()),
            Op::Empty | Op::Only(_) => Ok(()),
            Op::Comma(nodes) => nodes.iter().try_for_each(|node| self.each(node, input, out)),
            Op::Pipe(left, right) => {
                self.each(left, input, &mut |run, between| run.each(right, &between, out))
            }
            Op::Bind(source, pattern, body) => {
                self.bind(source, pattern, input, &mut |run| run.each(body, input, out))
            }
            Op::If(condition, then, otherwise) => self.each(condition, input, &mut |run, holds| {
                run.each(if holds.is_true() { then } else { otherwise }, input, out)
            }),
            Op::Alternative(left, right) => self.alternative([left, right], input, out),
            Op::Try(part) => self.attempt(part, input, out),
            Op::Logic(left, decisive, right) => self.each(left, input, &mut |run, left| {
                if left.is_true() == *decisive {
                    return out(run, left.is_true().into());
                }
                run.each(right, input, &mut |run, right| out(run, right.is_true().into()))
            }),
            Op::Compare(left, operator, right) => {
                self.pairs([left, right], input, out, &|meter, left, right| {
                    compare(meter, &left, *operator, &right)
                })
            }
            Op::Calculate(left, operator, right) => {
                self.pairs([left, right], input, out, &|meter, left, right| {
                    calculate(meter, left, *operator, right)
                })
            }
            Op::Object(entries) => self.objects(entries, input, out),
            Op::Interpolation(pieces) => self.texts(pieces, input, out),
            Op::Path(subject, path) => self
                .each(subject, input, &mut |run, subject| run.follow(path, &subject, input, out)),
            Op::Negate(part) => self.each(part, input, &mut |run, value| out(run, negate(&value)?)),
            Op::Unary(filter, argument) => self.each(argument, input, &mut |run, argument| {
                let output = filter(&run.meter, input, &argument)?;
                out(run, output)
            }),
            Op::Error(raised) => {
                self.each(raised, input, &mut |_, raised| Err(Stop::raised(raised)))
            }
            Op::First(part) => match self.first(part, input)? {
                Some(first) => out(self, first),
                None => Ok(()),
            },
            Op::Last(part) => match self.last(part, input)? {
                Some(last) => out(self, last),
                None => Ok(()),
            },
            Op::Fold(fold) => self.fold(fold, input, out),
            _ => unreachable!("these have one output"),
        }
    }

    /// Passes on the outputs up to the first error, which is dropped; errors of the consumer of the
    /// outputs are not its own.
    fn attempt(
        &mut self,
        part: &'a AstNode,
        input: &Value<'a>,
        out: Out<'_, 'a>,
    ) -> RunResult<'a, ()> {
        let mut taken = Ok(());
        let ended = self.each(part, input, &mut |run, output| {
            out(run, output).map_err(|stop| {
                taken = Err(stop);
                Stop::Enough
            })
        });
        taken?;
        match ended {
            Err(Stop::Error(_)) => Ok(()),
            ended => ended,
        }
    }

    fn alternative(
        &mut self,
        [left, right]: [&'a AstNode; 2],
        input: &Value<'a>,
        out: Out<'_, 'a>,
    ) -> RunResult<'a, ()> {
        let mut any = false;
        self.each(left, input, &mut |run, output| {
            if !output.is_true() {
                return Ok(());
            }
            any = true;
            out(run, output)
        })?;
        if any { Ok(()) } else { self.each(right, input, out) }
    }

    /// Binds the variables of a pattern to each output of its source in turn.
    fn bind(
        &mut self,
        source: &'a AstNode,
        pattern: &'a Pattern,
        input: &Value<'a>,
        then: &mut dyn FnMut(&mut Self) -> RunResult<'a, ()>,
    ) -> RunResult<'a, ()> {
        self.each(source, input, &mut |run, value| {
            run.variables[pattern.slot] = value;
            run.bind_parts(pattern, 0, then)
        })
    }

    fn bind_parts(
        &mut self,
        pattern: &'a Pattern,
        bound: usize,
        then: &mut dyn FnMut(&mut Self) -> RunResult<'a, ()>,
    ) -> RunResult<'a, ()> {
        let Some(part) = pattern.parts.get(bound) else { return then(self) };
        let whole = self.variables[part.from].clone();
        self.each(&part.key, &whole, &mut |run, key| {
            let value = whole.part(&run.meter, &key)?.clone();
            run.variables[part.to] = value;
            run.bind_parts(pattern, bound + 1, then)
        })
    }

    /// Binds the variables of a pattern whose keys are all [`Arity::One`].
    fn take_apart(&mut self, pattern: &'a Pattern) -> RunResult<'a, ()> {
        for part in &pattern.parts {
            let whole = self.variables[part.from].clone();
            let key = self.one(&part.key, &whole)?;
            self.variables[part.to] = whole.part(&self.meter, &key)?.clone();
        }
        Ok(())
    }
}

fn compare<'a>(meter: &Meter, left: &Value<'a>, operator: Cmp, right: &Value<'a>) -> RunResult<'a> {
    let holds = match operator {
        Cmp::Eq => order::same(meter, left, right)?,
        Cmp::Ne => !order::same(meter, left, right)?,
        Cmp::Lt => order::compare(meter, left, right)?.is_lt(),
        Cmp::Le => order::compare(meter, left, right)?.is_le(),
        Cmp::Gt => order::compare(meter, left, right)?.is_gt(),
        Cmp::Ge => order::compare(meter, left, right)?.is_ge(),
    };
    Ok(holds.into())
}
