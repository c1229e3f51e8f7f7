//! What happens to the organization, its members, and who is in a project.

use hoursmith_domain::{Amount, Patch, Plan, Role, RoundingMode};
use hoursmith_resource::admin::{MemberChange, NewMember, OrganizationChange};
use serde_json::json;

use super::{Story, rate};
use crate::dice::Dice;

/// Members come, change and go by an operator's commands.
pub async fn member(story: &Story<'_>, dice: &mut Dice) {
    let (operator, slug) = (story.world.operator(), &story.org.slug);
    let email = format!("person-{}@{slug}.example", dice.below(6));
    let role = *dice
        .one_of(&[Role::Admin, Role::Manager, Role::Member])
        .unwrap();
    match dice.below(5) {
        0 | 1 => {
            let new = NewMember {
                name: "Person".to_owned(),
                email,
                role,
            };
            let added = operator.add_member(slug, new).await;
            if let Some(id) = story.operated("member add", added) {
                story.remember("member", id.to_string());
            }
        }
        2 => {
            let set = operator.set_role(slug, &email, role).await;
            story.operated("member role", set);
        }
        3 => {
            let cents = i64::try_from(dice.below(20_000)).unwrap();
            let change = MemberChange {
                billable_rate: Patch::Value(Amount::from_ten_thousandths(cents * 100).unwrap()),
                timezone: Patch::Value("America/New_York".parse().unwrap()),
                ..MemberChange::default()
            };
            let set = operator.set_member(slug, &email, change).await;
            story.operated("member set", set);
        }
        _ => {
            let removed = operator.remove_member(slug, &email).await;
            story.operated("member remove", removed);
        }
    }
}

pub async fn organization(story: &Story<'_>, dice: &mut Dice) {
    let (operator, slug) = (story.world.operator(), &story.org.slug);
    if dice.below(2) == 0 {
        let plan = *dice.one_of(&[Plan::Studio, Plan::Agency]).unwrap();
        story.operated("org plan", operator.set_plan(slug, plan).await);
        return;
    }
    let mut change = OrganizationChange::default();
    match dice.below(4) {
        0 => {
            let modes = [RoundingMode::None, RoundingMode::Nearest, RoundingMode::Up];
            change.rounding_mode = dice.one_of(&modes).copied();
            change.rounding_minutes = Some(1 + i64::try_from(dice.below(30)).unwrap());
        }
        1 => {
            let units = i64::try_from(dice.below(100)).unwrap() * 10_000;
            let amount = Amount::from_ten_thousandths(units).unwrap();
            change.default_billable_rate = Patch::Value(amount);
        }
        2 => change.allow_overlap = Some(dice.below(4) > 0),
        _ => {
            // Little of what there is, so that the history goes on.
            let days = [Patch::Null, Patch::Value("2026-10-04".parse().unwrap())];
            change.lock_before = dice.one_of(&days).unwrap().clone();
        }
    }
    story.operated("org set", operator.set_organization(slug, change).await);
}

/// Members are put into a project, re-rated and removed.
pub async fn project_member(story: &Story<'_>, dice: &mut Dice) {
    let (Some(project), Some(member)) = (story.some("project", dice), story.some("member", dice))
    else {
        return;
    };
    let path = format!("/api/v1/projects/{project}/members/{member}");
    if dice.below(5) == 0 {
        story.ask("DELETE", &path, None).await;
    } else {
        let body = json!({"billable_rate": rate(dice)});
        story.ask("PUT", &path, Some(&body)).await;
    }
}
