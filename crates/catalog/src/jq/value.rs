//! The only kind of value that the interpreter sees: one that pays for what is done with it.

use std::fmt;

use jaq_core::box_iter::{BoxIter, box_once};
use jaq_core::path::Opt;
use jaq_core::val::Range;
use jaq_core::{Error, ValR, ValT, ValX};
use jaq_json::{Map, Num, Rc, Val};

use super::fault::{Fault, Kind};
use super::meter::{self, Spent, text_units};
use super::number::Number;
use super::shape::Shape;
use super::slice::{absolute, slice};
use super::{order, output};

/// A value whose operations spend from the thread's meter.
#[derive(Clone)]
pub(super) struct Metered {
    val: Val,
    shape: Shape,
}

impl Metered {
    /// A value as it is. Only for what does not nest values deeper than they were.
    pub(super) fn new(val: Val) -> Self {
        let shape = Shape::at_sight(&val);
        Self { val, shape }
    }

    pub(super) fn shaped(val: Val, shape: Shape) -> Self {
        Self { val, shape }
    }

    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::new(Val::utf8_str(text.into()))
    }

    /// An array of these items, if it stays within the limits.
    pub(super) fn array(items: impl IntoIterator<Item = Self>) -> Result<Self, Spent> {
        let (mut vals, mut shape) = (Vec::new(), Shape::EMPTY);
        for item in items {
            meter::spend(1)?;
            shape = shape.holding(item.shape()?)?;
            vals.push(item.val);
        }
        Ok(Self::shaped(Val::Arr(Rc::new(vals)), shape))
    }

    /// An object of these entries, if it stays within the limits. Keys have to be strings.
    pub(super) fn object(entries: impl IntoIterator<Item = (Self, Self)>) -> Result<Self, Fault> {
        let (mut map, mut shape) = (Map::default(), Shape::EMPTY);
        for (key, item) in entries {
            let Val::TStr(text) = &key.val else {
                return Err(Fault::wanted("the key of an object", "a string", &key.val));
            };
            meter::spend(text_units(text.len()))?;
            shape = shape.holding(key.shape)?.holding(item.shape()?)?;
            map.insert(key.val, item.val);
        }
        Ok(Self::shaped(Val::obj(map), shape))
    }

    pub(super) fn val(&self) -> &Val {
        &self.val
    }

    pub(super) fn into_val(self) -> Val {
        self.val
    }

    pub(super) fn into_parts(self) -> (Val, Shape) {
        (self.val, self.shape)
    }

    /// Weight and depth; measures, and pays for it, if they are not known yet.
    pub(super) fn shape(&self) -> Result<Shape, Spent> {
        if self.shape.is_known() { Ok(self.shape) } else { Shape::measure(&self.val) }
    }

    /// The text of a string, or what JSON is written for any other value.
    pub(super) fn to_text(&self) -> Result<Self, Fault> {
        match &self.val {
            Val::TStr(_) => Ok(self.clone()),
            other => output::to_json_text(other).map(Self::text),
        }
    }

    fn at(&self, index: &Val) -> Result<Option<Val>, Fault> {
        match (&self.val, index) {
            (Val::Null, _) => Ok(None),
            (Val::Obj(entries), Val::TStr(key)) => {
                meter::spend_text(key.len())?;
                Ok(entries.get(index).cloned())
            }
            (Val::Arr(items), Val::Num(Num::Int(position))) => {
                meter::spend(1)?;
                Ok(absolute(*position, items.len()).and_then(|at| items.get(at)).cloned())
            }
            (of, with) => Err(Fault::Index { of: Kind::of(of), with: Kind::of(with) }),
        }
    }
}

/// Updates are not part of the language; nothing calls what only they need.
fn no_updates<'a>() -> ValX<'a, Metered> {
    Err(Fault::Plain("updates are not supported").into())
}

impl ValT for Metered {
    fn from_num(digits: &str) -> ValR<Self> {
        meter::spend(1)?;
        let number = Number::parse(digits).ok_or(Fault::Plain("this is not a number"))?;
        Ok(Self::new(number.into_val()?))
    }

    fn from_map<I: IntoIterator<Item = (Self, Self)>>(entries: I) -> ValR<Self> {
        meter::spend(1)?;
        Ok(Self::object(entries)?)
    }

    fn key_values(self) -> BoxIter<'static, ValR<(Self, Self), Self>> {
        box_once(Err(Fault::Plain("paths are not supported").into()))
    }

    /// Ends when the meter has run out, so that a caught error cannot keep a loop going.
    fn values(self) -> Box<dyn Iterator<Item = ValR<Self>>> {
        let paid = |val: &Val| meter::spend_turn().ok().map(|()| Ok(Self::new(val.clone())));
        match self.val {
            Val::Arr(items) => Box::new((0..items.len()).map_while(move |at| paid(&items[at]))),
            Val::Obj(entries) => {
                Box::new((0..entries.len()).map_while(move |at| paid(entries.get_index(at)?.1)))
            }
            other => {
                let fault = Fault::wanted("`.[]`", "an array or an object", &other);
                box_once(Err(fault.into()))
            }
        }
    }

    fn index(self, index: &Self) -> ValR<Self> {
        Ok(Self::new(self.at(&index.val)?.unwrap_or(Val::Null)))
    }

    fn range(self, range: Range<&Self>) -> ValR<Self> {
        Ok(Self::new(slice(&self.val, range)?))
    }

    fn map_values<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        _: Opt,
        _: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        no_updates()
    }

    fn map_index<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        _: &Self,
        _: Opt,
        _: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        no_updates()
    }

    fn map_range<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        _: Range<&Self>,
        _: Opt,
        _: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        no_updates()
    }

    fn as_bool(&self) -> bool {
        !matches!(self.val, Val::Null | Val::Bool(false))
    }

    /// Cannot fail; what it answers when the meter has run out is never seen.
    fn into_string(self) -> Self {
        self.to_text().unwrap_or_else(|_| Self::text(String::new()))
    }
}

impl FromIterator<Self> for Metered {
    /// Cannot fail; what it answers when the meter has run out is never seen.
    fn from_iter<I: IntoIterator<Item = Self>>(items: I) -> Self {
        Self::array(items).unwrap_or_else(|Spent| Self::new(Val::Null))
    }
}

impl PartialEq for Metered {
    fn eq(&self, other: &Self) -> bool {
        order::same(&self.val, &other.val).unwrap_or(false)
    }
}

impl PartialOrd for Metered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        order::compare(&self.val, &other.val).ok()
    }
}

impl From<bool> for Metered {
    fn from(truth: bool) -> Self {
        Self::new(Val::Bool(truth))
    }
}

impl From<isize> for Metered {
    fn from(int: isize) -> Self {
        Self::new(Val::from(int))
    }
}

impl From<String> for Metered {
    /// Each evaluation of a literal copies it; short ones are part of the step around them.
    fn from(text: String) -> Self {
        let _latched = meter::spend(text.len() / 64);
        Self::text(text)
    }
}

impl From<Range<Self>> for Metered {
    /// Only paths are made of ranges, and paths are not part of the language.
    fn from(_: Range<Self>) -> Self {
        Self::new(Val::Null)
    }
}

/// Says nothing of the value: the interpreter prints values into error messages.
impl fmt::Display for Metered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Kind::of(&self.val).name())
    }
}

impl From<Spent> for Error<Metered> {
    fn from(spent: Spent) -> Self {
        Fault::from(spent).into()
    }
}
