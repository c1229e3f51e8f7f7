//! A small agency to look around in.

use hoursmith_domain::{ClientId, Currency, EventType, OrganizationId, Plan, Role};

use super::{Admin, AdminError, NewMember, NewOrganization};
use crate::base::Stored as _;
use crate::client::{ClientInput, ClientState, insert};
use crate::write::Stamp;

/// The demo organization's short name.
const SLUG: &str = "northlight";

/// The member whom the demo's token acts as.
const OWNER_EMAIL: &str = "mara@northlight.example";

/// Its clients, as bodies that the API would take.
const CLIENTS: &[&str] = &[
    r#"{"name":"Atlas Coffee Roasters","number":"C-0001","email":"accounts@atlas.example","billable_rate":"120.00","payment_terms_days":30,"address":{"line1":"Karl-Marx-Allee 90","city":"Berlin","postal_code":"10243","country":"DE"},"vat_id":"DE123456789"}"#,
    r#"{"name":"Brightwater Museum","number":"C-0002","currency":"GBP","email":"finance@brightwater.example","billable_rate":"105.50","payment_terms_days":45,"address":{"line1":"12 Harbour Street","city":"Bristol","postal_code":"BS1 4RB","country":"GB"}}"#,
    r#"{"name":"Cedar & Vale","number":"C-0003","currency":"USD","email":"ap@cedarvale.example","billable_rate":"140.00","notes":"Prefers calls before ten."}"#,
    r#"{"name":"Daybreak Energy","number":"C-0004","email":"billing@daybreak.example","billable_rate":"95.1250","external_reference":{"service":"xero","id":"2041","url":"https://go.xero.com/contacts/2041"}}"#,
    r#"{"name":"Elm Street Dental","number":"C-0005","archived":true,"metadata":{"segment":"health"}}"#,
];

/// Makes the demo organization unless it exists; gives its short name and its owner's address.
pub async fn seed(admin: &Admin) -> Result<(&'static str, &'static str), AdminError> {
    match admin.organization(SLUG).await {
        Ok(_) => return Ok((SLUG, OWNER_EMAIL)),
        Err(AdminError::NoOrganization(_)) => {}
        Err(error) => return Err(error),
    }
    let currency: Currency =
        "EUR".parse().map_err(
            |error: hoursmith_domain::CurrencyError| AdminError::Invalid {
                field: "currency",
                reason: error.to_string(),
            },
        )?;
    let organization = NewOrganization {
        name: "Northlight Studio".to_owned(),
        slug: SLUG.to_owned(),
        plan: Plan::Agency,
        currency,
        timezone: "Europe/Berlin".to_owned(),
    };
    let person = |name: &str, email: &str, role| NewMember {
        name: name.to_owned(),
        email: email.to_owned(),
        role,
    };
    let owner = person("Mara Lindqvist", OWNER_EMAIL, Role::Owner);
    let (id, _) = admin.create_organization(organization, owner).await?;
    for (name, email, role) in [
        ("Ada Okafor", "ada@northlight.example", Role::Admin),
        ("Tomás Reyes", "tomas@northlight.example", Role::Manager),
        ("June Park", "june@northlight.example", Role::Member),
    ] {
        admin.add_member(SLUG, person(name, email, role)).await?;
    }
    for body in CLIENTS {
        add_client(admin, id, currency, body).await?;
    }
    Ok((SLUG, OWNER_EMAIL))
}

async fn add_client(
    admin: &Admin,
    organization: OrganizationId,
    currency: Currency,
    body: &str,
) -> Result<(), AdminError> {
    let mut bytes = body.as_bytes().to_vec();
    let document =
        hoursmith_domain::Document::parse(&mut bytes).map_err(crate::error::Error::from)?;
    let input = ClientInput::read_new(document.value()).map_err(crate::error::Error::from)?;
    let stamp = Stamp::new(&admin.clock, &admin.random, organization);
    let mut client = ClientState::new(
        ClientId(stamp.new_id()),
        input.currency().unwrap_or(currency),
        stamp.now,
    );
    client
        .apply(input, stamp.now)
        .map_err(crate::error::Error::from)?;
    admin
        .write(move |conn| {
            Box::pin(async move {
                insert(conn, organization, &client).await?;
                stamp
                    .event(
                        conn,
                        EventType::ClientCreated,
                        client.id.0,
                        client.to_event(),
                        None,
                    )
                    .await?;
                Ok(())
            })
        })
        .await
}
