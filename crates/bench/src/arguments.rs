//! What the command line says.

use std::path::PathBuf;

use crate::Result;

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Arguments {
    /// To stand for the provider, on that port.
    Upstream(u16),
    /// To measure.
    Measure(Measure),
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
                     [--seconds N] [--rounds N] [--write]";

impl Arguments {
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut measure = Measure::default();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(USAGE);
            match word.as_str() {
                "upstream" => return Ok(Self::Upstream(value()?.parse()?)),
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
    fn what_is_not_understood_is_refused() {
        for wrong in ["--quick", "--program", "--program a --keep b --loud", "upstream x"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
