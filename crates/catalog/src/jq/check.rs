//! The language: which of jq's constructs a program may use, and how they are made payable.
//!
//! Checking rewrites. Filters such as `map(f)` are spelled out, loops get a toll, and long chains
//! (the entries of an object, the parts of a string, the branches of `,`) become balanced trees,
//! because the interpreter recurses once for each level.

mod chains;
pub(super) mod tokens;

use jaq_core::load::lex::Token;
use jaq_core::load::parse::{BinaryOp, Pattern, Term};
use jaq_core::path::{Part, Path};

use super::compile::CompileError;
use super::names;
use super::number::Number;

/// How deeply a program may be nested. The interpreter recurses this deep on the caller's stack.
pub(super) const MAX_LEVELS: usize = 100;

/// A program of our language.
pub(super) struct Checked<'s> {
    pub(super) term: Term<&'s str>,
    /// How many parts it has, each evaluated at most once in a turn of a loop.
    pub(super) parts: usize,
}

/// Refuses what is not part of the language and makes the rest payable.
pub(super) fn check<'s>(
    source: &'s str,
    tokens: &[Token<&'s str>],
    term: Term<&'s str>,
) -> Result<Checked<'s>, CompileError> {
    let mut checker = Checker { source, tokens, near: source, parts: 0 };
    let term = checker.term(term, 0)?;
    Ok(Checked { term, parts: checker.parts })
}

type Outcome<'s> = Result<Term<&'s str>, CompileError>;

struct Checker<'s, 't> {
    source: &'s str,
    tokens: &'t [Token<&'s str>],
    /// The name or literal last seen, for errors about things that have no name.
    near: &'s str,
    parts: usize,
}

