use tokio::runtime::Handle;

/// Runs work that goes on when its caller stops waiting for it, and when the connection that it was
/// begun on closes.
#[derive(Clone)]
pub(crate) struct Detached {
    /// The runtime of the process, which outlives those of its connections.
    home: Option<Handle>,
}

impl Detached {
    /// Makes one that runs work where it is made.
    pub(crate) fn here() -> Self {
        Self { home: Handle::try_current().ok() }
    }

    /// Starts the work.
    pub(crate) fn run(&self, work: impl Future<Output = ()> + Send + 'static) {
        let home = self.home.clone().unwrap_or_else(Handle::current);
        home.spawn(work);
    }
}
