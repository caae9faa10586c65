//! Programs and inputs that nobody thought of.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Document, Program, RunError, StepBudget, output};

/// In every string of every input, and in no program.
const SECRET: &str = "hunter2";
const LEAVES: [&str; 30] = [
    ".",
    ".a",
    ".b?",
    ".[0]",
    ".[]",
    ".[]?",
    ".[1:]",
    ".[:-1]",
    "0",
    "1",
    "-2.5",
    "\"x\"",
    "null",
    "true",
    "[]",
    "{}",
    "$v",
    "empty",
    "error",
    "length?",
    "keys?",
    "add?",
    "sort?",
    "unique?",
    "to_entries?",
    "tostring",
    "reverse?",
    "flatten?",
    "first",
    "min?",
];
const ONES: [&str; 22] = [
    "[X]",
    "{a: X}",
    "{(X | tostring): X}",
    "(X)?",
    "-(X)",
    "map(X)",
    "map_values(X)",
    "select(X)",
    "first(X)",
    "last(X)",
    "any(X)",
    "sort_by(X)",
    "with_entries(X)",
    "add(X)",
    "has(X)",
    "(X | not)",
    "\"s\\(X)\"",
    "@base64 \"\\(X)\"",
    ".[X]",
    "(X as [$a, $b] | [$b, $a])",
    "join(X)",
    "error(X)",
];
const TWOS: [&str; 18] = [
    "(X | Y)",
    "(X, Y)",
    "(X // Y)",
    "(X + Y)",
    "(X - Y)",
    "(X * Y)",
    "(X / Y)",
    "(X % Y)",
    "(X == Y)",
    "(X < Y)",
    "(X and Y)",
    "(X or Y)",
    "(if X then Y else . end)",
    "(X as $x | Y | [., $x])",
    "(reduce X as $x (.; Y))",
    "(foreach X as $x (.; Y))",
    "{a: X, b: Y}",
    "(X | contains(Y))",
];

fn programs() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(LEAVES.as_slice()).prop_map(String::from);
    leaf.prop_recursive(6, 40, 2, |inner| {
        prop_oneof![
            (prop::sample::select(ONES.as_slice()), inner.clone())
                .prop_map(|(form, x)| form.replace('X', &x)),
            (prop::sample::select(TWOS.as_slice()), inner.clone(), inner).prop_map(
                |(form, x, y)| form.replace('X', "\0").replace('Y', &y).replace('\0', &x)
            ),
        ]
    })
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-100..100_i64).prop_map(Value::from),
        prop::num::f64::NORMAL.prop_map(Value::from),
        "[a-cä]{0,3}".prop_map(|text| Value::from(format!("{text}{SECRET}"))),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[a-d]", inner, 0..5)
                .prop_map(|entries| entries.into_iter().collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_program_ends_and_tells_nothing_of_its_input(
        source in programs(), input in values(), variable in values(),
    ) {
        let Ok(program) = Program::compile(&source, &["v"]) else {
            prop_assert!(source.len() > 100, "{}", source);
            return Ok(());
        };
        let document = Document::from_value(&input).unwrap();
        let started = Instant::now();
        let outcome = program.run(&document, &[&variable], StepBudget::steps(50_000));
        prop_assert!(started.elapsed() < Duration::from_secs(3), "{}", source);
        if let Err(error) = outcome {
            prop_assert!(!error.to_string().contains(SECRET));
            let shown = !matches!(error, RunError::Raised { .. }) && format!("{error:?}").contains(SECRET);
            prop_assert!(!shown);
        }
    }

    #[test]
    fn a_budget_that_suffices_does_not_change_the_output(source in programs(), input in values()) {
        let Ok(program) = Program::compile(&source, &["v"]) else { return Ok(()) };
        let document = Document::from_value(&input).unwrap();
        let run = |steps| program.run(&document, &[&json!([1])], StepBudget::steps(steps));
        if let (Ok(small), Ok(large)) = (run(2_000), run(200_000)) {
            prop_assert_eq!(small, large);
        }
    }

    #[test]
    fn no_text_breaks_the_compiler(source in "[\\[\\](){}.a-z $@\"\\\\|,:;?/+*#=<>0-9-]{0,60}") {
        if let Err(error) = Program::compile(&source, &[]) {
            prop_assert!(!error.message.contains("cannot cope"), "{}", source);
            prop_assert!(error.line == 1 && error.column <= 1 + source.chars().count());
        }
    }

    #[test]
    fn some_programs_give_back_what_they_got(items in prop::collection::vec(values(), 0..8)) {
        let input = Value::from(items);
        for same in ["map(.)", "[.[]]", "reverse | reverse", "[.] | add", "map_values(.)", ".[0:]",
            "[foreach .[] as $x (0; $x)]", "reduce .[] as $x ([]; . + [$x])", ". - []"] {
            prop_assert_eq!(&output(same, &input), &input, "{}", same);
        }
        let object: Value =
            input.as_array().unwrap().iter().enumerate().map(|(at, item)| (at.to_string(), item.clone())).collect();
        for same in ["to_entries | from_entries", "with_entries(.)", "map_values(.)", ". + .", ". * ."] {
            prop_assert_eq!(&output(same, &object), &object, "{}", same);
        }
        prop_assert_eq!(output("tojson", &object), json!(object.to_string()));
    }

    #[test]
    fn sorting_sorts(items in prop::collection::vec(values(), 0..12)) {
        let input = Value::from(items);
        let sorted = output("sort", &input);
        prop_assert_eq!(&output("sort", &sorted), &sorted);
        prop_assert_eq!(&output("sort_by(.)", &input), &sorted);
        prop_assert_eq!(output(". as $s | [.[1:], .[:-1]] | length", &sorted), json!(2));
        prop_assert_eq!(output("[first, last] == [min, max]", &sorted), json!(true));
        prop_assert_eq!(output("[unique[] as $x | map(select(. == $x)) | length] | add // 0", &input), output("length", &input));
    }
}
