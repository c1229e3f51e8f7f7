//! Every subject that two rooms must agree on, once: who asks and who answers both take it here.
//!
//! Functions that cannot fail rather than text to be parsed in each place; a test holds them to the
//! grammar. Who may speak on which of them stands in `nats/nats-server.conf`.

use hoursmith_domain::OrganizationId;
use uuid::Uuid;

use crate::{Pattern, Subject, SubjectError};

/// What every subject begins with. Of what travels below it, a release that its predecessor cannot
/// understand speaks under `v2` beside it.
pub const PREFIX: &str = "hoursmith.v1";

/// What the subjects of public events begin with. They are the product's to its subscribers, and in
/// no version of what the parts say among themselves: the event says in which version of the API it
/// is written.
const EVENTS: &str = "hoursmith.events";

/// Whose token is this?
pub fn token_auth_check() -> Subject {
    below("token-auth.check")
}

/// Has this key been used?
pub fn idempotency_check() -> Subject {
    below("idempotency.check")
}

/// Is there budget left? Asked of the limiter that owns the visitor.
pub fn limiter_check(instance: Uuid) -> Subject {
    below(&format!("rate-limiter.{}.check", instance.simple()))
}

/// Where limiters announce themselves: their instance id in 32 hex digits, each second, at start
/// and when asked; with a minus in front when they leave.
pub fn limiter_alive() -> Subject {
    below("rate-limiter.alive")
}

/// Where gateways ask which limiters there are.
pub fn limiter_who() -> Subject {
    below("rate-limiter.who")
}

/// Where those who have written events wake the relays: there is something to number. An envelope
/// without content.
pub fn relay_wake() -> Subject {
    below("relay.wake")
}

/// Where a public event is told: `hoursmith.events.<organization>.<type>`. The type has a dot of its
/// own, so that `hoursmith.events.<organization>.client.*` is all that happens to clients.
///
/// # Errors
///
/// For a type that is no token or tokens, which none of ours is.
pub fn event(organization: OrganizationId, kind: &str) -> Result<Subject, SubjectError> {
    Subject::new(&format!("{EVENTS}.{}.{kind}", organization.0))
}

/// Every public event.
pub fn events() -> Pattern {
    Pattern::known(format!("{EVENTS}.>"))
}

/// Every public event of an organization.
pub fn events_of(organization: OrganizationId) -> Pattern {
    Pattern::known(format!("{EVENTS}.{}.>", organization.0))
}

/// Everything that the resource actor answers: one subject a route, `<resource>.<action>`.
pub fn resources() -> Pattern {
    Pattern::known(format!("{PREFIX}.resource.*.*"))
}

/// Where a relay wakes the webhook dispatchers, since events have become public, and they one
/// another, since deliveries were queued again. An envelope without content.
pub fn webhook_wake() -> Subject {
    below("webhook-dispatcher.wake")
}

/// Everything that the webhook dispatcher answers: one subject a route, `<resource>.<action>`.
pub fn webhooks() -> Pattern {
    Pattern::known(format!("{PREFIX}.webhook-dispatcher.*.*"))
}

/// The app's pages: a request to `/app`, answered with HTML.
pub fn console_page() -> Subject {
    below("console.page")
}

/// What accounts answers about sessions: cheap, asked for every page.
pub fn account_sessions() -> Pattern {
    Pattern::known(format!("{PREFIX}.accounts.session.*"))
}

/// What accounts answers that takes a password: dear, since a guess must be.
pub fn account_passwords() -> Pattern {
    Pattern::known(format!("{PREFIX}.accounts.password.*"))
}

/// One question to accounts.
pub fn account(question: AccountQuestion) -> Subject {
    below(&format!("accounts.{}", question.id()))
}

/// What is done to API tokens in the app: `create`, `list`, `revoke`.
pub fn tokens() -> Pattern {
    Pattern::known(format!("{PREFIX}.token-auth.token.*"))
}

/// One question about API tokens.
pub fn token(question: TokenQuestion) -> Subject {
    below(&format!("token-auth.{}", question.id()))
}

