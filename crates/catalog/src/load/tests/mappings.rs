//! Slips in mappings, and faults that name their field.

use super::{Case, assert_each_is_the_only_fault, edited, faults};

const QUERY: &str = "      query: '{verbose: true}'\n";

#[test]
fn a_name_in_a_mapping_that_stands_for_nothing_is_found() {
    assert_each_is_the_only_fault(&[
        Case {
            replace: (QUERY, "      query: '{x: .ide}'\n"),
            at: "query:",
            message: "`ide`",
            fix: "did you mean `id`?",
        },
        Case {
            replace: (QUERY, "      query: '{idd}'\n"),
            at: "query:",
            message: "`idd`",
            fix: "did you mean `id`?",
        },
        Case {
            replace: ("    result: '{id, name}'", "    result: '{id: $arguments.ids}'"),
            at: "result:",
            message: "`ids`",
            fix: "`id`",
        },
        Case {
            replace: ("    result: '{id, name}'", "    result: '{id, text: $also.text}'"),
            at: "result:",
            message: "`text`",
            fix: "nothing to name",
        },
        Case {
            replace: ("{id: .id, label: .name}", "{id: .id, lable: .name}"),
            at: "account:",
            message: "`lable`",
            fix: "did you mean `label`?",
        },
        Case {
            replace: ("{id: .id, label: .name}", "{label: .name}"),
            at: "account:",
            message: "no `id`",
            fix: "add `id",
        },
        Case {
            replace: ("identity:\n", "errors: {code: '$arguments.idd'}\nidentity:\n"),
            at: "errors:",
            message: "`idd`",
            fix: "`id`",
        },
        Case {
            replace: ("    request:\n", "    prepare: '. + {key: .idd}'\n    request:\n"),
            at: "prepare:",
            message: "`idd`",
            fix: "`id`",
        },
    ]);
}

#[test]
fn a_result_that_is_not_what_the_tool_says_it_gives_is_found() {
    let output = |output: &'static str| ("    output: {type: object}\n", output);
    let closed = "    output: {type: object, additionalProperties: false, required: [id], \
                  properties: {id: {}, name: {}}}\n";
    for (result, said, fix) in [
        ("{id, nam: .name}", "the result has `nam`, which `output` does not have", "`name`"),
        ("{id, more: .x}", "the result has `more`, which `output` does not have", "`properties`"),
        ("{name}", "`output` requires `id`, which the result does not have", "add `id: …`"),
    ] {
        let result = format!("    result: '{result}'");
        let found = faults(edited(&[output(closed), ("    result: '{id, name}'", &result)]));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].message.contains(said) && found[0].fix.contains(fix), "{found:?}");
    }
    for result in ["{id, name}", "{id}", ".", ". + {more: 1}", "{id} + ."] {
        let result = format!("    result: '{result}'");
        let found = faults(edited(&[output(closed), ("    result: '{id, name}'", &result)]));
        assert_eq!(found, [], "{result}");
    }
    assert_eq!(faults(edited(&[("    result: '{id, name}'", "    result: '{id, more: .x}'")])), []);
}

#[test]
fn names_that_stand_for_something_or_may_are_no_faults() {
    for (from, to) in [
        (QUERY, "      query: '{id, also: (.id | split(\"/\") | first)}'\n"),
        (QUERY, "      query: 'with_entries(select(.value != null))'\n"),
        (QUERY, "      query: '{x: (. + {more: 1} | .more)}'\n"),
        ("        id: {type: string}\n", "        id: {type: object}\n"),
        ("    result: '{id, name}'", "    result: '{id, whatever: .what.ever}'"),
    ] {
        assert_eq!(faults(edited(&[(from, to)])), [], "{to}");
    }
    let prepared = [
        ("    request:\n", "    prepare: '. + {key: .id}'\n    request:\n"),
        (QUERY, "      query: '{key, id}'\n"),
    ];
    assert_eq!(faults(edited(&prepared)), []);
    let slip = edited(&[prepared[0], (QUERY, "      query: '{kye}'\n")]);
    assert!(faults(slip)[0].message.contains("`kye`"));
}

#[test]
fn a_fault_of_form_names_the_field_what_it_has_and_what_is_allowed() {
    assert_each_is_the_only_fault(&[
        Case {
            replace: ("summary: A connector that exists for tests.", "summary: Short"),
            at: "summary:",
            message: "`summary` is too short: it has 5 characters",
            fix: "write 10 or more",
        },
        Case {
            replace: ("    title: Get an item", "    title: 7"),
            at: "title:",
            message: "`title` is a number",
            fix: "string",
        },
        Case {
            replace: ("slug: acme", "slug: Acme"),
            at: "slug:",
            message: "`slug` is not written as it has to be",
            fix: "at most 39 lower-case letters",
        },
    ]);
}

#[test]
fn what_a_scope_is_called_besides_is_said_once() {
    assert_each_is_the_only_fault(&[
        Case {
            replace: (
                "      label: Change items\n",
                "      label: Change items\n      aliases: [\"items:read\"]\n",
            ),
            at: "aliases:",
            message: "`items:read` stands for a scope already",
            fix: "remove it",
        },
        Case {
            replace: ("  url: /me\n", "  url: /me\n  body: '{query: \"me\"}'\n"),
            at: "body:",
            message: "no body",
            fix: "method: POST",
        },
    ]);
}
