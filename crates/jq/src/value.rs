//! The values that programs handle. Copying one is cheap: texts are borrowed from the document, the
//! arguments or the program where they can be, and large values are shared.

use std::{
    borrow::Borrow,
    collections::HashMap,
    hash::{Hash, Hasher},
    ops::Deref,
    rc::Rc,
};

use super::{fault::RunLimit, meter::text_units};

/// The largest weight of a value that a program may build.
pub(super) const MAX_WEIGHT: usize = 200_000;
/// The deepest nesting of arrays and objects, in input and output alike.
pub(super) const MAX_DEPTH: usize = 128;
/// Objects with more entries than this keep an index; searching fewer is as quick.
const MAX_SEARCHED: usize = 32;

#[derive(Clone)]
pub(super) enum Value<'a> {
    Null,
    Bool(bool),
    Int(i64),
    /// An integer that is too large for `Int`.
    Large(u64),
    /// Always finite.
    Float(f64),
    Text(Text<'a>),
    Array(Rc<Array<'a>>),
    Object(Rc<Object<'a>>),
}

#[derive(Clone)]
pub(super) enum Text<'a> {
    Borrowed(&'a str),
    Shared(Rc<str>),
}

#[derive(Clone, Default)]
pub(super) struct Array<'a> {
    items: Vec<Value<'a>>,
    contents: Shape,
}

/// Entries in the order in which their keys came, each key once.
#[derive(Clone, Default)]
pub(super) struct Object<'a> {
    entries: Vec<(Text<'a>, Value<'a>)>,
    /// The marks of all keys.
    marks: u64,
    /// Where each key is, if there are many.
    index: HashMap<Text<'a>, usize>,
    contents: Shape,
}

/// How large and how deep something is when written out, shared parts counted each time: at most
/// this. The depth keeps everything that walks a value by recursion (comparing, printing, dropping)
/// from running out of stack, so all code that nests a value into another checks it.
#[derive(Clone, Copy, Default)]
struct Shape {
    weight: u32,
    depth: u32,
}

impl<'a> Value<'a> {
    pub(super) fn text(text: impl Into<Text<'a>>) -> Self {
        Self::Text(text.into())
    }

    /// Returns an array that holds no value deeper than it was held before.
    pub(super) fn rearranged(items: Vec<Self>) -> Self {
        Self::Array(Rc::new(items.into()))
    }

    /// Returns an array, if it stays within the limits.
    pub(super) fn array(items: impl Into<Array<'a>>) -> Result<Self, RunLimit> {
        Self::Array(Rc::new(items.into())).limited()
    }

    /// Returns an object, if it stays within the limits.
    pub(super) fn object(object: Object<'a>) -> Result<Self, RunLimit> {
        Self::Object(Rc::new(object)).limited()
    }

    fn limited(self) -> Result<Self, RunLimit> {
        let Shape { weight, depth } = self.shape();
        let fits = weight as usize <= MAX_WEIGHT && depth as usize <= MAX_DEPTH;
        if fits { Ok(self) } else { Err(RunLimit::Size) }
    }

    /// Returns how many nodes it has when written out, and a node for each 64 bytes of text.
    pub(super) fn weight(&self) -> usize {
        self.shape().weight as usize
    }

    /// Returns whether it is neither null nor false.
    pub(super) fn is_true(&self) -> bool {
        !matches!(self, Self::Null | Self::Bool(false))
    }

    fn shape(&self) -> Shape {
        match self {
            Self::Array(array) => array.contents.within(),
            Self::Object(object) => object.contents.within(),
            Self::Text(text) => text.shape(),
            _ => Shape { weight: 1, depth: 0 },
        }
    }
}

impl<'a> Array<'a> {
    pub(super) fn push(&mut self, item: Value<'a>) {
        self.contents = self.contents.and(item.shape());
        self.items.push(item);
    }
}

impl<'a> Object<'a> {
    pub(super) fn with_capacity(entries: usize) -> Self {
        Self { entries: Vec::with_capacity(entries), ..Self::default() }
    }

    pub(super) fn entries(&self) -> &[(Text<'a>, Value<'a>)] {
        &self.entries
    }

    pub(super) fn get(&self, key: &str) -> Option<&Value<'a>> {
        self.position(key).map(|at| &self.entries[at].1)
    }

    /// Adds an entry, or replaces the value of the one with that key.
    pub(super) fn insert(&mut self, key: Text<'a>, value: Value<'a>) {
        if let Some(at) = self.position(&key) {
            let held = &mut self.entries[at].1;
            self.contents = self.contents.without(held.shape()).and(value.shape());
            *held = value;
            return;
        }
        self.contents = self.contents.and(key.shape()).and(value.shape());
        self.marks |= mark(&key);
        self.entries.push((key, value));
        let indexed = match self.entries.len() {
            len if len <= MAX_SEARCHED => len..len,
            len if self.index.is_empty() => 0..len,
            len => len - 1..len,
        };
        for at in indexed {
            self.index.insert(self.entries[at].0.clone(), at);
        }
    }

    fn position(&self, key: &str) -> Option<usize> {
        if self.marks & mark(key) == 0 {
            return None;
        }
        if self.index.is_empty() {
            return self.entries.iter().position(|(held, _)| **held == *key);
        }
        self.index.get(key).copied()
    }
}

/// Returns one bit of a key, by which most keys that are not there are known without a search.
fn mark(key: &str) -> u64 {
    let first = key.as_bytes().first().copied().map_or(0, usize::from);
    let last = key.as_bytes().last().copied().map_or(0, usize::from);
    1 << ((key.len() + 5 * first + 11 * last) % 64)
}

impl Shape {
    fn and(self, other: Self) -> Self {
        let weight = self.weight.saturating_add(other.weight);
        Self { weight, depth: self.depth.max(other.depth) }
    }

    /// Subtracts another shape. A weight that reached the end of its range stays there.
    fn without(self, other: Self) -> Self {
        let weight = if self.weight == u32::MAX { u32::MAX } else { self.weight - other.weight };
        Self { weight, ..self }
    }

    /// Returns the shape of the array or object that holds this.
    fn within(self) -> Self {
        Self { weight: self.weight.saturating_add(1), depth: self.depth + 1 }
    }
}

impl<'a> From<Vec<Value<'a>>> for Array<'a> {
    fn from(items: Vec<Value<'a>>) -> Self {
        let contents = items.iter().fold(Shape::default(), |all, item| all.and(item.shape()));
        Self { items, contents }
    }
}

impl<'a> Deref for Array<'a> {
    type Target = [Value<'a>];

    fn deref(&self) -> &Self::Target {
        &self.items
    }
}

impl Text<'_> {
    fn shape(&self) -> Shape {
        Shape { weight: u32::try_from(text_units(self.len())).unwrap_or(u32::MAX), depth: 0 }
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Shared(text) => text,
        }
    }
}

impl Borrow<str> for Text<'_> {
    fn borrow(&self) -> &str {
        self
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Text<'_> {}

impl Hash for Text<'_> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        str::hash(self, hasher);
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self::Borrowed(text)
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self::Shared(text.into())
    }
}

impl From<bool> for Value<'_> {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<usize> for Value<'_> {
    fn from(count: usize) -> Self {
        i64::try_from(count).map_or(Self::Large(count as u64), Self::Int)
    }
}
