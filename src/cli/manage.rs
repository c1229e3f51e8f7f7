//! `migrate`, `org`, `member`: the operator's hands on the database.

mod set;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Subcommand;
use hoursmith::{Parts, open_database};
use hoursmith_domain::{Currency, Plan, Role};
use hoursmith_resource::admin::{Admin, NewMember, NewOrganization};
use hoursmith_settings::Settings;

use super::Failure;
use set::{MemberSettings, OrgSettings};

#[derive(Debug, Subcommand)]
pub(super) enum OrgCommand {
    /// Make an organization with its first owner; prints its id, and a link for an owner who has no
    /// password.
    Create {
        /// Name.
        #[arg(long)]
        name: String,
        /// Short name: lower-case letters, digits and hyphens.
        #[arg(long)]
        slug: String,
        /// free, studio or agency.
        #[arg(long, default_value = "studio")]
        plan: Plan,
        /// ISO 4217 code.
        #[arg(long, default_value = "EUR")]
        currency: Currency,
        /// IANA time zone.
        #[arg(long, default_value = "UTC")]
        timezone: String,
        /// Name of the owner.
        #[arg(long)]
        owner_name: String,
        /// E-mail address of the owner.
        #[arg(long)]
        owner_email: String,
    },
    /// Change an organization's plan, from the next request on.
    Plan {
        /// Short name of the organization.
        slug: String,
        /// free, studio or agency.
        plan: Plan,
    },
    /// Change what the API only reads. An empty value clears.
    Set {
        /// Short name of the organization.
        slug: String,
        #[command(flatten)]
        settings: OrgSettings,
    },
    /// List the organizations.
    List,
}

#[derive(Debug, Subcommand)]
pub(super) enum MemberCommand {
    /// Add a member; prints its id, and a link for one who has no password.
    Add {
        /// Short name of the organization.
        slug: String,
        /// E-mail address.
        email: String,
        /// Name.
        #[arg(long)]
        name: String,
        /// owner, admin, manager or member.
        #[arg(long, default_value = "member")]
        role: Role,
    },
    /// Change a member's role, from the next request on.
    Role {
        /// Short name of the organization.
        slug: String,
        /// E-mail address.
        email: String,
        /// owner, admin, manager or member.
        role: Role,
    },
    /// Change a member's zone, rates and capacity. An empty value clears.
    Set {
        /// Short name of the organization.
        slug: String,
        /// E-mail address.
        email: String,
        #[command(flatten)]
        settings: MemberSettings,
    },
    /// Print a link by which a member chooses a password, once and within seven days: the first, or
    /// one in place of a password that was lost. An earlier link ends.
    Link {
        /// Short name of the organization.
        slug: String,
        /// E-mail address.
        email: String,
    },
    /// Remove a member; its tokens stop working with the next request.
    Remove {
        /// Short name of the organization.
        slug: String,
        /// E-mail address.
        email: String,
    },
    /// List the members.
    List {
        /// Short name of the organization.
        slug: String,
    },
}

pub(super) async fn migrate(settings: Settings) -> Result<ExitCode, Failure> {
    let db = open_database(&settings, Parts::default().clock.as_ref()).await?;
    println!("the schema is up to date");
    db.close().await;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn admin(settings: &Settings, parts: &Parts) -> Result<Admin, Failure> {
    let db = open_database(settings, parts.clock.as_ref()).await?;
    Ok(Admin {
        db,
        clock: Arc::clone(&parts.clock),
        random: Arc::clone(&parts.random),
    })
}

/// A link for a member to choose a password by.
async fn link(
    settings: &Settings,
    parts: &Parts,
    admin: &Admin,
    slug: &str,
    email: &str,
) -> Result<String, Failure> {
    let keys = hoursmith::keys(settings, parts.random.as_ref())?;
    let link = admin.link(&keys, slug, email).await?;
    Ok(link.secret.link(&settings.public_url))
}

/// Tells whoever added somebody how they get into the app. Beside the results: a script reads an id.
async fn tell_way_in(
    settings: &Settings,
    parts: &Parts,
    admin: &Admin,
    slug: &str,
    email: &str,
) -> Result<(), Failure> {
    if admin.can_log_in(slug, email).await? {
        eprintln!("{email} has an account here already, and logs in with its password.");
        return Ok(());
    }
    let link = link(settings, parts, admin, slug, email).await?;
    eprintln!("{email} chooses a password here, once and within seven days:\n{link}");
    Ok(())
}

pub(super) async fn org(settings: Settings, command: OrgCommand) -> Result<ExitCode, Failure> {
    let parts = Parts::default();
    let admin = admin(&settings, &parts).await?;
    match command {
        OrgCommand::Create {
            name,
            slug,
            plan,
            currency,
            timezone,
            owner_name,
            owner_email,
        } => {
            let organization = NewOrganization {
                name,
                slug: slug.clone(),
                plan,
                currency,
                timezone,
            };
            let owner = NewMember {
                name: owner_name,
                email: owner_email.clone(),
                role: Role::Owner,
            };
            let (id, _) = admin.create_organization(organization, owner).await?;
            println!("{id}");
            tell_way_in(&settings, &parts, &admin, &slug, &owner_email).await?;
        }
        OrgCommand::Plan { slug, plan } => admin.set_plan(&slug, plan).await?,
        OrgCommand::Set { slug, settings } => {
            admin.set_organization(&slug, settings.into()).await?;
        }
        OrgCommand::List => {
            for row in admin.organizations().await? {
                println!(
                    "{}\t{}\t{}\t{}\t{}",
                    row.id, row.slug, row.plan, row.currency, row.name
                );
            }
        }
    }
    admin.db.close().await;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn member(
    settings: Settings,
    command: MemberCommand,
) -> Result<ExitCode, Failure> {
    let parts = Parts::default();
    let admin = admin(&settings, &parts).await?;
    match command {
        MemberCommand::Add {
            slug,
            email,
            name,
            role,
        } => {
            let new = NewMember {
                name,
                email: email.clone(),
                role,
            };
            let id = admin.add_member(&slug, new).await?;
            println!("{id}");
            tell_way_in(&settings, &parts, &admin, &slug, &email).await?;
        }
        MemberCommand::Role { slug, email, role } => admin.set_role(&slug, &email, role).await?,
        MemberCommand::Set {
            slug,
            email,
            settings,
        } => admin.set_member(&slug, &email, settings.into()).await?,
        MemberCommand::Link { slug, email } => {
            println!("{}", link(&settings, &parts, &admin, &slug, &email).await?);
        }
        MemberCommand::Remove { slug, email } => admin.remove_member(&slug, &email).await?,
        MemberCommand::List { slug } => {
            for row in admin.members(&slug).await? {
                println!(
                    "{}\t{}\t{}\t{}\t{}",
                    row.id, row.role, row.status, row.email, row.name
                );
            }
        }
    }
    admin.db.close().await;
    Ok(ExitCode::SUCCESS)
}
