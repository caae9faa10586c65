//! The filters that are not spelled out in others: native, and each pays for what it touches.

mod collections;
mod control;
mod entries;
mod formats;
mod numbers;
mod sorting;
mod strings;
mod types;

use jaq_core::box_iter::box_once;
use jaq_core::native::Fun;
use jaq_core::{Bind, Ctx, Native, RunPtr, ValXs, data};

use super::fault::{Fault, stop};
use super::meter;
use super::value::Metered;

pub(super) use strings::split;

/// Tells the interpreter which values it handles.
pub(super) type Data = data::JustLut<Metered>;
/// What a filter is called with: its context, which holds the arguments, and its input.
type Call<'a> = (Ctx<'a, Data>, Metered);
/// What a filter answers.
type Outputs<'a> = ValXs<'a, Metered>;
type Outcome = Result<Metered, Fault>;

/// A filter: its name, its arguments, and what runs it.
pub(super) struct Entry {
    pub(super) name: &'static str,
    pub(super) args: &'static [Bind],
    run: RunPtr<Data>,
}

const NO_ARGS: &[Bind] = &[];
const VALUE: &[Bind] = &[Bind::Var(())];
const FILTER: &[Bind] = &[Bind::Fun(())];

impl Entry {
    const fn new(name: &'static str, args: &'static [Bind], run: RunPtr<Data>) -> Self {
        Self { name, args, run }
    }

    /// The form in which the interpreter takes it.
    pub(super) fn to_native(&self) -> Fun<Data> {
        (self.name, self.args.into(), Native::<Data>::new(self.run))
    }
}

/// All filters, the internal toll included.
pub(super) fn all() -> impl Iterator<Item = &'static Entry> {
    let groups: [&[Entry]; 8] = [
        control::FILTERS,
        types::FILTERS,
        collections::FILTERS,
        entries::FILTERS,
        sorting::FILTERS,
        strings::FILTERS,
        numbers::FILTERS,
        formats::FILTERS,
    ];
    groups.into_iter().flatten()
}

/// Runs a filter that only has an input.
fn plain((_, input): Call<'_>, filter: fn(&Metered) -> Outcome) -> Outputs<'_> {
    answer(paid().and_then(|()| filter(&input)))
}

/// Runs a filter that has an input and one value as its argument.
fn unary(mut call: Call<'_>, filter: fn(&Metered, &Metered) -> Outcome) -> Outputs<'_> {
    let arg = call.0.pop_var();
    answer(paid().and_then(|()| filter(&call.1, &arg)))
}

fn paid() -> Result<(), Fault> {
    Ok(meter::spend(1)?)
}

/// Once the meter has run out, what a filter found is void and nothing may catch the end.
fn answer<'a>(outcome: Outcome) -> Outputs<'a> {
    if meter::is_latched() {
        return box_once(Err(stop()));
    }
    box_once(outcome.map_err(Into::into))
}
