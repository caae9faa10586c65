//! What a search is for: words and qualifiers, each perhaps excluded, some joined by `OR`.

use serde_json::json;

use crate::github::refusal::Refusal;

const LONGEST: usize = 256;
const MOST_OPERATORS: usize = 5;
const QUALIFIERS: &[&str] = &[
    "is", "type", "state", "reason", "repo", "org", "user", "author", "assignee", "involves",
    "label", "in", "created", "updated", "closed", "comments", "no", "archived", "draft",
];

/// A search: every group has to match, a group matches with one of its terms.
pub(super) struct Query {
    pub(super) groups: Vec<Vec<Term>>,
}

/// One word, quoted text or qualifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) excluded: bool,
    /// None for a text.
    pub(super) qualifier: Option<&'static str>,
    pub(super) value: String,
}

// === impl Query ===

impl Query {
    /// Reads the `q` of a search for issues.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let words = words(text);
        let operators = words.iter().filter(|word| matches!(word.as_str(), "AND" | "OR" | "NOT"));
        if text.chars().count() > LONGEST || operators.count() > MOST_OPERATORS {
            let why =
                "The search is longer than 256 characters, or has more than five AND, OR or NOT";
            return Err(invalid(why));
        }
        let mut groups = Vec::<Vec<Term>>::new();
        let mut excluded = false;
        let mut joined = false;
        for word in &words {
            match word.as_str() {
                "AND" => {}
                "NOT" => excluded = true,
                "OR" => joined = true,
                word => {
                    let mut term = Term::parse(word);
                    term.excluded |= std::mem::take(&mut excluded);
                    match groups.last_mut().filter(|_| std::mem::take(&mut joined)) {
                        Some(group) => group.push(term),
                        None => groups.push(vec![term]),
                    }
                }
            }
        }
        let query = Self { groups };
        if query.says_what() { Ok(query) } else { Err(invalid(KIND_NEEDED)) }
    }

    /// Returns the values of a qualifier that are not excluded.
    pub(super) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let terms = self.groups.iter().flatten();
        let named = terms.filter(move |term| term.qualifier == Some(name) && !term.excluded);
        named.map(|term| term.value.as_str())
    }

    fn says_what(&self) -> bool {
        let kinds = ["issue", "pr", "pull-request"];
        self.values("is").chain(self.values("type")).any(|value| kinds.contains(&value))
    }
}

const KIND_NEEDED: &str = "Query must include 'is:issue' or 'is:pull-request'";

/// Returns the refusal of a search that cannot be understood.
pub(super) fn invalid(message: &str) -> Refusal {
    Refusal::validation(json!({
        "message": message, "resource": "Search", "field": "q", "code": "invalid",
    }))
}

// === impl Term ===

impl Term {
    fn parse(word: &str) -> Self {
        let (excluded, rest) = match word.strip_prefix('-') {
            Some(rest) if !rest.is_empty() => (true, rest),
            _ => (false, word),
        };
        let named = rest.split_once(':').and_then(|(name, value)| {
            let known = QUALIFIERS.iter().find(|known| known.eq_ignore_ascii_case(name));
            known.map(|known| (*known, value)).filter(|(_, value)| !value.is_empty())
        });
        let (qualifier, value) = named.map_or((None, rest), |(name, value)| (Some(name), value));
        Self { excluded, qualifier, value: value.trim_matches('"').to_owned() }
    }
}

/// Returns the words of a search; quotes keep theirs together.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    for character in text.chars() {
        match character {
            '"' => {
                quoted = !quoted;
                word.push('"');
            }
            space if space.is_whitespace() && !quoted => {
                words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()));
            }
            other => word.push(other),
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_exclusions_and_alternatives_are_understood() {
        let query = Query::parse(r#"is:issue -label:"good first issue" carry OR column NOT x"#);
        let query = query.unwrap();
        let told = |term: &Term| {
            format!("{}{:?}={}", if term.excluded { "-" } else { "" }, term.qualifier, term.value)
        };
        let groups: Vec<Vec<_>> =
            query.groups.iter().map(|group| group.iter().map(told).collect()).collect();
        let expected = [
            vec!["Some(\"is\")=issue"],
            vec!["-Some(\"label\")=good first issue"],
            vec!["None=carry", "None=column"],
            vec!["-None=x"],
        ];
        assert_eq!(groups, expected);
    }
}
