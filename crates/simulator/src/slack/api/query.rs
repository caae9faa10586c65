use crate::slack::messages::Message;
use crate::slack::workspace::Workspace;

const DAY: i64 = 86_400;

/// A search query as Slack reads it: words, quoted phrases and modifiers, all of which must hold.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Query(Vec<Condition>);

#[derive(Debug, PartialEq, Eq)]
enum Condition {
    Says(String),
    SaysNot(String),
    In(String),
    From(String),
    HasLink,
    Before(i64),
    NotBefore(i64),
}

// === impl Query ===

impl Query {
    pub(super) fn parse(query: &str) -> Self {
        Self(tokens(query).into_iter().flat_map(|token| Condition::parse(&token)).collect())
    }

    pub(super) fn matches(&self, message: &Message, workspace: &Workspace) -> bool {
        self.0.iter().all(|condition| condition.holds(message, workspace))
    }

    /// Returns the words and phrases, in lower case.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|condition| match condition {
            Condition::Says(word) => Some(word.as_str()),
            _ => None,
        })
    }
}

// === impl Condition ===

impl Condition {
    fn parse(token: &str) -> Vec<Self> {
        let word = || vec![Self::Says(token.trim_matches('"').to_lowercase())];
        if let Some(word) = token.strip_prefix('-').filter(|word| !word.is_empty()) {
            return vec![Self::SaysNot(word.trim_matches('"').to_lowercase())];
        }
        let Some((modifier, value)) = token.split_once(':').filter(|(_, value)| !value.is_empty())
        else {
            return word();
        };
        let day = parse_day(value);
        match (modifier, day) {
            ("in", _) => vec![Self::In(bare(value))],
            ("from", _) => vec![Self::From(bare(value))],
            ("has", _) if value == "link" => vec![Self::HasLink],
            ("before", Some(day)) => vec![Self::Before(day)],
            ("after", Some(day)) => vec![Self::NotBefore(day + DAY)],
            ("on", Some(day)) => vec![Self::NotBefore(day), Self::Before(day + DAY)],
            _ => word(),
        }
    }

    fn holds(&self, message: &Message, workspace: &Workspace) -> bool {
        match self {
            Self::Says(word) => message.text.to_lowercase().contains(word),
            Self::SaysNot(word) => !message.text.to_lowercase().contains(word),
            Self::In(name) => {
                let channel = workspace.conversation(&message.channel);
                message.channel == *name || channel.is_some_and(|channel| channel.name == *name)
            }
            Self::From(name) => {
                let person = workspace.person(&message.author.user);
                message.author.user == *name || person.is_some_and(|person| person.handle == *name)
            }
            Self::HasLink => message.text.contains("<http"),
            Self::Before(time) => message.seconds() < *time,
            Self::NotBefore(time) => message.seconds() >= *time,
        }
    }
}

/// Returns a channel or person without the decoration of its kind.
fn bare(value: &str) -> String {
    value.trim_matches(['#', '@', '<', '>']).to_owned()
}

/// Splits at spaces outside quotes.
fn tokens(query: &str) -> Vec<String> {
    let mut tokens = vec![String::new()];
    let mut quoted = false;
    for c in query.chars() {
        quoted ^= c == '"';
        if c.is_whitespace() && !quoted {
            tokens.push(String::new());
        } else if let Some(last) = tokens.last_mut() {
            last.push(c);
        }
    }
    tokens.retain(|token| !token.trim_matches('"').is_empty());
    tokens
}

/// Returns the first second of a day written as `YYYY-MM-DD`, in UTC.
fn parse_day(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let year = parts.next()??;
    let month = parts.next()??;
    let day = parts.next()??;
    let sound =
        (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    sound.then(|| days_since_1970(year, month, day) * DAY)
}

/// Counts from 1 March so that the leap day comes last, in eras of 400 years.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year / 400;
    let year_of_era = year % 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_phrases_and_modifiers_are_told_apart() {
        let query = Query::parse(r#"Report "due on" in:#general from:@ada -draft has:pin"#);
        let expected = [
            Condition::Says("report".into()),
            Condition::Says("due on".into()),
            Condition::In("general".into()),
            Condition::From("ada".into()),
            Condition::SaysNot("draft".into()),
            Condition::Says("has:pin".into()),
        ];
        assert_eq!(query, Query(expected.into()));
    }

    #[test]
    fn days_are_counted_across_leap_years() {
        assert_eq!(parse_day("1970-01-01"), Some(0));
        assert_eq!(parse_day("2000-02-29"), Some(951_782_400));
        assert_eq!(parse_day("2023-11-14"), Some(1_699_920_000));
        assert_eq!(parse_day("yesterday"), None);
    }
}
