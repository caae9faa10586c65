//! What the command line says.

use std::{path::PathBuf, time::Duration};

use crate::{
    Result,
    abuse::{Abuse, Attack, Attacker},
    call_log::MeasureCallLog,
};

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Arguments {
    /// To stand for the provider, on that port.
    Upstream(u16),
    /// To measure.
    Measure(Measure),
    /// To measure what attacks cost another user.
    Abuse(Abuse),
    /// To measure the call log.
    CallLog(MeasureCallLog),
    /// To attack.
    Attack(Attack),
}

/// How to measure.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Measure {
    /// The product's binary.
    pub(crate) program: PathBuf,
    /// Where the large database is kept between runs.
    pub(crate) keep: PathBuf,
    /// What the binary was built as, for the report.
    pub(crate) profile: String,
    /// One short round with 1,000 connections on `SQLite`.
    pub(crate) quick: bool,
    /// How long each run takes, where the usual time is not wanted.
    pub(crate) seconds: Option<u64>,
    /// How many rounds, where the usual number is not wanted.
    pub(crate) rounds: Option<usize>,
    /// Whether the report becomes `docs/benchmarks.md`.
    pub(crate) write: bool,
}

const USAGE: &str = "usage: astralform-bench --program FILE --keep FOLDER --profile NAME [--quick] \
                     [--seconds N] [--rounds N] [--write]\n   or: astralform-bench abuse \
                     --program FILE --profile NAME [--quick] [--rounds N] [--seconds N] \
                     [--settle N] [--whole-core] [--write] [session|key|address|provider …]\n   or: \
                     astralform-bench call-log --keep FOLDER [--lines N] [--write]";

impl Arguments {
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut measure = Measure::default();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(USAGE);
            match word.as_str() {
                "upstream" => return Ok(Self::Upstream(value()?.parse()?)),
                "abuse" => return abuse(words),
                "attack" => return attack(words),
                "call-log" => return call_log(words),
                "--program" => measure.program = value()?.into(),
                "--keep" => measure.keep = value()?.into(),
                "--profile" => measure.profile = value()?,
                "--seconds" => measure.seconds = Some(value()?.parse()?),
                "--rounds" => measure.rounds = Some(value()?.parse()?),
                "--quick" => measure.quick = true,
                "--write" => measure.write = true,
                _ => return Err(USAGE.into()),
            }
        }
        if measure.program.as_os_str().is_empty() || measure.keep.as_os_str().is_empty() {
            return Err(USAGE.into());
        }
        Ok(Self::Measure(measure))
    }
}

fn abuse(mut words: impl Iterator<Item = String>) -> Result<Arguments> {
    let mut abuse = Abuse::default();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(USAGE);
        match word.as_str() {
            "--program" => abuse.program = value()?.into(),
            "--profile" => abuse.profile = value()?,
            "--seconds" => abuse.seconds = Some(value()?.parse()?),
            "--settle" => abuse.settle = Some(value()?.parse()?),
            "--rounds" => abuse.rounds = Some(value()?.parse()?),
            "--whole-core" => abuse.whole_core = true,
            "--quick" => abuse.quick = true,
            "--write" => abuse.write = true,
            name => abuse.attackers.push(Attacker::named(name).ok_or(USAGE)?),
        }
    }
    if abuse.program.as_os_str().is_empty() {
        return Err(USAGE.into());
    }
    if abuse.attackers.is_empty() {
        abuse.attackers = Attacker::ALL.to_vec();
    }
    Ok(Arguments::Abuse(abuse))
}

fn call_log(mut words: impl Iterator<Item = String>) -> Result<Arguments> {
    let mut wanted = MeasureCallLog::default();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(USAGE);
        match word.as_str() {
            "--keep" => wanted.keep = value()?.into(),
            "--lines" => wanted.lines = value()?.parse()?,
            "--write" => wanted.write = true,
            _ => return Err(USAGE.into()),
        }
    }
    if wanted.keep.as_os_str().is_empty() {
        return Err(USAGE.into());
    }
    Ok(Arguments::CallLog(wanted))
}

/// Reads `attack NAME ADDRESS FOLDER SECONDS`, as the measuring process calls it.
fn attack(mut words: impl Iterator<Item = String>) -> Result<Arguments> {
    let mut value = || words.next().ok_or(USAGE);
    Ok(Arguments::Attack(Attack {
        attacker: Attacker::named(&value()?).ok_or(USAGE)?,
        address: value()?.parse()?,
        folder: value()?.into(),
        time: Duration::from_secs(value()?.parse()?),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments> {
        Arguments::parse(line.split(' ').map(ToOwned::to_owned))
    }

    #[test]
    fn what_is_said_is_done() {
        let said =
            parse("--program a --keep b --profile release --quick --seconds 9 --rounds 2").unwrap();
        let expected = Measure {
            program: "a".into(),
            keep: "b".into(),
            profile: "release".to_owned(),
            quick: true,
            seconds: Some(9),
            rounds: Some(2),
            write: false,
        };
        assert_eq!(said, Arguments::Measure(expected));
        assert_eq!(parse("upstream 80").unwrap(), Arguments::Upstream(80));
    }

    #[test]
    fn of_attackers_those_are_measured_that_are_named_or_all() {
        let Arguments::Abuse(said) = parse("abuse --program a --settle 3 key").unwrap() else {
            panic!("it is abuse");
        };
        assert_eq!((said.settle, said.attackers), (Some(3), vec![Attacker::Key]));
        let Arguments::Abuse(said) = parse("abuse --program a").unwrap() else {
            panic!("it is abuse");
        };
        assert_eq!(said.attackers, Attacker::ALL);
        let attack = Attack {
            attacker: Attacker::Address,
            address: "127.0.0.1:80".parse().unwrap(),
            folder: "/f".into(),
            time: Duration::from_mins(1),
        };
        let line = "attack address 127.0.0.1:80 /f 60";
        assert_eq!(parse(line).unwrap(), Arguments::Attack(attack));
    }

    #[test]
    fn the_call_log_is_measured_with_ten_million_lines_or_as_many_as_are_wanted() {
        let lines = |said: &str| match parse(said).unwrap() {
            Arguments::CallLog(wanted) => wanted.lines,
            other => panic!("{other:?}"),
        };
        assert_eq!(lines("call-log --keep a"), 10_000_000);
        assert_eq!(lines("call-log --keep a --lines 7"), 7);
        assert!(parse("call-log").is_err());
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for wrong in [
            "--quick",
            "--program",
            "--program a --keep b --loud",
            "upstream x",
            "abuse",
            "abuse --program a nobody",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
