//! A compiled program and its runs.

use std::fmt;

use jaq_core::{Ctx, Filter, Vars};
use jaq_json::Val;
use serde_json::Value;
use thiserror::Error;

use super::compile::{self, CompileError};
use super::document::{Document, to_val};
use super::fault::{Fault, failure_message};
use super::filters::Data;
use super::meter::{self, Budget, Session, Verdict};
use super::output::to_value;
use super::shape::MAX_DEPTH;
use super::value::Metered;

/// A program that maps one JSON value to one JSON value, compiled once and run by any thread.
pub struct Program {
    pub(super) filter: Filter<Data>,
    pub(super) variables: usize,
    /// The price of one turn of any loop in it.
    pub(super) turn: u64,
}

/// How a run can fail. No message holds anything of the input.
#[derive(Debug, Error)]
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
        value: Value,
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
        document: &Document,
        variables: &[&Value],
        budget: Budget,
    ) -> Result<Value, RunError> {
        let variables = self.bind(variables)?;
        let session = Session::open(budget, self.turn);
        let outcome = self.single_output(document.val().clone(), variables);
        // The verdict wins over any outcome: past it, values are not what they seem.
        match session.verdict() {
            Some(Verdict::Exhausted) => Err(RunError::Exhausted),
            Some(Verdict::TooLarge) => Err(RunError::TooLarge),
            None => outcome,
        }
    }

    fn bind(&self, variables: &[&Value]) -> Result<Vec<Metered>, RunError> {
        if variables.len() != self.variables {
            let (wanted, given) = (self.variables, variables.len());
            let message = format!("the program takes {wanted} variables, {given} were given");
            return Err(RunError::Failed { message });
        }
        let bound = variables.iter().map(|value| to_val(value, MAX_DEPTH).map(Metered::new));
        bound.collect::<Option<_>>().ok_or(RunError::TooLarge)
    }

    fn single_output(&self, input: Val, variables: Vec<Metered>) -> Result<Value, RunError> {
        let context = Ctx::<Data>::new(&self.filter.lut, Vars::new(variables));
        let mut outputs = self.filter.id.run((context, Metered::new(input)));
        let output = outputs.next().ok_or(RunError::NoOutput)?.map_err(failed)?;
        match outputs.next() {
            None => Ok(to_value(output.val())?),
            Some(Ok(_)) => Err(RunError::ManyOutputs),
            Some(Err(error)) => Err(failed(error)),
        }
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").field("variables", &self.variables).finish_non_exhaustive()
    }
}

impl From<Fault> for RunError {
    fn from(fault: Fault) -> Self {
        Self::Failed { message: fault.to_string() }
    }
}

/// What is not an error is the stop of a spent meter, whose verdict the caller reads.
fn failed(exception: jaq_core::Exn<'_, Metered>) -> RunError {
    let Ok(error) = exception.get_err() else {
        debug_assert!(meter::is_latched(), "only a spent meter stops a program");
        return RunError::Exhausted;
    };
    let raised = error.into_val().into_val();
    if let Some(message) = failure_message(&raised) {
        return RunError::Failed { message };
    }
    to_value(&raised).map_or_else(RunError::from, |value| RunError::Raised { value })
}
