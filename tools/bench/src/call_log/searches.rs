use std::time::{Duration, Instant};

use astralform_domain::{CallOutcome, Timestamp};
use astralform_storage::calls::{CallFilter, CallPart, CallStore, ListedCall};

use super::{
    Found,
    lines::{END, Lines},
};
use crate::{Result, note};

/// How often each search is made, each time of another window.
const TIMES: u32 = 100;

/// Makes searches of each kind in a long log: the 95th percentile of a page of each.
pub(super) async fn searched(name: &str, store: &CallStore, number: usize) -> Result<Vec<Found>> {
    let lines = Lines::new(Timestamp::from_secs(1_700_000_000));
    let mut found = Vec::new();
    for (what, filter) in kinds(store, &lines).await? {
        note(&format!("{name}: {what}"));
        let mut took = Vec::new();
        for time in 0..TIMES {
            let filter = within_a_window(&filter, time);
            let began = Instant::now();
            let part = CallPart { after: None, limit: 50 };
            let page = store.page(lines.tenant, &filter, part).await?;
            took.push(began.elapsed().as_secs_f64() * 1e3);
            let goes_on = page.next.is_some() || page.searched_back_to.is_none();
            assert!(!page.calls.is_empty() || goes_on, "{what} says neither rows nor how far");
        }
        took.sort_by(f64::total_cmp);
        let p95 = took[took.len() * 95 / 100];
        let what = format!("{name}, {number} lines: {what}, a page, p95");
        found.push(Found { what, limit: 100.0, amount: p95, unit: "ms" });
    }
    Ok(found)
}

/// Returns the kinds of searches.
async fn kinds(store: &CallStore, lines: &Lines) -> Result<Vec<(&'static str, CallFilter)>> {
    let part = CallPart { after: None, limit: 1 };
    let until = Some(END.before(Duration::from_hours(24 * 30)));
    let some = CallFilter { until, ..CallFilter::default() };
    let known = store.page(lines.tenant, &some, part).await?;
    let Some(ListedCall(known)) = known.calls.into_iter().next() else {
        return Err("the long log is empty".into());
    };
    let any = CallFilter::default;
    Ok(vec![
        ("everything", any()),
        ("one end user", CallFilter { end_user: Some(Lines::end_user(77)), ..any() }),
        ("one tool", CallFilter { tool: Some("notes_tool_3".to_owned()), ..any() }),
        ("one agent", CallFilter { agent: Some(lines.agent(3)), ..any() }),
        ("what failed", CallFilter { outcome: Some(CallOutcome::Failed), ..any() }),
        ("one connection", CallFilter { connection: Some(lines.connection(5)), ..any() }),
        ("nothing that there is", CallFilter { tool: Some("made_up".to_owned()), ..any() }),
        ("one call", CallFilter { id: Some(known.id), ..any() }),
        ("one request", CallFilter { request: known.request, ..any() }),
    ])
}

/// Has a search be of a window of time, of an hour to a month; exact ids have theirs.
fn within_a_window(filter: &CallFilter, time: u32) -> CallFilter {
    if filter.id.is_some() || filter.request.is_some() {
        return filter.clone();
    }
    let hours = [1, 24, 24 * 7, 24 * 30][time as usize % 4];
    let until = END.before(Duration::from_hours(u64::from(time) * 12));
    let since = until.before(Duration::from_hours(hours));
    CallFilter { since: Some(since), until: Some(until), ..filter.clone() }
}
