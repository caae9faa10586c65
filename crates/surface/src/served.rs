//! The request that is being served: its id, for the lines of the log, and what it takes of the
//! node until it has ended.
//!
//! Not a span: one costs a call 3 % of its time, for lines that hardly any call writes.

mod stopwatch;

use std::{
    future::poll_fn,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use astralform_domain::{CallId, RequestId, ToolName};
use astralform_engine::{RequestMark, charged_to};
use astralform_http::{CallerOrigin, Link, Peer, rate::now};
use axum::{extract::Request, http::HeaderValue};
use tokio::{sync::OwnedSemaphorePermit, time::Instant};

pub(crate) use stopwatch::Stopwatch;

use crate::{
    App,
    bodies::Reserved,
    throttle::{Bucket, Turn},
};

tokio::task_local! {
    static SERVED: Arc<Served>;
}

/// A request while it is served, and while work goes on that it has begun.
pub struct Served {
    pub(crate) id: RequestId,
    /// Who sent it, as far as the address tells.
    pub(crate) origin: Option<CallerOrigin>,
    pub(crate) link: Option<Arc<Link>>,
    /// How many nanoseconds were spent on it.
    cost: Arc<AtomicU64>,
    watch: Stopwatch,
    came: Instant,
    holds: Mutex<Holds>,
    tool: OnceLock<ToolName>,
    outcome: OnceLock<(&'static str, Option<CallId>)>,
    refusal: OnceLock<&'static str>,
    /// The origin of the page that may read the answer.
    page: OnceLock<HeaderValue>,
}

/// What is known of a tool call.
pub struct Called {
    /// The tool.
    pub tool: ToolName,
    /// How it ended, in a word.
    pub outcome: &'static str,
    /// Its id, where it has one.
    pub id: Option<CallId>,
}

/// What a request holds until it has ended.
#[derive(Default)]
struct Holds {
    is_admitted: bool,
    /// Whose bodies its body counts among.
    payer: Option<Arc<Bucket>>,
    permits: Vec<OwnedSemaphorePermit>,
    turns: Vec<Turn>,
    bodies: Vec<Reserved>,
}

/// Returns the id of the request that the current task serves.
pub fn request_id() -> Option<RequestId> {
    SERVED.try_with(|served| served.id).ok()
}

/// Returns when the request came that the current task serves.
pub fn came() -> Instant {
    SERVED.try_with(|served| served.came).unwrap_or_else(|_| Instant::now())
}

/// Returns the request that the current task serves.
pub fn current() -> Option<Arc<Served>> {
    SERVED.try_with(Arc::clone).ok()
}

/// Does some work whose lines in the log are those of a request.
pub fn as_of(served: &Arc<Served>, work: impl FnOnce()) {
    SERVED.sync_scope(Arc::clone(served), work);
}

/// Does some work for a request, and counts the time that it takes.
pub(crate) async fn on_behalf_of<T>(
    served: Option<Arc<Served>>,
    work: impl Future<Output = T>,
) -> T {
    match served {
        Some(served) => {
            let mark = served.mark();
            let counted = counted(Arc::clone(&served), work);
            let work = charged_to(Arc::clone(&served.cost), mark, counted);
            SERVED.scope(served, work).await
        }
        None => work.await,
    }
}

impl Served {
    /// Begins to serve a request, under a new id.
    pub fn begin(app: &App, request: &Request) -> Arc<Self> {
        let id = app.engine().new_request_id();
        let peer = request.extensions().get::<Peer>();
        let origin = peer.map(|peer| app.proxies().origin(peer.address.ip(), request.headers()));
        let link = peer.map(|peer| Arc::clone(&peer.link));
        Arc::new(Self::new(id, origin, link, app.throttle().clock()))
    }

    /// Returns what the audit log notes of it.
    fn mark(&self) -> RequestMark {
        let address = self.origin.map(|origin| match origin {
            CallerOrigin::Address(address) | CallerOrigin::Behind(address) => address,
        });
        RequestMark { id: Some(self.id), address }
    }

    pub(crate) fn new(
        id: RequestId,
        origin: Option<CallerOrigin>,
        link: Option<Arc<Link>>,
        watch: Stopwatch,
    ) -> Self {
        Self {
            id,
            origin,
            link,
            cost: Arc::default(),
            watch,
            came: Instant::now(),
            holds: Mutex::default(),
            tool: OnceLock::new(),
            outcome: OnceLock::new(),
            refusal: OnceLock::new(),
            page: OnceLock::new(),
        }
    }

    /// Notes the origin of the page that may read the answer.
    pub(crate) fn note_page(&self, origin: HeaderValue) {
        self.page.get_or_init(|| origin);
    }

    /// Returns the origin of the page that may read the answer, where one was noted.
    pub(crate) fn page(&self) -> Option<&HeaderValue> {
        self.page.get()
    }

    /// Notes which tool is called.
    pub fn note_tool(&self, tool: &ToolName) {
        self.tool.get_or_init(|| tool.clone());
    }

    /// Notes how the call ended. The first word counts.
    pub fn note_outcome(&self, outcome: &'static str, id: Option<CallId>) {
        self.outcome.get_or_init(|| (outcome, id));
    }

    /// Notes why the request was refused, by the problem's code.
    pub(crate) fn note_refusal(&self, code: &'static str) {
        self.refusal.get_or_init(|| code);
    }

    /// Returns what is known of the tool call, if it is one.
    pub fn call(&self) -> Option<Called> {
        let (outcome, id) = self.outcome.get().copied().unwrap_or(("unknown", None));
        Some(Called { tool: self.tool.get()?.clone(), outcome, id })
    }

    /// Returns why the request was refused, by the problem's code.
    pub fn refusal(&self) -> Option<&'static str> {
        self.refusal.get().copied()
    }

    /// Notes that a credential answers for the request, and whose bodies its body counts among.
    pub(crate) fn admit(&self, payer: Arc<Bucket>) {
        let mut holds = self.lock();
        holds.is_admitted = true;
        holds.payer = Some(payer);
    }

    /// Returns whether a credential answers for the request.
    pub fn is_admitted(&self) -> bool {
        self.lock().is_admitted
    }

    pub(crate) fn payer(&self) -> Option<Arc<Bucket>> {
        self.lock().payer.clone()
    }

    /// Holds a place among those that are served at the same time.
    pub(crate) fn hold_permit(&self, permit: OwnedSemaphorePermit) {
        self.lock().permits.push(permit);
    }

    /// Holds a share of the node, which learns at the end what the request has cost.
    pub(crate) fn hold_turn(&self, turn: Turn) {
        self.lock().turns.push(turn);
    }

    /// Holds room for the request's body.
    pub(crate) fn hold_body(&self, reserved: Reserved) {
        self.lock().bodies.push(reserved);
    }

    fn lock(&self) -> MutexGuard<'_, Holds> {
        self.holds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let cost = self.cost.load(Ordering::Relaxed);
        let holds = self.holds.get_mut().unwrap_or_else(PoisonError::into_inner);
        for turn in holds.turns.drain(..) {
            turn.end(cost, now());
        }
    }
}

async fn counted<T>(served: Arc<Served>, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    poll_fn(|context| {
        let Stopwatch(time) = served.watch;
        let began = time();
        let polled = work.as_mut().poll(context);
        let spent = time().saturating_sub(began).as_nanos();
        served.cost.fetch_add(u64::try_from(spent).unwrap_or(u64::MAX), Ordering::Relaxed);
        polled
    })
    .await
}
