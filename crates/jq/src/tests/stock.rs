//! What stock jaq makes of the programs, whose syntax the language has and whose meaning it keeps.
//!
//! Left out is what differs on purpose: stock jaq repeats strings, indexes by arrays, has keys that
//! are not strings and numbers without bounds, and divides by zero.

use jaq_core::{
    Compiler, Ctx, Vars, data,
    load::{Arena, File, Loader},
    unwrap_valr,
};
use jaq_json::Val;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Document, Program, RunError, StepBudget};

const LEAVES: [&str; 48] = [
    ".",
    ".a",
    ".b",
    ".a.b",
    ".a?",
    ".b?",
    "(arrays | .[0])",
    "(arrays | .[-1])",
    ".[]",
    ".[]?",
    "(strings, arrays | .[1:])",
    "(strings, arrays | .[:-1])",
    "0",
    "1",
    "2",
    "-1",
    "2.5",
    "\"x\"",
    "\"a\\nb\"",
    "null",
    "true",
    "false",
    "[]",
    "{}",
    "{a: 1, b: [2]}",
    "{a, b}",
    "$v",
    "{$v}",
    "empty",
    "error",
    "(1, 2)",
    "(1, empty, 2)",
    "(1, error, 2)",
    "(error(\"e\"), 1)",
    "length?",
    "keys?",
    "sort?",
    "unique?",
    "(objects | to_entries)",
    "tostring",
    "type",
    "not",
    "values",
    "scalars",
    "iterables",
    "(arrays | first)",
    "([.[]?] | last)",
    "min?",
];
const FORMS: [&str; 62] = [
    "[X]",
    "{a: X}",
    "{a: X, b: Y}",
    "{(X | tostring): Y}",
    "{a: 1, (X | tostring): X, b: Y}",
    "(X)?",
    "(X)[]?",
    "(X | -floor)?",
    "-(X | floor)",
    "map(X)",
    "select(X)",
    "first(X)",
    "last(X)",
    "any(X)",
    "all(X)",
    "sort_by((X)?)?",
    "add(X)?",
    "(X | not)",
    "\"s\\(X)\"",
    "\"a\\(X)b\\(Y)c\"",
    "@json \"v\\(X)\"",
    ".[X | strings]?",
    ".[X | strings]",
    "(X).a",
    ".[X | strings][Y | strings]?",
    "(arrays | .[X | floor])?",
    "(strings, arrays | .[0:(X | length? | floor)])",
    "(X | strings, arrays | .[1:])",
    "contains(X)?",
    "((X | arrays) as [$x, $y] | [$y, $x])",
    "({a: X, b: [Y]} as {a: $x, b: [$y]} | [$x, $y])",
    "(X as {(\"a\", \"b\"): $x} | [$x])",
    "([[X], Y] as [[$x], {a: $y}] | [$x, $y])",
    "error(X)",
    "(error(X))?",
    "(X | Y)",
    "(X | Y)",
    "(X, Y)",
    "(X // Y)",
    "(X? // Y)",
    "(X + Y)",
    "(X - Y)?",
    "((X | numbers) * 2)",
    "((X | objects) * (Y | objects))",
    "(X == Y)",
    "(X != Y)",
    "(X < Y)",
    "(X >= Y)",
    "(X and Y)",
    "(X or Y)",
    "(if X then Y else . end)",
    "(if X then . elif Y then 1 end)",
    "(X as $x | Y | [., $x])",
    "(X as $x | [Y | $x])",
    "[(X as $x | Y) | (Y as $x | X)]",
    "(reduce X as $x (.; Y))",
    "(reduce X as $x (Y; [., $x]))",
    "(reduce X as $x ((0, 1); Y))",
    "(foreach X as $x (.; Y))",
    "(foreach X as $x (0; Y; [., $x]))",
    "(foreach (X | arrays) as [$x, $y] (0; [$y]; Y))",
    "first(foreach (1, 2, 3) as $x (X; Y))",
];

/// What of jaq's definitions these programs need; others need more of its natives.
const DEFINITIONS: [&str; 37] = [
    "empty",
    "error",
    "true",
    "false",
    "not",
    "select",
    "tostring",
    "map",
    "first",
    "last",
    "to_entries",
    "isempty",
    "all",
    "any",
    "null",
    "isboolean",
    "isnumber",
    "isstring",
    "isarray",
    "isobject",
    "type",
    "values",
    "nulls",
    "numbers",
    "strings",
    "objects",
    "arrays",
    "iterables",
    "scalars",
    "add",
    "min_by",
    "min",
    "unique_by",
    "unique",
    "keys",
    "abs",
    "@json",
];

fn programs() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(LEAVES.as_slice()).prop_map(String::from);
    leaf.prop_recursive(5, 30, 2, |inner| {
        let form = prop::sample::select(FORMS.as_slice());
        (form, inner.clone(), inner)
            .prop_map(|(form, x, y)| form.replace('X', "\0").replace('Y', &y).replace('\0', &x))
    })
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3..9_i64).prop_map(Value::from),
        prop::sample::select([0.5, -1.5, 2.0].as_slice()).prop_map(Value::from),
        "[a-cä]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-d]", inner, 0..4)
                .prop_map(|entries| entries.into_iter().collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn programs_mean_what_they_mean_in_stock_jaq(
        source in programs(), input in values(), variable in values(),
    ) {
        let source = format!("[{source}]");
        let Ok(program) = Program::compile(&source, &["v"]) else { return Ok(()) };
        let document = Document::from_value(&input).unwrap();
        let ours = program.run(&document, &[&variable], StepBudget::steps(20_000));
        if matches!(ours, Err(RunError::Exhausted | RunError::TooLarge)) {
            return Ok(());
        }
        match (ours, stock(&source, &input, &variable)) {
            (Ok(ours), Ok(theirs)) => prop_assert_eq!(floats(&ours), floats(&theirs), "{}", source),
            (Err(RunError::Raised { value }), Err(theirs)) => {
                prop_assert_eq!(floats(&value), floats(&theirs), "{}", source);
            }
            (Err(RunError::Failed { .. }), Err(_)) => {}
            (ours, theirs) => prop_assert!(false, "{}: {:?} is not {:?}", source, ours, theirs),
        }
    }
}

/// Returns the output, or else the error, of a program in stock jaq.
fn stock(source: &str, input: &Value, variable: &Value) -> Result<Value, Value> {
    let arena = Arena::default();
    let definitions = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    let definitions = definitions.filter(|definition| DEFINITIONS.contains(&definition.name));
    let modules = Loader::new(definitions).load(&arena, File { code: source, path: () });
    let natives = jaq_core::funs().chain(jaq_std::base_funs()).chain(jaq_json::funs());
    let filter = Compiler::default()
        .with_funs(natives)
        .with_global_vars(["$v"])
        .compile(modules.unwrap())
        .unwrap();
    let val = |value: &Value| serde_json::from_value::<Val>(value.clone()).unwrap();
    let context = Ctx::<data::JustLut<Val>>::new(&filter.lut, Vars::new([val(variable)]));
    let output = filter.id.run((context, val(input))).map(unwrap_valr).next().unwrap();
    let json = |val: Val| serde_json::from_str(&val.to_string()).unwrap();
    output.map(json).map_err(|error| json(error.into_val()))
}

/// Makes every number a float: stock jaq tells integers from floats in other places.
fn floats(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.iter().map(floats).collect(),
        Value::Object(entries) => {
            entries.iter().map(|(key, item)| (key.clone(), floats(item))).collect()
        }
        other => other.clone(),
    }
}
