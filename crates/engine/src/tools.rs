//! Tool calls: validate → credential → plan (pure) → send → shape (pure).

mod again;
mod attempt;
mod call;
mod list;
mod outcome;
mod plan;
mod prompted;
mod refused;
mod shape;

pub use call::{CallRefusal, ToolCall};
pub use list::{Availability, ListedTool, Outside};
pub use outcome::{CallFailure, Outcome, ToolResult};
pub(crate) use plan::encode;
