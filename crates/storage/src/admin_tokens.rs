//! The tokens with which members use the management API from outside a browser.

use astralform_domain::{AdminAccess, AdminTokenId, Email, MemberId, Timestamp};

use crate::{
    Db, Result, Tx,
    bind::binds,
    db::{Row, Run},
    row::{Count, Record},
};

/// An admin token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminToken {
    /// Its id, which is part of the token's text.
    pub id: AdminTokenId,
    /// Whose it is.
    pub member: MemberId,
    /// What people call it.
    pub name: String,
    /// What it allows.
    pub access: AdminAccess,
    /// SHA-256 of its secret.
    pub secret_hash: [u8; 32],
    /// What is shown of it.
    pub hint: String,
    /// What vouches for the rest of the row; nothing once it is revoked.
    pub tag: Option<[u8; 32]>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was last used; known a minute later.
    pub used_at: Option<Timestamp>,
    /// When it was ended.
    pub revoked_at: Option<Timestamp>,
}

impl AdminToken {
    /// Returns whether it opens anything at a moment.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| end > now)
    }
}

impl Record for AdminToken {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.parse("id")?,
            member: row.parse("member_id")?,
            name: row.text("name")?,
            access: row.parse("access")?,
            secret_hash: row.digest("secret_hash")?,
            hint: row.text("hint")?,
            tag: row.tag()?,
            expires_at: row.optional_time("expires_at")?,
            used_at: row.optional_time("used_at")?,
            revoked_at: row.optional_time("revoked_at")?,
        })
    }
}

/// Stores a new admin token, as made by the actor of the transaction.
pub async fn create(tx: &mut Tx, new: &AdminToken, now: Timestamp) -> Result<()> {
    const SQL: &str = "
        INSERT INTO admin_tokens
            (id, member_id, name, access, secret_hash, hint, tag, created_at, created_by,
             expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let binds = binds![
        new.id,
        new.member,
        new.name.as_str(),
        new.access,
        &new.secret_hash,
        new.hint.as_str(),
        new.tag.as_ref(),
        now,
        tx.actor().to_string(),
        new.expires_at,
    ];
    tx.execute(SQL, binds).await?;
    Ok(())
}

/// Returns the admin token of that id, one that is over included: authentication looks at the rest.
pub async fn find(db: &Db, id: AdminTokenId) -> Result<Option<AdminToken>> {
    const SQL: &str = "SELECT * FROM admin_tokens WHERE id = $1";
    db.optional(SQL, binds![id]).await
}

/// An admin token as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedToken {
    /// The token.
    pub token: AdminToken,
    /// The address of its member.
    pub email: Email,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it: an id that says of what, or `operator`.
    pub created_by: String,
}

impl Record for ListedToken {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            token: AdminToken::read(row)?,
            email: row.parse("email")?,
            created_at: row.time("created_at")?,
            created_by: row.text("created_by")?,
        })
    }
}

/// Returns the admin tokens of a member, or of all, the oldest first.
pub async fn list(db: impl Run, member: Option<MemberId>) -> Result<Vec<ListedToken>> {
    const SQL: &str = "
        SELECT admin_tokens.*, members.email
        FROM admin_tokens JOIN members ON members.id = admin_tokens.member_id
        WHERE members.id = COALESCE($1, members.id) ORDER BY admin_tokens.id";
    db.all(SQL, binds![member]).await
}

/// Returns how many tokens of a member are not over.
pub async fn count_live(tx: &mut Tx, member: MemberId, now: Timestamp) -> Result<i64> {
    const SQL: &str = "
        SELECT COUNT(*) AS number FROM admin_tokens
        WHERE member_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)";
    let found: Option<Count> = tx.optional(SQL, binds![member, now]).await?;
    Ok(found.map_or(0, |Count(number)| number))
}

/// Notes when a token was last used.
pub async fn note_use(tx: &mut Tx, id: AdminTokenId, at: Timestamp) -> Result<()> {
    const SQL: &str = "
        UPDATE admin_tokens SET used_at = $2 WHERE id = $1 AND (used_at IS NULL OR used_at < $2)";
    tx.execute(SQL, binds![id, at]).await?;
    Ok(())
}

/// Ends an admin token; returns it as it was before, where there is one.
pub async fn revoke(tx: &mut Tx, id: AdminTokenId, now: Timestamp) -> Result<Option<AdminToken>> {
    const FIND: &str = "SELECT * FROM admin_tokens WHERE id = $1";
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
        testing::{ACTOR, admin_token, id, on_both},
    };

    #[tokio::test]
    async fn an_admin_token_is_found_by_its_id() {
        on_both(async |db| {
            let [now, used, ended] = [1, 5, 9].map(Timestamp::from_secs);
            let member = Member { id: id(), email: "ada@example.com".parse().unwrap() };
            let expires_at = Some(Timestamp::from_secs(60));
            let access = AdminAccess::Read;
            let token = AdminToken { access, expires_at, ..admin_token(member.id) };
            let mut tx = db.begin(ACTOR).await.unwrap();
            members::create(&mut tx, &member, now).await.unwrap();
            create(&mut tx, &token, now).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(find(&db, token.id).await.unwrap(), Some(token.clone()));
            assert_eq!(find(&db, id()).await.unwrap(), None);
            assert!(token.is_live(now) && !token.is_live(Timestamp::from_secs(60)));

            let listed = list(&db, Some(member.id)).await.unwrap();
            assert_eq!(
                (listed.len(), &listed[0].token, &listed[0].email),
                (1, &token, &member.email)
            );
            assert_eq!(list(&db, None).await.unwrap(), listed);
            assert!(list(&db, Some(id())).await.unwrap().is_empty());
            let mut tx = db.begin(ACTOR).await.unwrap();
            note_use(&mut tx, token.id, used).await.unwrap();
            let token = AdminToken { used_at: Some(used), ..token };
            assert_eq!(count_live(&mut tx, member.id, now).await.unwrap(), 1);
            assert_eq!(revoke(&mut tx, token.id, ended).await.unwrap(), Some(token.clone()));
            let again = revoke(&mut tx, token.id, Timestamp::from_secs(10)).await.unwrap();
            assert_eq!(again.unwrap().revoked_at, Some(ended));
            assert_eq!(revoke(&mut tx, id(), ended).await.unwrap(), None);
            assert_eq!(count_live(&mut tx, member.id, now).await.unwrap(), 0);
        })
        .await;
    }
}
