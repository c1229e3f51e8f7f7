//! Settings: the pages about how one works here rather than the work, one file each.

mod account;
mod api;
mod members;
mod organization;
mod plan;
mod webhooks;

use hoursmith_bus::Response;

use crate::ask::Person;
use crate::form::Form;
use crate::halt::Halt;
use crate::page::go;

/// Answers what is below `/app/settings`, by the parts of the path that follow.
pub(crate) async fn answer(
    person: &Person<'_>,
    post: bool,
    parts: &[&str],
    form: Form,
) -> Result<Response, Halt> {
    match (post, parts) {
        (false, []) => Ok(go("/app/settings/api")),
        (false, ["api"]) => api::page(person, None, None).await,
        (true, ["api"]) => api::mint(person, form).await,
        (true, ["api", id, "revoke"]) => api::revoke(person, id).await,
        (_, ["account", parts @ ..]) => account::answer(person, post, parts, form).await,
        (false, ["members"]) => members::page(person, None, None).await,
        (true, ["members"]) => members::invite(person, form).await,
        (false, ["members", id]) => members::one(person, id, None, None).await,
        (true, ["members", id]) => members::update(person, id, form).await,
        (true, ["members", id, "link"]) => members::link(person, id).await,
        (true, ["members", id, "remove"]) => members::remove(person, id).await,
        (false, ["organization"]) => organization::page(person, None).await,
        (true, ["organization"]) => organization::save(person, form).await,
        (false, ["plan"]) => plan::page(person, None).await,
        (true, ["plan"]) => plan::change(person, form).await,
        (_, ["webhooks", parts @ ..]) => webhooks::answer(person, post, parts, form).await,
        _ => Err(Halt::no_page()),
    }
}
