//! Room for the bodies of requests that are under way.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use astralform_domain::limits::{self, Limit};

use crate::{App, Problem, Refusal, served};

/// How many bytes of bodies are under way, of all senders or of one.
#[derive(Debug, Default)]
pub(crate) struct Bodies(AtomicUsize);

/// Room for one body, until it is dropped.
pub(crate) struct Reserved {
    of: Arc<dyn AsRef<Bodies> + Send + Sync>,
    bytes: usize,
}

impl AsRef<Self> for Bodies {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl Bodies {
    fn reserve(
        of: Arc<impl AsRef<Self> + Send + Sync + 'static>,
        bytes: usize,
        limit: Limit,
    ) -> Option<Reserved> {
        let before = of.as_ref().as_ref().0.fetch_add(bytes, Ordering::Relaxed);
        let reserved = Reserved { of, bytes };
        (!limit.is_exceeded_by(before + bytes)).then_some(reserved)
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.of.as_ref().as_ref().0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Reserves room for the body of the present request, for as long as the request lasts.
///
/// # Errors
/// When its sender, or all together, send too much at the same time.
pub(crate) fn reserve(app: &App, bytes: usize) -> Result<(), Problem> {
    let Some(served) = served::current().filter(|_| bytes > 0) else { return Ok(()) };
    let throttle = app.throttle();
    if let Some(origin) = served.origin {
        let of_origin = throttle.visitor(origin);
        let reserved = Bodies::reserve(of_origin, bytes, limits::BODIES_OF_ADDRESS);
        served.hold_body(reserved.ok_or_else(too_many_of_one)?);
    }
    if let Some(payer) = served.payer() {
        let reserved = Bodies::reserve(payer, bytes, limits::BODIES_OF_CREDENTIAL);
        served.hold_body(reserved.ok_or_else(too_many_of_one)?);
    }
    let all = Bodies::reserve(Arc::clone(throttle.bodies()), bytes, limits::BODIES);
    served.hold_body(all.ok_or_else(too_many_of_all)?);
    Ok(())
}

fn too_many_of_one() -> Problem {
    Problem::from(Refusal::TooManyBodies).retry_after(1)
}

fn too_many_of_all() -> Problem {
    Problem::from(Refusal::NoRoom).retry_after(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit =
        Limit { name: "LIMIT", value: 100, unit: "bytes", of: "bodies", beyond: "429" };

    #[test]
    fn f8_bodies_have_room_up_to_the_limit_and_give_it_back() {
        let all = Arc::<Bodies>::default();
        let one = Bodies::reserve(Arc::clone(&all), 60, LIMIT);
        let two = Bodies::reserve(Arc::clone(&all), 40, LIMIT);
        assert!(one.is_some() && two.is_some());
        assert!(Bodies::reserve(Arc::clone(&all), 1, LIMIT).is_none());
        drop(two);
        assert!(Bodies::reserve(Arc::clone(&all), 41, LIMIT).is_none());
        assert!(Bodies::reserve(Arc::clone(&all), 40, LIMIT).is_some());
        drop(one);
        assert_eq!(all.0.load(Ordering::Relaxed), 0);
    }
}
