//! HTTP to addresses that strangers chose.
//!
//! Whoever may add a webhook decides where this process connects to, from inside the operator's
//! network. So there is one way out, and it is narrow: the URL is parsed as browsers do and judged
//! by what it is, not how it is spelt ([`Policy`]); a name is resolved here, and refused if *any* of
//! its addresses is not public; the connection goes to an address that was judged, and its peer is
//! judged again. No redirect is followed, no proxy read from the environment, no answer decompressed;
//! time, header and body of the answer are bounded ([`Limits`]). What a caller may show to the
//! stranger is a word ([`Error::word`]) or one fixed sentence ([`Refused`]), so that nobody can read
//! the inner network from the answers.
//!
//! This room must not know what is sent, how it is signed or when it is tried again.
//!
//! - `policy`, `networks`: which URLs and addresses are permitted
//! - `target`: a URL that was judged
//! - `resolve`: names to addresses
//! - `tls`: whom to believe
//! - `dial`: from a target to a connection
//! - `pool`: connections between two deliveries of an endpoint
//! - `client`, `answer`: one request, one bounded answer

mod answer;
mod client;
mod dial;
mod error;
mod networks;
mod policy;
mod pool;
mod resolve;
mod target;
mod tls;

pub use answer::{Answer, MAX_BODY_BYTES, MAX_HEAD_BYTES};
pub use client::{Client, Limits, Post};
pub use error::{Error, Phase, Refused, SetupError};
pub use policy::{MAX_URL_BYTES, Policy};
pub use pool::PoolKey;
pub use resolve::{Resolve, SystemResolver};
pub use target::Target;
