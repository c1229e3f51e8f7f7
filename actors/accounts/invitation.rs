//! What is behind an invitation's link, and what it takes to accept it.
//!
//! The link says who is invited; that somebody is this person a password says, or the session of one
//! who has given it before. Only whom nobody knows yet may choose a password by a link, or whoever has
//! the operator's, who could write it into the database as well.

mod sql;

use hoursmith_bus::{Ask, Response, Verdict};
use hoursmith_domain::{InvitationDigest, Problem, SessionDigest, Timestamp, UserId};
use hoursmith_kit::Failure;
use hoursmith_store::{Conn, Statement};
use serde::Serialize;
use serde_json::json;

pub(crate) use sql::Invitation;

pub(crate) fn statements() -> &'static [Statement] {
    sql::statements()
}

/// What it takes of whoever has opened the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Way {
    /// A new password.
    Choose,
    /// The password that there is.
    Confirm,
    /// A click: it is the person who is logged in.
    Press,
    /// Nothing helps: somebody else is logged in.
    Stranger,
    /// Nothing helps but a link of the operator's: the person is a member elsewhere, who has no
    /// password yet.
    Stuck,
}

impl Invitation {
    /// What it takes, when this user is logged in.
    pub(crate) fn way(&self, here: Option<UserId>) -> Way {
        match here {
            _ if self.is_operators => Way::Choose,
            Some(user) if user == self.user() => Way::Press,
            Some(_) => Way::Stranger,
            None if self.has_password() => Way::Confirm,
            None if self.acts_elsewhere => Way::Stuck,
            None => Way::Choose,
        }
    }

    /// Whether they say what they are called as well: nobody else has them on a list yet.
    pub(crate) fn asks_name(&self) -> bool {
        self.status == "invited" && !self.has_password() && !self.is_elsewhere
    }
}

/// Everything about an invitation that is good, and the user whose session there is. The session is
/// read last: one that is good then was good with the password that the invitation shows, since another
/// password ends it.
pub(crate) async fn find(
    conn: &mut Conn,
    ask: &Ask,
    now: Timestamp,
) -> Result<Option<(InvitationDigest, Invitation, Option<UserId>)>, Failure> {
    let visit = ask.head.visit.as_ref();
    let Some(digest) = visit.and_then(|visit| visit.invitation) else {
        return Ok(None);
    };
    let found = sql::find(conn, digest).await?;
    let Some(invitation) = found.filter(|invitation| now.as_micros() < invitation.expires_at)
    else {
        return Ok(None);
    };
    let here = match visit.and_then(|visit| visit.session) {
        Some(session) => whose(conn, session, now).await?,
        None => None,
    };
    Ok(Some((digest, invitation, here)))
}

/// The user of a session that is good.
async fn whose(
    conn: &mut Conn,
    session: SessionDigest,
    now: Timestamp,
) -> Result<Option<UserId>, Failure> {
    let found = crate::sql::find_session(conn, session).await?;
    let live = found.filter(|session| session.is_live(now));
    Ok(live.map(|session| UserId(session.user_id)))
}

/// Answers what the page behind a link shows: 200, or not found.
pub(crate) async fn show(conn: &mut Conn, ask: &Ask, now: Timestamp) -> Result<Verdict, Failure> {
    let Some((_, invitation, here)) = find(conn, ask, now).await? else {
        return Ok(Verdict::Refuse(Problem::not_found()));
    };
    let body = json!({
        "way": invitation.way(here),
        "asks_name": invitation.asks_name(),
        "is_member": invitation.status == "active",
        "organization": invitation.organization,
        "role": invitation.role,
        "inviter": invitation.inviter,
        "name": invitation.name,
        "email": invitation.email,
    });
    Ok(Verdict::Respond(Response::json(200, body.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn only_whom_nobody_knows_chooses_a_password() {
        let [invited, other] = [1, 2].map(|number| UserId(Uuid::from_u128(number)));
        let new = || Invitation {
            user_id: invited.0,
            expires_at: 1,
            is_operators: false,
            role: "member".to_owned(),
            status: "invited".to_owned(),
            organization: "Studio".to_owned(),
            name: "Ben".to_owned(),
            email: "ben@studio.example".to_owned(),
            inviter: None,
            password_hash: None,
            acts_elsewhere: false,
            is_elsewhere: false,
        };
        assert_eq!(new().way(None), Way::Choose);
        assert_eq!(new().way(Some(other)), Way::Stranger);
        let known = Invitation {
            password_hash: Some("hash".to_owned()),
            ..new()
        };
        assert_eq!(known.way(None), Way::Confirm);
        assert_eq!(known.way(Some(invited)), Way::Press);
        let elsewhere = Invitation {
            acts_elsewhere: true,
            is_elsewhere: true,
            ..new()
        };
        assert_eq!(elsewhere.way(None), Way::Stuck);
        let operators = |invitation| Invitation {
            is_operators: true,
            ..invitation
        };
        for invitation in [known, elsewhere] {
            let invitation = operators(invitation);
            assert_eq!(invitation.way(None), Way::Choose);
            assert!(!invitation.asks_name());
        }
        assert!(operators(new()).asks_name());
    }
}
