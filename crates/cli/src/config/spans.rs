use anyhow::Context as _;
use astralform_domain::Secret;
use http::{HeaderName, HeaderValue};
use url::Url;

/// Where the spans of calls are sent.
pub(crate) struct SpansTo {
    pub(crate) url: Url,
    pub(crate) header: Option<(HeaderName, Secret)>,
}

/// Reads where spans are sent, and what goes with them: `NAME: VALUE`.
pub(super) fn spans_to(
    url: Option<&str>,
    header: Option<String>,
) -> anyhow::Result<Option<SpansTo>> {
    let Some(url) = url else {
        anyhow::ensure!(header.is_none(), "otlp_header without otlp_url: name the collector too");
        return Ok(None);
    };
    let url = Url::parse(url).with_context(|| format!("otlp_url: `{url}` is no address"))?;
    anyhow::ensure!(
        matches!(url.scheme(), "http" | "https") && url.path() != "/",
        "otlp_url must be the whole address of an OTLP/HTTP collector, such as \
         http://10.0.0.7:4318/v1/traces"
    );
    Ok(Some(SpansTo { url, header: header.map(parse_header).transpose()? }))
}

/// Reads a header. Its value is a secret, and in no message.
fn parse_header(text: String) -> anyhow::Result<(HeaderName, Secret)> {
    const FORM: &str = "otlp_header must be a name and a value, such as `authorization: Bearer …`";
    let text = Secret::new(text);
    let (name, value) = text.expose().split_once(':').context(FORM)?;
    let name = name.trim().parse::<HeaderName>().ok().context(FORM)?;
    let value = value.trim();
    anyhow::ensure!(!value.is_empty() && HeaderValue::from_str(value).is_ok(), FORM);
    Ok((name, Secret::new(value.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str, header: &str) -> anyhow::Result<Option<SpansTo>> {
        spans_to(Some(url), Some(header.to_owned()))
    }

    #[test]
    fn a_collector_has_a_whole_address_and_a_header_or_none() {
        let to = read("https://a.example/v1/traces", "X-Key: CANARY").unwrap().unwrap();
        let (name, value) = to.header.unwrap();
        assert_eq!((name.as_str(), value.expose()), ("x-key", "CANARY"));
        assert!(spans_to(None, None).unwrap().is_none());
        for (url, header, expected) in [
            ("a.example", "X-Key: CANARY", "is no address"),
            ("https://a.example", "X-Key: CANARY", "the whole address"),
            ("ftp://a.example/v1/traces", "X-Key: CANARY", "the whole address"),
            ("https://a.example/v1/traces", "CANARY", "a name and a value"),
            ("https://a.example/v1/traces", "a b: CANARY", "a name and a value"),
            ("https://a.example/v1/traces", "X-Key: ", "a name and a value"),
        ] {
            let refused = format!("{:#}", read(url, header).err().unwrap());
            assert!(refused.contains(expected) && !refused.contains("CANARY"), "{refused}");
        }
        let alone = spans_to(None, Some("X-Key: CANARY".to_owned())).err().unwrap().to_string();
        assert!(alone.contains("otlp_url"), "{alone}");
    }
}
