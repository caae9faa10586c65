//! The names of filters: ours, and those of jq that we refuse.

use std::collections::BTreeSet;

use super::{
    check,
    compile::CompileError,
    filters::{self, Filter},
};

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

/// Finds the filter of this name and number of arguments.
pub(super) fn resolve(
    source: &str,
    name: &str,
    arity: usize,
) -> Result<&'static Filter, CompileError> {
    filters::all()
        .find(|filter| filter.name == name && filter.arity() == arity)
        .ok_or_else(|| CompileError::at(source, name, complaint(name, arity)))
}

fn complaint(name: &str, arity: usize) -> String {
    let same_name = filters::all().filter(|filter| filter.name == name);
    let arities: BTreeSet<_> = same_name.map(Filter::arity).collect();
    if !arities.is_empty() {
        let arities: Vec<_> = arities.iter().map(usize::to_string).collect();
        return format!("`{name}` takes {} arguments, not {arity}", arities.join(" or "));
    }
    if REFUSED.contains(&name) || name.contains("::") {
        return check::refused(name);
    }
    match nearest(name) {
        Some(near) => format!("unknown filter `{name}`, did you mean `{near}`?"),
        None => format!("unknown filter `{name}`"),
    }
}

fn nearest(name: &str) -> Option<&'static str> {
    let most = if name.len() < 4 { 1 } else { 2 };
    let candidates = filters::all().map(|filter| (distance(name, filter.name), filter.name));
    candidates.filter(|(distance, _)| *distance <= most).min().map(|(_, known)| known)
}

/// Returns how many letters have to be added, removed or replaced to get from one word to the
/// other.
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
