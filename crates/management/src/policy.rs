//! Who may do what: one table. `docs/roles.md` shows the same rows; a test compares the two.

use astralform_domain::{Actor, AdminAccess, Role};
use thiserror::Error;

/// Declares the rights: `Name: role, access, "what";`, from the lowest role that has each.
macro_rules! rights {
    ($($name:ident: $role:ident, $access:ident, $what:literal;)+) => {
        /// Something that those who administer may do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Right {
            $(#[doc = concat!("To ", $what, ".")] $name,)+
        }

        impl Right {
            /// Every right, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Returns the lowest role that has it.
            pub const fn lowest_role(self) -> Role {
                match self { $(Self::$name => Role::$role,)+ }
            }

            /// Returns what an admin token has to allow.
            pub const fn access(self) -> AdminAccess {
                match self { $(Self::$name => AdminAccess::$access,)+ }
            }

            /// Returns what it is a right to, as in "to look at everything".
            pub const fn what(self) -> &'static str {
                match self { $(Self::$name => $what,)+ }
            }
        }
    };
}

rights! {
    Look: Member, Read, "look at everything of a project but its secrets";
    Check: Member, Read, "have a connector's credentials checked by the provider";
    Explain: Member, Read, "have it explained why a tool can or cannot be called";
    EndConnection: Member, Write, "revoke a single connection";
    Connectors: Admin, Write, "enable, change and disable connectors";
    ShareAccount: Admin, Write, "share an account or key with all end users";
    Agents: Admin, Write, "create, change and delete agents, and assign connectors to them";
    ApiKeys: Admin, Write, "create, roll and revoke API keys";
    Webhooks: Admin, Write, "create, change, test and delete webhooks";
    ManyConnections: Admin, Write, "revoke many connections at once";
    EndUsers: Admin, Write, "delete end users";
    Export: Admin, Read, "export receipts as a file";
    Appearance: Admin, Write, "change a project's name, logo, accent and links";
    BrowserAccess: Admin, Write, "change return URLs and allowed origins";
    CopyEnvironment: Admin, Write, "copy settings from one environment to the other";
    CreateProject: Admin, Write, "create projects";
    Audit: Admin, Read, "read the audit log";
    Verification: Owner, Write, "change how end users are verified";
    DeleteProject: Owner, Write, "delete a project";
}

/// That somebody may not do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Forbidden {
    /// Their role is too low.
    #[error(
        "this takes the role `{needed}` in the team, and yours is `{role}`: ask someone who has it \
         to {what}",
        needed = .right.lowest_role(),
        what = .right.what()
    )]
    Role {
        /// What they may not.
        right: Right,
        /// What they are.
        role: Role,
    },
    /// The admin token only reads.
    #[error(
        "this admin token has the access `read`, which is not enough to {}: use one with `write`",
        .0.what()
    )]
    ReadOnly(Right),
    /// Only those who administer may.
    #[error("only members of the project's team may {}", .0.what())]
    NotAdministering(Right),
}

/// Checks that an actor may do something in a team or project that they belong to.
///
/// # Errors
/// With what keeps them from it.
pub fn check(actor: Actor, right: Right) -> Result<(), Forbidden> {
    match actor {
        Actor::Member { administrator, .. }
            if right.access() == AdminAccess::Write
                && administrator.access == AdminAccess::Read =>
        {
            Err(Forbidden::ReadOnly(right))
        }
        Actor::Member { role, .. } if rank(role) < rank(right.lowest_role()) => {
            Err(Forbidden::Role { right, role })
        }
        Actor::Member { .. } | Actor::Operator | Actor::Product => Ok(()),
        Actor::ApiKey(_) | Actor::Session(_) | Actor::EndUser(_) => {
            Err(Forbidden::NotAdministering(right))
        }
    }
}

const fn rank(role: Role) -> u8 {
    match role {
        Role::Member => 0,
        Role::Admin => 1,
        Role::Owner => 2,
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use astralform_domain::{
        AdminTokenId, Administrator, ApiKeyId, AuthRequestId, Clock, Entropy, MemberId, SessionId,
    };

    use super::*;

    fn member(role: Role, access: AdminAccess) -> Actor {
        let (clock, entropy) = (Clock::system(), Entropy::system());
        let member = MemberId::new(&clock, &entropy);
        let token = AdminTokenId::new(&clock, &entropy);
        Actor::Member { administrator: Administrator { member, token, access }, role }
    }

    #[test]
    fn t1_a_right_is_had_from_its_lowest_role_on_and_by_no_end_user() {
        let (clock, entropy) = (Clock::system(), Entropy::system());
        for right in Right::ALL.iter().copied() {
            for role in Role::ALL.iter().copied() {
                let allowed = check(member(role, AdminAccess::Write), right).is_ok();
                assert_eq!(allowed, rank(role) >= rank(right.lowest_role()), "{right:?} {role}");
                let read = check(member(role, AdminAccess::Read), right);
                assert_eq!(read.is_ok(), allowed && right.access() == AdminAccess::Read);
            }
            for nobody in [
                Actor::ApiKey(ApiKeyId::new(&clock, &entropy)),
                Actor::Session(SessionId::new(&clock, &entropy)),
                Actor::EndUser(AuthRequestId::new(&clock, &entropy)),
            ] {
                assert_eq!(check(nobody, right), Err(Forbidden::NotAdministering(right)));
            }
            assert_eq!(check(Actor::Operator, right), Ok(()));
        }
    }

    #[test]
    fn the_documentation_has_the_same_table() {
        let mut table =
            "| may | member | admin | owner | token |\n|---|---|---|---|---|\n".to_owned();
        for right in Right::ALL.iter().copied() {
            let cells = [Role::Member, Role::Admin, Role::Owner]
                .map(|role| if rank(role) >= rank(right.lowest_role()) { "✓" } else { "" });
            let [member, admin, owner] = cells;
            let token = match right.access() {
                AdminAccess::Read => "`read` or `write`",
                AdminAccess::Write => "`write`",
            };
            let what = right.what();
            writeln!(table, "| {what} | {member} | {admin} | {owner} | {token} |").unwrap();
        }
        let document = include_str!("../../../docs/roles.md");
        assert!(document.contains(&table), "docs/roles.md should have this table:\n\n{table}");
    }
}
