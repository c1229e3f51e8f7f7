//! The form of secrets that somebody shows to be known: sessions and invitations.
//!
//! 256 random bits, so that a keyed hash is enough to store, and no guess is worth a try. Each kind
//! has types and a key of its own: what is a secret to the one is nothing to the other.

/// Makes the types of a kind: the secret, and the digest that it is stored and looked up under by
/// the key of that name.
macro_rules! secret {
    ($(#[$of_secret:meta])* $secret:ident, $(#[$of_digest:meta])* $digest:ident, $key:ident) => {
        $(#[$of_secret])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $secret(String);

        $(#[$of_digest])*
        #[derive(Clone, Copy, PartialEq, Eq, ::serde::Serialize, ::serde::Deserialize)]
        pub struct $digest(#[serde(with = "crate::bytes32")] pub [u8; 32]);

        impl $secret {
            /// A secret of 32 random bytes.
            pub fn generate(random: [u8; 32]) -> Self {
                use ::base64::Engine as _;
                Self(::base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(random))
            }

            /// Reads what somebody sent. `None` when it cannot be one of ours, so that it costs no
            /// query.
            pub fn parse(text: &str) -> Option<Self> {
                use ::base64::Engine as _;
                let engine = ::base64::engine::general_purpose::URL_SAFE_NO_PAD;
                let bytes = engine.decode(text).ok()?;
                (bytes.len() == 32).then(|| Self(text.to_owned()))
            }

            /// The digest to store or to look up.
            pub fn digest(&self, keys: &$crate::Keys) -> $digest {
                $digest(keys.$key(self.0.as_bytes()))
            }

            /// The secret itself: for whom it is, and nowhere else.
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl ::std::fmt::Debug for $secret {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(concat!(stringify!($secret), "([redacted])"))
            }
        }

        impl ::std::fmt::Debug for $digest {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(concat!(stringify!($digest), "([redacted])"))
            }
        }
    };
}

pub(crate) use secret;
