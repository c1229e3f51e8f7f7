//! What a person may choose: a password that is not guessed, an address that is one.

use hoursmith_domain::{FieldError, check_email, check_text, fold};
use zxcvbn::{Score, zxcvbn};

/// Least characters of a password (NIST SP 800-63B-4, section 3.1.1.2, asks for 15 where a password
/// stands alone and for 8 beside a second factor; we judge what it is made of as well).
const PASSWORD_MIN: usize = 12;

/// Least characters that are left without the person's own names and address.
const OWN_MIN: usize = 8;

/// Most bytes of a password: hashing reads them all.
const PASSWORD_MAX_BYTES: usize = 1_024;

/// What is wrong with a password. Common ones, names and keyboard rows are found by zxcvbn
/// (Wheeler, USENIX Security 2016), which brings its lists of tens of thousands; words that the person
/// typed beside it are what is tried first, and count for nothing.
pub(crate) fn password(field: &str, password: &str, beside: &[&str]) -> Option<FieldError> {
    let refuse = |code, detail: &str| Some(FieldError::pointer(format!("#/{field}"), code, detail));
    if password.len() > PASSWORD_MAX_BYTES {
        return refuse("too_long", "must have at most 1,024 bytes");
    }
    if password.chars().count() < PASSWORD_MIN {
        return refuse("too_short", "must have at least 12 characters");
    }
    let own = without(password, beside);
    if own.chars().count() < OWN_MIN || zxcvbn(&own, &[]).score() < Score::Three {
        let detail = "is too easy to guess; a few unrelated words are better";
        return refuse("too_common", detail);
    }
    None
}

/// The password without the words of other texts, of three characters or more.
fn without(password: &str, beside: &[&str]) -> String {
    beside
        .iter()
        .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()))
        .filter(|word| word.chars().count() >= 3)
        .fold(fold(password), |left, word| left.replace(&fold(word), ""))
}

/// What is wrong with an e-mail address.
pub(crate) fn email(email: &str) -> Option<FieldError> {
    check_email(email)
        .err()
        .map(|error| FieldError::pointer("#/email", error.code(), error.to_string()))
}

/// What is wrong with a name.
pub(crate) fn name(field: &str, name: &str) -> Option<FieldError> {
    check_text(name, 1, 255, false)
        .err()
        .map(|error| FieldError::pointer(format!("#/{field}"), error.code(), error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_guessed_first_is_refused() {
        for wrong in [
            "short",
            "password1234",
            "qwertyuiop123",
            "aaaaaaaaaaaaaaaa",
            "MayaLindqvist1",
        ] {
            assert!(
                password("password", wrong, &["Maya Lindqvist"]).is_some(),
                "{wrong}"
            );
        }
        for right in ["correct-horse-9-battery", "œuvre ünd blåbær tårn 7"] {
            assert!(password("password", right, &[]).is_none(), "{right}");
        }
    }
}
