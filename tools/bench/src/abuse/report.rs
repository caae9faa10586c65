//! The report, in Markdown.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{
    attack::Counts,
    bars::{Bar, Medians, bars, medians, turns_of},
    rounds::{PER_SECOND, Plan, Turn},
};
use crate::{figures::median, machine::Machine};

/// What the figures are of.
pub(super) struct Conditions<'a> {
    pub(super) machine: Machine,
    pub(super) profile: String,
    pub(super) is_confined: bool,
    pub(super) plan: &'a Plan,
}

/// Returns the whole report, and whether every bar is met.
pub(super) fn report(conditions: &Conditions<'_>, turns: &[Turn]) -> (String, bool) {
    let mut text = head(conditions);
    let mut holds = true;
    for attacker in &conditions.plan.attackers {
        let turns = turns_of(turns, *attacker);
        let bars = bars(&turns);
        holds &= bars.iter().all(Bar::is_met);
        let _ = write!(text, "\n## {}\n\n", capital(&attacker.to_string()));
        text.push_str(&bar_table(&bars, &medians(&turns)));
        text.push_str(&figures(&turns));
        text.push_str(&lanes(&turns));
    }
    (text, holds)
}

fn head(conditions: &Conditions<'_>) -> String {
    let Conditions { machine, profile, is_confined, plan } = conditions;
    let Machine { processor, cores, memory_gib, kernel, commit, date } = machine;
    let Plan { rounds, attack, quiet, settle, .. } = plan;
    let attack = attack.as_secs();
    let quiet = quiet.as_secs();
    let settle = settle.as_secs();
    let share = if *is_confined { "half a core" } else { "**no limit of its own**" };
    format!(
        "# What an attack costs another user

Made by `scripts/abuse` on {date}, of commit {commit}, build profile `{profile}`, on {cores} cores
of {processor} with {memory_gib:.0} GiB, Linux {kernel}. The product has {share} (a control group),
SQLite, 1,024 open files unless it raises them, and the settings it comes with; the provider, the
other user and the attacker share the machine. The other user makes {PER_SECOND} calls a second with
an API key of another project, for 100 end users in rotation, from an address of their own, each with
an answer of about 2 KB, and sends the next one whatever comes back; latencies count from when a call
was due.

Medians of {rounds} rounds, in each of which every attacker has a turn on a fresh copy of one
installation: {quiet} s of calls without an attack, {attack} s with one, {settle} s of rest. Errors
are those of all rounds together. Attackers go as fast as they are let, and ask again whatever they
are told.
"
    )
}

fn bar_table(bars: &[Bar], medians: &Medians) -> String {
    let mut text = "| what | without | with | bar | |\n|---|---|---|---|---|\n".to_owned();
    for bar in bars {
        let without = match bar.what {
            "p50" => amount(medians.quiet.0, bar.unit),
            "p99" => amount(medians.quiet.1, bar.unit),
            "most memory" => amount(medians.before, bar.unit),
            _ => String::new(),
        };
        let found = amount(bar.found, bar.unit);
        let limit = amount(bar.limit, bar.unit);
        let word = if bar.is_met() { "met" } else { "**missed**" };
        let _ = writeln!(text, "| {} | {without} | {found} | ≤ {limit} | {word} |", bar.what);
    }
    text
}

fn figures(turns: &[&Turn]) -> String {
    let middle =
        |of: fn(&Turn) -> f64| median(turns.iter().map(|turn| of(turn))).unwrap_or(f64::INFINITY);
    let troubles: Vec<_> = turns.iter().map(|turn| turn.attacked.troubles()).collect();
    format!(
        "\nWhat went wrong, round by round: {}. Threads of the product waited {:.1} s altogether for \
         its share of the processor; it wrote {:.1} MiB into its log.\n",
        troubles.join("; "),
        middle(|turn| turn.waited),
        middle(|turn| turn.logged),
    )
}

/// Returns what the attacker did, in the last round.
fn lanes(turns: &[&Turn]) -> String {
    let Some(last) = turns.last() else { return String::new() };
    let mut text = "\n| the attacker's connections | opened | answers | broken |\n\
                    |---|---|---|---|\n"
        .to_owned();
    for (name, Counts { opened, answers, broken }) in &last.done.0 {
        let _ = writeln!(text, "| {name} | {opened} | {} | {broken} |", counted(answers));
    }
    text
}

fn counted(answers: &BTreeMap<String, usize>) -> String {
    let parts: Vec<_> = answers.iter().map(|(class, times)| format!("{times} × {class}")).collect();
    parts.join(", ")
}

fn amount(value: f64, unit: &str) -> String {
    let digits = usize::from(value.abs() < 10.0 && !unit.is_empty()) * 2;
    format!("{value:.digits$} {unit}").trim_end().to_owned()
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_their_units_and_counts_none() {
        assert_eq!(amount(0.514, "ms"), "0.51 ms");
        assert_eq!(amount(48.6, "MiB"), "49 MiB");
        assert_eq!(amount(3.0, ""), "3");
        assert_eq!(amount(f64::INFINITY, "MiB"), "inf MiB");
        assert_eq!(capital("one key"), "One key");
    }
}
