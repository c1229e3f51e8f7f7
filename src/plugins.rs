//! The one list of actors.
//!
//! To add one: a folder under `actors/`, a dependency line in `Cargo.toml`, a line here. A test
//! compares the folders with this list.

use std::sync::Arc;

use hoursmith_kit::Plugin;

/// Every actor, in the order in which they are started.
pub fn plugins() -> Vec<Arc<dyn Plugin>> {
    vec![
        hoursmith_token_auth::plugin(),
        hoursmith_rate_limiter::plugin(),
        hoursmith_idempotency::plugin(),
        hoursmith_relay::plugin(),
        hoursmith_resource::plugin(),
        hoursmith_webhook_dispatcher::plugin(),
        hoursmith_accounts::plugin(),
        hoursmith_console::plugin(),
    ]
}

/// Their names.
pub fn names() -> Vec<&'static str> {
    plugins().iter().map(|plugin| plugin.name()).collect()
}

/// The reference of all settings, in Markdown.
pub fn settings_reference() -> String {
    let plugins = plugins();
    let actors: Vec<_> = plugins
        .iter()
        .map(|plugin| {
            let settings = plugin.settings();
            (plugin.name(), settings.schema, settings.defaults)
        })
        .collect();
    hoursmith_settings::reference(&actors)
}
