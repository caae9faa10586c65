//! What the language can say, and what that means.

use serde_json::{Value, json};

use super::output;

fn all_yield(cases: &[(&str, Value, Value)]) {
    for (source, input, expected) in cases {
        assert_eq!(output(source, input), *expected, "{source}");
    }
}

#[test]
fn paths_reach_into_values() {
    let input = json!({"a": {"b": [1, 2, 3, 4]}, "x y": "häuser"});
    for (source, expected) in [
        (".a.b[0]", json!(1)),
        (".a.b[-1]", json!(4)),
        (".a.b[9]", json!(null)),
        (".a.b[1:3]", json!([2, 3])),
        (".a.b[:-1]", json!([1, 2, 3])),
        (".a.b[3:1]", json!([])),
        (".a.b | first + last", json!(5)),
        (".\"x y\"[1:3]", json!("äu")),
        (".\"x y\"[-3:]", json!("ser")),
        (".\"x y\"[-30:-4]", json!("hä")),
        ("[.a.b[] | . * 2]", json!([2, 4, 6, 8])),
        (".missing.deeper", json!(null)),
        (".a[\"b\"] | length", json!(4)),
        ("[.a.b.c?, 1]", json!([1])),
        (".a.b as [$p, $q] | $p + $q", json!(3)),
        (". as {a: {b: [$p]}, $a} | [$p, ($a | keys)]", json!([1, ["b"]])),
    ] {
        assert_eq!(output(source, &input), expected, "{source}");
    }
}

#[test]
fn operators_work_as_in_jq() {
    all_yield(&[
        ("1 + 2 * 3 - 4 / 2", json!(null), json!(5)),
        ("7 / 2", json!(null), json!(3.5)),
        ("-7 % 3", json!(null), json!(-1)),
        ("18446744073709551615 - 1", json!(null), json!(18_446_744_073_709_551_614_u64)),
        (". + 0", json!(u64::MAX), json!(u64::MAX)),
        ("[null + 1, 1 + null]", json!(null), json!([1, 1])),
        ("[1, 2, 1] - [1]", json!(null), json!([2])),
        ("{a: {b: 1}} * {a: {c: 2}}", json!(null), json!({"a": {"b": 1, "c": 2}})),
        ("{a: 1} + {a: 2, b: 3}", json!(null), json!({"a": 2, "b": 3})),
        ("\"a,b\" / \",\"", json!(null), json!(["a", "b"])),
        ("[.a // 1, .b // 1, (empty // 2)]", json!({"a": false, "b": 3}), json!([1, 3, 2])),
        (
            "[1 < 2, 1 == 1.0, \"a\" >= \"b\", {} != []]",
            json!(null),
            json!([true, true, false, true]),
        ),
        ("[true and false, true or error, (null | not)]", json!(null), json!([false, true, true])),
        ("[(1, 2) as $x | (10, 20) | . + $x]", json!(null), json!([11, 21, 12, 22])),
    ]);
}

#[test]
fn control_flow_and_construction_work_as_in_jq() {
    all_yield(&[
        (
            "if . > 1 then \"many\" elif . == 1 then \"one\" else \"none\" end",
            json!(1),
            json!("one"),
        ),
        ("if . then 1 end", json!(false), json!(false)),
        ("reduce .[] as $x (0; . + $x)", json!([1, 2, 3]), json!(6)),
        ("[foreach .[] as $x (0; . + $x; [$x, .])]", json!([1, 2]), json!([[1, 1], [2, 3]])),
        ("\"a\\(1 + 1)b\\(null)\" + @base64 \"-\\(\"hi\")\"", json!(null), json!("a2bnull-aGk=")),
        ("[.[] | (.a? // \"none\")]", json!([{"a": 1}, 2]), json!([1, "none"])),
        (
            "{(.k): 1, \"x\\(.k)\": 2, k, @text \"t\": 3}",
            json!({"k": "y"}),
            json!({"y": 1, "xy": 2, "k": "y", "t": 3}),
        ),
        ("[{a: (1, 2), b: (3, 4)}] | length", json!(null), json!(4)),
        ("# a comment\n. # another", json!(1), json!(1)),
    ]);
}

#[test]
fn filters_on_collections_work_as_in_jq() {
    all_yield(&[
        ("map(select(. > 1))", json!([1, 2, 3]), json!([2, 3])),
        ("map(., .)", json!({"a": 1}), json!([1, 1])),
        ("map_values(. + 1)", json!({"a": 1, "b": 2}), json!({"a": 2, "b": 3})),
        ("map_values(empty)", json!([1, 2]), json!([])),
        ("[add, add(.[] | . * 2)]", json!([1, 2]), json!([3, 6])),
        (
            "map(add)",
            json!([[], ["a", "b"], [[1], [2]], {"x": 1}, [null, 1]]),
            json!([null, "ab", [1, 2], 1, 1]),
        ),
        (
            "[any, all, any(. == 1), all(. == 1)]",
            json!([1, null]),
            json!([true, false, true, false]),
        ),
        ("[first(.[]), last(.[]), first(empty)]", json!([1, 2, 3]), json!([1, 3])),
    ]);
}

