use std::cmp::Ordering;

use super::query::{Query, Term};
use crate::github::world::{Issue, Repository};

/// Whose search it is, and in what.
pub(super) struct Searched<'a> {
    pub(super) login: &'a str,
    pub(super) query: &'a Query,
}

// === impl Searched ===

impl Searched<'_> {
    pub(super) fn matches(&self, issue: &Issue, repository: &Repository) -> bool {
        let holds = |term: &Term| self.holds(term, issue, repository) != term.excluded;
        self.query.groups.iter().all(|group| group.iter().any(holds))
    }

    fn holds(&self, term: &Term, issue: &Issue, repository: &Repository) -> bool {
        let value = term.value.as_str();
        let is = |known: &str| known.eq_ignore_ascii_case(self.person(value));
        match term.qualifier {
            None => self.says(issue, value),
            // It says where words are looked for.
            Some("in") => true,
            Some("is" | "type" | "state") => state(issue, repository, value),
            Some("reason") => closed_as(issue, &value.replace(' ', "_")),
            Some("repo") => repository.full_name().eq_ignore_ascii_case(value),
            Some("org" | "user") => repository.owner.eq_ignore_ascii_case(value),
            Some("author") => is(&issue.author),
            Some("assignee") => issue.assignees.iter().any(|known| is(known)),
            Some("involves") => is(&issue.author) || issue.assignees.iter().any(|known| is(known)),
            Some("label") => {
                value.split(',').any(|wanted| has_label(issue, wanted.trim_matches('"')))
            }
            Some("created") => within(&issue.created_at, value),
            Some("updated") => within(&issue.updated_at, value),
            Some("closed") => issue.closed.as_ref().is_some_and(|it| within(&it.at, value)),
            Some("comments") => counted(issue.comments, value),
            Some("no") => lacks(issue, value),
            Some("archived") => repository.archived.to_string() == value,
            Some("draft") => {
                issue.pull_request.as_ref().is_some_and(|pull| pull.draft.to_string() == value)
            }
            Some(_) => false,
        }
    }

    fn person<'a>(&'a self, value: &'a str) -> &'a str {
        if value == "@me" { self.login } else { value }
    }

    fn says(&self, issue: &Issue, words: &str) -> bool {
        let words = words.to_lowercase();
        let places: Vec<_> = self.query.values("in").flat_map(|places| places.split(',')).collect();
        let looked = |place: &str| places.is_empty() || places.contains(&place);
        let title = looked("title") && issue.title.to_lowercase().contains(&words);
        title || (looked("body") && issue.body.to_lowercase().contains(&words))
    }
}

fn state(issue: &Issue, repository: &Repository, value: &str) -> bool {
    let pull = issue.pull_request.as_ref();
    match value {
        "issue" => pull.is_none(),
        "pr" | "pull-request" => pull.is_some(),
        "open" => issue.closed.is_none(),
        "closed" => issue.closed.is_some(),
        "merged" => pull.is_some_and(|pull| pull.merged_at.is_some()),
        "unmerged" => pull.is_some_and(|pull| pull.merged_at.is_none()),
        "draft" => pull.is_some_and(|pull| pull.draft),
        "public" => !repository.private,
        "private" => repository.private,
        "archived" => repository.archived,
        _ => false,
    }
}

fn closed_as(issue: &Issue, reason: &str) -> bool {
    issue.closed.as_ref().is_some_and(|closed| closed.reason.as_deref() == Some(reason))
}

fn has_label(issue: &Issue, wanted: &str) -> bool {
    issue.labels.iter().any(|known| known.eq_ignore_ascii_case(wanted))
}

fn lacks(issue: &Issue, what: &str) -> bool {
    match what {
        "label" => issue.labels.is_empty(),
        "assignee" => issue.assignees.is_empty(),
        "milestone" | "project" => true,
        _ => false,
    }
}

/// Returns whether a time is in a range of days or times, such as `>=2026-01-01` or
/// `2026-01-01..*`.
fn within(time: &str, range: &str) -> bool {
    // As much of the time as the bound says: a day compares with days.
    in_range(range, |bound| Some(time.get(..bound.len()).unwrap_or(time).cmp(bound)))
}

fn counted(count: i64, range: &str) -> bool {
    in_range(range, |bound| Some(count.cmp(&bound.parse().ok()?)))
}

/// Returns whether something is in a range, by how it compares with a bound.
fn in_range(range: &str, compare: impl Fn(&str) -> Option<Ordering>) -> bool {
    const SIGNS: [(&str, &[Ordering]); 4] = [
        (">=", &[Ordering::Greater, Ordering::Equal]),
        ("<=", &[Ordering::Less, Ordering::Equal]),
        (">", &[Ordering::Greater]),
        ("<", &[Ordering::Less]),
    ];
    let is =
        |bound: &str, wanted: &[Ordering]| compare(bound).is_some_and(|it| wanted.contains(&it));
    if let Some((from, to)) = range.split_once("..") {
        return (from == "*" || is(from, SIGNS[0].1)) && (to == "*" || is(to, SIGNS[1].1));
    }
    let signed = SIGNS.iter().find_map(|(sign, wanted)| Some((range.strip_prefix(sign)?, *wanted)));
    let (bound, wanted) = signed.unwrap_or((range, &[Ordering::Equal]));
    is(bound, wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_are_compared_as_far_as_the_bound_goes() {
        let time = "2025-06-15T12:00:00Z";
        for (range, expected) in [
            ("2025-06-15", true),
            (">2025-06-15", false),
            (">=2025-06-15", true),
            ("<2025-06-15T13:00:00Z", true),
            ("2025-06-01..2025-06-15", true),
            ("2025-06-16..*", false),
            ("*..2025-06-14", false),
        ] {
            assert_eq!(within(time, range), expected, "{range}");
        }
        assert!(counted(3, ">2") && counted(3, "3") && counted(3, "1..3") && !counted(3, "<3"));
    }
}
