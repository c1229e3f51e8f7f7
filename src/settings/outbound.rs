//! Where requests to addresses that strangers chose may go.

use std::path::PathBuf;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where webhooks may go: without a word, only to public addresses and by https.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OutboundSettings {
    /// Whether webhooks may be sent by plain http, readable on the way.
    pub allow_http: bool,
    /// Networks, in CIDR form, that webhooks may reach though they are not public, such as that of
    /// an n8n beside this server. Names of the inner network are then permitted too. Everybody who
    /// may add a webhook reaches every service in these networks: name single addresses.
    #[schemars(with = "Vec<String>")]
    pub allow_networks: Vec<IpNet>,
    /// File with certificates (PEM) of authorities that are trusted beside the public ones.
    pub ca_file: Option<PathBuf>,
}
