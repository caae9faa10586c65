//! YAML as a JSON value that remembers where each of its parts stood.

use std::collections::HashMap;

use saphyr::{LoadableYamlNode as _, MarkedYaml, Marker, Scalar, ScanError, YamlData};
use saphyr_parser::{Event, Parser};
use serde_json::{Map, Value};

/// A YAML document.
pub(crate) struct YamlDocument {
    /// Its content.
    pub(crate) value: Value,
    /// Where each part stands, by JSON Pointer (RFC 6901).
    places: HashMap<String, SourcePosition>,
}

/// A line and a column, the first of each being 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SourcePosition {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// Why a text is not one YAML document that JSON can express.
pub(crate) struct YamlError {
    pub(crate) place: SourcePosition,
    pub(crate) message: String,
}

impl SourcePosition {
    pub(crate) const START: Self = Self { line: 1, column: 1 };

    fn of(marker: Marker) -> Self {
        Self { line: marker.line().max(1), column: marker.col() + 1 }
    }
}

impl YamlDocument {
    pub(crate) fn parse(text: &str) -> Result<Self, YamlError> {
        check_depth(text)?;
        let documents = MarkedYaml::load_from_str(text).map_err(|error| broken(&error))?;
        let [root] = documents.as_slice() else {
            let message = format!("one YAML document is expected, there are {}", documents.len());
            return Err(YamlError { place: SourcePosition::START, message });
        };
        let mut places = HashMap::new();
        let value = convert(root, String::new(), &mut places)?;
        Ok(Self { value, places })
    }

    /// Returns where the part at `pointer` stands; a part that is missing stands where its parent
    /// does.
    pub(crate) fn place(&self, pointer: &str) -> SourcePosition {
        let mut pointer = pointer;
        loop {
            if let Some(place) = self.places.get(pointer) {
                return *place;
            }
            match pointer.rfind('/') {
                Some(at) => pointer = &pointer[..at],
                None => return SourcePosition::START,
            }
        }
    }
}

/// Refuses what is nested too deeply. The loader recurses once a level and would overflow the
/// stack; the events before it do not.
fn check_depth(text: &str) -> Result<(), YamlError> {
    const DEEPEST: usize = 64;
    let mut depth = 0_usize;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| broken(&error))?;
        match event {
            Event::SequenceStart(..) | Event::MappingStart(..) => depth += 1,
            Event::SequenceEnd | Event::MappingEnd => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            let message = format!("the file is nested deeper than {DEEPEST} levels");
            return Err(YamlError { place: SourcePosition::of(span.start), message });
        }
    }
    Ok(())
}

fn broken(error: &ScanError) -> YamlError {
    YamlError { place: SourcePosition::of(*error.marker()), message: error.info().to_owned() }
}

/// Returns `pointer` with one more step (RFC 6901 §3).
pub(crate) fn step(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn convert(
    node: &MarkedYaml<'_>,
    pointer: String,
    places: &mut HashMap<String, SourcePosition>,
) -> Result<Value, YamlError> {
    let place = SourcePosition::of(node.span.start);
    let value = match &node.data {
        YamlData::Value(scalar) => scalar_value(scalar),
        YamlData::Sequence(items) => {
            let items = items.iter().enumerate();
            items
                .map(|(at, item)| convert(item, format!("{pointer}/{at}"), places))
                .collect::<Result<_, _>>()?
        }
        YamlData::Mapping(entries) => {
            let mut object = Map::new();
            for (key, item) in entries {
                let name = key_name(key)?;
                let below = step(&pointer, &name);
                object.insert(name, convert(item, below.clone(), places)?);
                places.insert(below, SourcePosition::of(key.span.start));
            }
            Value::Object(object)
        }
        _ => {
            let message = "tags and unresolved aliases are not part of the format".to_owned();
            return Err(YamlError { place, message });
        }
    };
    places.entry(pointer).or_insert(place);
    Ok(value)
}

fn key_name(key: &MarkedYaml<'_>) -> Result<String, YamlError> {
    match &key.data {
        YamlData::Value(Scalar::String(name)) => Ok(name.to_string()),
        _ => Err(YamlError {
            place: SourcePosition::of(key.span.start),
            message: "the name of a field must be a text: put it in quotes".to_owned(),
        }),
    }
}

fn scalar_value(scalar: &Scalar<'_>) -> Value {
    match scalar {
        Scalar::Null => Value::Null,
        Scalar::Boolean(flag) => Value::Bool(*flag),
        Scalar::Integer(number) => Value::from(*number),
        Scalar::FloatingPoint(number) => Value::from(number.into_inner()),
        Scalar::String(text) => Value::String(text.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> YamlDocument {
        YamlDocument::parse(text).ok().unwrap()
    }

    #[test]
    fn every_part_knows_where_it_stands() {
        let document = parse("a: 1\nb:\n  - x: yes\n  - a/b: 2.5\n");
        assert_eq!(document.value, json!({"a": 1, "b": [{"x": "yes"}, {"a/b": 2.5}]}));
        assert_eq!(document.place("/b/1/a~1b"), SourcePosition { line: 4, column: 5 });
        assert_eq!(document.place("/b/0/missing"), SourcePosition { line: 3, column: 5 });
        assert_eq!(document.place("/nothing/here"), SourcePosition::START);
    }

    #[test]
    fn what_is_no_single_document_is_refused_with_its_place() {
        for (text, line) in
            [("a: [1,\n", 2), ("a: 1\na: 2\n", 2), ("a: 1\n---\nb: 2\n", 1), ("", 1)]
        {
            let error = YamlDocument::parse(text).err().unwrap();
            assert_eq!(error.place.line, line, "{text:?}: {}", error.message);
        }
    }

    #[test]
    fn aliases_cannot_grow_without_bound() {
        let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for level in 1..12 {
            let below = vec![format!("*a{}", level - 1); 10].join(",");
            writeln!(bomb, "a{level}: &a{level} [{below}]").unwrap();
        }
        assert!(YamlDocument::parse(&bomb).is_err());
    }
}
