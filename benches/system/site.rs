//! A database with something in it, and what is needed to ask for it.

use std::path::PathBuf;
use std::sync::Arc;

use hoursmith_domain::{Keys, MemberId, OrganizationId, Scope, SecretKey};
use hoursmith_kit::{Clock as _, SystemClock, SystemRandom};
use hoursmith_resource::admin::{Admin, fill_demo, seed_demo};
use hoursmith_store::testing::TestDb;
use hoursmith_store::{Db, OpenOptions, Target};
use hoursmith_token_auth::{NewToken, mint_token};
use tempfile::TempDir;

/// The secret key of what is measured.
pub(crate) const SECRET: [u8; 32] = [42; 32];

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    Sqlite,
    Postgres,
}

/// A database of its own: an SQLite file in a folder on the disk that the build is on, or one of
/// PostgreSQL's.
pub(crate) struct Site {
    target: Target,
    /// Both go with the site.
    _folder: Option<TempDir>,
    postgres: Option<TestDb>,
    pub(crate) organization: OrganizationId,
    pub(crate) member: MemberId,
    /// A write token of an owner.
    pub(crate) token: String,
    /// Time entries, at least.
    pub(crate) rows: u64,
}

impl Site {
    /// A new SQLite database with the demo organization.
    pub(crate) async fn prepare() -> Self {
        Self::filled(Store::Sqlite, 0).await
    }

    /// A new database with the demo organization and so many time entries.
    pub(crate) async fn filled(store: Store, rows: u64) -> Self {
        let (folder, postgres) = match store {
            Store::Sqlite => {
                let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
                (Some(folder), None)
            }
            Store::Postgres => (None, Some(TestDb::postgres().await)),
        };
        let target = match (&folder, &postgres) {
            (Some(folder), _) => Target::Sqlite {
                path: folder.path().join("hoursmith.db"),
            },
            (None, postgres) => postgres.as_ref().unwrap().target().clone(),
        };
        let db = open(&target).await;
        let clock = Arc::new(SystemClock::new());
        db.migrate(clock.now()).await.unwrap();
        let admin = Admin {
            db: db.clone(),
            clock: Arc::clone(&clock) as _,
            random: Arc::new(SystemRandom),
        };
        let demo = seed_demo(&admin).await.unwrap();
        fill_demo(&admin, rows, |_| ()).await.unwrap();
        if let Some(postgres) = &postgres {
            postgres.vacuum().await;
        }
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
            target,
            _folder: folder,
            postgres,
            organization,
            member,
            token: minted.token.expose().to_owned(),
            rows,
        }
    }

    /// Leaves nothing for the database to do by itself.
    pub(crate) async fn vacuum(&self) {
        if let Some(postgres) = &self.postgres {
            postgres.vacuum().await;
        }
    }

    /// Its SQLite file.
    pub(crate) fn database(&self) -> PathBuf {
        match &self.target {
            Target::Sqlite { path } => path.clone(),
            Target::Postgres { .. } => panic!("a database without a file"),
        }
    }

    /// Where it is, as the program takes it.
    pub(crate) fn url(&self) -> String {
        match &self.target {
            Target::Sqlite { path } => format!("sqlite:{}", path.display()),
            Target::Postgres { .. } => self.postgres.as_ref().unwrap().url(),
        }
    }

    /// Opens it as the program does.
    pub(crate) async fn open(&self) -> Db {
        open(&self.target).await
    }
}

/// Opens a database as the program does.
pub(crate) async fn open(target: &Target) -> Db {
    Db::open(target, OpenOptions::default()).await.unwrap()
}

/// The keys under [`SECRET`].
pub(crate) fn keys() -> Keys {
    Keys::derive(&SecretKey::from_bytes(SECRET))
}
