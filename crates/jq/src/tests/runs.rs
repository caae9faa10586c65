//! What goes into a run and what comes out of it.

use serde_json::{Value, json};

use super::{Document, ParseError, Program, RunError, StepBudget, failure, output, run};

#[test]
fn numbers_and_the_order_of_keys_survive() {
    let text = r#"{"z":1,"a":[1.5,1.0,18446744073709551615,-9223372036854775808],"m":1e300}"#;
    let document = Document::parse(text.as_bytes()).unwrap();
    let same =
        Program::compile(".", &[]).unwrap().run(&document, &[], StepBudget::DEFAULT).unwrap();
    assert_eq!(same, serde_json::from_str::<Value>(text).unwrap());
    assert_eq!(same.to_string().find("\"z\""), Some(1));
}

#[test]
fn variables_come_in_the_order_of_their_names() {
    let program = Program::compile("[$a, .b, $b | .] | map($a, .) | .[1:]", &["a", "b"]).unwrap();
    let input = json!({"b": 2});
    let document = Document::from_value(&input).unwrap();
    let run = |given: &[&Value]| program.run(&document, given, StepBudget::DEFAULT);
    let output = run(&[&json!(1), &json!({"c": 3})]).unwrap();
    assert_eq!(output, json!([1, 1, 2, 1, {"c": 3}]));
    assert!(matches!(run(&[&json!(1)]), Err(RunError::Failed { .. })));
}

#[test]
fn a_run_has_exactly_one_output() {
    assert!(matches!(run("empty", &json!(1)), Err(RunError::NoOutput)));
    assert!(matches!(run(".[]", &json!([1, 2])), Err(RunError::ManyOutputs)));
    assert!(matches!(run("1, error", &json!(1)), Err(RunError::Raised { .. })));
    assert_eq!(output("null", &json!(1)), json!(null));
}

#[test]
fn failures_tell_types_and_never_values() {
    let secret = json!({"secret": "hunter2", "list": ["hunter2"]});
    for (source, message) in [
        (".secret.a", "cannot index a string with a string"),
        (".list.a", "cannot index an array with a string"),
        (".secret + 1", "cannot calculate string + number"),
        (".secret[]", "`.[]` needs an array or an object, not a string"),
        ("-.secret", "`-` needs a number, not a string"),
        (".secret | tonumber", "`tonumber` met a text that is not a number"),
        ("{(.list): 1}", "the key of an object needs a string, not an array"),
        (".secret | keys", "`keys` needs an object or an array, not a string"),
        (".list[.secret:]", "the bound of a slice needs a whole number, not a string"),
        ("1 / 0", "cannot divide by zero"),
        ("9223372036854775807 * 9223372036854775807", "the result is too large for a number"),
        (".list | from_entries", "`from_entries` needs objects, not a string"),
        (".secret | sort_by(.)", "`sort_by` needs an array, not a string"),
        (".list[.list]", "cannot index an array with an array"),
        ("99999999999999 | todate", "`todate` met a number that is no date"),
    ] {
        assert_eq!(failure(source, &secret), message, "{source}");
    }
}

#[test]
fn what_a_program_raises_is_kept_apart_from_the_message() {
    let raised = run("error({code: .error})", &json!({"error": "hunter2"})).unwrap_err();
    assert_eq!(raised.to_string(), "the program raised an error");
    assert!(matches!(raised, RunError::Raised { value } if value == json!({"code": "hunter2"})));
    assert!(matches!(run("error", &json!(null)), Err(RunError::Raised { value: Value::Null })));
    assert_eq!(output("[(1, error(2), 3)?]", &json!(null)), json!([1]));
}

#[test]
fn a_spent_budget_does_not_reach_into_the_next_run() {
    let program = Program::compile("map(. + 1)", &[]).unwrap();
    let input = json!([1, 2]);
    let document = Document::from_value(&input).unwrap();
    let short = program.run(&document, &[], StepBudget::steps(3));
    assert!(matches!(short, Err(RunError::Exhausted)));
    let enough = program.run(&document, &[], StepBudget::default());
    assert_eq!(enough.unwrap(), json!([2, 3]));
}

#[test]
fn one_program_runs_in_many_threads() {
    let program = Program::compile("[.[] as $a | .[] as $b | $a * $b] | add", &[]).unwrap();
    std::thread::scope(|scope| {
        for size in 1..8_u64 {
            let program = &program;
            scope.spawn(move || {
                let input = (0..size).collect();
                let document = Document::from_value(&input).unwrap();
                let sum = (0..size).sum::<u64>().pow(2);
                for _ in 0..20 {
                    let output = program.run(&document, &[], StepBudget::DEFAULT).unwrap();
                    assert_eq!(output, json!(sum));
                    assert!(program.run(&document, &[], StepBudget::steps(2)).is_err());
                }
            });
        }
    });
}

#[test]
fn documents_are_one_json_value_of_moderate_depth() {
    for text in ["", "{", "1 2", "[1,]", "nul", "\"\u{1}\"", "{\"a\" 1}", "1e999"] {
        assert!(Document::parse(text.as_bytes()).is_err(), "{text}");
    }
    assert!(Document::parse(b"\"\xff\"").is_err());
    assert!(Document::parse("[".repeat(100_000).as_bytes()).is_err());
    let deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
    assert!(matches!(Document::from_value(&deep), Err(ParseError::TooDeep)));
    let message = Document::parse(b"{\"hunter2\": hunter2}").unwrap_err().to_string();
    assert_eq!(message, "not JSON: line 1, column 13");
}
