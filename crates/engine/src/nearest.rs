use std::fmt;

/// The names that a caller may have meant, the nearest first; none where no name is near.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nearest(Vec<String>);

/// How many names are told.
const MOST: usize = 3;

/// How long a name may be for others to be compared with it: as long as the longest that there are.
const LONGEST: usize = 64;

impl Nearest {
    /// Returns those of `names` that are nearest to `given`.
    pub fn to<'a>(given: &str, names: impl IntoIterator<Item = &'a str>) -> Self {
        if given.is_empty() || given.len() > LONGEST {
            return Self::default();
        }
        let given = plain(given);
        let names = names.into_iter();
        let near = names.filter_map(|name| Some((distance(&given, &plain(name))?, name)));
        let mut near: Vec<_> = near.collect();
        near.sort_unstable();
        near.dedup();
        Self(near.into_iter().take(MOST).map(|(_, name)| name.to_owned()).collect())
    }

    /// Returns the nearest of them.
    pub fn first(&self) -> Option<&str> {
        self.0.first().map(String::as_str)
    }
}

/// A question that follows the sentence about the wrong name.
impl fmt::Display for Nearest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((last, others)) = self.0.split_last() else { return Ok(()) };
        write!(f, " (did you mean ")?;
        if !others.is_empty() {
            write!(f, "`{}` or ", others.join("`, `"))?;
        }
        write!(f, "`{last}`?)")
    }
}

/// Returns a name in lower case, with `_` for every character between its words.
fn plain(name: &str) -> Vec<char> {
    let chars = name.chars();
    chars.map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect()
}

/// Returns how far a name is from the one that was given; `None` where it is too far to be meant.
fn distance(given: &[char], name: &[char]) -> Option<usize> {
    const SHORTEST_PART: usize = 4;
    let farthest = (given.len() / 3).max(1);
    let is_part = given.len() >= SHORTEST_PART && contains(name, given)
        || name.len() >= SHORTEST_PART && contains(given, name);
    if is_part {
        return Some(given.len().abs_diff(name.len()).min(1));
    }
    if given.len().abs_diff(name.len()) > farthest {
        return None;
    }
    Some(edits(given, name)).filter(|edits| *edits <= farthest)
}

fn contains(whole: &[char], part: &[char]) -> bool {
    whole.windows(part.len()).any(|window| window == part)
}

/// Returns how many characters have to be put in, left out or replaced.
fn edits(from: &[char], to: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (above, from) in from.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = above + 1;
        for (left, to) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[left + 1];
            row[left + 1] = replaced.min(diagonal + 1).min(row[left] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 4] =
        ["slack_list_channels", "slack_send_message", "slack_search_messages", "notion_search"];

    fn nearest(given: &str) -> Vec<String> {
        Nearest::to(given, NAMES).0
    }

    #[test]
    fn a_name_that_is_spelled_almost_right_is_found() {
        for given in [
            "slack_list_chanels",
            "Slack_List_Channels",
            "slack-list-channels",
            "slack.list_channels",
            "list_channels",
            "slack_list_channels_v2",
        ] {
            assert_eq!(nearest(given)[0], "slack_list_channels", "{given}");
        }
        assert_eq!(nearest("slack_post_message")[0], "slack_send_message");
    }

    #[test]
    fn a_name_that_is_like_no_other_has_no_nearest_one() {
        for given in ["", "x", "stripe_refund", &"slack_list_channels".repeat(10)] {
            assert_eq!(nearest(given), Vec::<String>::new(), "{given}");
        }
    }

    #[test]
    fn no_more_than_three_are_told_and_each_once() {
        let many = ["aaaa", "aaab", "aaac", "aaad", "aaaa"];
        assert_eq!(Nearest::to("aaaa", many).0, ["aaaa", "aaab", "aaac"]);
        assert_eq!(
            Nearest::to("aaa", many).to_string(),
            " (did you mean `aaaa`, `aaab` or `aaac`?)"
        );
        assert_eq!(Nearest::to("aaaaa", ["aaaa"]).to_string(), " (did you mean `aaaa`?)");
        assert_eq!(Nearest::to("zzzz", many).to_string(), "");
    }
}
