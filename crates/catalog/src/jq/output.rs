//! From the interpreter's values to `serde_json`'s, and to text.

use jaq_json::{Map, Num, Val};
use serde_json::{Number, Value};

use super::fault::Fault;
use super::meter;
use super::shape::{MAX_DEPTH, MAX_WEIGHT};

/// Writes a value out: what was shared inside it no longer is, so each node pays.
pub(super) fn to_value(val: &Val) -> Result<Value, Fault> {
    Writer { room: MAX_WEIGHT }.value(val, MAX_DEPTH)
}

/// The compact JSON text of a value.
pub(super) fn to_json_text(val: &Val) -> Result<String, Fault> {
    let text = to_value(val)?.to_string();
    meter::spend_text(text.len())?;
    Ok(text)
}

struct Writer {
    room: usize,
}

impl Writer {
    fn value(&mut self, val: &Val, levels: usize) -> Result<Value, Fault> {
        self.pay(1)?;
        match val {
            Val::Null => Ok(Value::Null),
            Val::Bool(truth) => Ok(Value::Bool(*truth)),
            Val::Num(num) => number(num).map(Value::Number),
            Val::TStr(text) | Val::BStr(text) => self.text(text).map(Value::String),
            Val::Arr(items) => self.array(items, levels),
            Val::Obj(entries) => self.object(entries, levels),
        }
    }

    fn array(&mut self, items: &[Val], levels: usize) -> Result<Value, Fault> {
        let levels = levels.checked_sub(1).ok_or_else(meter::too_large)?;
        items.iter().map(|item| self.value(item, levels)).collect()
    }

    fn object(&mut self, entries: &Map, levels: usize) -> Result<Value, Fault> {
        let levels = levels.checked_sub(1).ok_or_else(meter::too_large)?;
        let mut written = serde_json::Map::new();
        for (key, item) in entries {
            let Val::TStr(key) = key else {
                return Err(Fault::wanted("the key of an object", "a string", key));
            };
            self.pay(1)?;
            written.insert(self.text(key)?, self.value(item, levels)?);
        }
        Ok(Value::Object(written))
    }

    fn text(&mut self, bytes: &[u8]) -> Result<String, Fault> {
        self.pay(bytes.len() / 64)?;
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }

    fn pay(&mut self, units: usize) -> Result<(), Fault> {
        meter::spend(units)?;
        self.room = self.room.checked_sub(units).ok_or_else(meter::too_large)?;
        Ok(())
    }
}

fn number(num: &Num) -> Result<Number, Fault> {
    let number = match num {
        Num::Int(int) => Some(Number::from(*int)),
        Num::Float(float) => Number::from_f64(*float),
        Num::BigInt(big) => u64::try_from(&**big).ok().map(Number::from),
        Num::Dec(_) => None,
    };
    number.ok_or(Fault::Plain("the result holds a number that JSON cannot"))
}
