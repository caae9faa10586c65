//! Chains: the entries of an object, the parts of a string, the branches of `,`.
//!
//! The interpreter evaluates a chain by recursion, one level for each link. Their operators are
//! associative, so they become balanced trees, and long ones do not count as deep.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Term};
use jaq_core::ops::Math;

use super::{Checker, CompileError, Outcome, names, operation, tolled};

impl<'s> Checker<'s, '_> {
    pub(super) fn string(
        &mut self,
        format: Option<&'s str>,
        parts: Vec<StrPart<&'s str, Term<&'s str>>>,
        level: usize,
    ) -> Outcome<'s> {
        if let Some(format) = format {
            names::resolve(self.source, format, 0)?;
        }
        if parts.len() < 2 {
            let parts = self.string_parts(parts, level)?;
            return Ok(Term::Str(format, parts));
        }
        let level = level + tree_levels(parts.len());
        let mut strings = Vec::new();
        for part in parts {
            self.parts += 2;
            strings.push(Term::Str(format, self.string_parts(vec![part], level)?));
        }
        Ok(balanced(strings, &BinaryOp::Math(Math::Add)))
    }

    fn string_parts(
        &mut self,
        parts: Vec<StrPart<&'s str, Term<&'s str>>>,
        level: usize,
    ) -> Result<Vec<StrPart<&'s str, Term<&'s str>>>, CompileError> {
        let checked = parts.into_iter().map(|part| match part {
            StrPart::Term(term) => Ok(StrPart::Term(self.term(term, level + 1)?)),
            StrPart::Str(text) => {
                self.near = text;
                Ok(StrPart::Str(text))
            }
            StrPart::Char(char) => Ok(StrPart::Char(char)),
        });
        checked.collect()
    }

    pub(super) fn object(
        &mut self,
        entries: Vec<(Term<&'s str>, Option<Term<&'s str>>)>,
        level: usize,
    ) -> Outcome<'s> {
        if entries.is_empty() {
            return Ok(Term::Obj(entries));
        }
        let level = level + tree_levels(entries.len());
        let mut objects = Vec::new();
        for (key, item) in entries {
            let key = self.term(key, level + 1)?;
            let item = item.map(|item| self.term(item, level + 1)).transpose()?;
            objects.push(Term::Obj(vec![(key, item)]));
        }
        Ok(balanced(objects, &BinaryOp::Math(Math::Add)))
    }

    /// Each branch but the first pays before it runs: branches multiply, and nothing in them has to.
    pub(super) fn comma(&mut self, mut term: Term<&'s str>, level: usize) -> Outcome<'s> {
        let mut branches = Vec::new();
        while let Term::BinOp(left, BinaryOp::Comma, right) = term {
            branches.push(*right);
            term = *left;
        }
        let level = level + tree_levels(branches.len() + 1) + 1;
        let mut checked = vec![self.term(term, level)?];
        for branch in branches.into_iter().rev() {
            self.parts += 2;
            checked.push(tolled(self.term(branch, level)?));
        }
        Ok(balanced(checked, &BinaryOp::Comma))
    }
}

/// Joins terms in their order with an associative operator, as flat as possible.
fn balanced<'s>(mut terms: Vec<Term<&'s str>>, op: &BinaryOp<&'s str>) -> Term<&'s str> {
    match terms.len() {
        0 => Term::Id,
        1 => terms.remove(0),
        len => {
            let right = terms.split_off(len / 2);
            operation(balanced(terms, op), op.clone(), balanced(right, op))
        }
    }
}

/// The height of a balanced tree over this many leaves.
fn tree_levels(leaves: usize) -> usize {
    leaves.next_power_of_two().ilog2() as usize
}