#[test]
fn filters_on_entries_work_as_in_jq() {
    all_yield(&[
        (
            "[keys, has(\"a\"), has(\"c\")]",
            json!({"b": 1, "a": 2}),
            json!([["a", "b"], true, false]),
        ),
        ("[keys, has(1), has(2), has(-1)]", json!([7, 8]), json!([[0, 1], true, false, false])),
        ("to_entries", json!({"b": 1}), json!([{"key": "b", "value": 1}])),
        (
            "from_entries",
            json!([{"key": "a", "value": 1}, {"name": "b", "v": false}, {"k": 3}]),
            json!({"a": 1, "b": false, "3": null}),
        ),
        ("with_entries(select(.value != null))", json!({"a": 1, "b": null}), json!({"a": 1})),
    ]);
}

#[test]
fn filters_that_search_and_sort_work_as_in_jq() {
    all_yield(&[
        ("[contains([\"ab\"]), contains([\"x\"])]", json!(["cabd", 1]), json!([true, false])),
        ("contains({a: [1]})", json!({"a": [1, 2], "b": 0}), json!(true)),
        ("inside([1, 2, 3])", json!([3]), json!(true)),
        (
            "[sort, unique, min, max, reverse]",
            json!([2, 1, 2]),
            json!([[1, 2, 2], [1, 2], 1, 2, [2, 1, 2]]),
        ),
        (
            "sort",
            json!([{"b": 1}, [], "a", 1.5, 1, true, null]),
            json!([null, true, 1, 1.5, "a", [], {"b": 1}]),
        ),
        (
            "sort_by(.a, .b)",
            json!([{"a": 2}, {"a": 1, "b": 2}, {"a": 1, "b": 1}]),
            json!([{"a": 1, "b": 1}, {"a": 1, "b": 2}, {"a": 2}]),
        ),
        ("[flatten, flatten(1)]", json!([1, [2, [3]]]), json!([[1, 2, 3], [1, 2, [3]]])),
        ("[.[] | values, nulls]", json!([1, null]), json!([1, null])),
        (
            "map([booleans, numbers, strings, arrays, objects, scalars, iterables] | length)",
            json!([1, [], null]),
            json!([2, 2, 1]),
        ),
    ]);
}

#[test]
fn filters_on_scalars_work_as_in_jq() {
    all_yield(&[
        (
            "map(type)",
            json!([null, true, 1, "a", [], {}]),
            json!(["null", "boolean", "number", "string", "array", "object"]),
        ),
        ("map(length)", json!([null, -2, "häh", [1], {"a": 1}]), json!([0, 2, 3, 1, 1])),
        ("map(tostring)", json!(["a", 1, [1, "b"], null]), json!(["a", "1", "[1,\"b\"]", "null"])),
        ("map(tojson)", json!(["a", 1.5, {"b": "\n"}]), json!(["\"a\"", "1.5", "{\"b\":\"\\n\"}"])),
        ("map(tonumber)", json!(["1", "-2.5e1", 3]), json!([1, -25.0, 3])),
        ("map(floor, ceil, round, abs)", json!([-1.5]), json!([-2, -1, -2, 1.5])),
    ]);
}

#[test]
fn filters_on_strings_work_as_in_jq() {
    all_yield(&[
        ("split(\", \")", json!("a, b"), json!(["a", "b"])),
        ("split(\"\")", json!("aä"), json!(["a", "ä"])),
        ("join(\"-\")", json!(["a", 1, null, true]), json!("a-1--true")),
        (
            "[startswith(\"a\"), endswith(\"a\"), ltrimstr(\"a\"), rtrimstr(\"b\"), ltrimstr(1)]",
            json!("ab"),
            json!([true, false, "b", "a", "ab"]),
        ),
        ("ascii_downcase + ascii_upcase", json!("aBÄ"), json!("abÄABÄ")),
        (
            "[@base64, @uri, @json, @text]",
            json!("a b/ü"),
            json!(["YSBiL8O8", "a%20b%2F%C3%BC", "\"a b/ü\"", "a b/ü"]),
        ),
        ("map(@base64)", json!(["", "a", "ab", "abc"]), json!(["", "YQ==", "YWI=", "YWJj"])),
        (
            "map(todate)",
            json!([0, 951_827_696, 1_700_000_000.9, -1, 253_402_300_799_i64]),
            json!([
                "1970-01-01T00:00:00Z",
                "2000-02-29T12:34:56Z",
                "2023-11-14T22:13:20Z",
                "1969-12-31T23:59:59Z",
                "9999-12-31T23:59:59Z"
            ]),
        ),
        ("[true, false, null]", json!(null), json!([true, false, null])),
    ]);
}
