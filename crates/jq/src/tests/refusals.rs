//! What does not compile, and what its author is told.

use std::time::{Duration, Instant};

use super::{Program, refusal};

fn is_refused(source: &str, line: usize, column: usize, message: &str) {
    let error = refusal(source);
    assert_eq!((error.line, error.column, &*error.message), (line, column, message), "{source}");
}

#[test]
fn constructs_that_could_run_for_ever_are_not_part_of_the_language() {
    for (source, column, construct) in [
        ("def f: f; f", 1, "def"),
        ("[repeat(.)]", 2, "repeat"),
        ("last(repeat(.))", 6, "repeat"),
        ("(def f: f; f)?", 2, "def"),
        ("[range(1e12)]", 2, "range"),
        ("def f: [f]; f", 1, "def"),
        (". | def f: 1 + f; f", 5, "def"),
        ("..", 1, ".."),
        ("[.a | ..]", 7, ".."),
        ("recurse", 1, "recurse"),
        ("recurse(.a)", 1, "recurse"),
        ("until(false; .)", 1, "until"),
        ("while(true; .)", 1, "while"),
        ("limit(3; .[])", 1, "limit"),
        ("label $x | break $x", 1, "label"),
        (".a |= 1", 4, "|="),
        (".a = 1", 4, "="),
        (".a += 1", 4, "+="),
        (".a //= 1", 4, "//="),
        ("\"\\(.a |= 1)\"", 7, "|="),
        ("try error catch .", 11, "catch"),
        ("walk(.)", 1, "walk"),
        ("path(..)", 6, ".."),
        ("path(.a)", 1, "path"),
        ("getpath([1])", 1, "getpath"),
        ("del(.a)", 1, "del"),
        ("fromjson", 1, "fromjson"),
        ("test(\"(a*)*b\")", 1, "test"),
        ("splits(\"a\")", 1, "splits"),
    ] {
        is_refused(source, 1, column, &format!("`{construct}` is not part of this language"));
    }
}

#[test]
fn programs_cannot_look_around_or_stop_the_process() {
    for source in ["halt", "halt_error", "env", "input", "inputs", "debug", "now", "stderr"] {
        is_refused(source, 1, 1, &format!("`{source}` is not part of this language"));
    }
    is_refused("@sh \"\\(.)\"", 1, 1, "`@sh` is not part of this language");
    is_refused("$ENV.PATH", 1, 1, "unknown variable `$ENV`");
    is_refused(". | $__loc__", 1, 5, "unknown variable `$__loc__`");
    is_refused("import \"a\" as a; .", 1, 1, "`import` is not part of this language");
    is_refused("include \"a\"; .", 1, 1, "`include` is not part of this language");
    is_refused("module {}; .", 1, 1, "`module` is not part of this language");
    is_refused("a::b", 1, 1, "`a::b` is not part of this language");
    assert!(refusal("entry").message.contains("unknown filter `entry`"));
    assert!(Program::compile("!toll", &[]).is_err());
    assert!(Program::compile(". as [$a] ?// $a | $a", &[]).is_err());
}

#[test]
fn a_mistake_is_told_with_its_place_and_a_guess() {
    is_refused(".a | mp(.)", 1, 6, "unknown filter `mp`, did you mean `map`?");
    is_refused(".a |\n  to_entrys", 2, 3, "unknown filter `to_entrys`, did you mean `to_entries`?");
    is_refused("{ä: 1}", 1, 2, "expected a closing brace");
    is_refused(".a |\n  ü", 2, 3, "unexpected `ü`");
    is_refused("\"ä\" | foo", 1, 7, "unknown filter `foo`");
    is_refused("map", 1, 1, "`map` takes 1 arguments, not 0");
    is_refused("error(1; 2)", 1, 1, "`error` takes 0 or 1 arguments, not 2");
    is_refused("[1 | $x]", 1, 6, "unknown variable `$x`");
    is_refused("if . then 1", 1, 12, "expected else or end, found the end");
    is_refused("{a: }", 1, 5, "expected an expression, found `}`");
    is_refused("(1", 1, 3, "expected a closing parenthesis");
    is_refused("", 1, 1, "expected an expression, found the end");
    is_refused(
        "reduce .[] as $x (0)",
        1,
        1,
        "`reduce` takes an initial value and an update, as `(0; . + $x)`",
    );
    assert_eq!(
        refusal("1 +").to_string(),
        "expected an expression, found the end (line 1, column 4)"
    );
}

#[test]
fn words_of_the_language_are_still_fine_as_keys() {
    let program = "{label: .def, import: .if, catch: .label, and: ._limit, range: .range}";
    assert!(Program::compile(program, &[]).is_ok());
}

#[test]
fn long_and_deep_programs_are_refused_quickly() {
    is_refused(&".".repeat(4097), 1, 1, "a program has at most 4096 bytes, not 4097");
    is_refused(&"(".repeat(100_000), 1, 1, "a program has at most 4096 bytes, not 100000");
    assert!(refusal(&"[".repeat(101)).message.contains("closing bracket"));
    assert!(refusal(&format!("{}1", "-".repeat(101))).message.starts_with("nested too deeply"));
    assert!(refusal(&"9".repeat(1000)).message.contains("too long or too large"));
    assert!(refusal("1e999").message.contains("too long or too large"));
    assert!(refusal(&format!("{}1", "-".repeat(4000))).message.starts_with("nested too deeply"));
}

#[test]
fn no_source_overflows_the_stack_of_the_parser() {
    for (open, middle, close) in [
        ("(", "", ")"),
        ("(", "1", ")"),
        ("[", "1", "]"),
        ("{a:", "1", "}"),
        ("{(", "1", "):1}"),
        ("-", "1", ""),
        ("if ", "1", " then 1 end"),
        ("if 1 then ", "1", " end"),
        ("try ", "1", ""),
        ("reduce ", ".", " as $x(0;.)"),
        ("reduce . as $x(", "1", ";.)"),
        ("\"\\(", "1", ")\""),
        ("@json\"\\(", "1", ")\""),
        ("def a:", "1", ";1"),
        (". as $x|", "1", ""),
        ("label $x|", "1", ""),
        (".|", ".", ""),
        ("1,", "1", ""),
        ("1+", "1", ""),
        ("1//", "1", ""),
        ("", ".", ".a"),
        ("", ".", "?"),
        ("", ".", "[0]"),
        (".[", "0", "]"),
        (".[1:", "0", "]"),
        ("map(", ".", ")"),
        ("1 or 1 and 1 == 1 + 1 * ", "1", ""),
        (". as [", "1", "] | ."),
        (". as {a:", "$x", "} | ."),
        (". as {(", "1", "):$x} | ."),
        ("#", "\n.", ""),
        ("..", "", ""),
        ("\"", "", ""),
        ("\"\\(", "", ""),
        ("foreach . as $x(1;", "1", ";.)"),
        (".a as [{b:", "$x", "}]|."),
    ] {
        let times = (4096 - middle.len()) / (open.len() + close.len());
        for source in [
            format!("{}{middle}{}", open.repeat(times), close.repeat(times)),
            open.repeat(4096 / open.len().max(1)),
        ] {
            let started = Instant::now();
            let outcome = Program::compile(&source, &[]);
            assert!(started.elapsed() < Duration::from_secs(5), "{open}");
            let broken = outcome.is_err_and(|error| error.message.contains("cannot cope"));
            assert!(!broken, "{open}");
        }
    }
}
