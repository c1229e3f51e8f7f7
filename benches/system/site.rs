//! A database with something in it, and what is needed to ask for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hoursmith_domain::{Keys, MemberId, OrganizationId, Scope, SecretKey};
use hoursmith_kit::{Clock as _, SystemClock, SystemRandom};
use hoursmith_resource::admin::{Admin, seed_demo};
use hoursmith_store::{Db, OpenOptions, Target};
use hoursmith_token_auth::{NewToken, mint_token};
use tempfile::TempDir;

/// The secret key of what is measured.
pub(crate) const SECRET: [u8; 32] = [42; 32];

/// An SQLite file in a folder of its own, on the disk that the build is on.
pub(crate) struct Site {
    folder: TempDir,
    pub(crate) organization: OrganizationId,
    pub(crate) member: MemberId,
    /// A write token of an owner.
    pub(crate) token: String,
}

impl Site {
    /// A new database with the demo organization.
    pub(crate) async fn prepare() -> Self {
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let db = open(&folder.path().join(FILE)).await;
        let clock = Arc::new(SystemClock::new());
        db.migrate(clock.now()).await.unwrap();
        let admin = Admin {
            db: db.clone(),
            clock: Arc::clone(&clock) as _,
            random: Arc::new(SystemRandom),
        };
        let demo = seed_demo(&admin).await.unwrap();
        let (organization, member) = admin.member(demo.slug, demo.owner()).await.unwrap();
        let new = NewToken {
            organization,
            member,
            name: "bench".to_owned(),
            scope: Scope::Write,
            expires_at: None,
        };
        let minted = mint_token(&db, &SystemRandom, &keys(), clock.now(), new)
            .await
            .unwrap();
        db.close().await;
        Self {
            folder,
            organization,
            member,
            token: minted.token.expose().to_owned(),
        }
    }

    /// The database file.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join(FILE)
    }
}

const FILE: &str = "hoursmith.db";

/// Opens a database as the program does.
pub(crate) async fn open(file: &Path) -> Db {
    let target = Target::Sqlite {
        path: file.to_owned(),
    };
    Db::open(&target, OpenOptions::default()).await.unwrap()
}

/// The keys under [`SECRET`].
pub(crate) fn keys() -> Keys {
    Keys::derive(&SecretKey::from_bytes(SECRET))
}
