//! Programs that would build too much of too little, or make natives work for nothing.

use serde_json::{Value, json};

use super::{
    RunError,
    attacks::{all_are_stopped, is_stopped, numbers, timed},
};

#[test]
fn values_that_double_are_stopped() {
    all_are_stopped(
        &[
            "reduce .[] as $x (1; [., .])",
            "reduce .[] as $x (1; {a: ., b: .})",
            "[foreach .[] as $x (1; [., .])]",
            "reduce .[] as $x ([1]; . + .)",
            "reduce .[] as $x (\"ab\"; . + .)",
            "reduce .[] as $x (\"ab\"; \"\\(.)\\(.)\")",
            "reduce .[] as $x (\"ab\"; [., .] | join(\"x\"))",
            "reduce .[] as $x (\"ab\"; [., .] | add)",
            "reduce .[] as $x (\"ab\"; @base64)",
            "reduce .[] as $x (\"ab\"; @json)",
            "reduce .[] as $x (\"\\\"\"; tojson)",
            "reduce .[] as $x (1; [tojson, tojson])",
            "reduce .[] as $x (1; @text \"\\(.)\\([., .])\")",
            "reduce .[] as $x ({a: 1}; . + {b: .})",
            "reduce .[] as $x ({a: {b: 1}}; . * {a: {b: .}})",
            "reduce .[] as $x ({a: 1}; {a: to_entries})",
            "reduce .[] as $x ({a: 1}; with_entries({key: .key, value: [., .]}))",
            "reduce .[] as $x ([1]; [., .] | flatten)",
            "reduce .[] as $x (1; [., .]) | flatten",
            "reduce .[] as $x ([1]; map(., .))",
            "reduce .[] as $x ([0]; map_values([., .]))",
        ],
        &numbers(1000),
    );
    is_stopped(&format!(".{}", "|[.,.]".repeat(40)), &json!(1));
}

#[test]
fn using_a_value_costs_as_much_as_it_would_take_written_out() {
    // 2^16 nodes that share all they can, used a few times.
    let shared = "reduce (1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16) as $x (1; [., .]) as $big | ";
    for used in [
        "if $big == ($big | map(.)) then 1 else 2 end",
        "if $big < ($big | map(.)) then 1 else 2 end",
        "$big | tojson | length",
        "\"\\($big)\" | length",
        "$big | @base64 | length",
        "[$big] - [$big | map(.)] | length",
        "$big | contains($big)",
        "[$big, $big] | unique | length",
        "[$big, $big] | sort | length",
        "[$big, $big] | min | length",
        "[1, 2] | sort_by($big) | length",
    ] {
        is_stopped(&format!("{shared} [({used}), ({used}), ({used}), ({used})]"), &Value::Null);
    }
}

#[test]
fn values_do_not_get_deep() {
    all_are_stopped(
        &[
            "reduce .[] as $x (0; [.])",
            "reduce .[] as $x (0; {a: .})",
            "reduce .[] as $x ([0]; map_values([.]))",
            "reduce .[] as $x ({a: 0}; {a: to_entries})",
            "reduce .[] as $x (1; [{key: \"a\", value: .}] | from_entries)",
            "[foreach .[] as $x (0; [.])] | last",
        ],
        &numbers(1000),
    );
    // Also when the deep value is not the output, which has a limit of its own.
    all_are_stopped(
        &[
            "reduce .[] as $x (0; [.]) | length",
            "reduce .[] as $x (0; {a: .}) | length",
            "reduce .[] as $x ([0]; map_values([.] | first) | [.]) | length",
            "reduce .[] as $x ({}; {a: .} + {b: .a}) | length",
            "reduce .[] as $x (1; [{k: 1, v: .}] | from_entries) | length",
        ],
        &numbers(1000),
    );
    let deep: Value = (0..120).fold(json!(1), |inner, _| json!([inner]));
    assert!(timed(".", &deep).is_ok());
    is_stopped("[[[[[[[[[[.]]]]]]]]]]", &deep);
}

#[test]
fn natives_pay_for_what_they_touch() {
    let object: Value =
        (0..5000).map(|key: usize| (format!("k{}", key * 7919 % 50_000), json!(key))).collect();
    let input = json!({
        "many": numbers(20_000), "text": "ab".repeat(50_000), "object": object,
        "rows": vec![json!({"a": [1, {"b": 2}], "c": "x"}); 2000],
    });
    for once in [
        ".many - .many",
        ".many | reverse",
        ".many | contains([-1])",
        "[.many] as $a | $a | inside($a)",
        ".many | .[1:]",
        ".many | flatten",
        ".many | unique",
        ".many | sort_by(-.)",
        ".many | tojson",
        ".many | map(tostring) | join(\",\")",
        ".many | min",
        ".many | add",
        ".many | map([.]) | add",
        ".text | split(\"\")",
        ".text | .[50000:]",
        ".text | ascii_upcase",
        ".text | ltrimstr(\"a\")",
        ".text | length",
        ".text | contains(\"bb\")",
        ".text | @uri",
        ".text | startswith(\"x\")",
        "{(.text): 1}",
        ".text + \"x\"",
        "[.text] | join(\"\")",
        "[.text, .text] | add",
        ".object | keys",
        ".object | to_entries",
        ".object * .object",
        ".object + {a: 1}",
        ".object | with_entries(.)",
        "[.object, .object] | sort",
        ".object == (.object | map_values(.))",
        ".rows | sort",
        ".rows | unique",
        ".rows | max",
        ".rows | sort_by(.a)",
    ] {
        let again = vec![format!("({once} | length? // 1)"); 60].join(", ");
        is_stopped(&format!(". as $d | [1, 2, 3, 4, 5, 6, 7, 8, 9] | map($d | {again})"), &input);
    }
}

#[test]
fn numbers_do_not_grow() {
    for source in ["3", "3.5", "-3", "1e300"] {
        let program = format!("reduce .[] as $x ({source}; . * .)");
        assert!(matches!(timed(&program, &numbers(1000)), Err(RunError::Failed { .. })));
    }
    let repeated = timed("\"x\" * 1000000000", &Value::Null);
    assert!(matches!(repeated, Err(RunError::Failed { .. })));
}

#[test]
fn sorting_is_never_contradictory() {
    let mixed = "[.[] | (9007199254740992, 9007199254740993, 9007199254740992.0, -0.0, 0, .)]";
    assert!(timed(&format!("{mixed} | sort | length"), &numbers(500)).is_ok());
    assert!(timed(&format!("{mixed} | sort_by([.]) | unique | length"), &numbers(500)).is_ok());
    let not_a_number = timed("[.[] | 0 / 0] | sort", &numbers(500));
    assert!(matches!(not_a_number, Err(RunError::Failed { .. })));
}

#[test]
fn what_a_program_raises_is_bounded_too() {
    is_stopped("error(reduce .[] as $x (1; [., .]))", &numbers(1000));
    is_stopped("error([.,.,.,.,.,.,.,.,.,.,.,.])", &numbers(20_000));
}

#[test]
fn huge_inputs_cannot_be_written_out() {
    is_stopped(".", &numbers(300_000));
    is_stopped("[.]", &numbers(300_000));
    assert!(matches!(timed("length", &numbers(300_000)), Ok(length) if length == 300_000));
}
