//! Where the secret key comes from: a setting, a file, or, on a single machine, the first start.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use hoursmith_domain::SecretKey;
use secrecy::ExposeSecret as _;

use crate::Settings;
use crate::error::Error;

/// Name of the key file in the data folder.
const FILE_NAME: &str = "secret.key";

/// 44 characters of base64 and white space around them; more is another file.
const MAX_FILE_BYTES: u64 = 256;

impl Settings {
    /// The deployment's secret key. Where none is set and NATS is not either, it is read from the
    /// data folder, or made there from `random` (32 bytes, called at most once).
    pub fn secret_key(&self, random: impl FnOnce() -> [u8; 32]) -> Result<SecretKey, Error> {
        match self.existing_secret_key()? {
            Some(key) => Ok(key),
            None => {
                let path = self.data_dir.join(FILE_NAME);
                make(&self.data_dir, &path, &SecretKey::from_bytes(random()))
            }
        }
    }

    /// The secret key, if there is one; `None` where the first start would make it.
    pub fn existing_secret_key(&self) -> Result<Option<SecretKey>, Error> {
        if let Some(text) = &self.secret_key {
            let key = SecretKey::parse(text.expose_secret()).ok_or_else(|| Error::Invalid {
                key: "secret_key".to_owned(),
                origin: self.origins.of_key("secret_key"),
                reason: "must be 32 bytes in standard base64".to_owned(),
            });
            return key.map(Some);
        }
        if let Some(path) = &self.secret_key_file {
            return read(path).map(Some);
        }
        if self.nats_url.is_some() {
            return Err(Error::SecretKeyRequired);
        }
        match read(&self.data_dir.join(FILE_NAME)) {
            Err(Error::SecretKeyFile { source, .. })
                if source.kind() == io::ErrorKind::NotFound =>
            {
                Ok(None)
            }
            result => result.map(Some),
        }
    }

    /// Makes the data folder if the database is to be in it and it is not there: where the secret
    /// key comes from elsewhere, nobody has made it.
    pub fn make_data_dir(&self) -> Result<(), Error> {
        match self.database_url {
            Some(_) => Ok(()),
            None => make_folder(&self.data_dir),
        }
    }
}

/// Makes the data folder if there is none, closed to others.
fn make_folder(folder: &Path) -> Result<(), Error> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(failed("make the data folder", folder))
}

fn read(path: &Path) -> Result<SecretKey, Error> {
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE_BYTES).read_to_string(&mut text))
        .map_err(failed("read the secret key", path))?;
    SecretKey::parse(&text).ok_or_else(|| Error::SecretKeyForm {
        path: path.to_owned(),
    })
}

/// Writes a new key beside its place and links it in whole: whoever else starts at the same moment
/// sees no key or all of it, and of two makers one wins and the other takes its key.
fn make(folder: &Path, path: &Path, key: &SecretKey) -> Result<SecretKey, Error> {
    make_folder(folder)?;
    let draft = folder.join(format!("{FILE_NAME}.{}", std::process::id()));
    // Left over from a start that broke off here, under a process id that came round again.
    let _ = fs::remove_file(&draft);
    let linked = write(&draft, key).and_then(|()| fs::hard_link(&draft, path));
    let removed = fs::remove_file(&draft);
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        result => result.map_err(failed("write the secret key", path))?,
    }
    removed
        .and_then(|()| File::open(folder)?.sync_all())
        .map_err(failed("keep the secret key in", folder))?;
    read(path)
}

fn write(path: &Path, key: &SecretKey) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "{}", key.expose())?;
    file.sync_all()
}

fn failed(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = PathBuf::from(path);
    move |source| Error::SecretKeyFile {
        operation,
        path,
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sources;
    use std::os::unix::fs::MetadataExt as _;
    use tempfile::TempDir;

    fn never() -> [u8; 32] {
        unreachable!("no key is made here")
    }

    fn settings(pairs: &[(&str, &str)]) -> Result<Settings, Error> {
        let overrides = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        Settings::load(
            &Sources {
                overrides,
                ..Sources::default()
            },
            &[],
        )
    }

    #[test]
    fn the_first_start_makes_a_key_and_the_next_reads_it() {
        let folder = TempDir::new().unwrap();
        let data_dir = folder.path().join("new").join("data");
        let settings = Settings {
            data_dir: data_dir.clone(),
            ..Settings::default()
        };
        let made = settings.secret_key(|| [7; 32]).unwrap();
        assert_eq!(settings.secret_key(never).unwrap().expose(), made.expose());
        assert_eq!(fs::metadata(&data_dir).unwrap().mode() & 0o777, 0o700);
        assert_eq!(
            fs::metadata(data_dir.join(FILE_NAME)).unwrap().mode() & 0o777,
            0o600
        );
        assert_eq!(
            fs::read_dir(&data_dir).unwrap().count(),
            1,
            "no draft is left"
        );
    }

    #[test]
    fn of_two_makers_one_wins() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join(FILE_NAME);
        let settings = Settings {
            data_dir: folder.path().to_owned(),
            ..Settings::default()
        };
        // Another process makes its key after this one has seen that there is none.
        let other = SecretKey::from_bytes([1; 32]);
        let key = settings
            .secret_key(|| {
                write(&path, &other).unwrap();
                [2; 32]
            })
            .unwrap();
        assert_eq!(key.expose(), other.expose());
    }

    #[test]
    fn a_damaged_key_file_is_refused_and_kept() {
        let folder = TempDir::new().unwrap();
        let settings = Settings {
            data_dir: folder.path().to_owned(),
            ..Settings::default()
        };
        fs::write(folder.path().join(FILE_NAME), "").unwrap();
        assert!(matches!(
            settings.secret_key(never),
            Err(Error::SecretKeyForm { .. })
        ));
        assert_eq!(fs::read(folder.path().join(FILE_NAME)).unwrap(), b"");
    }

    #[test]
    fn with_nats_the_key_comes_from_outside() {
        let folder = TempDir::new().unwrap();
        let data_dir = ("data_dir", folder.path().to_str().unwrap());
        let nats = ("nats_url", "nats://127.0.0.1");
        assert!(matches!(
            settings(&[data_dir, nats]),
            Err(Error::SecretKeyRequired)
        ));
        let key = SecretKey::from_bytes([3; 32]).expose();
        let given = settings(&[data_dir, nats, ("secret_key", &key)]).unwrap();
        assert_eq!(given.secret_key(never).unwrap().expose(), key);

        let path = folder.path().join("mounted");
        fs::write(&path, format!("{key}\n")).unwrap();
        let file = ("secret_key_file", path.to_str().unwrap());
        assert_eq!(
            settings(&[data_dir, nats, file])
                .unwrap()
                .secret_key(never)
                .unwrap()
                .expose(),
            key
        );
        assert!(matches!(
            settings(&[data_dir, file, ("secret_key", &key)]),
            Err(Error::Invalid { .. })
        ));
        let wrong = settings(&[data_dir, ("secret_key", "hunter2")])
            .unwrap()
            .secret_key(never)
            .unwrap_err();
        assert_eq!(
            wrong.to_string(),
            "setting `secret_key` from the command line must be 32 bytes in standard base64"
        );
    }
}
