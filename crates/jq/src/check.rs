//! The language: which of jq's constructs a program may use.
//!
//! What is accepted comes out as nodes: names become slots and filters, and what can be known
//! before a run is worked out.

mod chains;
mod patterns;
pub(super) mod tokens;

use jaq_core::{
    load::{
        lex::Token,
        parse::{BinaryOp, Term},
    },
    path::{Opt, Part, Path as Steps},
};

use super::{
    compile::CompileError,
    names,
    node::{AstNode, Op, PathAccess, PathStep, ValuePath},
    number::Number,
    program::Program,
};

/// How deeply a program may be nested. A run recurses this deep on the caller's stack.
pub(super) const MAX_LEVELS: usize = 100;
/// How many levels an argument of a call counts as.
const LEVELS_OF_A_CALL: usize = 4;

/// Refuses what is not part of the language and makes a program of the rest.
pub(super) fn check<'s>(
    source: &'s str,
    tokens: &[Token<&'s str>],
    term: Term<&'s str>,
    variables: &[&'s str],
) -> Result<Program, CompileError> {
    let scope: Vec<_> = variables.iter().enumerate().map(|(slot, name)| (*name, slot)).collect();
    let given = vec![false; scope.len()];
    let mut checker = Checker { source, tokens, near: source, slots: scope.len(), scope, given };
    let node = checker.term(term, 0)?;
    Ok(Program { node, given: checker.given, slots: checker.slots })
}

struct Checker<'s, 't> {
    source: &'s str,
    tokens: &'t [Token<&'s str>],
    /// The name or literal last seen, for errors about things that have no name.
    near: &'s str,
    /// The variables that can be named, the innermost last, and their slots.
    scope: Vec<(&'s str, usize)>,
    /// How many slots there are; each variable of the program has its own.
    slots: usize,
    /// Which of the variables that come from outside are used.
    given: Vec<bool>,
}

impl<'s> Checker<'s, '_> {
    fn term(&mut self, term: Term<&'s str>, level: usize) -> Result<AstNode, CompileError> {
        self.descend(level)?;
        Ok(AstNode::from(match term {
            Term::Id => Op::Id,
            Term::Num(digits) => self.number(digits)?,
            Term::Str(format, parts) => self.string(format, parts, level)?,
            Term::Arr(None) => Op::Array(Op::Empty.into()),
            Term::Arr(Some(items)) => Op::Array(self.boxed(*items, level)?),
            Term::Obj(entries) => self.object(entries, level)?,
            Term::Neg(operand) => self.negation(*operand, level)?,
            Term::BinOp(left, op, right) => self.operation(*left, op, *right, level)?,
            Term::Fold(word, items, pattern, args) => {
                self.fold(word, *items, pattern, args, level)?
            }
            Term::TryCatch(body, None) => Op::Try(self.boxed(*body, level)?),
            Term::IfThenElse(branches, otherwise) => self.branches(branches, otherwise, level)?,
            Term::Call(name, args) => self.call(name, args, level)?,
            Term::Var(name) => self.variable(name)?,
            Term::Path(subject, path) => self.path(*subject, path, level)?,
            Term::TryCatch(_, Some(_)) => return Err(self.refused_word("catch")),
            Term::Recurse => return Err(self.refused_word("..")),
            Term::Label(..) => return Err(self.refused_word("label")),
            Term::Break(_) => return Err(self.refused_word("break")),
            Term::Def(..) => return Err(self.refused_word("def")),
        }))
    }

    fn number(&mut self, digits: &'s str) -> Result<Op, CompileError> {
        self.near = digits;
        let number = Number::parse(digits)
            .ok_or_else(|| self.error(digits, "this number is too long or too large"))?;
        Ok(Op::Number(number))
    }

    fn negation(&mut self, operand: Term<&'s str>, level: usize) -> Result<Op, CompileError> {
        let operand = self.boxed(operand, level)?;
        let negative = match operand.op {
            Op::Number(number) => number.negate().ok(),
            _ => None,
        };
        let negative = negative.and_then(|negative| Number::of(&negative));
        Ok(negative.map_or(Op::Negate(operand), Op::Number))
    }

    fn variable(&mut self, name: &'s str) -> Result<Op, CompileError> {
        let known = self.scope.iter().rfind(|(known, _)| *known == name.trim_start_matches('$'));
        let (_, slot) =
            known.ok_or_else(|| self.error(name, format!("unknown variable `{name}`")))?;
        if let Some(used) = self.given.get_mut(*slot) {
            *used = true;
        }
        Ok(Op::Variable(*slot))
    }

    fn operation(
        &mut self,
        left: Term<&'s str>,
        op: BinaryOp<&'s str>,
        right: Term<&'s str>,
        level: usize,
    ) -> Result<Op, CompileError> {
        match op {
            BinaryOp::Comma => return self.comma(left, right, level),
            BinaryOp::Pipe(Some(pattern)) => return self.binding(left, pattern, right, level),
            _ => {}
        }
        let left = self.boxed(left, level)?;
        let right = self.boxed(right, level)?;
        Ok(match op {
            BinaryOp::Alt => Op::Alternative(left, right),
            BinaryOp::Or => Op::Logic(left, true, right),
            BinaryOp::And => Op::Logic(left, false, right),
            BinaryOp::Math(operator) => Op::Calculate(left, operator, right),
            BinaryOp::Cmp(operator) => Op::Compare(left, operator, right),
            BinaryOp::Pipe(_) | BinaryOp::Comma => Op::Pipe(left, right),
            BinaryOp::Assign | BinaryOp::Update | BinaryOp::UpdateMath(_) | BinaryOp::UpdateAlt => {
                return Err(self.refused_word("="));
            }
        })
    }

    fn branches(
        &mut self,
        branches: Vec<(Term<&'s str>, Term<&'s str>)>,
        otherwise: Option<Box<Term<&'s str>>>,
        level: usize,
    ) -> Result<Op, CompileError> {
        let mut checked = Vec::new();
        let mut level = level;
        for (condition, then) in branches {
            level += 1;
            checked.push((self.term(condition, level)?, self.term(then, level)?));
        }
        let otherwise = match otherwise {
            Some(otherwise) => self.term(*otherwise, level + 1)?.op,
            None => Op::Id,
        };
        Ok(checked.into_iter().rev().fold(otherwise, |otherwise, (condition, then)| {
            Op::If(condition.into(), then.into(), otherwise.into())
        }))
    }

    fn call(
        &mut self,
        name: &'s str,
        args: Vec<Term<&'s str>>,
        level: usize,
    ) -> Result<Op, CompileError> {
        self.near = name;
        let args = args.into_iter().map(|arg| self.term(arg, level + LEVELS_OF_A_CALL));
        let args = args.collect::<Result<Vec<_>, _>>()?;
        Ok(names::resolve(self.source, name, args.len())?.call(args.into_iter().next()))
    }

    fn path(
        &mut self,
        subject: Term<&'s str>,
        Steps(parts): Steps<Term<&'s str>>,
        level: usize,
    ) -> Result<Op, CompileError> {
        self.descend(level + parts.len())?;
        let subject = self.boxed(subject, level + parts.len())?;
        let mut path = ValuePath { steps: Vec::new(), indices: Vec::new() };
        for (part, opt) in parts {
            let access = match part {
                Part::Index(key) => path.index(self.term(key, level + 1)?),
                Part::Range(None, None) => PathAccess::Each,
                Part::Range(start, end) => {
                    let access = PathAccess::Slice { start: start.is_some(), end: end.is_some() };
                    for bound in [start, end].into_iter().flatten() {
                        path.indices.push(self.term(bound, level + 1)?);
                    }
                    access
                }
            };
            path.steps.push(PathStep { access, optional: matches!(opt, Opt::Optional) });
        }
        Ok(Op::Path(subject, path))
    }

    fn boxed(&mut self, term: Term<&'s str>, level: usize) -> Result<Box<AstNode>, CompileError> {
        self.term(term, level + 1).map(Box::new)
    }

    fn descend(&self, level: usize) -> Result<(), CompileError> {
        if level <= MAX_LEVELS {
            return Ok(());
        }
        Err(self.error(self.near, too_deep()))
    }

    fn refused_word(&self, word: &str) -> CompileError {
        let part = tokens::find(self.tokens, &|token| token == word).unwrap_or(self.source);
        self.error(part, refused(word))
    }

    fn error(&self, part: &str, message: impl Into<String>) -> CompileError {
        CompileError::at(self.source, part, message)
    }
}

impl ValuePath {
    /// Returns the access by an index, which is one of the path's computed indices unless it is a
    /// literal.
    fn index(&mut self, index: AstNode) -> PathAccess {
        let position = match &index.op {
            Op::Text(key) => return PathAccess::Key(key.clone()),
            Op::Number(Number::Int(position)) => i64::try_from(*position).ok(),
            _ => None,
        };
        position.map_or_else(
            || {
                self.indices.push(index);
                PathAccess::Index
            },
            PathAccess::Position,
        )
    }
}

/// Returns the words for a construct that the language does not have.
pub(super) fn refused(what: &str) -> String {
    format!("`{what}` is not part of this language")
}

/// Returns the words for too many levels.
pub(super) fn too_deep() -> String {
    format!(
        "nested too deeply: at most {MAX_LEVELS} levels, and each bracket, operator, pipe and \
         step of a path is one"
    )
}
