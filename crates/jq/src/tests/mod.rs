//! Tests of the language, its limits and its costs.

mod attacks;
mod growth;
mod language;
mod mappings;
mod properties;
mod refusals;
mod runs;
mod stock;

use serde_json::{Value, json};

use super::{CompileError, Document, ParseError, Program, RunError, StepBudget};

/// Runs a program on an input.
fn run(source: &str, input: &Value) -> Result<Value, RunError> {
    let program = Program::compile(source, &[]).unwrap_or_else(|error| panic!("{source}: {error}"));
    program.run(&Document::from_value(input).unwrap(), &[], StepBudget::DEFAULT)
}

/// Returns the output of a program that works.
fn output(source: &str, input: &Value) -> Value {
    run(source, input).unwrap_or_else(|error| panic!("{source}: {error:?}"))
}

/// Returns what is wrong with a program that does not compile.
fn refusal(source: &str) -> CompileError {
    match Program::compile(source, &[]) {
        Ok(_) => panic!("compiles: {source}"),
        Err(error) => error,
    }
}

/// Returns the message of a run that fails on a type.
fn failure(source: &str, input: &Value) -> String {
    match run(source, input) {
        Err(RunError::Failed { message }) => message,
        other => panic!("{source}: {other:?}"),
    }
}

#[test]
fn a_program_maps_one_value_to_one_value() {
    assert_eq!(output(".a", &json!({ "a": 1 })), json!(1));
}
