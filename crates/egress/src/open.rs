//! The way out for answers that are handed on while they come: `open` beside `send`.

use std::{fmt, time::Duration};

use http::{HeaderMap, HeaderName, StatusCode, header};

use crate::{
    AnswerBody, Egress, EgressError, Outgoing, Reach,
    answer_body::{Budget, Unscrubbed},
    coding::Unpacker,
    logged::Logged,
    pool::place,
};

/// What is allowed to a request whose answer is read in parts.
#[derive(Clone, Copy, Debug)]
pub struct StreamAllowance {
    /// Where it may go.
    pub reach: Reach,
    /// How long the head of the answer may take, from dialling to its last byte.
    pub head_within: Duration,
    /// The longest silence between two parts of the body.
    pub silence: Duration,
    /// How many bytes the body may have, packed and unpacked.
    pub at_most: usize,
}

/// An answer whose body is still coming, without the secrets of its request.
pub struct StreamedAnswer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers, as they may be handed on: those of the connection (RFC 9110 §7.6.1) are left
    /// out, and so are length and coding of the body, which is handed on unpacked and scrubbed.
    pub headers: HeaderMap,
    /// Its body.
    pub body: AnswerBody,
}

/// The headers that are about a connection, or about a body as it came.
const UNFORWARDED: [HeaderName; 11] = [
    header::CONNECTION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::PROXY_AUTHENTICATE,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-authentication-info"),
    HeaderName::from_static("proxy-connection"),
];

impl Egress {
    /// Sends a request once, and returns its answer as soon as its head has come. The secrets of
    /// the request that head or body repeat are taken out, also where one comes in several parts.
    ///
    /// The body is unpacked as by [`Egress::send`], and otherwise handed on as it comes: it is
    /// neither converted to UTF-8 nor repaired, and trailers are left out.
    ///
    /// # Errors
    /// When no head came; each variant of [`EgressError`] says whether the request may have
    /// arrived. What goes wrong later is an error of the body.
    pub async fn open(
        &self,
        mut request: Outgoing,
        allowance: StreamAllowance,
    ) -> Result<StreamedAnswer, EgressError> {
        self.check_reach(&request.url, allowance.reach)?;
        let secrets = std::mem::take(&mut request.secrets);
        let logged = Logged::if_wanted(&request);
        match self.begin_within(request, allowance).await {
            Ok((mut head, unscrubbed)) => {
                let unpacker = Unpacker::of(&head.headers);
                remove_unforwarded(&mut head.headers);
                let headers = secrets.scrub_headers(head.headers);
                let logged = logged.map(|logged| (logged, head.status));
                let body = AnswerBody::new(unscrubbed, unpacker, secrets.stream(), logged);
                Ok(StreamedAnswer { status: head.status, headers, body })
            }
            Err(error) => {
                if let Some(logged) = logged {
                    logged.failed(&error);
                }
                Err(error)
            }
        }
    }

    async fn begin_within(
        &self,
        request: Outgoing,
        allowance: StreamAllowance,
    ) -> Result<(http::response::Parts, Unscrubbed), EgressError> {
        let StreamAllowance { head_within, silence, at_most, .. } = allowance;
        let begun = tokio::time::timeout(head_within, self.begin(request)).await;
        let (url, head, reader) = begun.unwrap_or(Err(EgressError::TimedOut))?;
        if reader.least_length() > u64::try_from(at_most).unwrap_or(u64::MAX) {
            return Err(EgressError::TooLarge);
        }
        let home = self.pool.home(place(&url));
        Ok((head, Unscrubbed::new(reader, home, Budget { silence, left: at_most })))
    }
}

fn remove_unforwarded(headers: &mut HeaderMap) {
    let named = headers.get_all(header::CONNECTION).into_iter();
    let named = named.flat_map(|value| value.to_str().unwrap_or_default().split(','));
    let named: Vec<HeaderName> = named.filter_map(|name| name.trim().parse().ok()).collect();
    for name in UNFORWARDED.iter().chain(&named) {
        headers.remove(name);
    }
}

/// Without body, which may hold secrets.
impl fmt::Debug for StreamedAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, headers, body: _ } = self;
        write!(f, "{status} {headers:?}")
    }
}
