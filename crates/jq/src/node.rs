//! Programs in the form in which they run.

use jaq_core::ops::{Cmp, Math};

use super::{
    fault::{Kind, RunResult},
    meter::Meter,
    number::Number,
    value::Value,
};

/// A part of a program: takes an input, gives any number of outputs.
pub(super) struct AstNode {
    pub(super) op: Op,
    pub(super) arity: Arity,
}

/// How many outputs a node can have. An error counts as the output in whose place it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Arity {
    One,
    AtMostOne,
    Many,
}

/// A filter on its input alone.
pub(super) type Plain = for<'a> fn(&Meter, &Value<'a>) -> RunResult<'a>;
/// A filter on its input and one value.
pub(super) type Unary = for<'a> fn(&Meter, &Value<'a>, &Value<'a>) -> RunResult<'a>;

type Part = Box<AstNode>;

pub(super) enum Op {
    /// `.`
    Id,
    Null,
    Bool(bool),
    Number(Number),
    Text(Box<str>),
    /// `$x`, by its slot.
    Variable(usize),
    /// `[f]`
    Array(Part),
    /// `{f: g}`
    Object(Vec<(AstNode, AstNode)>),
    /// `"a\(f)"`, by nodes that put out texts.
    Interpolation(Vec<AstNode>),
    /// `f[g].a`
    Path(Part, ValuePath),
    /// `f | g`
    Pipe(Part, Part),
    /// `f, g`
    Comma(Vec<AstNode>),
    /// `f as $x | g`
    Bind(Part, Pattern, Part),
    /// `reduce` and `foreach`
    Fold(Box<Fold>),
    /// `if f then g else h end`
    If(Part, Part, Part),
    /// `f // g`
    Alternative(Part, Part),
    /// `f?`
    Try(Part),
    /// `f and g`, `f or g`: one that is as the flag decides.
    Logic(Part, bool, Part),
    Compare(Part, Cmp, Part),
    Calculate(Part, Math, Part),
    /// `-f`
    Negate(Part),
    /// A filter without arguments.
    Plain(Plain),
    /// A filter with a value as its argument.
    Unary(Unary, Part),
    /// Values of some kinds pass.
    Only(fn(Kind) -> bool),
    Empty,
    /// `error(f)`
    Error(Part),
    /// `first(f)`
    First(Part),
    /// `last(f)`
    Last(Part),
    /// `any(f)`, `all(f)`: over the items, until an output is as the flag.
    Search(Part, bool),
    MapValues(Part),
    SortBy(Part),
}

/// The steps of a path, and the computed indices that they take, in their order.
pub(super) struct ValuePath {
    pub(super) steps: Vec<PathStep>,
    pub(super) indices: Vec<AstNode>,
}

pub(super) struct PathStep {
    pub(super) access: PathAccess,
    /// Whether a value that cannot be accessed so is left out.
    pub(super) optional: bool,
}

#[derive(Clone)]
pub(super) enum PathAccess {
    Key(Box<str>),
    Position(i64),
    /// By an index that is computed.
    Index,
    /// Between bounds that are computed, or left out.
    Slice {
        start: bool,
        end: bool,
    },
    /// All items.
    Each,
}

/// Where a value and the parts of it go.
pub(super) struct Pattern {
    pub(super) slot: usize,
    pub(super) parts: Vec<Extract>,
}

/// What the value in a slot has at a key goes to a slot of its own.
pub(super) struct Extract {
    pub(super) from: usize,
    pub(super) key: AstNode,
    pub(super) to: usize,
}

pub(super) struct Fold {
    pub(super) items: AstNode,
    pub(super) pattern: Pattern,
    pub(super) start: AstNode,
    pub(super) update: AstNode,
    /// Of `foreach`: what is put out for each item. `reduce` puts out the last state.
    pub(super) project: Option<AstNode>,
}

impl From<Op> for AstNode {
    fn from(op: Op) -> Self {
        Self { arity: op.arity(), op }
    }
}

impl From<Op> for Box<AstNode> {
    fn from(op: Op) -> Self {
        Self::new(op.into())
    }
}

impl Op {
    fn arity(&self) -> Arity {
        match self {
            Self::Id
            | Self::Null
            | Self::Bool(_)
            | Self::Number(_)
            | Self::Text(_)
            | Self::Variable(_)
            | Self::Array(_)
            | Self::Plain(_)
            | Self::Search(..)
            | Self::MapValues(_)
            | Self::SortBy(_) => Arity::One,
            Self::Only(_) | Self::Empty | Self::First(_) | Self::Last(_) => Arity::AtMostOne,
            Self::Comma(_) => Arity::Many,
            Self::Object(entries) => most(entries.iter().flat_map(|(key, item)| [key, item])),
            Self::Interpolation(pieces) => most(pieces),
            Self::Path(subject, path) => subject.arity.max(path.arity()),
            Self::Negate(part) | Self::Error(part) | Self::Unary(_, part) => part.arity,
            Self::Try(part) => part.arity.max(Arity::AtMostOne),
            Self::Pipe(left, right)
            | Self::Logic(left, _, right)
            | Self::Compare(left, _, right)
            | Self::Calculate(left, _, right) => left.arity.max(right.arity),
            Self::Bind(source, pattern, body) => {
                most([&**source, body].into_iter().chain(pattern.keys()))
            }
            Self::If(condition, then, otherwise) => most([&**condition, then, otherwise]),
            Self::Alternative(left, right) => match left.arity {
                Arity::Many => Arity::Many,
                Arity::One | Arity::AtMostOne => right.arity,
            },
            Self::Fold(fold) => match fold.project {
                None => most([&fold.start, &fold.update]),
                Some(_) => Arity::Many,
            },
        }
    }
}

fn most<'n>(nodes: impl IntoIterator<Item = &'n AstNode>) -> Arity {
    nodes.into_iter().map(|node| node.arity).max().unwrap_or(Arity::One)
}

impl ValuePath {
    fn arity(&self) -> Arity {
        let steps = self.steps.iter().map(|step| match step.access {
            PathAccess::Each => Arity::Many,
            _ if step.optional => Arity::AtMostOne,
            _ => Arity::One,
        });
        steps.max().unwrap_or(Arity::One).max(most(&self.indices))
    }
}

impl PathAccess {
    /// Returns how many computed indices it takes.
    pub(super) fn indices(&self) -> usize {
        match self {
            Self::Key(_) | Self::Position(_) | Self::Each => 0,
            Self::Index => 1,
            Self::Slice { start, end } => usize::from(*start) + usize::from(*end),
        }
    }
}

impl Pattern {
    pub(super) fn slots(&self) -> impl Iterator<Item = usize> {
        std::iter::once(self.slot).chain(self.parts.iter().map(|part| part.to))
    }

    fn keys(&self) -> impl Iterator<Item = &AstNode> {
        self.parts.iter().map(|part| &part.key)
    }
}
