//! Another password in the place of one's own.
//!
//! One transaction: the password, the end of every other session of the person, and a new secret
//! for the one that asks, so that whoever knew the old password or took a cookie is out. Two who do
//! it at once wait for one another at the person's row; the second finds that the password it
//! confirmed is no longer the one.

use hoursmith_bus::{Ask, Verdict};
use hoursmith_domain::{FieldError, UserId};
use hoursmith_kit::Failure;
use hoursmith_store::Conn;
use serde::Deserialize;

use super::{Shared, begins, hash, not_yours, read, refuse, too_often};
use crate::check;
use crate::session::{self, LIFE, Renewal};
use crate::sql;

#[derive(Deserialize)]
struct Change {
    password: String,
    new_password: String,
}

/// What is written.
struct Written {
    user: UserId,
    old: String,
    new: String,
    renewal: Renewal,
}

/// Why nothing was.
#[derive(Debug, thiserror::Error)]
enum Undone {
    #[error("the password was changed meanwhile")]
    Changed,
    #[error("the session ended meanwhile")]
    Ended,
    #[error("the database did not take part")]
    Store(#[from] hoursmith_store::Error),
}

pub(super) async fn answer(shared: &Shared, ask: &Ask) -> Result<Verdict, Failure> {
    let Change {
        password,
        new_password,
    } = read(ask)?;
    let Some(digest) = session::digest_of(ask) else {
        return Ok(session::over());
    };
    let Some(asking) = session::live(&shared.db, digest, shared.clock.now()).await? else {
        return Ok(session::over());
    };
    let user = UserId(asking.user_id);
    let person = sql::find_person(&mut *shared.db.read().await?, user).await?;
    let person = person.ok_or_else(|| Failure::internal("find a session's person", "no row"))?;
    let beside = [person.name.as_str(), person.email.as_str()];
    let wrong = check::password("new_password", &new_password, &beside);
    if let Some(wrong) = wrong.or_else(|| same(&password, &new_password)) {
        return Ok(refuse([wrong]));
    }
    // The budget of confirming: a session that is open shall not be a way to guess.
    if let Err(after) = shared.admit(ask, &user.to_string()) {
        return Ok(too_often(after));
    }
    let old = person.password_hash;
    let right = hash::verify(password, old.clone()).await?;
    let Some(old) = old.filter(|_| right) else {
        return Ok(not_yours());
    };
    let new = shared.hashed(new_password).await?;
    let secret = shared.secret();
    let now = shared.clock.now();
    let written = Written {
        user,
        old,
        new,
        renewal: Renewal {
            id: asking.id,
            old: digest,
            new: secret.digest(&shared.keys),
            now,
            expires_at: now.plus(LIFE),
        },
    };
    let done = shared
        .db
        .write(move |conn| Box::pin(async move { write(conn, &written).await }))
        .await;
    match done {
        Ok(()) => Ok(begins(&secret)),
        Err(Undone::Changed) => Ok(not_yours()),
        Err(Undone::Ended) => Ok(session::over()),
        Err(Undone::Store(error)) => Err(error.into()),
    }
}

async fn write(conn: &mut Conn, written: &Written) -> Result<(), Undone> {
    let Written {
        user,
        old,
        new,
        renewal,
    } = written;
    // The person's row first: whoever logs in holds it as well.
    if !sql::change_password(conn, *user, old, new, renewal.now).await? {
        return Err(Undone::Changed);
    }
    if !session::renew_session(conn, renewal).await? {
        return Err(Undone::Ended);
    }
    session::delete_other_sessions(conn, *user, renewal.id).await?;
    Ok(())
}

/// What is wrong with a new password that is none.
fn same(password: &str, new_password: &str) -> Option<FieldError> {
    let detail = "is the one that you have";
    (password == new_password).then(|| FieldError::pointer("#/new_password", "same", detail))
}
