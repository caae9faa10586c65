use crate::text_enum::text_enum;

text_enum! {
    /// What an admin token allows of what its member may do.
    AdminAccess("access of an admin token") {
        /// Looking.
        Read = "read",
        /// Looking and changing.
        Write = "write",
    }
}
