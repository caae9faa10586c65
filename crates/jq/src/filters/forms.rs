//! Filters that are forms of the language, or short for a combination of them. They bind no
//! variables, so an argument means the same inside.

use super::{
    AstNode, Filter, Op,
    collections::add,
    entries::{from_entries, to_entries},
};
use crate::{
    fault::Kind,
    node::{PathAccess, PathStep, ValuePath},
};

pub(super) const FILTERS: &[Filter] = &[
    Filter::form("empty", || Op::Empty),
    Filter::form("error", || Op::Error(Op::Id.into())),
    Filter::form("null", || Op::Null),
    Filter::form("true", || Op::Bool(true)),
    Filter::form("false", || Op::Bool(false)),
    Filter::form("any", || Op::Search(Op::Id.into(), true)),
    Filter::form("all", || Op::Search(Op::Id.into(), false)),
    Filter::form("first", || step(PathAccess::Position(0))),
    Filter::form("last", || step(PathAccess::Position(-1))),
    Filter::form("values", || Op::Only(|kind| kind != Kind::Null)),
    Filter::form("nulls", || Op::Only(|kind| kind == Kind::Null)),
    Filter::form("booleans", || Op::Only(|kind| kind == Kind::Boolean)),
    Filter::form("numbers", || Op::Only(|kind| kind == Kind::Number)),
    Filter::form("strings", || Op::Only(|kind| kind == Kind::String)),
    Filter::form("arrays", || Op::Only(|kind| kind == Kind::Array)),
    Filter::form("objects", || Op::Only(|kind| kind == Kind::Object)),
    Filter::form("iterables", || Op::Only(|kind| kind >= Kind::Array)),
    Filter::form("scalars", || Op::Only(|kind| kind < Kind::Array)),
    Filter::form_of("error", Op::Error),
    Filter::form_of("any", |test| Op::Search(test, true)),
    Filter::form_of("all", |test| Op::Search(test, false)),
    Filter::form_of("first", Op::First),
    Filter::form_of("last", Op::Last),
    Filter::form_of("map", map),
    Filter::form_of("map_values", Op::MapValues),
    Filter::form_of("sort_by", Op::SortBy),
    Filter::form_of("select", |test| Op::If(test, Op::Id.into(), Op::Empty.into())),
    Filter::form_of("add", |items| Op::Pipe(Op::Array(items).into(), Op::Plain(add).into())),
    Filter::form_of("with_entries", |each| {
        let mapped = Op::Pipe(map(each).into(), Op::Plain(from_entries).into());
        Op::Pipe(Op::Plain(to_entries).into(), mapped.into())
    }),
];

fn map(each: Box<AstNode>) -> Op {
    Op::Array(Op::Pipe(step(PathAccess::Each).into(), each).into())
}

fn step(access: PathAccess) -> Op {
    let steps = vec![PathStep { access, optional: false }];
    Op::Path(Op::Id.into(), ValuePath { steps, indices: Vec::new() })
}
