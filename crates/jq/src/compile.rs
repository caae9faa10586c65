//! From source text to a program, or to words about what is wrong with it.

use std::thread;

use jaq_core::load::{
    lex::{self, Lexer, Token},
    parse::{Expect, Parser, TError, Term},
};
use thiserror::Error;

use super::{
    check::{self, tokens},
    program::Program,
};

/// The longest program, in bytes.
const MAX_SOURCE: usize = 4096;
/// The lexer recurses once for each bracket, of which there are at most `MAX_SOURCE`; the parser
/// is kept to the nesting that `tokens::too_deep` allows. Together they use a fraction of this.
const PARSER_STACK: usize = 64 << 20;

/// What is wrong with a program, for the author of the catalogue file that holds it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message} (line {line}, column {column})")]
pub struct CompileError {
    /// The line within the program, counted from 1.
    pub line: usize,
    /// The character within the line, counted from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

impl CompileError {
    /// Returns an error about `part`, a slice of the source or, for what has no place there,
    /// anything else.
    pub(super) fn at(source: &str, part: &str, message: impl Into<String>) -> Self {
        let offset = part.as_ptr().addr().wrapping_sub(source.as_ptr().addr());
        let before = source.get(..offset).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: 1 + before.matches('\n').count(),
            column: 1 + before[line_start..].chars().count(),
            message: message.into(),
        }
    }
}

pub(super) fn compile(source: &str, variables: &[&str]) -> Result<Program, CompileError> {
    if source.len() > MAX_SOURCE {
        let message = format!("a program has at most {MAX_SOURCE} bytes, not {}", source.len());
        return Err(CompileError::at(source, source, message));
    }
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("jq-compile".into()).stack_size(PARSER_STACK);
        let Ok(compiling) = thread.spawn_scoped(scope, || compile_here(source, variables)) else {
            return Err(CompileError::at(source, source, "no thread is left to compile on"));
        };
        compiling.join().unwrap_or_else(|_panic| {
            Err(CompileError::at(source, source, "the compiler cannot cope with this program"))
        })
    })
}

fn compile_here(source: &str, variables: &[&str]) -> Result<Program, CompileError> {
    let tokens = Lexer::new(source).lex().map_err(|errors| lexical_error(source, &errors))?;
    let term = parse(source, &tokens)?;
    check::check(source, &tokens, term, variables)
}

fn parse<'s>(source: &'s str, tokens: &[Token<&'s str>]) -> Result<Term<&'s str>, CompileError> {
    if let Some(part) = tokens::module_statement(tokens).or_else(|| tokens::refused_symbol(tokens))
    {
        return Err(CompileError::at(source, part, check::refused(part)));
    }
    if let Some(part) = tokens::too_deep(tokens) {
        return Err(CompileError::at(source, part, check::too_deep()));
    }
    Parser::new(tokens).parse(Parser::term).map_err(|errors| syntax_error(source, &errors))
}

fn lexical_error(source: &str, errors: &[lex::Error<&str>]) -> CompileError {
    let Some((expected, rest)) = errors.first() else {
        return CompileError::at(source, source, "this is not jq");
    };
    let message = match (expected, rest.chars().next()) {
        (lex::Expect::Token, Some(unexpected)) => format!("unexpected `{unexpected}`"),
        _ => format!("expected a {}", expected.as_str()),
    };
    CompileError::at(source, rest, message)
}

fn syntax_error(source: &str, errors: &[TError<'_, &str>]) -> CompileError {
    let Some((expected, found)) = errors.first() else {
        return CompileError::at(source, source, "this is not jq");
    };
    let wanted = match expected {
        Expect::Term => "an expression",
        other => other.as_str(),
    };
    let part = Token::opt_as_str(*found, source);
    let met: String = match part.lines().next() {
        None => "the end".into(),
        Some(line) => format!("`{}`", line.chars().take(20).collect::<String>()),
    };
    CompileError::at(source, part, format!("expected {wanted}, found {met}"))
}
