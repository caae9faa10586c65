use std::{collections::BTreeMap, time::Duration};

use astralform_domain::{AgentId, CallOutcome, ConnectorSlug, Day, Environment, UsageBy};
use astralform_engine::Fault;
use astralform_storage::calls::{Counted, USAGE_DAYS, UsageFilter, UsageRow};
use thiserror::Error;

use super::Calls;
use crate::{Denied, ProjectActor, policy::Right};

/// Of which days, and by what told apart, usage is wanted.
#[derive(Clone, Debug, Default)]
pub struct UsageSearch {
    /// The first day; a week's when left out.
    pub from: Option<Day>,
    /// The last day; today when left out.
    pub to: Option<Day>,
    /// Of this connector alone.
    pub connector: Option<ConnectorSlug>,
    /// Of this tool alone.
    pub tool: Option<String>,
    /// Of this agent alone.
    pub agent: Option<AgentId>,
    /// By what it is told apart.
    pub by: Vec<UsageBy>,
}

/// What there was of something.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    /// On which day, where days are told apart.
    pub day: Option<Day>,
    /// Of which connector; none also for names that are of no tool.
    pub connector: Option<ConnectorSlug>,
    /// Of which tool.
    pub tool: Option<String>,
    /// Of which agent.
    pub agent: Option<AgentId>,
    /// How many calls, however they ended.
    pub calls: u64,
    /// How many ended so.
    pub outcomes: BTreeMap<CallOutcome, u64>,
    /// How many failed, by their kind.
    pub failures: BTreeMap<String, u64>,
    /// How many were refused, by the reason.
    pub refusals: BTreeMap<String, u64>,
    /// How long they took.
    pub took: Option<Percentiles>,
    /// How long they took here, without the provider.
    pub added: Option<Percentiles>,
    /// How many refreshes there were, by how they ended.
    pub refreshes: BTreeMap<String, u64>,
    /// How many prompts came to each status.
    pub prompts: BTreeMap<String, u64>,
}

/// How long the half, 95 and 99 of a hundred took at most, each to within an eighth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percentiles {
    /// The half.
    pub p50: Duration,
    /// 95 of a hundred.
    pub p95: Duration,
    /// 99 of a hundred.
    pub p99: Duration,
}

/// Why usage is not shown.
#[derive(Debug, Error)]
pub enum UsageError {
    /// It would be too many rows.
    #[error(
        "this would be more than {MOST} rows: name fewer things in `by`, fewer days with `from` and \
         `to`, or one `connector`, `tool` or `agent`"
    )]
    TooWide,
    /// Something is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// How many rows are shown at most.
const MOST: usize = 1_000;
/// How many numbers are read at most to make them.
const NUMBERS: i64 = 60_000;
/// How many days are shown where none is named.
const WEEK: u32 = 6;

/// How many took so long, by the class of the duration.
type Classes = BTreeMap<u8, u64>;

impl Calls {
    /// Returns what there was, in the order of days, connectors, tools and agents.
    ///
    /// # Errors
    /// When the actor may not see it, or it would be too much.
    pub async fn usage(
        &self,
        by: &ProjectActor,
        environment: Environment,
        search: &UsageSearch,
    ) -> Result<Vec<Usage>, Denied<UsageError>> {
        let tenant = by.may(Right::Look)?.tenant(environment);
        let today = Day::of(self.base.now());
        let to = search.to.unwrap_or(today).min(today.next());
        let oldest = today.earlier(USAGE_DAYS);
        let filter = UsageFilter {
            tenant,
            from: search.from.unwrap_or_else(|| to.earlier(WEEK)).max(oldest),
            to,
            connector: search.connector.as_ref(),
            tool: search.tool.as_deref(),
            agent: search.agent,
            by: &search.by,
            limit: NUMBERS + 1,
        };
        let rows = self.base.calls().store().usage(&filter).await;
        let rows = rows.map_err(|error| Denied::Refused(Fault::from(error).into()))?;
        let is_whole = rows.len() <= usize::try_from(NUMBERS).unwrap_or(usize::MAX);
        let usage = gathered(rows);
        if is_whole && usage.len() <= MOST {
            Ok(usage)
        } else {
            Err(Denied::Refused(UsageError::TooWide))
        }
    }
}

