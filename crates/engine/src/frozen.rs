/// A project is frozen: nothing is called, asked, confirmed or refreshed in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this project is frozen: nothing is called, asked or confirmed until whoever operates this \
     server lifts that with `astralform unfreeze`"
)]
pub struct Frozen;
