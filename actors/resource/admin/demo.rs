//! A small agency to look around in.
//!
//! Its three months are played to the end, act by act, each at its own moment: people track time,
//! tasks are completed, drafts grow, are sent and paid. So all that is derived is as it would be had
//! it happened, events, totals, locks and drafts among it. *Refused:* rows written as they should look
//! in the end, which would be a second way to make everything, and sooner or later another one.

mod body;
mod books;
mod cast;
mod dice;
mod fill;
mod plan;
mod stage;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hoursmith_domain::{
    Amount, Currency, Day, OrganizationId, Patch, Plan, Role, RoundingMode, Timestamp, Zone,
};
use hoursmith_kit::Failure;
use hoursmith_store::Statement;

use super::{Admin, AdminError, MemberChange, NewMember, NewOrganization, OrganizationChange};
use cast::{PEOPLE, Person};
use plan::{DAYS, noon, plan};
use stage::{Stage, Still};

pub use fill::fill;

/// The demo organization's short name.
const SLUG: &str = "northlight";

const CURRENCY: &str = "EUR";
const ZONE: &str = "Europe/Berlin";

/// Acts in one transaction: few enough that it is done in a moment.
const ACTS_A_JOB: usize = 64;

/// Days after which the agency closes its books.
const BOOKS_OPEN_DAYS: u32 = 45;

pub(super) fn statements() -> &'static [Statement] {
    fill::statements()
}

/// The demo organization, for whoever shows it.
#[derive(Debug, Clone)]
pub struct Demo {
    /// Its short name.
    pub slug: &'static str,
    /// One person of each role: role, name, e-mail address. The owner first.
    pub people: Vec<(Role, &'static str, String)>,
}

impl Demo {
    /// The owner's e-mail address.
    pub fn owner(&self) -> &str {
        self.people.first().map_or("", |(_, _, email)| email)
    }
}

/// Makes the demo organization unless it exists. A run that was cut off leaves a story that ends
/// earlier, which is not taken up again.
pub async fn seed(admin: &Admin) -> Result<Demo, AdminError> {
    match admin.organization(SLUG).await {
        Ok(_) => {}
        Err(AdminError::NoOrganization(_)) => tell(admin).await?,
        Err(error) => return Err(error),
    }
    let mut people: Vec<(Role, &'static str, String)> = Vec::new();
    for person in PEOPLE {
        if people.iter().all(|(role, ..)| *role != person.role) {
            people.push((person.role, person.name, person.email()));
        }
    }
    Ok(Demo { slug: SLUG, people })
}

/// Plays the story from its beginning to the present moment.
async fn tell(admin: &Admin) -> Result<(), AdminError> {
    let now = admin.clock.now();
    let home = home()?;
    let today = home.day_of(now);
    let begin = noon(today.minus(DAYS.saturating_add(5)));
    let organization = found(admin, begin).await?;
    let mut members = BTreeMap::new();
    for (person, minutes) in PEOPLE.iter().zip(1..) {
        let at = begin.plus(Duration::from_secs(60 * minutes));
        employ(&at_moment(admin, at), person).await?;
        let (_, member) = admin.member(SLUG, &person.email()).await?;
        members.insert(person.key, member);
    }
    let mut stage = Stage::new(organization, home, Arc::clone(&admin.random), members);
    let next_day = begin.plus(Duration::from_secs(24 * 60 * 60));
    stage = admin
        .db
        .write::<_, AdminError>(move |conn| {
            Box::pin(async move {
                stage.set(conn, next_day, today).await?;
                Ok(stage)
            })
        })
        .await?;
    let mut acts = plan(now, home).into_iter().peekable();
    while acts.peek().is_some() {
        let some: Vec<_> = acts.by_ref().take(ACTS_A_JOB).collect();
        stage = admin
            .db
            .write::<_, AdminError>(move |conn| {
                Box::pin(async move {
                    for act in some {
                        stage.play(conn, act).await?;
                    }
                    Ok(stage)
                })
            })
            .await?;
    }
    close_books(admin).await
}

/// Makes the organization, with its owner.
async fn found(admin: &Admin, at: Timestamp) -> Result<OrganizationId, AdminError> {
    let admin = at_moment(admin, at);
    let currency: Currency = CURRENCY.parse().map_err(|error| wrong("currency", error))?;
    let organization = NewOrganization {
        name: "Northlight Studio".to_owned(),
        slug: SLUG.to_owned(),
        plan: Plan::Agency,
        currency,
        timezone: ZONE.to_owned(),
    };
    let owner = PEOPLE.iter().find(|person| person.role == Role::Owner);
    let owner = owner.ok_or_else(|| wrong("owner", "there is none"))?;
    let (id, _) = admin
        .create_organization(organization, owner.to_add())
        .await?;
    let change = OrganizationChange {
        default_billable_rate: Patch::Value(rate("100")?),
        rounding_mode: Some(RoundingMode::Nearest),
        rounding_minutes: Some(5),
        ..OrganizationChange::default()
    };
    admin.set_organization(SLUG, change).await?;
    Ok(id)
}

/// Adds someone who is not there yet, with rates and zone.
async fn employ(admin: &Admin, person: &Person) -> Result<(), AdminError> {
    if person.role != Role::Owner {
        admin.add_member(SLUG, person.to_add()).await?;
    }
    let zone = person.zone.map(|zone| zone.parse::<Zone>()).transpose();
    let zone = zone.map_err(|error| wrong("zone", error))?;
    let billable = person.billable_rate.map(rate).transpose()?;
    let change = MemberChange {
        timezone: zone.map_or(Patch::Absent, Patch::Value),
        billable_rate: billable.map_or(Patch::Absent, Patch::Value),
        cost_rate: Patch::Value(rate(person.cost_rate)?),
        ..MemberChange::default()
    };
    admin.set_member(SLUG, &person.email(), change).await
}

/// Locks the months that are long over.
async fn close_books(admin: &Admin) -> Result<(), AdminError> {
    let day = home()?.day_of(admin.clock.now()).minus(BOOKS_OPEN_DAYS);
    let first: Day = format!("{}-01", day.month())
        .parse()
        .map_err(|error| wrong("day", error))?;
    let change = OrganizationChange {
        lock_before: Patch::Value(first),
        ..OrganizationChange::default()
    };
    admin.set_organization(SLUG, change).await
}

/// The operator, at another moment.
fn at_moment(admin: &Admin, at: Timestamp) -> Admin {
    Admin {
        clock: Arc::new(Still(at)),
        ..admin.clone()
    }
}

fn home() -> Result<Zone, AdminError> {
    ZONE.parse().map_err(|error| wrong("zone", error))
}

fn rate(text: &str) -> Result<Amount, AdminError> {
    text.parse().map_err(|error| wrong("rate", error))
}

/// A slip in the cast or the plan.
fn unknown(key: &impl std::fmt::Debug) -> Failure {
    Failure::internal(
        "tell the demo's story",
        format!("nothing is called {key:?}"),
    )
}

/// A slip in the cast.
fn wrong(field: &'static str, reason: impl std::fmt::Display) -> AdminError {
    AdminError::Invalid {
        field,
        reason: reason.to_string(),
    }
}

impl Person {
    fn to_add(&self) -> NewMember {
        NewMember {
            name: self.name.to_owned(),
            email: self.email(),
            role: self.role,
        }
    }
}