/// Where accounts asks for the organization of somebody who has just signed up. Not among those of
/// [`resources`], which the gateway and the console may ask on: this question has no caller.
pub fn found_organization() -> Subject {
    below("resource.found")
}

/// Where accounts asks that an invitation be accepted, by somebody whom it knows or has just met. Not
/// among those of [`resources`], which the gateway and the console may ask on: this question has no caller.
pub fn accept_invitation() -> Subject {
    below("resource.accept")
}

/// The questions that accounts answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountQuestion {
    /// Whose session is this? Answered with a sealed caller.
    SessionCheck,
    /// Ends the session.
    SessionEnd,
    /// Which sessions has its person?
    SessionList,
    /// Ends one of them.
    SessionEndOne,
    /// Ends all but the one that asks.
    SessionEndOthers,
    /// Which organizations is its person in?
    SessionOrganizations,
    /// Has the session act in another of them.
    SessionSwitch,
    /// What is behind an invitation's link, and what it takes to accept it.
    Invitation,
    /// Accepts an invitation, and begins a session.
    Accept,
    /// Makes a user and an organization, and begins a session.
    SignUp,
    /// Begins a session.
    LogIn,
    /// Is this the caller's password?
    Confirm,
    /// Gives the session's person another password, and the session another secret.
    Change,
}

impl AccountQuestion {
    /// What the head names as its route, and the subject ends with.
    pub fn id(self) -> &'static str {
        match self {
            Self::SessionCheck => "session.check",
            Self::SessionEnd => "session.end",
            Self::SessionList => "session.list",
            Self::SessionEndOne => "session.end_one",
            Self::SessionEndOthers => "session.end_others",
            Self::SessionOrganizations => "session.organizations",
            Self::SessionSwitch => "session.switch",
            Self::Invitation => "session.invitation",
            Self::Accept => "password.accept",
            Self::SignUp => "password.sign_up",
            Self::LogIn => "password.log_in",
            Self::Confirm => "password.confirm",
            Self::Change => "password.change",
        }
    }
}

/// The questions about API tokens that token-auth answers beside the gateway's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenQuestion {
    /// Mints one for the caller.
    Create,
    /// Lists the caller's.
    List,
    /// Revokes one of the caller's.
    Revoke,
}

impl TokenQuestion {
    /// What the head names as its route, and the subject ends with.
    pub fn id(self) -> &'static str {
        match self {
            Self::Create => "token.create",
            Self::List => "token.list",
            Self::Revoke => "token.revoke",
        }
    }
}

fn below(rest: &str) -> Subject {
    Subject::known(format!("{PREFIX}.{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hoursmith_domain::EventType;

    #[test]
    fn each_is_in_the_grammar() {
        for subject in [
            token_auth_check(),
            idempotency_check(),
            limiter_check(Uuid::nil()),
            limiter_alive(),
            limiter_who(),
            relay_wake(),
            webhook_wake(),
            console_page(),
            account(AccountQuestion::SessionCheck),
            account(AccountQuestion::LogIn),
            account(AccountQuestion::SessionEndOne),
            token(TokenQuestion::Create),
            found_organization(),
            accept_invitation(),
        ] {
            assert_eq!(Subject::new(subject.as_str()).unwrap(), subject);
        }
        let organization = OrganizationId(Uuid::nil());
        for pattern in [resources(), webhooks(), events(), events_of(organization)] {
            assert_eq!(Pattern::new(pattern.as_str()).unwrap(), pattern);
        }
    }

    #[test]
    fn an_event_is_told_to_its_organization_alone() {
        let [one, other] = [1, 2].map(|number| OrganizationId(Uuid::from_u128(number)));
        for kind in EventType::WORDS {
            let subject = event(one, kind).unwrap();
            assert!(events().matches(&subject) && events_of(one).matches(&subject));
            assert!(!events_of(other).matches(&subject), "{subject}");
        }
        assert!(event(one, "client created").is_err());
    }
}
