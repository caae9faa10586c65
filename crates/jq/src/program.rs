//! A compiled program and its runs.

use std::fmt;

use serde_json::{
    Value as Json,
    value::{RawValue, to_raw_value},
};

use super::{
    compile::{self, CompileError},
    document::{Document, of_json},
    fault::{Error, RunLimit, Stop},
    meter::{Meter, StepBudget},
    node::AstNode,
    output,
    run::Interpreter,
    value::{MAX_DEPTH, Value},
};

/// A program that maps one JSON value to one JSON value, compiled once and run by any thread.
pub struct Program {
    pub(super) node: AstNode,
    /// For each variable that is given to it, whether it uses it. They have the first slots.
    pub(super) given: Vec<bool>,
    pub(super) slots: usize,
}

/// How a run can fail. No message holds anything of the input.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The run needed more steps than its budget.
    #[error("the program did not finish within its budget")]
    Exhausted,
    /// A value outgrew the limits on size or depth.
    #[error("the program built a value that is too large or too deep")]
    TooLarge,
    /// The program produced nothing.
    #[error("the program produced no value")]
    NoOutput,
    /// The program produced more than one value.
    #[error("the program produced more than one value")]
    ManyOutputs,
    /// An operation does not work on the values that it met.
    #[error("{message}")]
    Failed {
        /// What went wrong, told in types and words of ours.
        message: String,
    },
    /// The program called `error`.
    #[error("the program raised an error")]
    Raised {
        /// What it raised: made by the author, possibly from input, so treat it as input.
        value: Json,
    },
}

impl Program {
    /// Checks and compiles a program that may use these variables, named without `$`.
    ///
    /// Takes a thread of its own for a moment: do it when the catalogue loads, not per request.
    pub fn compile(source: &str, variables: &[&str]) -> Result<Self, CompileError> {
        compile::compile(source, variables)
    }

    /// Runs the program on a document, with one value for each variable in the order of `compile`.
    pub fn run(
        &self,
        document: &Document<'_>,
        variables: &[&Json],
        budget: StepBudget,
    ) -> Result<Json, RunError> {
        self.run_to(document, variables, budget, |value| value.into())
    }

    /// Runs the program and writes its value as JSON.
    pub fn write(
        &self,
        document: &Document<'_>,
        variables: &[&Json],
        budget: StepBudget,
    ) -> Result<Box<RawValue>, RunError> {
        self.run_to(document, variables, budget, |value| {
            to_raw_value(value).expect("a value is JSON")
        })
    }

    fn run_to<T>(
        &self,
        document: &Document<'_>,
        variables: &[&Json],
        budget: StepBudget,
        made_of: impl FnOnce(&Value<'_>) -> T,
    ) -> Result<T, RunError> {
        let mut run = Interpreter::new(budget, self.bind(variables)?);
        let mut output = None;
        let ended = run.each(&self.node, document.value(), &mut |_, value| match output {
            None => {
                output = Some(value);
                Ok(())
            }
            Some(_) => Err(Stop::Enough),
        });
        match ended {
            Ok(()) => written(&run.meter, &output.ok_or(RunError::NoOutput)?, made_of),
            Err(Stop::Enough) => Err(RunError::ManyOutputs),
            Err(Stop::Limit(limit)) => Err(limit.into()),
            Err(Stop::Error(error)) => Err(match *error {
                Error::Fault(fault) => RunError::Failed { message: fault.to_string() },
                Error::Raised(value) => match written(&run.meter, &value, |value| value.into()) {
                    Ok(value) => RunError::Raised { value },
                    Err(limit) => limit,
                },
            }),
        }
    }

    /// Returns the values of all variables; those that the program does not use stay null.
    fn bind<'a>(&self, variables: &[&'a Json]) -> Result<Vec<Value<'a>>, RunError> {
        if variables.len() != self.given.len() {
            let wanted = self.given.len();
            let given = variables.len();
            let message = format!("the program takes {wanted} variables, {given} were given");
            return Err(RunError::Failed { message });
        }
        let mut bound = vec![Value::Null; self.slots];
        for ((slot, json), used) in bound.iter_mut().zip(variables).zip(&self.given) {
            if *used {
                *slot = of_json(json, MAX_DEPTH).ok_or(RunError::TooLarge)?;
            }
        }
        Ok(bound)
    }
}

fn written<T>(
    meter: &Meter,
    value: &Value<'_>,
    made_of: impl FnOnce(&Value<'_>) -> T,
) -> Result<T, RunError> {
    output::pay(meter, value)?;
    Ok(made_of(value))
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").field("variables", &self.given.len()).finish_non_exhaustive()
    }
}

impl From<RunLimit> for RunError {
    fn from(limit: RunLimit) -> Self {
        match limit {
            RunLimit::Steps => Self::Exhausted,
            RunLimit::Size => Self::TooLarge,
        }
    }
}
