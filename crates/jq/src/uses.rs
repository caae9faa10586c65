//! What a program reads of its input and of the variables that it is given, as far as its text shows.
//!
//! A mapping that names what is not there gives null and no error: only a check that knows what is
//! there can find the mistake.

use super::{
    node::{AstNode, Fold, Op, PathAccess, Pattern, ValuePath},
    program::Program,
};

/// Something that a program reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// Of what it is a part.
    pub of: Origin,
    /// The names on the way to it; none stands for the items of a list.
    pub path: Vec<Option<String>>,
}

/// What a program reads from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Its input.
    Input,
    /// A variable that it is given, by its place among them.
    Variable(usize),
}

impl Program {
    /// Returns what the program reads by name.
    pub fn uses(&self) -> Vec<Use> {
        let mut variables = vec![None; self.slots];
        for (slot, place) in variables.iter_mut().enumerate().take(self.given.len()) {
            *place = Some(Use { of: Origin::Variable(slot), path: Vec::new() });
        }
        let mut reader = UseCollector { variables, found: Vec::new() };
        reader.place(&self.node, Some(&Use { of: Origin::Input, path: Vec::new() }));
        reader.found
    }

    /// Returns the names of the members of what the program gives, where that is written out as an
    /// object.
    pub fn members(&self) -> Option<Vec<String>> {
        named(given(&self.node))
    }

    /// Returns all names of members that the program writes out; none where it computes some.
    pub fn all_members(&self) -> Option<Vec<String>> {
        let mut names = Some(Vec::new());
        self.node.visit(&mut |node| {
            if let Op::Object(_) = &node.op {
                let of_this = named(node);
                names = names.take().zip(of_this).map(|(all, more)| [all, more].concat());
            }
        });
        names
    }
}

fn given(node: &AstNode) -> &AstNode {
    match &node.op {
        Op::Pipe(_, right) => given(right),
        Op::Bind(_, _, body) => given(body),
        _ => node,
    }
}

fn named(node: &AstNode) -> Option<Vec<String>> {
    let Op::Object(entries) = &node.op else { return None };
    let mut names = Vec::new();
    for (key, _) in entries {
        let Op::Text(name) = &key.op else { return None };
        names.push(name.to_string());
    }
    Some(names)
}

impl AstNode {
    /// Shows each node of this one, itself first.
    fn visit(&self, see: &mut dyn FnMut(&Self)) {
        see(self);
        self.op.parts(&mut |part| part.visit(see));
    }
}

impl Op {
    /// Shows each node that this one is made of.
    fn parts<'n>(&'n self, see: &mut dyn FnMut(&'n AstNode)) {
        match self {
            Self::Array(part)
            | Self::Negate(part)
            | Self::Error(part)
            | Self::Unary(_, part)
            | Self::Try(part)
            | Self::First(part)
            | Self::Last(part)
            | Self::Search(part, _)
            | Self::MapValues(part)
            | Self::SortBy(part) => see(part),
            Self::Pipe(left, right)
            | Self::Alternative(left, right)
            | Self::Logic(left, _, right)
            | Self::Compare(left, _, right)
            | Self::Calculate(left, _, right) => {
                see(left);
                see(right);
            }
            Self::If(condition, then, otherwise) => {
                see(condition);
                see(then);
                see(otherwise);
            }
            Self::Object(entries) => {
                entries.iter().flat_map(|(key, item)| [key, item]).for_each(see);
            }
            Self::Interpolation(nodes) | Self::Comma(nodes) => nodes.iter().for_each(see),
            Self::Path(subject, path) => {
                see(subject);
                path.indices.iter().for_each(see);
            }
            Self::Bind(source, pattern, body) => {
                see(source);
                pattern.parts.iter().for_each(|part| see(&part.key));
                see(body);
            }
            Self::Fold(fold) => {
                let Fold { items, pattern, start, update, project } = &**fold;
                pattern.parts.iter().for_each(|part| see(&part.key));
                [items, start, update].into_iter().chain(project).for_each(see);
            }
            _ => {}
        }
    }
}

/// Goes through a program with what is known of `.` and of its variables.
struct UseCollector {
    variables: Vec<Option<Use>>,
    found: Vec<Use>,
}

