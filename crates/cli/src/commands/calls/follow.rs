use std::{collections::BTreeMap, time::Duration};

use astralform_domain::{Clock, Timestamp};
use serde_json::Value;

use super::{HEADINGS, row};
use crate::{management::OpenProject, out::print, table::Pages};

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(1);
/// How much later than others a call may be listed: each node writes its own, some times a second.
const LATE: Duration = Duration::from_secs(5);
/// How many pages are read at once: what comes faster than that is nothing to look on at.
const PAGES: usize = 10;

/// What was shown, as long as it may be listed again.
#[derive(Default)]
struct Shown(BTreeMap<String, Timestamp>);

/// Prints calls as they are listed, the oldest first, until the process is interrupted.
pub(super) async fn follow(
    project: &OpenProject,
    mut query: Vec<(&'static str, String)>,
) -> anyhow::Result<()> {
    let given = query.iter().position(|(name, _)| *name == "since").map(|at| query.remove(at).1);
    let mut since = match given {
        Some(time) => time.parse()?,
        None => Clock::system().now(),
    };
    query.push(("limit", "100".to_owned()));
    let mut shown = Shown::default();
    let mut pages = Pages::new(HEADINGS);
    loop {
        let mut listed = listed_since(project, &query, since).await?;
        listed.reverse();
        let new: Vec<_> = listed.into_iter().filter(|call| shown.is_new(call)).collect();
        if project.at.is_json() {
            new.iter().try_for_each(|call| print(&call.to_string()))?;
        } else if !new.is_empty() {
            print(&pages.page(&new.iter().map(row).collect::<Vec<_>>()))?;
        }
        since = shown.next_since(since);
        tokio::time::sleep(EVERY).await;
    }
}

async fn listed_since(
    project: &OpenProject,
    query: &[(&'static str, String)],
    since: Timestamp,
) -> anyhow::Result<Vec<Value>> {
    let since = since.to_string();
    let mut cursor = None::<String>;
    let mut listed = Vec::new();
    for _ in 0..PAGES {
        let mut query: Vec<_> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
        query.push(("since", &since));
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page = project.at.server.get(&project.path("/calls"), &query).await?;
        listed.extend(page["data"].as_array().into_iter().flatten().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    Ok(listed)
}

impl Shown {
    fn is_new(&mut self, call: &Value) -> bool {
        let at = call["at"].as_str().and_then(|at| at.parse().ok());
        let (Some(id), Some(at)) = (call["id"].as_str(), at) else { return false };
        self.0.insert(id.to_owned(), at).is_none()
    }

    /// Returns from when on to look next, and forgets what was before.
    fn next_since(&mut self, since: Timestamp) -> Timestamp {
        let newest = self.0.values().max().copied().unwrap_or(since);
        let next = newest.before(LATE).max(since);
        self.0.retain(|_, at| *at >= next);
        next
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_call_is_shown_once_and_late_ones_are_waited_for() {
        let start = Timestamp::from_secs(1_000);
        let call = |id: &str, second: u64| json!({"id": id, "at": start.after(Duration::from_secs(second)).to_string()});
        let mut shown = Shown::default();
        assert_eq!(shown.next_since(start), start);
        assert!(shown.is_new(&call("a", 1)) && !shown.is_new(&call("a", 1)));
        assert!(shown.is_new(&call("b", 60)));
        let next = shown.next_since(start);
        assert_eq!(next, start.after(Duration::from_secs(55)));
        assert!(shown.is_new(&call("c", 56)), "another node wrote it later");
        assert!(!shown.is_new(&json!({})));
        let ids: BTreeSet<_> = shown.0.keys().map(String::as_str).collect();
        assert_eq!(ids, ["b", "c"].into());
    }
}
