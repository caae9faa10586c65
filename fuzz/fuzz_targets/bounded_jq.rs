//! Runs any program on any document: it may be refused or stopped, but never panic or hang.
//!
//! The input is a program, a zero byte and a JSON document, which is also bound to `$v`.

#![no_main]

use astralform_jq::{Document, Program, StepBudget};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let mut parts = data.splitn(2, |byte| *byte == 0);
    let (source, body) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or(b"null"),
    );
    let Ok(source) = std::str::from_utf8(source) else {
        return;
    };
    let program = match Program::compile(source, &["v"]) {
        Ok(program) => program,
        Err(error) => {
            assert!(
                !error.message.contains("cannot cope"),
                "the compiler panicked: {source}"
            );
            return;
        }
    };
    let (Ok(document), Ok(value)) = (Document::parse(body), serde_json::from_slice::<Value>(body))
    else {
        return;
    };
    let _any = program.run(&document, &[&value], StepBudget::steps(50_000));
});
