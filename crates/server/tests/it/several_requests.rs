//! Tools that make several requests for one result.

use astralform_domain::{EnvironmentSettings, VerifyEndUser};
use astralform_testkit::{Setup, TestServer};
use serde_json::{Value, json};

use crate::recorder::{CLIENT, Provider, TOOL};

/// Three requests, whose answers are as large as the arguments say.
const LARGE: &str = "
  - name: notes_large
    title: Large answers
    description: Makes three requests, whose answers are as large as the arguments say.
    input:
      type: object
      additionalProperties: false
      required: [first, second, third]
      properties:
        first: {type: integer}
        second: {type: integer}
        third: {type: integer}
    output: {type: object}
    annotations: {read_only: true, idempotent: true}
    scopes: [notes:read]
    request: {method: GET, path: /large, query: '{bytes: .first}'}
    also:
      second: {method: GET, path: /large, query: '{bytes: .second}'}
      third: {method: GET, path: /large, query: '{bytes: .third}'}
    result: '{lengths: [length, ($also.second | length), ($also.third | length)]}'
";

async fn server(provider: &Provider) -> TestServer {
    let (id, secret) = CLIENT;
    let yaml = provider.yaml() + LARGE;
    let connector = Some((yaml, id.to_owned(), secret.to_owned()));
    let off = VerifyEndUser::Off;
    let settings = Some(EnvironmentSettings {
        verify_end_user: off,
        return_urls: Vec::new(),
        allowed_origins: Vec::new(),
    });
    TestServer::with(Setup { settings, connector, ..Setup::default() }).await
}

#[tokio::test]
async fn each_request_has_the_credential_and_all_answers_together_a_size() {
    const MIB: usize = 1024 * 1024;
    let provider = Provider::start().await;
    let server = server(&provider).await;
    server.connect("alice", TOOL).await;
    let agent = server.agent("alice");
    let call = async |lengths: [usize; 3]| {
        let [first, second, third] = lengths;
        let arguments = json!({"first": first, "second": second, "third": third});
        agent.call("notes_large", arguments).await
    };
    let sent = || -> Vec<String> {
        let requests = provider.requests().into_iter();
        let large = requests.filter(|asked| asked.path == "/api/large");
        large.map(|asked| asked.authorization).collect()
    };
    let fitting = call([1, MIB, MIB]).await;
    assert_eq!(fitting.outcome(), "completed", "{fitting:?}");
    assert_eq!(fitting.body["data"], json!({"lengths": [1, MIB, MIB]}));
    assert_eq!(sent(), ["Bearer notes-token-1"; 3]);

    for (lengths, reached) in [([3 * MIB, 1, 3 * MIB], 3), ([3 * MIB, 3 * MIB, 1], 2)] {
        let before = sent().len();
        let large = call(lengths).await;
        assert_eq!(large.body["error"]["kind"], "response_too_large", "{lengths:?}: {large:?}");
        assert_eq!(sent().len(), before + reached, "{lengths:?}");
    }
    let alone = call([3 * MIB, 1, 1]).await;
    assert_eq!(alone.body["data"]["lengths"][0], Value::from(3 * MIB));
}
