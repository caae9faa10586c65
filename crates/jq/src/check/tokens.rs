//! What can be said of a program before it is parsed, and has to be: the parser recurses.

use jaq_core::load::lex::{StrPart, Tok, Token};

use super::MAX_LEVELS;

/// Assignments are updates, and updates take paths as far as they like.
const REFUSED_SYMBOLS: [&str; 9] = ["..", "=", "|=", "+=", "-=", "*=", "/=", "%=", "//="];
/// What makes the parser recurse although it is not a bracket.
const OPENING: [&str; 11] =
    ["-", "|", "as", "def", "elif", "foreach", "if", "label", "reduce", "then", "try"];
/// Wider than the limit for terms: a list holds many of `OPENING` without being deep.
const MAX_NESTING: usize = 4 * MAX_LEVELS;

/// Returns the keyword of a leading module statement.
pub(in super::super) fn module_statement<'s>(tokens: &[Token<&'s str>]) -> Option<&'s str> {
    match tokens.first() {
        Some(Token(word @ ("module" | "import" | "include"), Tok::Word)) => Some(word),
        _ => None,
    }
}

/// Returns the first operator that is not part of the language.
pub(in super::super) fn refused_symbol<'s>(tokens: &[Token<&'s str>]) -> Option<&'s str> {
    find(tokens, &|symbol| REFUSED_SYMBOLS.contains(&symbol))
}

/// Returns the first symbol or word that is wanted, also inside brackets and strings.
pub(super) fn find<'s>(
    tokens: &[Token<&'s str>],
    wanted: &impl Fn(&str) -> bool,
) -> Option<&'s str> {
    tokens.iter().find_map(|Token(text, token)| match token {
        Tok::Word | Tok::Sym => Some(*text).filter(|text| wanted(text)),
        token => inner(token).find_map(|tokens| find(tokens, wanted)),
    })
}

/// Returns the first token that is nested too deeply for the parser.
pub(in super::super) fn too_deep<'s>(tokens: &[Token<&'s str>]) -> Option<&'s str> {
    deeper_than(tokens, MAX_NESTING)
}

fn deeper_than<'s>(tokens: &[Token<&'s str>], mut levels: usize) -> Option<&'s str> {
    for Token(text, token) in tokens {
        if levels == 0 {
            return Some(text);
        }
        if let Some(text) = inner(token).find_map(|tokens| deeper_than(tokens, levels - 1)) {
            return Some(text);
        }
        levels -= usize::from(OPENING.contains(text));
    }
    None
}

/// Returns the tokens within a token.
fn inner<'t, 's>(token: &'t Tok<&'s str>) -> impl Iterator<Item = &'t [Token<&'s str>]> {
    let (block, parts) = match token {
        Tok::Block(tokens) => (Some(tokens.as_slice()), [].as_slice()),
        Tok::Str(parts) => (None, parts.as_slice()),
        _ => (None, [].as_slice()),
    };
    let interpolated = parts.iter().filter_map(|part| match part {
        StrPart::Term(token) => Some(std::slice::from_ref(token)),
        _ => None,
    });
    block.into_iter().chain(interpolated)
}
