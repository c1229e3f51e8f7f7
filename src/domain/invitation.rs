//! Invitations: the secret in a link, and what is stored of it.
//!
//! Whoever has the link may become the member that it names, once, for seven days. So the secret is
//! shown to nobody but whom it was made for: it stands in an address, and addresses are written into
//! logs and traces, from which [`without_invitation`] keeps it.

use std::time::Duration;

crate::secret::secret! {
    /// An invitation's secret: 43 characters of unpadded base64url. Does not print.
    InvitationSecret,
    /// The digest that an invitation is stored and looked up under.
    InvitationDigest, invitation_digest
}

/// How long a link is good.
pub const INVITATION_LIFE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Where invitations are answered: the secret is what follows after a slash.
pub const INVITATIONS: &str = "/app/invitations";

impl InvitationSecret {
    /// The secret in a path; `None` where there is none, or what cannot be one.
    pub fn in_path(path: &str) -> Option<Self> {
        Self::parse(path.strip_prefix(INVITATIONS)?.strip_prefix('/')?)
    }

    /// The link to hand on, at the address where browsers reach the server.
    pub fn link(&self, public_url: &str) -> String {
        let public_url = public_url.trim_end_matches('/');
        format!("{public_url}{INVITATIONS}/{}", self.expose())
    }
}

/// A path as everybody may see it: without what follows in an invitation's, whether it is a good
/// secret, a misspelt one or more than one.
pub fn without_invitation(path: &str) -> &str {
    match path.strip_prefix(INVITATIONS) {
        Some(rest) if rest.starts_with('/') => INVITATIONS,
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Keys, SecretKey, SessionSecret};

    #[test]
    fn a_link_holds_a_secret_that_nothing_else_shows() {
        let secret = InvitationSecret::generate([7; 32]);
        let link = secret.link("https://hours.example/");
        let path = link.strip_prefix("https://hours.example").unwrap();
        assert_eq!(InvitationSecret::in_path(path), Some(secret.clone()));
        for wrong in [
            path.to_owned(),
            format!("{path}/"),
            format!("{path}x"),
            format!("{path}/{}", secret.expose()),
            "/app/invitations/".to_owned(),
        ] {
            assert_eq!(without_invitation(&wrong), INVITATIONS, "{wrong}");
        }
        for other in ["/app", "/app/invitations", "/app/invitationsx", "/app/time"] {
            assert_eq!(without_invitation(other), other);
            assert_eq!(InvitationSecret::in_path(other), None);
        }
        assert_eq!(format!("{secret:?}"), "InvitationSecret([redacted])");
    }

    #[test]
    fn an_invitation_is_no_session() {
        let keys = Keys::derive(&SecretKey::from_bytes([1; 32]));
        let invitation = InvitationSecret::generate([7; 32]);
        let session = SessionSecret::parse(invitation.expose()).unwrap();
        assert_ne!(invitation.digest(&keys).0, session.digest(&keys).0);
    }
}
