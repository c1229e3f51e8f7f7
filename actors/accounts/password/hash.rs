//! argon2id, off the runtime's threads.
//!
//! 19 MiB, two passes, one lane: the least that OWASP's Password Storage Cheat Sheet gives, some 20
//! ms here. How many run at a time is the pool's number of workers.

use std::sync::LazyLock;

use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use hoursmith_kit::Failure;

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// What is verified when there is no hash, so that nobody learns from the time which addresses
/// there are. `None` cannot be: its parts are fixed, and a test makes it.
static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| make("nobody", &[0; 16]).ok());

/// The hash of a password, in PHC form.
pub(super) async fn hash(password: String, salt: [u8; 16]) -> Result<String, Failure> {
    tokio::task::spawn_blocking(move || make(&password, &salt))
        .await
        .map_err(|source| Failure::internal("hash a password", source))?
        .map_err(|source| Failure::internal("hash a password", source))
}

/// Whether the password is the one of the hash. As much work without a hash as with one.
pub(super) async fn verify(password: String, hash: Option<String>) -> Result<bool, Failure> {
    tokio::task::spawn_blocking(move || {
        let known = hash.is_some();
        let hash = hash.or_else(|| NOBODY.clone()).unwrap_or_default();
        let right = PasswordHash::new(&hash).is_ok_and(|hash| {
            Argon2::default()
                .verify_password(password.as_bytes(), &hash)
                .is_ok()
        });
        known && right
    })
    .await
    .map_err(|source| Failure::internal("verify a password", source))
}

fn make(password: &str, salt: &[u8]) -> Result<String, argon2::password_hash::Error> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)?;
    let salt = SaltString::encode_b64(salt)?;
    let hashed = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password(password.as_bytes(), &salt)?
        .to_string();
    Ok(hashed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_verifies_its_password_alone() {
        let made = hash("correct horse".to_owned(), [7; 16]).await.unwrap();
        assert!(
            made.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{made}"
        );
        let verified =
            async |password: &str, hash| verify(password.to_owned(), hash).await.unwrap();
        assert!(verified("correct horse", Some(made.clone())).await);
        assert!(!verified("correct horsf", Some(made)).await);
        assert!(!verified("nobody", None).await);
        assert!(NOBODY.is_some());
    }
}