impl<'s> Checker<'s, '_> {
    fn term(&mut self, term: Term<&'s str>, level: usize) -> Outcome<'s> {
        self.descend(level)?;
        match term {
            Term::Id | Term::Var(_) | Term::Arr(None) => Ok(term),
            Term::Num(digits) => self.number(digits),
            Term::Str(format, parts) => self.string(format, parts, level),
            Term::Arr(Some(items)) => Ok(Term::Arr(Some(self.boxed(*items, level)?))),
            Term::Obj(entries) => self.object(entries, level),
            Term::Neg(operand) => Ok(Term::Neg(self.boxed(*operand, level)?)),
            Term::BinOp(left, op, right) => self.operation(*left, op, *right, level),
            Term::Fold(word, items, pattern, args) => {
                let items = self.boxed(*items, level)?;
                self.fold(word, items, pattern, args, level)
            }
            Term::TryCatch(body, None) => {
                let nothing = Box::new(Term::Call("empty", Vec::new()));
                let body = self.boxed(*body, level)?;
                Ok(Term::TryCatch(body, Some(nothing)))
            }
            Term::IfThenElse(branches, otherwise) => self.branches(branches, otherwise, level),
            Term::Call(name, args) => self.call(name, args, level),
            Term::Path(subject, path) => self.path(*subject, path, level),
            Term::TryCatch(_, Some(_)) => Err(self.refused_word("catch")),
            Term::Recurse => Err(self.refused_word("..")),
            Term::Label(..) => Err(self.refused_word("label")),
            Term::Break(_) => Err(self.refused_word("break")),
            Term::Def(..) => Err(self.refused_word("def")),
        }
    }

    fn number(&mut self, digits: &'s str) -> Outcome<'s> {
        self.near = digits;
        if Number::parse(digits).is_none() {
            return Err(self.error(digits, "this number is too long or too large"));
        }
        Ok(Term::Num(digits))
    }

    fn operation(
        &mut self,
        left: Term<&'s str>,
        op: BinaryOp<&'s str>,
        right: Term<&'s str>,
        level: usize,
    ) -> Outcome<'s> {
        let op = match op {
            BinaryOp::Comma => return self.comma(operation(left, op, right), level),
            BinaryOp::Pipe(Some(pattern)) => {
                let left = self.boxed(left, level)?;
                let (pattern, entries) = self.pattern(pattern, level)?;
                let right = self.boxed(right, level + entries)?;
                return Ok(Term::BinOp(left, BinaryOp::Pipe(Some(pattern)), right));
            }
            BinaryOp::Assign | BinaryOp::Update | BinaryOp::UpdateMath(_) | BinaryOp::UpdateAlt => {
                return Err(self.refused_word("="));
            }
            op => op,
        };
        Ok(Term::BinOp(self.boxed(left, level)?, op, self.boxed(right, level)?))
    }

    /// Each turn pays, even if the items come from a list that was already paid for.
    fn fold(
        &mut self,
        word: &'s str,
        items: Box<Term<&'s str>>,
        pattern: Pattern<&'s str>,
        args: Vec<Term<&'s str>>,
        level: usize,
    ) -> Outcome<'s> {
        if !matches!((word, args.len()), ("reduce", 2) | ("foreach", 2 | 3)) {
            let message =
                format!("`{word}` takes an initial value and an update, as `(0; . + $x)`");
            return Err(self.error(word, message));
        }
        let (pattern, entries) = self.pattern(pattern, level)?;
        let mut checked = Vec::new();
        for (position, arg) in args.into_iter().enumerate() {
            let arg = self.term(arg, level + entries + 2)?;
            checked.push(if position == 1 { tolled(arg) } else { arg });
        }
        Ok(Term::Fold(word, items, pattern, checked))
    }

    /// Checks a pattern and counts its parts: the interpreter nests one in the other.
    fn pattern(
        &mut self,
        pattern: Pattern<&'s str>,
        level: usize,
    ) -> Result<(Pattern<&'s str>, usize), CompileError> {
        self.descend(level)?;
        let mut parts = 1;
        let pattern = match pattern {
            Pattern::Var(_) => pattern,
            Pattern::Arr(items) => {
                let mut checked = Vec::new();
                for item in items {
                    let (item, inner) = self.pattern(item, level + parts)?;
                    parts += inner;
                    checked.push(item);
                }
                Pattern::Arr(checked)
            }
            Pattern::Obj(entries) => {
                let mut checked = Vec::new();
                for (key, item) in entries {
                    let key = self.term(key, level + parts)?;
                    let (item, inner) = self.pattern(item, level + parts)?;
                    parts += inner;
                    checked.push((key, item));
                }
                Pattern::Obj(checked)
            }
        };
        Ok((pattern, parts))
    }

    fn branches(
        &mut self,
        branches: Vec<(Term<&'s str>, Term<&'s str>)>,
        otherwise: Option<Box<Term<&'s str>>>,
        level: usize,
    ) -> Outcome<'s> {
        let mut checked = Vec::new();
        let mut level = level;
        for (condition, then) in branches {
            level += 1;
            checked.push((self.term(condition, level)?, self.term(then, level)?));
        }
        let otherwise = otherwise.map(|otherwise| self.boxed(*otherwise, level)).transpose()?;
        Ok(Term::IfThenElse(checked, otherwise))
    }

    fn call(&mut self, name: &'s str, args: Vec<Term<&'s str>>, level: usize) -> Outcome<'s> {
        self.near = name;
        let inner = level + names::LEVELS_OF_A_CALL;
        let args = args.into_iter().map(|arg| self.term(arg, inner));
        let args = args.collect::<Result<Vec<_>, _>>()?;
        match names::resolve(self.source, name, args.len())? {
            Some(spell) => Ok(spell(args)),
            None => Ok(Term::Call(name, args)),
        }
    }

    fn path(
        &mut self,
        subject: Term<&'s str>,
        Path(steps): Path<Term<&'s str>>,
        level: usize,
    ) -> Outcome<'s> {
        self.descend(level + steps.len())?;
        let subject = self.boxed(subject, level + steps.len())?;
        let mut checked = Vec::new();
        for (part, opt) in steps {
            let mut index = |index| self.term(index, level + 1);
            let part = match part {
                Part::Index(key) => Part::Index(index(key)?),
                Part::Range(from, to) => {
                    Part::Range(from.map(&mut index).transpose()?, to.map(&mut index).transpose()?)
                }
            };
            checked.push((part, opt));
        }
        Ok(Term::Path(subject, Path(checked)))
    }

    fn boxed(
        &mut self,
        term: Term<&'s str>,
        level: usize,
    ) -> Result<Box<Term<&'s str>>, CompileError> {
        self.term(term, level + 1).map(Box::new)
    }

    fn descend(&mut self, level: usize) -> Result<(), CompileError> {
        self.parts += 1;
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

/// The words for a construct that the language does not have.
pub(super) fn refused(what: &str) -> String {
    format!("`{what}` is not part of this language")
}

/// The words for too many levels.
pub(super) fn too_deep() -> String {
    format!(
        "nested too deeply: at most {MAX_LEVELS} levels, and each bracket, operator, pipe and \
         step of a path is one"
    )
}

fn operation<'s>(
    left: Term<&'s str>,
    op: BinaryOp<&'s str>,
    right: Term<&'s str>,
) -> Term<&'s str> {
    Term::BinOp(Box::new(left), op, Box::new(right))
}

fn tolled(term: Term<&str>) -> Term<&str> {
    operation(Term::Call(names::TOLL, Vec::new()), BinaryOp::Pipe(None), term)
}
