//! Settings: the pages about how one works here rather than the work, one file each.

mod api;
mod organization;
mod plan;

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
        (false, ["organization"]) => organization::page(person, None).await,
        (true, ["organization"]) => organization::save(person, form).await,
        (false, ["plan"]) => plan::page(person, None).await,
        (true, ["plan"]) => plan::change(person, form).await,
        _ => Err(Halt::no_page()),
    }
}
