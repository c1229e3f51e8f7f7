//! From method and path to the page, and the two rules that stand before every one of them.

use hoursmith_bus::{Ask, Response};
use hoursmith_kit::Failure;

use crate::ask::{Console, Guest};
use crate::form::Form;
use crate::halt::Halt;
use crate::{entry, invitation, page, pages, switch};

/// Answers a request to the app.
pub(crate) async fn answer(console: &Console, ask: &Ask) -> Result<Response, Failure> {
    let Some(visit) = &ask.head.visit else {
        return Err(Failure::internal("make a page", "the request has no visit"));
    };
    let guest = Guest {
        console,
        ask,
        visit,
    };
    let answer = match route(guest).await {
        Err(Halt::Nowhere) => switch::nowhere(&guest).await,
        other => other,
    };
    let answer = match answer {
        Err(Halt::LogIn) => Ok(page::go("/app/login")),
        Err(Halt::Refused(refusal)) => page::refusal(&refusal),
        other => other,
    };
    match answer {
        Ok(response) => Ok(response),
        Err(Halt::Failed(failure)) => Err(failure),
        Err(Halt::LogIn | Halt::Nowhere | Halt::Refused(_)) => {
            Err(Failure::internal("make a page", "a refusal was refused"))
        }
    }
}

async fn route(guest: Guest<'_>) -> Result<Response, Halt> {
    // 1. Nothing is changed for a page of somebody else's, whatever it may send along.
    let post = guest.visit.post;
    if post && !guest.visit.same_origin {
        let detail = "The form did not come from a page of this app. Open the app and try again.";
        return Err(Halt::refused(403, detail));
    }
    let path = guest.ask.head.path.clone();
    let form = Form::parse(if post { &guest.ask.body } else { &[] });
    let parts: Vec<&str> = path
        .strip_prefix("/app")
        .unwrap_or_default()
        .split('/')
        .filter(|part| !part.is_empty())
        .collect();

    // 2. Everything but the way in needs a session.
    match (post, parts.as_slice()) {
        (false, ["login"]) => return entry::login_page(&Form::default(), 200),
        (true, ["login"]) => return entry::login(&guest, form).await,
        (false, ["signup"]) => return entry::sign_up_page(&entry::blank(), 200),
        (true, ["signup"]) => return entry::sign_up(&guest, form).await,
        (false, ["invitations"]) => return invitation::page(&guest, Form::default()).await,
        (true, ["invitations"]) => return invitation::accept(&guest, form).await,
        (true, ["logout"]) => return entry::logout(&guest).await,
        (true, ["organization"]) => return switch::switch(&guest, &form).await,
        _ => {}
    }
    let person = &guest.person().await?;
    match (post, parts.as_slice()) {
        (false, []) => pages::home::page(person).await,
        (false, ["clients"]) => pages::clients::page(person, None).await,
        (true, ["clients"]) => pages::clients::create(person, form).await,
        (_, ["clients", id, parts @ ..]) => {
            pages::client::answer(person, post, id, parts, form).await
        }
        (false, ["projects"]) => pages::projects::page(person, None).await,
        (true, ["projects"]) => pages::projects::create(person, form).await,
        (_, ["projects", id, parts @ ..]) => {
            pages::project::answer(person, post, id, parts, form).await
        }
        (_, ["tasks", id, parts @ ..]) => pages::task::answer(person, post, id, parts, form).await,
        (false, ["time"]) => pages::time::page(person, None).await,
        (true, ["time"]) => pages::time::log(person, form).await,
        (true, ["time", "start"]) => pages::time::start(person, form).await,
        (true, ["time", id, "stop"]) => pages::time::stop(person, id).await,
        (true, ["time", id, "delete"]) => pages::entry::delete(person, id).await,
        (false, ["time", id]) => pages::entry::page(person, id, None).await,
        (true, ["time", id]) => pages::entry::save(person, id, form).await,
        (false, ["expenses"]) => pages::expenses::page(person, None).await,
        (true, ["expenses"]) => pages::expenses::add(person, form).await,
        (false, ["expenses", id]) => pages::expense::page(person, id, None).await,
        (true, ["expenses", id]) => pages::expense::save(person, id, form).await,
        (true, ["expenses", id, "delete"]) => pages::expense::delete(person, id).await,
        (false, ["invoices"]) => pages::invoices::page(person).await,
        (false, ["invoices", id]) => pages::invoice::page(person, id, Form::default()).await,
        (true, ["invoices", id, "send"]) => pages::invoice::send(person, id, form).await,
        (true, ["invoices", id, "pay"]) => pages::invoice::pay(person, id, form).await,
        (true, ["invoices", id, "void"]) => pages::invoice::void(person, id, form).await,
        (_, ["settings", parts @ ..]) => pages::settings::answer(person, post, parts, form).await,
        _ => Err(Halt::no_page()),
    }
}
