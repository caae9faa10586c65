//! What there was on each day, of each connector, tool and agent: outcomes, and durations by class.

use std::{collections::BTreeMap, sync::LazyLock, time::Duration};

use astralform_domain::{AgentId, CallLine, ConnectorSlug, Day, Tenant, UsageBy};

use super::CallStore;
use crate::{
    Result, Tx,
    bind::binds,
    db::{Row, Run as _, made::ManyRows},
    row::{Record, corrupt},
};

/// Something that is counted by the day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counted {
    /// Calls that ended so: an outcome, and behind a colon its reason where there is one.
    Calls(String),
    /// Calls that took so long, by the class of the duration.
    Took(u8),
    /// Calls that took so long here, without the provider.
    Added(u8),
    /// Refreshes that ended so.
    Refreshes(String),
    /// Prompts that came to that status.
    Prompts(String),
}

/// What is counted, where, and of what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UsageKey {
    /// Where.
    pub tenant: Tenant,
    /// When.
    pub day: Day,
    /// Of which connector; none: of none that there is.
    pub connector: Option<ConnectorSlug>,
    /// Of which of its tools, where it is about one.
    pub tool: Option<String>,
    /// Of which agent, where it is about one.
    pub agent: Option<AgentId>,
    /// What.
    pub counted: Counted,
}

/// Which days are asked for, and by what they are told apart.
#[derive(Clone, Debug)]
pub struct UsageFilter<'a> {
    /// Where.
    pub tenant: Tenant,
    /// The first day.
    pub from: Day,
    /// The last day.
    pub to: Day,
    /// Of this connector alone.
    pub connector: Option<&'a ConnectorSlug>,
    /// Of this tool alone.
    pub tool: Option<&'a str>,
    /// Of this agent alone.
    pub agent: Option<AgentId>,
    /// By what rows are told apart.
    pub by: &'a [UsageBy],
    /// So many rows at most.
    pub limit: i64,
}

/// How many there were of something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRow {
    /// On which day, where days stand by themselves.
    pub day: Option<Day>,
    /// Of which connector.
    pub connector: Option<ConnectorSlug>,
    /// Of which tool.
    pub tool: Option<String>,
    /// Of which agent.
    pub agent: Option<AgentId>,
    /// Of what.
    pub counted: Counted,
    /// How many.
    pub number: u64,
}

impl Counted {
    /// Returns the class of a duration: four of them for each doubling, from a microsecond on.
    pub fn class_of(duration: Duration) -> u8 {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).max(1);
        let doublings = micros.ilog2();
        let quarter = if doublings >= 2 { (micros >> (doublings - 2)) & 3 } else { 0 };
        let class = u64::from(doublings) * 4 + quarter;
        u8::try_from(class).unwrap_or(u8::MAX)
    }

    /// Returns the duration in the middle of a class: any of the class is within an eighth of it.
    pub fn middle_of(class: u8) -> Duration {
        let (doublings, quarter) = (u32::from(class) / 4, u64::from(class) % 4);
        let quarters = 1_u128 << doublings; // a quarter of the class's doubling, times four
        let middle = quarters * u128::from(8 + 2 * quarter + 1) / 8;
        Duration::from_micros(u64::try_from(middle).unwrap_or(u64::MAX))
    }

    fn to_stored(&self) -> String {
        match self {
            Self::Calls(word) => format!("calls:{word}"),
            Self::Took(class) => format!("took:{class}"),
            Self::Added(class) => format!("added:{class}"),
            Self::Refreshes(word) => format!("refreshes:{word}"),
            Self::Prompts(word) => format!("prompts:{word}"),
        }
    }

    fn from_stored(text: &str) -> Option<Self> {
        let (what, word) = text.split_once(':')?;
        Some(match what {
            "calls" => Self::Calls(word.to_owned()),
            "took" => Self::Took(word.parse().ok()?),
            "added" => Self::Added(word.parse().ok()?),
            "refreshes" => Self::Refreshes(word.to_owned()),
            "prompts" => Self::Prompts(word.to_owned()),
            _ => return None,
        })
    }
}

impl Record for UsageRow {
    fn read(row: &Row) -> Result<Self> {
        let none_if_empty = |text: String| (!text.is_empty()).then_some(text);
        let counted = row.text("counted")?;
        let connector = none_if_empty(row.text("connector")?).map(|slug| slug.parse()).transpose();
        let agent = none_if_empty(row.text("agent_id")?).map(|id| id.parse()).transpose();
        let day = row.int("day")?;
        Ok(Self {
            day: (day >= 0).then(|| Day::from_number(day)),
            connector: connector.map_err(|_| corrupt("connector", "it is no connector's name"))?,
            tool: none_if_empty(row.text("tool")?),
            agent: agent.map_err(|_| corrupt("agent_id", "it is no agent's id"))?,
            counted: Counted::from_stored(&counted)
                .ok_or_else(|| corrupt("counted", "nothing is counted by that name"))?,
            number: row.int("number")?.unsigned_abs(),
        })
    }
}

