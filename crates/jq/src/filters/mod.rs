//! The filters that programs can call. Each pays for what it touches.

mod collections;
mod entries;
mod formats;
mod forms;
mod numbers;
mod sorting;
mod strings;
mod types;

use super::{
    fault::RunResult,
    meter::Meter,
    node::{AstNode, Op, Plain, Unary},
    value::Value,
};

pub(super) use strings::split;

/// A filter that programs can call by its name.
pub(super) struct Filter {
    pub(super) name: &'static str,
    call: Call,
}

/// What a call of a filter is.
enum Call {
    Plain(Plain),
    Unary(Unary),
    /// Another form of the language, without or with an argument.
    Form(fn() -> Op),
    FormOf(fn(Box<AstNode>) -> Op),
}

impl Filter {
    const fn plain(name: &'static str, run: Plain) -> Self {
        Self { name, call: Call::Plain(run) }
    }

    const fn unary(name: &'static str, run: Unary) -> Self {
        Self { name, call: Call::Unary(run) }
    }

    const fn form(name: &'static str, form: fn() -> Op) -> Self {
        Self { name, call: Call::Form(form) }
    }

    const fn form_of(name: &'static str, form: fn(Box<AstNode>) -> Op) -> Self {
        Self { name, call: Call::FormOf(form) }
    }

    /// Returns how many arguments it takes.
    pub(super) fn arity(&self) -> usize {
        match self.call {
            Call::Plain(_) | Call::Form(_) => 0,
            Call::Unary(_) | Call::FormOf(_) => 1,
        }
    }

    /// Returns a call of it; an argument that it does not take is dropped.
    pub(super) fn call(&self, argument: Option<AstNode>) -> Op {
        let argument = argument.unwrap_or_else(|| Op::Id.into());
        match self.call {
            Call::Plain(filter) => Op::Plain(filter),
            Call::Form(form) => form(),
            Call::Unary(filter) => Op::Unary(filter, Box::new(argument)),
            Call::FormOf(form) => form(Box::new(argument)),
        }
    }
}

/// Returns all filters.
pub(super) fn all() -> impl Iterator<Item = &'static Filter> {
    let groups: [&[Filter]; 8] = [
        forms::FILTERS,
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
