//! The names of filters: ours, those spelled out by others, and those of jq that we refuse.

use std::collections::BTreeSet;

use jaq_core::load::parse::{BinaryOp, Term};
use jaq_core::path::{Opt, Part, Path};

use super::check;
use super::compile::CompileError;
use super::filters;

/// The filter that pays for a turn of a loop. Not a word that a source can hold.
pub(super) const TOLL: &str = "!toll";
/// How much deeper than a call its arguments are evaluated, at most.
pub(super) const LEVELS_OF_A_CALL: usize = 4;

/// Spells out a filter, given its arguments.
pub(super) type Shorthand = for<'s> fn(Vec<Term<&'s str>>) -> Term<&'s str>;

/// Filters that are short for others. They bind no variables, so an argument means the same inside.
const SHORTHANDS: [(&str, usize, Shorthand); 8] = [
    ("map", 1, |mut args| map(args.remove(0))),
    ("select", 1, |mut args| {
        let nothing = Box::new(call("empty"));
        Term::IfThenElse(vec![(args.remove(0), Term::Id)], Some(nothing))
    }),
    ("with_entries", 1, |mut args| {
        pipe(call("to_entries"), pipe(map(args.remove(0)), call("from_entries")))
    }),
    ("add", 1, |mut args| pipe(Term::Arr(Some(Box::new(args.remove(0)))), call("add"))),
    ("any", 0, |_| Term::Call("any", vec![Term::Id])),
    ("all", 0, |_| Term::Call("all", vec![Term::Id])),
    ("first", 0, |_| step(Part::Index(Term::Num("0")))),
    ("last", 0, |_| step(Part::Index(Term::Num("-1")))),
];

/// Filters of jq that are left out on purpose.
const REFUSED: [&str; 54] = [
    "@base32",
    "@base32d",
    "@base64d",
    "@csv",
    "@html",
    "@sh",
    "@tsv",
    "builtins",
    "capture",
    "combinations",
    "debug",
    "del",
    "delpaths",
    "env",
    "fromdate",
    "fromjson",
    "getpath",
    "gsub",
    "halt",
    "halt_error",
    "implode",
    "input",
    "input_filename",
    "inputs",
    "isvalid",
    "leaf_paths",
    "limit",
    "localtime",
    "match",
    "mktime",
    "modulemeta",
    "now",
    "nth",
    "path",
    "paths",
    "pick",
    "range",
    "recurse",
    "repeat",
    "scan",
    "setpath",
    "skip",
    "splits",
    "stderr",
    "strftime",
    "strptime",
    "sub",
    "test",
    "tostream",
    "transpose",
    "truncate_stream",
    "until",
    "walk",
    "while",
];

/// Finds the filter of this name and number of arguments, and how to spell it if it is short.
pub(super) fn resolve(
    source: &str,
    name: &str,
    args: usize,
) -> Result<Option<Shorthand>, CompileError> {
    if let Some((.., spell)) = SHORTHANDS.iter().find(|short| (short.0, short.1) == (name, args)) {
        return Ok(Some(*spell));
    }
    if filters::all().any(|entry| entry.name == name && entry.args.len() == args) {
        return Ok(None);
    }
    Err(CompileError::at(source, name, complaint(name, args)))
}

fn complaint(name: &str, args: usize) -> String {
    let arities: BTreeSet<_> =
        known().filter(|known| known.0 == name).map(|known| known.1).collect();
    if !arities.is_empty() {
        let arities: Vec<_> = arities.iter().map(usize::to_string).collect();
        return format!("`{name}` takes {} arguments, not {args}", arities.join(" or "));
    }
    if REFUSED.contains(&name) || name.contains("::") {
        return check::refused(name);
    }
    match nearest(name) {
        Some(near) => format!("unknown filter `{name}`, did you mean `{near}`?"),
        None => format!("unknown filter `{name}`"),
    }
}

/// Every filter that a program can name, with its number of arguments.
fn known() -> impl Iterator<Item = (&'static str, usize)> {
    let natives = filters::all().map(|entry| (entry.name, entry.args.len()));
    let natives = natives.filter(|(name, _)| *name != TOLL);
    natives.chain(SHORTHANDS.iter().map(|short| (short.0, short.1)))
}

fn nearest(name: &str) -> Option<&'static str> {
    let most = if name.len() < 4 { 1 } else { 2 };
    let candidates = known().map(|(known, _)| (distance(name, known), known));
    candidates.filter(|(distance, _)| *distance <= most).min().map(|(_, known)| known)
}

/// How many letters have to be added, removed or replaced to get from one word to the other.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<_> = (0..=right.len()).collect();
    for (line, letter) in left.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, other) in right.bytes().enumerate() {
            let replaced = diagonal + usize::from(letter != other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

fn call(name: &str) -> Term<&str> {
    Term::Call(name, Vec::new())
}

fn pipe<'s>(left: Term<&'s str>, right: Term<&'s str>) -> Term<&'s str> {
    Term::BinOp(Box::new(left), BinaryOp::Pipe(None), Box::new(right))
}

fn map(each: Term<&str>) -> Term<&str> {
    Term::Arr(Some(Box::new(pipe(step(Part::Range(None, None)), each))))
}

fn step(part: Part<Term<&str>>) -> Term<&str> {
    Term::Path(Box::new(Term::Id), Path(vec![(part, Opt::Essential)]))
}
