//! The tokens with which members use the management API from outside a browser.

use astralform_domain::{AdminTokenId, Email, MemberId, Timestamp};

use crate::{
    Db, Result, Tx,
    bind::binds,
    db::{Row, Run as _},
    row::Record,
};

/// An admin token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminToken {
    /// Its id, which is part of the token's text.
    pub id: AdminTokenId,
    /// Whose it is.
    pub member: MemberId,
    /// SHA-256 of its secret.
    pub secret_hash: [u8; 32],
    /// What is shown of it.
    pub hint: String,
    /// What vouches for the rest of the row; nothing once it is revoked.
    pub tag: Option<[u8; 32]>,
    /// When it ended.
    pub revoked_at: Option<Timestamp>,
}

impl Record for AdminToken {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.parse("id")?,
            member: row.parse("member_id")?,
            secret_hash: row.digest("secret_hash")?,
            hint: row.text("hint")?,
            tag: row.tag()?,
            revoked_at: row.optional_time("revoked_at")?,
        })
    }
}

/// Stores a new admin token.
pub async fn create(tx: &mut Tx, new: &AdminToken, now: Timestamp) -> Result<()> {
    const SQL: &str = "
        INSERT INTO admin_tokens (id, member_id, secret_hash, hint, created_at, tag)
        VALUES ($1, $2, $3, $4, $5, $6)";
    let hash = &new.secret_hash;
    let hint = new.hint.as_str();
    let tag = new.tag.as_ref();
    let binds = binds![new.id, new.member, hash, hint, now, tag];
    tx.execute(SQL, binds).await?;
    Ok(())
}

/// Returns the admin token of that id, revoked ones included: authentication looks at the rest.
pub async fn find(db: &Db, id: AdminTokenId) -> Result<Option<AdminToken>> {
    const SQL: &str = "
        SELECT id, member_id, secret_hash, hint, tag, revoked_at FROM admin_tokens WHERE id = $1";
    db.optional(SQL, binds![id]).await
}

/// An admin token as it is listed for an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedToken {
    /// Its id.
    pub id: AdminTokenId,
    /// The address of its member.
    pub email: Email,
    /// What is shown of it.
    pub hint: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ended.
    pub revoked_at: Option<Timestamp>,
}

impl Record for ListedToken {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.parse("id")?,
            email: row.parse("email")?,
            hint: row.text("hint")?,
            created_at: row.time("created_at")?,
            revoked_at: row.optional_time("revoked_at")?,
        })
    }
}

/// Returns the admin tokens of a member, or of all, the oldest first.
pub async fn list(db: &Db, member: Option<MemberId>) -> Result<Vec<ListedToken>> {
    const SQL: &str = "
        SELECT admin_tokens.id, admin_tokens.hint, admin_tokens.created_at,
               admin_tokens.revoked_at, members.email
        FROM admin_tokens JOIN members ON members.id = admin_tokens.member_id
        WHERE members.id = COALESCE($1, members.id) ORDER BY admin_tokens.id";
    db.all(SQL, binds![member]).await
}

/// Ends an admin token; returns it as it was before, where there is one.
pub async fn revoke(tx: &mut Tx, id: AdminTokenId, now: Timestamp) -> Result<Option<AdminToken>> {
    const FIND: &str = "
        SELECT id, member_id, secret_hash, hint, tag, revoked_at FROM admin_tokens WHERE id = $1";
    const SQL: &str = "
        UPDATE admin_tokens SET revoked_at = $2, tag = NULL WHERE id = $1 AND revoked_at IS NULL";
    let found = tx.optional(FIND, binds![id]).await?;
    tx.execute(SQL, binds![id, now]).await?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        members::{self, Member},
        testing::{id, on_both},
    };

    #[tokio::test]
    async fn an_admin_token_is_found_by_its_id() {
        on_both(async |db| {
            let now = Timestamp::from_secs(1);
            let member = Member { id: id(), email: "ada@example.com".parse().unwrap() };
            let token = AdminToken {
                id: id(),
                member: member.id,
                secret_hash: [7; 32],
                tag: Some([8; 32]),
                hint: "…ab12".to_owned(),
                revoked_at: None,
            };
            let mut tx = db.begin().await.unwrap();
            members::create(&mut tx, &member, now).await.unwrap();
            create(&mut tx, &token, now).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(find(&db, token.id).await.unwrap(), Some(token.clone()));
            assert_eq!(find(&db, id()).await.unwrap(), None);

            let listed = list(&db, Some(member.id)).await.unwrap();
            assert_eq!(
                (listed.len(), listed[0].id, &listed[0].email),
                (1, token.id, &member.email)
            );
            assert_eq!(list(&db, None).await.unwrap(), listed);
            assert!(list(&db, Some(id())).await.unwrap().is_empty());
            let mut tx = db.begin().await.unwrap();
            let ended = Timestamp::from_secs(9);
            assert_eq!(revoke(&mut tx, token.id, ended).await.unwrap(), Some(token.clone()));
            let again = revoke(&mut tx, token.id, Timestamp::from_secs(10)).await.unwrap();
            assert_eq!(again.unwrap().revoked_at, Some(ended));
            assert_eq!(revoke(&mut tx, id(), ended).await.unwrap(), None);
        })
        .await;
    }
}
