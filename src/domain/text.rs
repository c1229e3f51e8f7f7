//! What may stand in a text field: any Unicode but the characters that hide or cut text.

/// Most characters of an e-mail address.
pub const EMAIL_MAX: usize = 255;

/// Why a text was refused. `code` is the machine word of the field error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Shorter than allowed, counted in Unicode scalar values.
    #[error("must have at least {min} characters")]
    TooShort {
        /// The least number of characters.
        min: usize,
    },
    /// Longer than allowed, counted in Unicode scalar values.
    #[error("must have at most {max} characters")]
    TooLong {
        /// The largest number of characters.
        max: usize,
    },
    /// NUL, a control character or a bidirectional override.
    #[error("must not contain control or text-direction characters (U+{:04X})", *found as u32)]
    Character {
        /// The first such character.
        found: char,
    },
    /// Not an e-mail address.
    #[error("must be an e-mail address, such as accounts@atlas.example")]
    Email,
}

impl TextError {
    /// The machine word of the field error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooShort { .. } => "too_short",
            Self::TooLong { .. } => "too_long",
            Self::Character { .. } => "invalid_character",
            Self::Email => "invalid_email",
        }
    }
}

/// Whether a character may stand in a text of several lines: see [`check_text`] for which may not.
pub fn is_plain(c: char) -> bool {
    let line = matches!(c, '\n' | '\r' | '\t');
    (line || !c.is_control()) && !matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Checks length (Unicode scalar values) and characters. `multiline` texts may hold line breaks
/// and tabs.
///
/// Refused are C0 and C1 controls and DEL, and the bidirectional overrides, embeddings and
/// isolates (U+202A..U+202E, U+2066..U+2069), which make text read as what it is not
/// (Unicode TR 36, section 2.5). NUL could not be stored in PostgreSQL either.
pub fn check_text(text: &str, min: usize, max: usize, multiline: bool) -> Result<(), TextError> {
    let refused = |c: &char| {
        let line = multiline && matches!(c, '\n' | '\r' | '\t');
        !is_plain(*c) || (c.is_control() && !line)
    };
    if let Some(found) = text.chars().find(refused) {
        return Err(TextError::Character { found });
    }
    let length = text.chars().count();
    if length < min {
        return Err(TextError::TooShort { min });
    }
    if length > max {
        return Err(TextError::TooLong { max });
    }
    Ok(())
}

/// Checks an e-mail address: one `@` between two parts and nothing that a header could be broken
/// with. Whether anybody reads mail there only a mail can tell.
pub fn check_email(text: &str) -> Result<(), TextError> {
    check_text(text, 3, EMAIL_MAX, false)?;
    match text.split_once('@') {
        Some((user, host))
            if !user.is_empty()
                && !host.is_empty()
                && !host.contains('@')
                && !text.contains(' ') =>
        {
            Ok(())
        }
        _ => Err(TextError::Email),
    }
}

/// The form under which texts are compared without regard to case: Unicode lower case, in which a
/// sigma is one letter wherever it stands. Accents and composition stay, so that no two names that
/// look different become one.
pub fn fold(text: &str) -> String {
    text.to_lowercase().replace('ς', "σ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_folded_text_is_the_folded_part() {
        for (text, part) in [("ΑΘΗΝΑΣΟΦΤ", "ΑΘΗΝΑΣ"), ("Größe", "GRÖ"), ("İzmir", "İZM")]
        {
            assert!(fold(text).contains(&fold(part)), "{text}");
        }
    }

    #[test]
    fn counts_scalar_values_and_refuses_what_hides() {
        assert_eq!(check_text("🦀🦀", 1, 2, false), Ok(()));
        assert_eq!(
            check_text("🦀🦀🦀", 1, 2, false),
            Err(TextError::TooLong { max: 2 })
        );
        assert_eq!(
            check_text("", 1, 2, false),
            Err(TextError::TooShort { min: 1 })
        );
        for found in ['\0', '\u{7f}', '\u{85}', '\u{202e}', '\u{2066}', '\n'] {
            assert_eq!(
                check_text(&found.to_string(), 0, 9, false),
                Err(TextError::Character { found })
            );
        }
        assert_eq!(check_text("a\nb\tc", 0, 9, true), Ok(()));
    }

    #[test]
    fn an_email_address_has_two_parts() {
        for right in ["maya@studio.example", "a@b", "größe@straße.example"] {
            assert_eq!(check_email(right), Ok(()), "{right}");
        }
        for wrong in ["@b.c", "abc@", "a@b@c", "a b@c.d", "abc"] {
            assert_eq!(check_email(wrong), Err(TextError::Email), "{wrong}");
        }
        let long = format!("{}@b.example", "a".repeat(EMAIL_MAX));
        for wrong in ["", "a@", "a@b.c\n", &long] {
            assert!(check_email(wrong).is_err(), "{wrong}");
        }
    }
}
