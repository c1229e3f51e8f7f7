//! What a body says about a member, and what there is to say of one at all.

use hoursmith_domain::{Amount, Fields, Patch, Problem, Role, Zone, check_text};
use simd_json::borrowed::Value;

use super::state::MemberState;

/// Seconds of a week.
const WEEK: i64 = 604_800;

/// A person to add.
#[derive(Debug, Clone)]
pub struct NewMember {
    /// Name, 1..=255 characters.
    pub name: String,
    /// E-mail address; a user who has it already becomes a member under the name it has.
    pub email: String,
    /// Role.
    pub role: Role,
}

/// What changes in a member; what is absent stays, what is cleared is the organization's again.
#[derive(Debug, Clone, Default)]
pub struct MemberChange {
    /// Zone.
    pub timezone: Patch<Zone>,
    /// Rate per hour, at least 0.
    pub billable_rate: Patch<Amount>,
    /// What an hour costs, at least 0.
    pub cost_rate: Patch<Amount>,
    /// Working time of a week, 0..=604,800 seconds.
    pub weekly_capacity_seconds: Patch<i64>,
}

/// The same with a role, as a body says it.
#[derive(Debug, Clone)]
pub(super) struct MemberPatch {
    role: Patch<Role>,
    change: MemberChange,
}

impl MemberChange {
    /// Puts it into a member.
    pub(crate) fn apply(self, member: &mut MemberState) {
        self.timezone.apply(&mut member.timezone);
        self.billable_rate.apply(&mut member.billable_rate);
        self.cost_rate.apply(&mut member.cost_rate);
        self.weekly_capacity_seconds
            .apply(&mut member.weekly_capacity_seconds);
    }
}

impl MemberPatch {
    /// Puts it into a member.
    pub(super) fn apply(self, member: &mut MemberState) {
        self.role.apply_required(&mut member.role);
        self.change.apply(member);
    }
}

/// `email`, `role`, and `name`; without one, somebody is called by the address until they say more.
pub(super) fn invitation(body: &Value<'_>) -> Result<NewMember, Problem> {
    let mut fields = Fields::of(body);
    let name = fields.text("name", 1, 255);
    let email = fields.parsed("email", "invalid_email", parse_email);
    let role = fields.parsed("role", "invalid_choice", str::parse::<Role>);
    fields.required("email", &email);
    fields.required("role", &role);
    fields.finish()?;
    // Both were just required.
    let email = email.into_option().unwrap_or_default();
    let called = email.split('@').next().unwrap_or_default();
    Ok(NewMember {
        name: name.into_option().unwrap_or_else(|| called.to_owned()),
        role: role.into_option().unwrap_or(Role::Member),
        email,
    })
}

/// A merge patch.
pub(super) fn patch(body: &Value<'_>) -> Result<MemberPatch, Problem> {
    let mut fields = Fields::of(body);
    let patch = MemberPatch {
        role: fields.parsed("role", "invalid_choice", str::parse::<Role>),
        change: MemberChange {
            timezone: fields.parsed("timezone", "invalid_timezone", str::parse::<Zone>),
            billable_rate: fields.amount("billable_rate", Some(Amount::ZERO)),
            cost_rate: fields.amount("cost_rate", Some(Amount::ZERO)),
            weekly_capacity_seconds: fields.integer("weekly_capacity_seconds", 0, WEEK),
        },
    };
    fields.not_null("role", &patch.role);
    fields.finish().map(|()| patch)
}

/// One `@` between two parts. Whether anybody reads mail there is nothing to us: the link is handed on
/// by whoever invites.
fn parse_email(text: &str) -> Result<String, String> {
    check_text(text, 3, 254, false).map_err(|error| error.to_string())?;
    match text.split_once('@') {
        Some((user, host))
            if !user.is_empty()
                && !host.is_empty()
                && !host.contains('@')
                && !text.contains(' ') =>
        {
            Ok(text.to_owned())
        }
        _ => Err("must be an e-mail address".to_owned()),
    }
}
