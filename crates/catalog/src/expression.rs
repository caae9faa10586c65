use std::borrow::Cow;

use astralform_jq::{CompileError, Document, Program, RunError, StepBudget, Use};
use http::HeaderMap;
use schemars::{JsonSchema, Schema as JsonSchemaValue, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Value, value::RawValue};
use thiserror::Error;

/// A compiled jq expression of a connector file.
pub struct Expression {
    program: Program,
    /// Whether it may name `$headers`, which are put together only then.
    names_headers: bool,
}

/// What an expression can name besides its input.
#[derive(Clone, Copy)]
pub struct Variables<'a> {
    /// `$arguments`: what the agent called the tool with.
    pub arguments: &'a Value,
    /// `$status`: the HTTP status of the answer; null before there is one.
    pub status: Option<u16>,
    /// `$also`: the bodies of a tool's other answers by name; null elsewhere.
    pub also: &'a Value,
    /// `$headers`: those of a tool's answer; null elsewhere.
    pub headers: Option<&'a HeaderMap>,
}

/// Why an expression gave nothing that can be used.
#[derive(Debug, Error)]
pub enum ExpressionError {
    /// It did not run to its end.
    #[error("a mapping of the connector did not fit the data")]
    Run(#[from] RunError),
    /// Its result has another shape than is needed.
    #[error("a mapping of the connector gave something else than was expected")]
    Shape(#[source] serde_json::Error),
}

const NAMES: [&str; 4] = ["arguments", "status", "also", "headers"];

impl Expression {
    /// Compiles an expression.
    pub(crate) fn compile(source: &str) -> Result<Self, CompileError> {
        let names_headers = source.contains("$headers");
        Ok(Self { program: Program::compile(source, &NAMES)?, names_headers })
    }

    /// Returns what it reads by name.
    pub(crate) fn uses(&self) -> Vec<Use> {
        self.program.uses()
    }

    /// Returns the names of the members of the object that it writes out, where it does.
    pub(crate) fn members(&self) -> Option<Vec<String>> {
        self.program.members()
    }

    /// Returns all names of members that it writes out; none where it computes some.
    pub(crate) fn all_members(&self) -> Option<Vec<String>> {
        self.program.all_members()
    }

    /// Runs it within its budget.
    ///
    /// # Errors
    /// When the expression does not fit the input, or takes too long.
    pub fn run(&self, input: &Document<'_>, variables: Variables<'_>) -> Result<Value, RunError> {
        self.run_within(input, variables, StepBudget::DEFAULT)
    }

    /// Runs it within its budget and writes its result as JSON.
    ///
    /// # Errors
    /// When the expression does not fit the input, or takes too long.
    pub fn write(
        &self,
        input: &Document<'_>,
        variables: Variables<'_>,
    ) -> Result<Box<RawValue>, RunError> {
        self.with(variables, |values| self.program.write(input, values, StepBudget::DEFAULT))
    }

    fn run_within(
        &self,
        input: &Document<'_>,
        variables: Variables<'_>,
        budget: StepBudget,
    ) -> Result<Value, RunError> {
        self.with(variables, |values| self.program.run(input, values, budget))
    }

    /// Calls `run` with the values of the variables, in the order of their names.
    fn with<T>(&self, variables: Variables<'_>, run: impl FnOnce(&[&Value]) -> T) -> T {
        let status = variables.status.map_or(Value::Null, Value::from);
        let headers = variables.headers.filter(|_| self.names_headers);
        let headers = headers.map_or(Value::Null, texts);
        run(&[variables.arguments, &status, variables.also, &headers])
    }

    /// Runs it with [`NULL_MARK`](astralform_jq::NULL_MARK) in every text that a null became a part of,
    /// and reads its result as a `T`.
    ///
    /// # Errors
    /// When the expression does not fit the input, or its result is not a `T`.
    pub fn read_marking_null<T: serde::de::DeserializeOwned>(
        &self,
        input: &Document<'_>,
        variables: Variables<'_>,
    ) -> Result<T, ExpressionError> {
        let found = self.run_within(input, variables, StepBudget::DEFAULT.marking_null())?;
        serde_json::from_value(found).map_err(ExpressionError::Shape)
    }

    /// Runs it and reads its result as a `T`.
    ///
    /// # Errors
    /// When the expression does not fit the input, or its result is not a `T`.
    pub fn read<T: serde::de::DeserializeOwned>(
        &self,
        input: &Document<'_>,
        variables: Variables<'_>,
    ) -> Result<T, ExpressionError> {
        serde_json::from_value(self.run(input, variables)?).map_err(ExpressionError::Shape)
    }
}

impl<'a> Variables<'a> {
    /// Returns variables without arguments, and with the status of an answer.
    pub fn status(status: u16) -> Self {
        Self { arguments: &Value::Null, status: Some(status), also: &Value::Null, headers: None }
    }

    /// Returns the arguments alone.
    pub fn arguments(arguments: &'a Value) -> Self {
        Self { arguments, status: None, also: &Value::Null, headers: None }
    }
}

impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let source = Cow::<'de, str>::deserialize(deserializer)?;
        Self::compile(&source).map_err(D::Error::custom)
    }
}

impl JsonSchema for Expression {
    fn schema_name() -> Cow<'static, str> {
        "Expression".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> JsonSchemaValue {
        json_schema!({
            "type": "string",
            "format": "jq",
            "description": "A jq expression in the bounded language. $arguments and $status can be named everywhere, $headers where a tool's answer is read, $also in the result of a tool."
        })
    }
}

/// Returns the headers that are texts, the names in lower case; of repeated ones the last.
fn texts(headers: &HeaderMap) -> Value {
    let texts = headers.iter().filter_map(|(name, value)| {
        Some((name.as_str().to_owned(), Value::from(value.to_str().ok()?)))
    });
    Value::Object(texts.collect())
}
