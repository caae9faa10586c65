use std::ops::Range;

use astralform_domain::Clock;
use astralform_simulator::hostile::{Hostile, Temper};
use astralform_testkit::HostileProvider;

use crate::{
    Result,
    fill::{Filler, Stored},
    world::World,
};

/// A second provider and its connector, in the same project as the first.
pub(crate) struct Neighbour<'a> {
    world: &'a World,
    provider: HostileProvider,
}

impl<'a> Neighbour<'a> {
    /// Its connector's name.
    pub(crate) const CONNECTOR: &'static str = "sturdy";
    /// The tool that reads.
    pub(crate) const READ: &'static str = "sturdy_read";

    /// Starts the provider and enables its connector. To be called before servers are started.
    pub(crate) async fn move_in(world: &'a World, temper: Temper) -> Result<Self> {
        let provider = HostileProvider::start(&Clock::system(), temper).await;
        let yaml = provider.yaml().replace(HostileProvider::CONNECTOR, Self::CONNECTOR);
        world.installation.add_connector(Self::CONNECTOR, &yaml).await?;
        Ok(Self { world, provider })
    }

    pub(crate) fn hostile(&self) -> &Hostile {
        &self.provider.hostile
    }

    /// Stores a connection for each of these end users.
    pub(crate) async fn fill(
        &self,
        numbers: Range<usize>,
        stored: impl Into<Stored>,
    ) -> Result<()> {
        let installation = &self.world.installation;
        let filler = Filler::open(installation, Self::CONNECTOR, self.hostile()).await?;
        filler.fill(numbers, stored.into()).await?;
        filler.close().await;
        Ok(())
    }
}
