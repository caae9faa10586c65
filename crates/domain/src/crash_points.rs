//! Places at which a test may have the process die, with nothing finished and nothing cleaned up.
//!
//! Only with the feature `crash-points`, which the test kit switches on and no build of the product
//! alone has; without it, nothing of this is compiled. `ASTRALFORM_CRASH_POINT=refresh.answered:3`
//! arms the third passage of the place of that name.

#[cfg(feature = "crash-points")]
mod armed;

#[cfg(feature = "crash-points")]
pub use armed::{arm, pass};

/// A place at which a test may have the process die: `crash_point!("refresh.answered")`. Nothing at
/// all without the feature `crash-points`.
#[cfg(feature = "crash-points")]
#[macro_export]
macro_rules! crash_point {
    ($name:literal) => {
        $crate::crash_points::pass($name)
    };
}

/// A place at which a test may have the process die: `crash_point!("refresh.answered")`. Nothing at
/// all without the feature `crash-points`.
#[cfg(not(feature = "crash-points"))]
#[macro_export]
macro_rules! crash_point {
    ($name:literal) => {};
}

/// Takes from `$text`, an optional text, at which crash point this process dies. Nothing at all
/// without the feature `crash-points`.
#[cfg(feature = "crash-points")]
#[macro_export]
macro_rules! arm_crash_point {
    ($text:expr) => {
        if let Some(text) = $text {
            $crate::crash_points::arm(&text);
        }
    };
}

/// Takes from `$text`, an optional text, at which crash point this process dies. Nothing at all
/// without the feature `crash-points`.
#[cfg(not(feature = "crash-points"))]
#[macro_export]
macro_rules! arm_crash_point {
    ($text:expr) => {};
}