/// Puts numbers together that are of the same. They come in order.
fn gathered(rows: Vec<UsageRow>) -> Vec<Usage> {
    let mut all: Vec<Usage> = Vec::new();
    let (mut whole, mut ours) = (Classes::new(), Classes::new());
    for row in rows {
        let is_same = all.last().is_some_and(|last| last.is_of(&row));
        if !is_same {
            settle(&mut all, &mut whole, &mut ours);
            let UsageRow { day, connector, tool, agent, .. } = &row;
            let (connector, tool) = (connector.clone(), tool.clone());
            all.push(Usage { day: *day, connector, tool, agent: *agent, ..Usage::default() });
        }
        let Some(last) = all.last_mut() else { continue };
        match row.counted {
            Counted::Took(class) => *whole.entry(class).or_default() += row.number,
            Counted::Added(class) => *ours.entry(class).or_default() += row.number,
            Counted::Calls(end) => last.add_calls(&end, row.number),
            Counted::Refreshes(word) => *last.refreshes.entry(word).or_default() += row.number,
            Counted::Prompts(word) => *last.prompts.entry(word).or_default() += row.number,
        }
    }
    settle(&mut all, &mut whole, &mut ours);
    all
}

fn settle(all: &mut [Usage], whole: &mut Classes, ours: &mut Classes) {
    if let Some(last) = all.last_mut() {
        last.took = Percentiles::of(&std::mem::take(whole));
        last.added = Percentiles::of(&std::mem::take(ours));
    }
}

impl Usage {
    fn is_of(&self, row: &UsageRow) -> bool {
        self.day == row.day
            && self.connector == row.connector
            && self.tool == row.tool
            && self.agent == row.agent
    }

    fn add_calls(&mut self, end: &str, number: u64) {
        self.calls += number;
        let (outcome, reason) = end.split_once(':').unwrap_or((end, ""));
        let Ok(outcome) = outcome.parse() else { return };
        *self.outcomes.entry(outcome).or_default() += number;
        let reasons = match outcome {
            CallOutcome::Failed => &mut self.failures,
            CallOutcome::Refused => &mut self.refusals,
            _ => return,
        };
        *reasons.entry(reason.to_owned()).or_default() += number;
    }
}

impl Percentiles {
    fn of(classes: &Classes) -> Option<Self> {
        let all: u64 = classes.values().sum();
        let at = |percent: u64| {
            let rank = (all * percent).div_ceil(100);
            let mut seen = 0;
            let found = classes.iter().find(|(_, number)| {
                seen += **number;
                seen >= rank
            });
            found.map(|(class, _)| Counted::middle_of(*class))
        };
        (all > 0).then_some(())?;
        Some(Self { p50: at(50)?, p95: at(95)?, p99: at(99)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_the_same_are_put_together() {
        let row = |tool: &str, counted, number| UsageRow {
            day: None,
            connector: Some("notes".parse().unwrap()),
            tool: Some(tool.to_owned()),
            agent: None,
            counted,
            number,
        };
        let class = |millis| Counted::class_of(Duration::from_millis(millis));
        let usage = gathered(vec![
            row("a", Counted::Calls("completed".to_owned()), 98),
            row("a", Counted::Calls("failed:rate_limited".to_owned()), 2),
            row("a", Counted::Took(class(2)), 90),
            row("a", Counted::Took(class(200)), 10),
            row("b", Counted::Calls("refused:not_assigned".to_owned()), 1),
            row("b", Counted::Refreshes("success".to_owned()), 3),
        ]);
        let [first, second] = usage.as_slice() else { panic!("{usage:#?}") };
        assert_eq!((first.calls, second.calls), (100, 1));
        assert_eq!(first.outcomes[&CallOutcome::Failed], 2);
        assert_eq!(first.failures["rate_limited"], 2);
        assert_eq!(second.refusals["not_assigned"], 1);
        assert_eq!(second.refreshes["success"], 3);
        let took = first.took.unwrap();
        assert!((1_750..2_250).contains(&took.p50.as_micros()), "{took:?}");
        assert!((175..225).contains(&took.p95.as_millis()), "{took:?}");
        assert_eq!((first.added, second.took), (None, None));
    }
}
