//! What binds variables: `as`, `reduce` and `foreach`.

use jaq_core::load::parse::{self, Term};

use super::{AstNode, Checker, CompileError, Op};
use crate::{
    node::{Extract, Fold, Pattern},
    number::Number,
};

/// A checked pattern, the variables that it binds, and how deep its parts nest: a run binds one
/// within the other.
struct Bound<'s> {
    pattern: Pattern,
    variables: Vec<(&'s str, usize)>,
    levels: usize,
}

impl<'s> Checker<'s, '_> {
    pub(super) fn binding(
        &mut self,
        source: Term<&'s str>,
        pattern: parse::Pattern<&'s str>,
        body: Term<&'s str>,
        level: usize,
    ) -> Result<Op, CompileError> {
        let source = self.boxed(source, level)?;
        let bound = self.bound(pattern, level)?;
        let body = self.within(&bound, |checker| checker.boxed(body, level + bound.levels))?;
        Ok(Op::Bind(source, bound.pattern, body))
    }

    pub(super) fn fold(
        &mut self,
        word: &'s str,
        items: Term<&'s str>,
        pattern: parse::Pattern<&'s str>,
        args: Vec<Term<&'s str>>,
        level: usize,
    ) -> Result<Op, CompileError> {
        let items = self.term(items, level + 1)?;
        let arity = args.len();
        let mut args = args.into_iter();
        let (("reduce", 2) | ("foreach", 2 | 3), Some(start), Some(update)) =
            ((word, arity), args.next(), args.next())
        else {
            let message =
                format!("`{word}` takes an initial value and an update, as `(0; . + $x)`");
            return Err(self.error(word, message));
        };
        let bound = self.bound(pattern, level)?;
        let level = level + bound.levels + 2;
        let start = self.term(start, level)?;
        let (update, project) = self.within(&bound, |checker| {
            let update = checker.term(update, level)?;
            Ok((update, args.next().map(|project| checker.term(project, level)).transpose()?))
        })?;
        let project = match word {
            "foreach" => Some(project.unwrap_or_else(|| Op::Id.into())),
            _ => None,
        };
        let pattern = bound.pattern;
        Ok(Op::Fold(Box::new(Fold { items, pattern, start, update, project })))
    }

    fn within<T>(
        &mut self,
        bound: &Bound<'s>,
        check: impl FnOnce(&mut Self) -> Result<T, CompileError>,
    ) -> Result<T, CompileError> {
        let outside = self.scope.len();
        self.scope.extend(&bound.variables);
        let checked = check(self);
        self.scope.truncate(outside);
        checked
    }

    fn bound(
        &mut self,
        pattern: parse::Pattern<&'s str>,
        level: usize,
    ) -> Result<Bound<'s>, CompileError> {
        let slot = self.slots;
        self.slots += 1;
        let pattern_of = Pattern { slot, parts: Vec::new() };
        let mut bound = Bound { pattern: pattern_of, variables: Vec::new(), levels: 0 };
        self.place(pattern, slot, &mut bound, level)?;
        Ok(bound)
    }

    /// Finds a place for each part of what is in a slot.
    fn place(
        &mut self,
        pattern: parse::Pattern<&'s str>,
        slot: usize,
        bound: &mut Bound<'s>,
        level: usize,
    ) -> Result<(), CompileError> {
        bound.levels += 1;
        self.descend(level + bound.levels - 1)?;
        match pattern {
            parse::Pattern::Var(name) => {
                bound.variables.push((name.trim_start_matches('$'), slot));
            }
            parse::Pattern::Arr(items) => {
                for (at, item) in (0..).zip(items) {
                    let slot = self.extract(Op::Number(Number::Int(at)).into(), slot, bound);
                    self.place(item, slot, bound, level)?;
                }
            }
            parse::Pattern::Obj(entries) => {
                for (key, item) in entries {
                    let key = self.term(key, level + bound.levels)?;
                    let slot = self.extract(key, slot, bound);
                    self.place(item, slot, bound, level)?;
                }
            }
        }
        Ok(())
    }

    /// Makes a place for what the value in a slot has at a key.
    fn extract(&mut self, key: AstNode, from: usize, bound: &mut Bound<'s>) -> usize {
        let to = self.slots;
        self.slots += 1;
        bound.pattern.parts.push(Extract { from, key, to });
        to
    }
}