/// Adds lines, and what else is to be counted.
pub(super) async fn add(tx: &mut Tx, lines: &[CallLine], counts: &[(UsageKey, u64)]) -> Result<()> {
    static STATEMENT: LazyLock<ManyRows> = LazyLock::new(|| {
        ManyRows::new(
            "INSERT INTO call_usage
                (project_id, environment, day, connector, tool, agent_id, counted, number)",
            8,
            "ON CONFLICT (project_id, environment, day, connector, tool, agent_id, counted)
             DO UPDATE SET number = call_usage.number + excluded.number",
        )
    });
    // In order, so that two nodes never wait for each other.
    let mut sums = BTreeMap::<UsageKey, u64>::new();
    for (key, number) in lines.iter().flat_map(counted_of).chain(counts.iter().cloned()) {
        *sums.entry(key).or_default() += number;
    }
    let rows = sums.into_iter().map(|(key, number)| {
        let UsageKey { tenant, day, connector, tool, agent, counted } = key;
        binds![
            tenant.project,
            tenant.environment,
            day.number(),
            connector.as_ref().map_or("", ConnectorSlug::as_str),
            tool.unwrap_or_default(),
            agent.map(|id| id.to_string()).unwrap_or_default(),
            counted.to_stored(),
            i64::try_from(number).unwrap_or(i64::MAX),
        ]
    });
    for (sql, binds) in STATEMENT.statements(tx, rows.collect()) {
        tx.execute(sql, binds).await?;
    }
    Ok(())
}

/// Returns what a line counts for. Names that are of no tool are counted together: anybody can make
/// up more of them.
fn counted_of(line: &CallLine) -> [(UsageKey, u64); 3] {
    let end = match &line.reason {
        Some(reason) => format!("{}:{reason}", line.outcome),
        None => line.outcome.to_string(),
    };
    let key = |counted| UsageKey {
        tenant: line.tenant,
        day: Day::of(line.at),
        connector: line.connector.clone(),
        tool: line.connector.as_ref().map(|_| line.tool.clone()),
        agent: Some(line.agent),
        counted,
    };
    [
        (key(Counted::Calls(end)), 1),
        (key(Counted::Took(Counted::class_of(line.took))), 1),
        (key(Counted::Added(Counted::class_of(line.added()))), 1),
    ]
}

impl CallStore {
    /// Returns what there was, in order, of `limit` kinds at most.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn usage(&self, filter: &UsageFilter<'_>) -> Result<Vec<UsageRow>> {
        const SQL: &str = "
            SELECT day, connector, tool, agent_id, counted, CAST(SUM(number) AS BIGINT) AS number
            FROM (SELECT CASE WHEN $5 THEN day ELSE -1 END AS day,
                         CASE WHEN $6 THEN connector ELSE '' END AS connector,
                         CASE WHEN $7 THEN tool ELSE '' END AS tool,
                         CASE WHEN $8 THEN agent_id ELSE '' END AS agent_id,
                         counted, number
                  FROM call_usage
                  WHERE project_id = $1 AND environment = $2 AND day >= $3 AND day <= $4
                    AND ($9 IS NULL OR connector = $9) AND ($10 IS NULL OR tool = $10)
                    AND ($11 IS NULL OR agent_id = $11)) AS chosen
            GROUP BY day, connector, tool, agent_id, counted
            ORDER BY day, connector, tool, agent_id, counted LIMIT $12";
        let UsageFilter { tenant, from, to, connector, tool, agent, by, limit } = filter;
        let binds = binds![
            tenant.project,
            tenant.environment,
            from.number(),
            to.number(),
            by.contains(&UsageBy::Day),
            by.contains(&UsageBy::Connector),
            by.contains(&UsageBy::Tool),
            by.contains(&UsageBy::Agent),
            *connector,
            *tool,
            *agent,
            *limit,
        ];
        self.db().await?.all(SQL, binds).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_within_an_eighth_of_the_middle_of_its_class() {
        for micros in (1..5_000).chain([1 << 20, 30_000_000, 600_000_000]) {
            let duration = Duration::from_micros(micros);
            let middle = Counted::middle_of(Counted::class_of(duration)).as_secs_f64();
            let off = (duration.as_secs_f64() - middle).abs();
            assert!(off <= middle / 8.0 + 0.000_001, "{micros}: {middle}");
        }
        assert_eq!(Counted::class_of(Duration::MAX), u8::MAX);
    }

    #[test]
    fn what_is_counted_survives_its_text() {
        let all = [
            Counted::Calls("failed:not_found".to_owned()),
            Counted::Took(7),
            Counted::Added(0),
            Counted::Refreshes("success".to_owned()),
            Counted::Prompts("completed".to_owned()),
        ];
        for counted in all {
            assert_eq!(Counted::from_stored(&counted.to_stored()), Some(counted));
        }
        assert_eq!(Counted::from_stored("took:long"), None);
    }
}
