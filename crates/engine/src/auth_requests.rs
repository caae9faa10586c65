//! Prompts to end users, from the question to the connection.
//!
//! [`open`](self) → the end user clicks ([`begin`]) → the provider sends the browser back
//! ([`finish`]), or enters a key on our page ([`enter_key`]) → where the environment wants it, the developer's backend vouches ([`confirm`]).
//! [`sweep`] ends what nobody finished.

mod attempts;
pub(crate) mod begin;
mod confirm;
mod enter_key;
mod finish;
mod link;
mod open;
mod request;
mod sweep;
mod view;
mod wait;

pub(crate) use attempts::OpenPrompts;
pub use begin::{BeginError, Started};
pub use confirm::{ConfirmError, Confirmation};
pub use enter_key::EnterKeyError;
pub use finish::{Callback, FinishError};
pub(crate) use open::{OpenError, Question, Wishes};
pub use request::{UndeclaredScope, Wanted, WantedAccount, WantedError};
pub use view::{Consent, Prompt};
pub use wait::Patience;
pub(crate) use wait::{Changes, Waiters};
