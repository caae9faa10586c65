use astralform_surface::body::Whole;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which part of a list is wanted.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct PageQuery<Id> {
    /// `next_cursor` of the part before.
    pub(crate) cursor: Option<Id>,
    /// How many to list at most; 50 when left out.
    limit: Option<Whole<1, 100>>,
}

/// A part of a list.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub(crate) struct PageView<T> {
    /// What is listed.
    data: Vec<T>,
    /// What to send as `cursor` for the next part; null on the last one.
    next_cursor: Option<String>,
}

impl<Id> PageQuery<Id> {
    /// Returns one more than wanted, to know whether there are more.
    pub(crate) fn one_more(&self) -> i64 {
        self.limit() + 1
    }

    /// Returns how many are wanted.
    pub(crate) fn limit(&self) -> i64 {
        self.limit.and_then(|limit| limit.get().try_into().ok()).unwrap_or(50)
    }

    /// Returns `next_cursor` of what was found with one more, of which the one more is taken away.
    pub(crate) fn next<F>(
        &self,
        found: &mut Vec<F>,
        cursor_of: impl Fn(&F) -> String,
    ) -> Option<String> {
        let limit = usize::try_from(self.limit()).unwrap_or(usize::MAX);
        let there_are_more = found.len() > limit;
        found.truncate(limit);
        found.last().filter(|_| there_are_more).map(cursor_of)
    }

    /// Returns the part itself, of what was found with one more.
    pub(crate) fn view<F, T: From<F>>(
        &self,
        mut found: Vec<F>,
        cursor_of: impl Fn(&F) -> String,
    ) -> PageView<T> {
        let next_cursor = self.next(&mut found, cursor_of);
        PageView { data: found.into_iter().map(T::from).collect(), next_cursor }
    }
}

impl<T> PageView<T> {
    /// Returns a list that is whole.
    pub(crate) fn whole(data: Vec<T>) -> Self {
        Self { data, next_cursor: None }
    }
}
