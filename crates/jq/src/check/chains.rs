//! Chains: the entries of an object, the parts of a string, the branches of `,`. A run goes along
//! them without recursion, so long ones do not count as deep.

use jaq_core::load::{
    lex::StrPart,
    parse::{BinaryOp, Term},
};

use super::{AstNode, Checker, CompileError, Op, PathStep, ValuePath, names};

impl<'s> Checker<'s, '_> {
    pub(super) fn string(
        &mut self,
        format: Option<&'s str>,
        parts: Vec<StrPart<&'s str, Term<&'s str>>>,
        level: usize,
    ) -> Result<Op, CompileError> {
        let format = names::resolve(self.source, format.unwrap_or("tostring"), 0)?;
        let level = if parts.len() < 2 { level } else { level + tree_levels(parts.len()) };
        let mut pieces = Vec::new();
        let mut text = String::new();
        for part in parts {
            match part {
                StrPart::Term(term) => {
                    let value = self.term(term, level + 1)?;
                    if !text.is_empty() {
                        pieces.push(Op::Text(std::mem::take(&mut text).into()).into());
                    }
                    pieces.push(Op::Pipe(value.into(), format.call(None).into()).into());
                }
                StrPart::Str(literal) => {
                    self.near = literal;
                    text.push_str(literal);
                }
                StrPart::Char(char) => text.push(char),
            }
        }
        if pieces.is_empty() {
            return Ok(Op::Text(text.into()));
        }
        pieces.push(Op::Text(text.into()).into());
        Ok(Op::Interpolation(pieces))
    }

    pub(super) fn object(
        &mut self,
        entries: Vec<(Term<&'s str>, Option<Term<&'s str>>)>,
        level: usize,
    ) -> Result<Op, CompileError> {
        let level = level + 1 + tree_levels(entries.len());
        let mut checked = Vec::new();
        for (key, value) in entries {
            checked.push(match (key, value) {
                (key, Some(value)) => (self.term(key, level)?, self.term(value, level)?),
                (Term::Var(name), None) => {
                    let key = name.trim_start_matches('$');
                    (Op::Text(key.into()).into(), self.term(Term::Var(name), level)?)
                }
                (key, None) => {
                    let value = self.held(key.clone(), level)?;
                    (self.term(key, level)?, value)
                }
            });
        }
        Ok(Op::Object(checked))
    }

    /// Returns what the input has at a key.
    fn held(&mut self, key: Term<&'s str>, level: usize) -> Result<AstNode, CompileError> {
        let mut path = ValuePath { steps: Vec::new(), indices: Vec::new() };
        let access = path.index(self.term(key, level)?);
        path.steps.push(PathStep { access, optional: false });
        Ok(Op::Path(Op::Id.into(), path).into())
    }

    pub(super) fn comma(
        &mut self,
        left: Term<&'s str>,
        right: Term<&'s str>,
        level: usize,
    ) -> Result<Op, CompileError> {
        let mut first = left;
        let mut others = vec![right];
        while let Term::BinOp(left, BinaryOp::Comma, right) = first {
            others.push(*right);
            first = *left;
        }
        let level = level + tree_levels(others.len() + 1) + 1;
        let branches = std::iter::once(first).chain(others.into_iter().rev());
        branches.map(|branch| self.term(branch, level)).collect::<Result<_, _>>().map(Op::Comma)
    }
}

/// Returns the height of a balanced tree over this many leaves.
fn tree_levels(leaves: usize) -> usize {
    leaves.next_power_of_two().ilog2() as usize
}
