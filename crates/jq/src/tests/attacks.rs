//! Programs that would run for ever, fill the memory or overflow the stack, if they were let.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{Document, Program, RunError, StepBudget, run};

/// Far more than any of these takes, in a debug build on a busy machine.
const DEADLINE: Duration = Duration::from_secs(5);
/// `(., .)` many times over: 2^40 outputs.
const BRANCHES: &str = "(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|\
                        (.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|\
                        (.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|\
                        (.,.)|(.,.)|(.,.)|(.,.)";

pub(super) fn timed(source: &str, input: &Value) -> Result<Value, RunError> {
    let started = Instant::now();
    let outcome = run(source, input);
    assert!(started.elapsed() < DEADLINE, "{source} took {:?}", started.elapsed());
    outcome
}

pub(super) fn is_stopped(source: &str, input: &Value) {
    let outcome = timed(source, input);
    let stopped = matches!(outcome, Err(RunError::Exhausted | RunError::TooLarge));
    assert!(stopped, "{source}: {outcome:?}");
}

pub(super) fn all_are_stopped(sources: &[&str], input: &Value) {
    for source in sources {
        is_stopped(source, input);
    }
}

pub(super) fn numbers(count: usize) -> Value {
    (0..count).collect()
}

#[test]
fn nested_loops_run_out_of_budget() {
    all_are_stopped(
        &[
            "[.[] as $a | .[] as $b | .[] as $c | 1] | length",
            "[.[] as $a | .[] as $b | .[] as $c | (1, error)?]",
            "[.[] as $a | .[] as $b | .[] as $c | (null // 1)]",
            "[.[] as $a | .[] as $b | .[] as $c | .a?]",
            ". as $d | map(. as $a | $d | map(. as $b | $d | map(. + $a + $b) | length))",
            ". as $d | map_values(. as $a | $d | map_values($d | map_values(0) | 0) | 0)",
            ". as $d | sort_by($d | sort_by($d | length))",
            ". as $d | any($d | any($d | any(false)))",
            ". as $d | all($d[] | $d | all($d[] | true))",
            "[.[] as $a | first(.[] as $b | .[] as $c | empty)]",
            ". as [$a] | [.[] as $b | foreach .[] as $c (0; . + 1; $c)] | length",
            "[foreach .[] as $a (.; reduce .[] as $b (.; .); 1)]",
        ],
        &numbers(1000),
    );
}

#[test]
fn branches_run_out_of_budget_also_when_nothing_comes_of_them() {
    let endings = [
        "empty",
        "empty?",
        ".a?",
        ".[]?",
        "(-.)?",
        "error?",
        "error(1)?",
        "(. as [$a] | $a)?",
        "(empty // empty)",
        "select(false)",
        "(if . then empty else . end)",
        "nulls",
        "[.]?|empty",
        "{(.): 1}?",
    ];
    for ending in endings {
        is_stopped(&format!("[{BRANCHES} | {ending}]"), &json!(true));
        is_stopped(&format!("[{BRANCHES} | {ending}]?"), &json!(true));
        is_stopped(&format!("[{BRANCHES} | {ending}] // 1"), &json!(true));
    }
    for wrapped in
        ["first(X|empty)", "last(X)", "any([1]|X|false)", "all([1]|X|true)", "sort_by(X)"]
    {
        is_stopped(&wrapped.replace('X', BRANCHES), &json!([1, 2]));
    }
}

#[test]
fn operators_over_branches_run_out_of_budget() {
    let terms = |term: &str, between: &str| vec![term; 40].join(between);
    for program in [
        terms("(1,2)", "+"),
        terms("(1,2)", "*1-"),
        terms("(true,true)", " and "),
        format!("{{{}}}", (0..40).map(|key| format!("k{key}:(1,2)")).collect::<Vec<_>>().join(",")),
        format!("\"{}\"", terms("\\((1,2))", "")),
        format!(".{}", terms("[(0,1)]?", "")),
        format!(".{}", terms("[(0,1)]", "")),
        format!("(1,2) as $x | {}", terms("(1,2) as $x", " | ") + " | empty"),
    ] {
        is_stopped(&format!("[{program}]"), &Value::Null);
    }
}

#[test]
fn lists_that_are_kept_cost_each_time_they_are_gone_through() {
    let starts = vec!["1"; 600].join(",");
    all_are_stopped(
        &[
            &format!("[reduce .[] as $x (({starts}); .)]"),
            &format!("[foreach .[] as $x (({starts}); .; empty)]"),
            &format!("[foreach .[] as $x (({starts}); .; select(false))?]"),
            "[reduce .[] as $x (0; (., .))]",
        ],
        &numbers(20_000),
    );
}

#[test]
fn a_program_cannot_hide_work_in_parts_that_cost_nothing() {
    let idle = vec![format!("({})", [".|"; 30].concat() + "."); 50].join("|");
    let literals = format!("\"{}\"", "x".repeat(3500));
    for body in [idle, literals, ["1e300|"; 60].concat() + "1", ["[]|"; 60].concat() + "1"] {
        is_stopped(&format!("[.[] as $a | .[] | ({body}) | empty]"), &numbers(1000));
    }
}

/// Two thirds of a megabyte at worst in a debug build, a sixth of that in a release build.
#[test]
fn the_deepest_programs_fit_on_a_small_stack() {
    for (open, middle, close) in [
        ("[", ".", "]"),
        ("{a:", ".", "}"),
        (".|", ".", ""),
        ("1+(", "1", ")"),
        ("-", "1", ""),
        (". as $x|", ".", ""),
        (". as [$x,$y]|", ".", ""),
        (".[", "0", "]"),
        ("", ".a", ".a"),
        ("true and (", "true", ")"),
        ("(", "1", ")?"),
        ("if . then 1 else ", "1", " end"),
        ("if ", "1", " then 1 else 2 end"),
        ("reduce (", "1", ") as $x (0;.)"),
        ("\"\\(", "1", ")\""),
        ("reduce 1 as $x (0;", "1", ")"),
        ("[1]|map_values(", "1", ")"),
        ("[1]|sort_by(", "1", ")"),
        ("[1]|any(", "true", ")"),
        ("{a:1}|with_entries(", ".", ")"),
        ("first(", ".", ")"),
    ] {
        let nested = |n: usize| format!("{}{middle}{}", open.repeat(n), close.repeat(n));
        let programs = (1..130).map_while(|n| Program::compile(&nested(n), &[]).ok());
        let deepest = programs.last().expect("one level compiles");
        let small = thread::Builder::new().stack_size(1 << 20);
        let running = small.spawn(move || {
            let deep = format!("{}{}", "[".repeat(120), "]".repeat(120));
            for input in ["null", "[[1]]", &deep] {
                let input = Document::parse(input.as_bytes()).unwrap();
                let _any = deepest.run(&input, &[], StepBudget::DEFAULT);
            }
        });
        running.unwrap().join().unwrap();
    }
}
