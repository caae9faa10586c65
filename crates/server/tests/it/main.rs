//! The product over HTTP, with a simulated provider, a browser without JavaScript and a clock that
//! moves when told.

mod authentication;
mod bad_input;
mod confirm;
mod consent;
mod faults;
mod main_job;
mod pages;
mod peer;
mod secrets;
mod tampering;
