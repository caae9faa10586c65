//! Spans of tool calls, as a collector gets them.

use astralform_egress::{Egress, Networks};
use astralform_engine::spans::{Collector, ExportError, SpanExporter};
use astralform_testkit::{Receiver, TestServer};
use serde_json::{Value, json};

const LIST: &str = "slack_list_channels";

fn exporter(server: &TestServer, collector: &Receiver) -> SpanExporter {
    let networks: Networks = ["127.0.0.0/8".parse().unwrap()].into_iter().collect();
    let secret = astralform_domain::Secret::new("CANARY-collector-key".to_owned());
    let to = Collector {
        url: collector.url.parse().unwrap(),
        header: Some(("x-api-key".parse().unwrap(), secret)),
        node: "edge-1".to_owned(),
    };
    SpanExporter::new(&server.app.engine(), Egress::new(networks, None), to)
}

fn names(sent: &Value) -> Vec<&str> {
    let spans = sent.pointer("/resourceSpans/0/scopeSpans/0/spans").unwrap();
    spans.as_array().unwrap().iter().map(|span| span["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_collector_gets_each_call_with_its_parts_and_nobodys_name() {
    let server = TestServer::start().await;
    let collector = Receiver::start().await;
    let exporter = exporter(&server, &collector);
    server.connect("CANARY-alice", LIST).await;
    server.agent("CANARY-alice").call(LIST, json!({})).await;
    collector.answer(503);
    let away = exporter.export().await;
    assert!(matches!(away, Err(ExportError::Refused(status)) if status == 503), "{away:?}");
    collector.answer(200);
    exporter.export().await.unwrap();
    exporter.export().await.unwrap();
    let received = collector.received();
    let [_, taken] = received.as_slice() else { panic!("twice, and nothing after: {received:?}") };
    assert_eq!(taken.headers["x-api-key"], "CANARY-collector-key");
    assert_eq!(taken.headers["content-type"], "application/json");
    let names = names(&taken.body);
    let call = format!("tools/call {LIST}");
    assert_eq!(names.iter().filter(|name| **name == call).count(), 2, "{names:?}");
    assert!(names.contains(&"provider") && names.contains(&"authenticate"), "{names:?}");
    assert!(!taken.text.contains("CANARY"), "{}", taken.text);
    collector.answer(400);
    server.agent("CANARY-alice").call(LIST, json!({})).await;
    assert!(exporter.export().await.is_err());
    exporter.export().await.unwrap();
}

#[tokio::test]
async fn a_collector_in_a_network_that_is_not_listed_is_not_reached() {
    let server = TestServer::start().await;
    let collector = Receiver::start().await;
    let to = Collector { url: collector.url.parse().unwrap(), header: None, node: String::new() };
    let egress = Egress::new(Networks::default(), None);
    let exporter = SpanExporter::new(&server.app.engine(), egress, to);
    server.agent("alice").call(LIST, json!({})).await;
    let refused = exporter.export().await;
    assert!(matches!(refused, Err(ExportError::Unanswered(_))), "{refused:?}");
    assert!(collector.received().is_empty());
}
