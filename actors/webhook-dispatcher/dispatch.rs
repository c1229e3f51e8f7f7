//! Sends what is due.

use hoursmith_kit::{Host, StartError, Task};
use hoursmith_store::Statement;

use crate::settings::WebhookSettings;

pub(crate) fn statements() -> Vec<Statement> {
    Vec::new()
}

/// Starts what sends; ended with the plugin.
pub(crate) fn start(_host: &Host, _settings: &WebhookSettings) -> Result<Vec<Task>, StartError> {
    Ok(Vec::new())
}
