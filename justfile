# The words for what is done often; `just` lists them. `scripts/check` needs none of these.

[private]
default:
    @just --list --unsorted

# Formatting, lints and spelling (`pip install typos`).
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
    typos

# Everything, as the README says.
all:
    scripts/check

# The tests of one crate: `just test storage`, or `just test cli NAME`.
test crate *words:
    cargo test --locked --package {{ if crate == "cli" { "astralform" } else { "astralform-" + crate } }} -- {{ words }}

# The tests of the running product whose names hold a word.
it *words:
    cargo test --locked --package astralform-server --test it -- {{ words }}

# openapi.json, of what the handlers say.
openapi:
    cargo test --locked --quiet --package astralform-server --test it openapi -- --ignored

# docs/refusals.md, of what the API says.
refusals:
    cargo test --locked --quiet --package astralform-server --test it refusals -- --ignored

# docs/connector.schema.json, of the connector format.
schema:
    cargo run --locked --quiet --package astralform -- connectors schema > docs/connector.schema.json

# Accepts what the snapshot tests have found to be new (`cargo install cargo-insta`).
snap:
    cargo insta test --accept --workspace

# What a call costs: `just bench --quick`.
bench *flags:
    scripts/bench {{ flags }}

# What is lost when processes, databases and providers fail: `just soak herd`.
soak *scenarios:
    .ci/soak {{ scenarios }}

# What an attack costs other users.
abuse *flags:
    scripts/abuse {{ flags }}