impl UseCollector {
    /// Notes what a node reads, and returns what it gives, where that is a part of something known.
    fn place(&mut self, node: &AstNode, input: Option<&Use>) -> Option<Use> {
        match &node.op {
            Op::Id | Op::Only(_) => input.cloned(),
            Op::Variable(slot) => self.variables.get(*slot).cloned().flatten(),
            Op::Path(subject, path) => self.reached(subject, path, input),
            Op::Pipe(left, right) => {
                let between = self.place(left, input);
                self.place(right, between.as_ref())
            }
            Op::Try(part) | Op::First(part) | Op::Last(part) => self.place(part, input),
            Op::Bind(source, pattern, body) => {
                let bound = self.place(source, input);
                self.bind(pattern, bound);
                self.place(body, input)
            }
            Op::Fold(fold) => {
                let item = self.place(&fold.items, input);
                self.bind(&fold.pattern, item);
                self.place(&fold.start, input);
                self.place(&fold.update, None);
                fold.project.as_ref().and_then(|project| self.place(project, None))
            }
            Op::If(condition, then, otherwise) => {
                self.place(condition, input);
                let then = self.place(then, input);
                let other = self.place(otherwise, input);
                if matches!(otherwise.op, Op::Empty) || then == other { then } else { None }
            }
            Op::Search(part, _) | Op::MapValues(part) => {
                self.place(part, input.map(item_of).as_ref());
                None
            }
            Op::SortBy(part) => {
                self.place(part, input.map(item_of).as_ref());
                input.cloned()
            }
            other => {
                other.parts(&mut |part| {
                    self.place(part, input);
                });
                None
            }
        }
    }

    fn reached(&mut self, subject: &AstNode, path: &ValuePath, input: Option<&Use>) -> Option<Use> {
        let mut place = self.place(subject, input);
        for index in &path.indices {
            self.place(index, input);
        }
        for step in &path.steps {
            place = match &step.access {
                PathAccess::Key(name) => place.map(|place| self.noted(place, name)),
                PathAccess::Position(_) | PathAccess::Each => place.as_ref().map(item_of),
                PathAccess::Slice { .. } => place,
                PathAccess::Index => None,
            };
        }
        place
    }

    fn bind(&mut self, pattern: &Pattern, bound: Option<Use>) {
        self.variables[pattern.slot] = bound;
        for part in &pattern.parts {
            let whole = self.variables[part.from].clone();
            self.place(&part.key, whole.as_ref());
            self.variables[part.to] = match (&part.key.op, whole) {
                (Op::Text(name), Some(whole)) => Some(self.noted(whole, name)),
                _ => None,
            };
        }
    }

    fn noted(&mut self, mut place: Use, name: &str) -> Use {
        place.path.push(Some(name.to_owned()));
        self.found.push(place.clone());
        place
    }
}

fn item_of(list: &Use) -> Use {
    let mut path = list.path.clone();
    path.push(None);
    Use { of: list.of, path }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uses(source: &str) -> Vec<String> {
        let program = Program::compile(source, &["arguments", "also"]).unwrap();
        program.uses().iter().map(show).collect()
    }

    fn show(one: &Use) -> String {
        let path: Vec<_> = one.path.iter().map(|name| name.as_deref().unwrap_or("[]")).collect();
        let origin = match one.of {
            Origin::Input => String::new(),
            Origin::Variable(slot) => format!("${slot}"),
        };
        format!("{origin}.{}", path.join("."))
    }

    fn members(source: &str) -> Option<Vec<String>> {
        Program::compile(source, &[]).unwrap().members()
    }

    #[test]
    fn what_a_mapping_reads_by_name_is_found_wherever_it_stands() {
        for (source, expected) in [
            ("{limit, q: .query}", &[".limit", ".query"][..]),
            (".a.b[0].c?", &[".a", ".a.b", ".a.b.[].c"]),
            (".items | map(select(.on) | .id)", &[".items", ".items.[].on", ".items.[].id"]),
            (r#""\(.a)/\($arguments.b)""#, &[".a", "$0.b"]),
            (". as {a: $x} | $x.y + .z", &[".a", ".a.y", ".z"]),
            ("if .a then .b else .c end", &[".a", ".b", ".c"]),
            ("(.a // {x: 1}).b", &[".a"]),
            (
                "[$also.more.rows[] | {n: .name}]",
                &["$1.more", "$1.more.rows", "$1.more.rows.[].name"],
            ),
            ("reduce .xs[] as $x (0; . + $x.n)", &[".xs", ".xs.[].n"]),
            (". + {a: 1} | .b", &[]),
            ("with_entries(select(.value != null))", &[]),
        ] {
            assert_eq!(uses(source), expected, "{source}");
        }
    }

    #[test]
    fn the_members_of_an_object_that_is_written_out_are_known() {
        assert_eq!(members("{id, label: .name}").unwrap(), ["id", "label"]);
        assert_eq!(members(".a as $x | .b | {id: $x}").unwrap(), ["id"]);
        assert_eq!(members(".a"), None);
        assert_eq!(members("{(.k): 1}"), None);
    }
}
