use std::path::Path;

const HOW: &str = "openapi.json is not what the handlers say; write it anew with \
    `cargo test -p astralform-server --test it openapi -- --ignored`, and read the difference";

fn checked_in() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi.json")
}

#[test]
fn the_document_that_is_checked_in_is_what_the_handlers_say() {
    let found = std::fs::read_to_string(checked_in()).unwrap_or_default();
    assert!(found == astralform_server::openapi(), "{HOW}");
}

#[test]
#[ignore = "writes openapi.json anew"]
fn the_document_is_written_anew() {
    std::fs::write(checked_in(), astralform_server::openapi()).unwrap();
}
