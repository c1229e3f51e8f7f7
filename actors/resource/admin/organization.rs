//! Organizations, as an operator changes them.

use hoursmith_bus::Conditions;
use hoursmith_domain::{Code, Plan};

use super::{Admin, AdminError, check};
use crate::error::Error;
use crate::organization::{self, OrganizationChange, OrganizationState};

impl Admin {
    /// Changes the plan; takes effect on the next request.
    pub async fn set_plan(&self, slug: &str, plan: Plan) -> Result<(), AdminError> {
        self.change_organization(slug, move |organization| organization.plan = plan)
            .await
    }

    /// Changes an organization. What was tracked before stays as it is: rounding and rates hold for
    /// what is written from then on.
    pub async fn set_organization(
        &self,
        slug: &str,
        change: OrganizationChange,
    ) -> Result<(), AdminError> {
        check(&change)?;
        self.change_organization(slug, move |organization| change.apply(organization))
            .await
    }

    async fn change_organization(
        &self,
        slug: &str,
        change: impl FnOnce(&mut OrganizationState) + Clone + Send + 'static,
    ) -> Result<(), AdminError> {
        let id = self.organization(slug).await?;
        let (admin, slug) = (self.clone(), slug.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let mut stamp = admin.stamp(id);
                let any = Conditions::default();
                match organization::change(conn, &mut stamp, id, &any, change).await {
                    Ok(_) => Ok(()),
                    Err(Error::Problem(problem)) => Err(match problem.code {
                        Code::Conflict => AdminError::CurrencyUsed,
                        _ => AdminError::NoOrganization(slug),
                    }),
                    Err(error) => Err(error.into()),
                }
            })
        })
        .await
    }
}

/// Refuses values that the product cannot take.
fn check(change: &OrganizationChange) -> Result<(), AdminError> {
    change
        .name
        .as_deref()
        .map_or(Ok(()), |name| check::name("name", name))?;
    change
        .week_start
        .as_deref()
        .map_or(Ok(()), check::weekday)?;
    check::rate("default billable rate", &change.default_billable_rate)?;
    change
        .rounding_minutes
        .map_or(Ok(()), check::rounding_minutes)?;
    change
        .weekly_capacity_seconds
        .map_or(Ok(()), check::capacity)
}
