//! Links that the operator hands out, by which members choose a password: at first, and when they lost
//! the one they had.

use hoursmith_domain::{InvitationSecret, Keys, Timestamp};

use super::{Admin, AdminError};
use crate::member::{has_password, link};
use crate::organization;

/// A link that was just made.
#[derive(Debug)]
pub struct NewLink {
    /// Its secret, kept nowhere.
    pub secret: InvitationSecret,
    /// When it ends, used or not.
    pub expires_at: Timestamp,
}

impl Admin {
    /// A link for a member, in place of the one before. Whoever opens it chooses a password, which ends
    /// the sessions begun with another, and is in.
    pub async fn link(&self, keys: &Keys, slug: &str, email: &str) -> Result<NewLink, AdminError> {
        let (id, member) = self.member_to_be(slug, email).await?;
        let mut random = [0; 32];
        self.random.fill(&mut random);
        let secret = InvitationSecret::generate(random);
        let digest = secret.digest(keys);
        let admin = self.clone();
        let expires_at = self
            .write(move |conn| {
                Box::pin(async move {
                    organization::hold(conn, id).await?;
                    Ok(link(conn, &admin.stamp(id), id, member.id, digest).await?)
                })
            })
            .await?;
        Ok(NewLink { secret, expires_at })
    }

    /// Whether a member has a password to log in with.
    pub async fn can_log_in(&self, slug: &str, email: &str) -> Result<bool, AdminError> {
        let (_, member) = self.member_to_be(slug, email).await?;
        Ok(has_password(&mut *self.db.read().await?, member.user).await?)
    }
}
