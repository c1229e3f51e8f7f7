//! Which of their organizations a person acts in: the choice, and the page of whoever is out of the
//! one that they chose.
//!
//! Accounts decides by the session; what a form names is a wish.

use askama::Template;
use hoursmith_bus::Response;
use hoursmith_bus::subjects::AccountQuestion;
use hoursmith_kit::Failure;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::ask::Guest;
use crate::form::Form;
use crate::halt::Halt;
use crate::page::{go, show};

/// An organization to act in.
#[derive(Debug, Deserialize)]
pub(crate) struct Place {
    pub(crate) id: Uuid,
    pub(crate) name: String,
}

#[derive(Deserialize)]
struct PlaceList {
    data: Vec<Place>,
}

#[derive(Template)]
#[template(path = "nowhere.html")]
struct NowherePage<'a> {
    places: &'a [Place],
}

impl Place {
    /// Whether it is the one with this id. Templates have references.
    pub(crate) fn is(&self, id: impl std::borrow::Borrow<Uuid>) -> bool {
        self.id == *id.borrow()
    }
}

/// Those that the person of the session is in, by name.
pub(crate) async fn places(guest: &Guest<'_>) -> Result<Vec<Place>, Halt> {
    let question = AccountQuestion::SessionOrganizations;
    let response = guest.account(question, None).await?;
    let list: PlaceList = serde_json::from_slice(&response.body)
        .map_err(|source| Failure::internal("read a person's organizations", source))?;
    let mut places = list.data;
    places.sort_by_cached_key(|place| place.name.to_lowercase());
    Ok(places)
}

/// Goes over to the one that the person chose, and to its dashboard.
pub(crate) async fn switch(guest: &Guest<'_>, form: &Form) -> Result<Response, Halt> {
    if guest.visit.session.is_none() {
        return Err(Halt::LogIn);
    }
    let body = json!({ "id": form.get("organization_id") });
    let question = AccountQuestion::SessionSwitch;
    guest.account(question, Some(&body)).await?;
    Ok(go("/app?done=switched"))
}

/// The page of a person who is not in the organization any more: on in another, or out.
pub(crate) async fn nowhere(guest: &Guest<'_>) -> Result<Response, Halt> {
    let places = places(guest).await?;
    show(403, &NowherePage { places: &places })
}
