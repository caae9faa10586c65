//! Numbers: 64-bit integers, signed or not, and finite floats. Nothing grows beyond that.

use std::cmp::Ordering;

use super::{fault::RunFault, value::Value};

/// A number to calculate with.
#[derive(Debug, Clone, Copy)]
pub(super) enum Number {
    Int(i128),
    Float(f64),
}

/// The integers that JSON readers agree on: from `i64::MIN` to `u64::MAX`.
const INTEGERS: std::ops::RangeInclusive<i128> = (i64::MIN as i128)..=(u64::MAX as i128);
const TOO_LARGE: RunFault = RunFault::Plain("the result is too large for a number");
const BY_ZERO: RunFault = RunFault::Plain("cannot divide by zero");

impl Number {
    pub(super) fn of(value: &Value<'_>) -> Option<Self> {
        match value {
            Value::Int(int) => Some(Self::Int(i128::from(*int))),
            Value::Large(int) => Some(Self::Int(i128::from(*int))),
            Value::Float(float) => Some(Self::Float(*float)),
            _ => None,
        }
    }

    /// Reads a JSON number.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() > 64
            || !text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
        {
            return None;
        }
        let int = text.parse().ok().filter(|int| INTEGERS.contains(int)).map(Self::Int);
        int.or_else(|| text.parse().ok().filter(|float: &f64| float.is_finite()).map(Self::Float))
    }

    /// Returns the value of this number, if it is within bounds.
    pub(super) fn into_value<'a>(self) -> Result<Value<'a>, RunFault> {
        match self {
            Self::Int(int) => i64::try_from(int)
                .map(Value::Int)
                .or_else(|_| u64::try_from(int).map(Value::Large))
                .map_err(|_| TOO_LARGE),
            Self::Float(float) if float.is_finite() => Ok(Value::Float(float)),
            Self::Float(_) => Err(TOO_LARGE),
        }
    }

    pub(super) fn add<'a>(self, other: Self) -> Result<Value<'a>, RunFault> {
        self.calculate(other, i128::checked_add, |left, right| left + right)
    }

    pub(super) fn subtract<'a>(self, other: Self) -> Result<Value<'a>, RunFault> {
        self.calculate(other, i128::checked_sub, |left, right| left - right)
    }

    pub(super) fn multiply<'a>(self, other: Self) -> Result<Value<'a>, RunFault> {
        self.calculate(other, i128::checked_mul, |left, right| left * right)
    }

    /// Divides; integers that divide evenly give an integer.
    pub(super) fn divide<'a>(self, other: Self) -> Result<Value<'a>, RunFault> {
        match (self, other) {
            (_, divisor) if divisor.is_zero() => Err(BY_ZERO),
            (Self::Int(left), Self::Int(right)) if left % right == 0 => {
                Self::Int(left / right).into_value()
            }
            (left, right) => Self::Float(left.as_f64() / right.as_f64()).into_value(),
        }
    }

    pub(super) fn remainder<'a>(self, other: Self) -> Result<Value<'a>, RunFault> {
        if other.is_zero() {
            return Err(BY_ZERO);
        }
        self.calculate(other, i128::checked_rem, |left, right| left % right)
    }

    pub(super) fn negate<'a>(self) -> Result<Value<'a>, RunFault> {
        Self::Int(0).subtract(self)
    }

    pub(super) fn absolute<'a>(self) -> Result<Value<'a>, RunFault> {
        match self {
            Self::Int(int) => Self::Int(int.abs()).into_value(),
            Self::Float(float) => Self::Float(float.abs()).into_value(),
        }
    }

    /// Applies a rounding function; what fits becomes an integer.
    pub(super) fn rounded<'a>(self, round: fn(f64) -> f64) -> Result<Value<'a>, RunFault> {
        match self {
            Self::Int(int) => Self::Int(int).into_value(),
            Self::Float(float) => match exact_int(round(float)) {
                Some(int) if INTEGERS.contains(&int) => Self::Int(int).into_value(),
                _ => Self::Float(float).into_value(),
            },
        }
    }

    /// Compares exactly, also between integers and floats: a sort needs an order without
    /// contradictions.
    pub(super) fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Int(left), Self::Int(right)) => left.cmp(&right),
            (Self::Float(left), Self::Float(right)) => float_order(left, right),
            (Self::Int(left), Self::Float(right)) => mixed_order(left, right),
            (Self::Float(left), Self::Int(right)) => mixed_order(right, left).reverse(),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "floats are the wider, less exact number")]
    pub(super) fn as_f64(self) -> f64 {
        match self {
            Self::Int(int) => int as f64,
            Self::Float(float) => float,
        }
    }

    fn is_zero(self) -> bool {
        self.as_f64() == 0.0
    }

    fn calculate<'a>(
        self,
        other: Self,
        ints: fn(i128, i128) -> Option<i128>,
        floats: fn(f64, f64) -> f64,
    ) -> Result<Value<'a>, RunFault> {
        match (self, other) {
            (Self::Int(left), Self::Int(right)) => {
                ints(left, right).map(Self::Int).ok_or(TOO_LARGE)?.into_value()
            }
            (left, right) => Self::Float(floats(left.as_f64(), right.as_f64())).into_value(),
        }
    }
}

/// Returns the integer that a whole float of moderate size stands for.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
pub(super) fn exact_int(whole: f64) -> Option<i128> {
    (whole.abs() < 1e30).then_some(whole as i128)
}

/// Floats are finite here, so they always compare.
fn float_order(left: f64, right: f64) -> Ordering {
    left.partial_cmp(&right).unwrap_or(Ordering::Equal)
}

/// Compares an integer with a float. Rounding an integer to a float keeps its order unless the two
/// meet; then the integers decide.
fn mixed_order(int: i128, float: f64) -> Ordering {
    float_order(Number::Int(int).as_f64(), float)
        .then_with(|| exact_int(float).map_or(Ordering::Equal, |whole| int.cmp(&whole)))
}
