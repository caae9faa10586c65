//! What a service's answers mean: pure functions.

mod refusal;
mod result;
mod retry;
mod shape;

pub(crate) use refusal::{is_named, kind, lacking_scopes, text, words};
pub use result::{CallFailure, ToolResult};
pub use retry::{Sending, retry_delay};
pub use shape::{Shaped, is_success, no_answer, shape};
