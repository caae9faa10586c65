//! What `+`, `-`, `*`, `/` and `%` do, and what they cost.

use std::ops::{Add, Div, Mul, Neg, Rem, Sub};

use jaq_core::ValR;
use jaq_json::{Map, Rc, Val};

use super::fault::{Fault, Kind};
use super::filters::split;
use super::meter::{self, Spent};
use super::number::Number;
use super::order;
use super::shape::Shape;
use super::value::Metered;

impl Add for Metered {
    type Output = ValR<Self>;

    fn add(self, other: Self) -> ValR<Self> {
        Ok(add(self, other)?)
    }
}

impl Sub for Metered {
    type Output = ValR<Self>;

    fn sub(self, other: Self) -> ValR<Self> {
        Ok(subtract(self.val(), other.val()).map(Self::new)?)
    }
}

impl Mul for Metered {
    type Output = ValR<Self>;

    fn mul(self, other: Self) -> ValR<Self> {
        Ok(multiply(self, other)?)
    }
}

impl Div for Metered {
    type Output = ValR<Self>;

    /// On strings this is `split`, as in jq.
    fn div(self, other: Self) -> ValR<Self> {
        if let (Val::TStr(_), Val::TStr(_)) = (self.val(), other.val()) {
            return Ok(split(&self, &other)?);
        }
        Ok(numbers(self.val(), "/", other.val(), Number::divide).map(Self::new)?)
    }
}

impl Rem for Metered {
    type Output = ValR<Self>;

    fn rem(self, other: Self) -> ValR<Self> {
        Ok(numbers(self.val(), "%", other.val(), Number::remainder).map(Self::new)?)
    }
}

impl Neg for Metered {
    type Output = ValR<Self>;

    fn neg(self) -> ValR<Self> {
        Ok(negate(self.val()).map(Self::new)?)
    }
}

/// Adds numbers, joins strings and arrays, merges objects; null is neutral.
pub(super) fn add(left: Metered, right: Metered) -> Result<Metered, Fault> {
    let ((left, left_shape), (right, right_shape)) = (left.into_parts(), right.into_parts());
    let shape = left_shape.joined(right_shape);
    match (left, right) {
        (Val::Null, right) => Ok(Metered::shaped(right, right_shape)),
        (left, Val::Null) => Ok(Metered::shaped(left, left_shape)),
        (Val::TStr(left), Val::TStr(right)) => {
            meter::spend_text(left.len() + right.len())?;
            Ok(Metered::new(Val::utf8_str([&left[..], &right[..]].concat())))
        }
        (Val::Arr(mut left), Val::Arr(right)) => {
            pay_for_joining(&mut left, Vec::len, right.len())?;
            Rc::make_mut(&mut left).extend(right.iter().cloned());
            Ok(Metered::shaped(Val::Arr(left), shape))
        }
        (Val::Obj(mut left), Val::Obj(right)) => {
            pay_for_joining(&mut left, Map::len, 2 * right.len())?;
            let entries = right.iter().map(|(key, item)| (key.clone(), item.clone()));
            Rc::make_mut(&mut left).extend(entries);
            Ok(Metered::shaped(Val::Obj(left), shape))
        }
        (left, right) => numbers(&left, "+", &right, Number::add).map(Metered::new),
    }
}

/// What is joined to is copied first if it is still in use elsewhere.
fn pay_for_joining<T>(to: &mut Rc<T>, len: fn(&T) -> usize, added: usize) -> Result<(), Spent> {
    let copied = if Rc::get_mut(to).is_some() { 0 } else { len(to) };
    meter::spend(1 + copied + added)
}

fn subtract(left: &Val, right: &Val) -> Result<Val, Fault> {
    let (Val::Arr(items), Val::Arr(unwanted)) = (left, right) else {
        return numbers(left, "-", right, Number::subtract);
    };
    let mut kept = Vec::new();
    for item in items.iter() {
        meter::spend(1)?;
        if !contains_same(unwanted, item)? {
            kept.push(item.clone());
        }
    }
    Ok(Val::Arr(Rc::new(kept)))
}

fn contains_same(items: &[Val], wanted: &Val) -> Result<bool, Spent> {
    for item in items {
        meter::spend(1)?;
        if order::same(item, wanted)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Objects merge deeply. Strings do not repeat: that would make much of little.
fn multiply(left: Metered, right: Metered) -> Result<Metered, Fault> {
    if let (Val::Obj(_), Val::Obj(_)) = (left.val(), right.val()) {
        let weight = left.shape()?.weight() + right.shape()?.weight();
        meter::spend(weight)?;
        return merged(left, right);
    }
    numbers(left.val(), "*", right.val(), Number::multiply).map(Metered::new)
}

fn merged(left: Metered, right: Metered) -> Result<Metered, Fault> {
    let shape = Shape::UNKNOWN;
    let merged = left.into_val() * right.into_val();
    merged.map(|val| Metered::shaped(val, shape)).map_err(|_| Fault::Plain("cannot merge"))
}

fn negate(val: &Val) -> Result<Val, Fault> {
    meter::spend(1)?;
    match val {
        Val::Num(num) => Number::of(num)?.negate(),
        other => Err(Fault::wanted("`-`", "a number", other)),
    }
}

fn numbers(
    left: &Val,
    sign: &'static str,
    right: &Val,
    calculate: fn(Number, Number) -> Result<Val, Fault>,
) -> Result<Val, Fault> {
    meter::spend(1)?;
    match (left, right) {
        (Val::Num(left), Val::Num(right)) => calculate(Number::of(left)?, Number::of(right)?),
        _ => Err(Fault::Operator { left: Kind::of(left), sign, right: Kind::of(right) }),
    }
}
