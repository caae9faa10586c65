//! What providers give and refuse, in the words that real ones use: read generously, and never so
//! that one person's trouble becomes another's.

mod answers;
mod app;
mod callbacks;
mod held;
mod notes;
mod refused;
mod reports;
mod scopes;
