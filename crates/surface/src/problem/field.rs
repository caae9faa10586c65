//! What is wrong with a field of a body or a parameter of a query.

use astralform_catalog::ArgumentFault;
use astralform_domain::{limits, texts::cut};
use astralform_engine::Nearest;
use thiserror::Error;

/// One fault, and what is allowed in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFault {
    place: FieldLocation,
    what: Wrong,
}

/// Where a field is: as people write it and as a JSON Pointer (RFC 6901).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldLocation {
    name: String,
    pointer: String,
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum Wrong {
    #[error("is missing: it must be {allowed}")]
    Missing { allowed: String },
    #[error("is not one of the fields here: those are {known}{hint}")]
    Unknown { known: String, hint: String },
    #[error("is no query parameter here{nearest}: {known}")]
    UnknownParameter { nearest: Nearest, known: String },
    #[error("was sent more than once: send it once")]
    Twice,
    #[error("is {given}: it must be {allowed}")]
    NotAllowed { given: String, allowed: String },
    #[error("is {given}: {rule}")]
    Against { given: String, rule: String },
}

impl FieldFault {
    pub(crate) fn new(place: FieldLocation, what: Wrong) -> Self {
        Self { place, what }
    }

    /// Returns a query parameter that an operation, which takes `known`, does not take.
    pub(crate) fn unknown_parameter(name: &str, known: &[String]) -> Self {
        let nearest = Nearest::to(name, known.iter().map(String::as_str));
        let known = match known {
            [] => "there are none".to_owned(),
            known => format!("those are `{}`", known.join("`, `")),
        };
        Self::new(FieldLocation::default().member(name), Wrong::UnknownParameter { nearest, known })
    }
}

impl FieldLocation {
    /// Returns the place of a member of what is at this place.
    pub(crate) fn member(&self, name: &str) -> Self {
        let longest = limits::ARGUMENT_FAULT_TEXT.count() / 2;
        let name = cut(name, longest);
        let before = if self.name.is_empty() { String::new() } else { format!("{}.", self.name) };
        let escaped = name.replace('~', "~0").replace('/', "~1");
        Self { name: format!("{before}{name}"), pointer: format!("{}/{escaped}", self.pointer) }
    }

    /// Returns the place of an item of what is at this place.
    pub(crate) fn item(&self, index: usize) -> Self {
        let Self { name, pointer } = self;
        Self { name: format!("{name}[{index}]"), pointer: format!("{pointer}/{index}") }
    }
}

impl std::fmt::Display for FieldFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` {}", self.place.name, self.what)
    }
}

impl From<FieldFault> for ArgumentFault {
    fn from(fault: FieldFault) -> Self {
        Self { pointer: fault.place.pointer, message: fault.what.to_string() }
    }
}
