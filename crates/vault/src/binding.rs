use astralform_domain::{HostSet, Owner, Tenant};

/// What a sealed value is bound to: the one place in which it opens.
#[derive(Clone, Copy)]
pub struct Binding<'a> {
    /// The project whose data key seals it, and the environment it belongs to.
    pub tenant: Tenant,
    /// Whose secret it is.
    pub owner: &'a Owner,
    /// The table it is stored in.
    pub table: &'static str,
    /// The primary key of its row.
    pub row: &'a str,
    /// The column it is stored in.
    pub column: &'static str,
    /// Which write of the row it belongs to.
    pub generation: i64,
    /// The hosts it may be sent to.
    pub hosts: &'a HostSet,
}

impl Binding<'_> {
    /// Returns every field, each with its length before it, so that no two bindings read the same.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(256);
        field(&mut bytes, &self.tenant.project.to_bytes());
        field(&mut bytes, self.tenant.environment.as_str().as_bytes());
        match self.owner {
            Owner::Project => field(&mut bytes, b"project"),
            Owner::EndUser(id) => {
                field(&mut bytes, b"end_user");
                field(&mut bytes, id.as_str().as_bytes());
            }
            Owner::Member(id) => {
                field(&mut bytes, b"member");
                field(&mut bytes, &id.to_bytes());
            }
        }
        field(&mut bytes, self.table.as_bytes());
        field(&mut bytes, self.row.as_bytes());
        field(&mut bytes, self.column.as_bytes());
        field(&mut bytes, &self.generation.to_be_bytes());
        for host in self.hosts.iter() {
            field(&mut bytes, host.as_bytes());
        }
        bytes
    }
}

fn field(bytes: &mut Vec<u8>, value: &[u8]) {
    bytes.extend_from_slice(&(value.len() as u64).to_be_bytes());
    bytes.extend_from_slice(value);
}
