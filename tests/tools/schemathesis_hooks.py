"""What the OpenAPI document cannot tell the generator of valid requests: which ids there are, and
rules that depend on order or on what is stored. Invalid requests are left as they are.

Counts the answers, too: ANSWERS names the file that gets a line for each, read by answers.py.
"""

import os
import uuid

import schemathesis
import world

# Ids in bodies: of what is there, so that requests are not all answered 404.
REFERENCES = {
    "client_id": "CLIENT",
    "project_id": "PROJECT",
    "member_id": "MEMBER",
    "task_id": "TASK",
}

# Ids in paths: of what is there to stay, or of what is made for each request, which may delete it.
LASTING = {"member_id": "MEMBER", "invoice_id": "INVOICE", "event_id": "EVENT"}
FRESH = {
    "client_id": world.client,
    "project_id": world.project,
    "task_id": world.task,
    "time_entry_id": world.timer,
    "expense_id": world.expense,
    "webhook_endpoint_id": world.endpoint,
    "webhook_delivery_id": world.delivery,
}

# Names and idempotency keys that were sent: a second one like it would be a conflict.
sent = set()


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    # A cursor is sealed by the server: none that is made up is good, however well-formed.
    if case.query:
        case.query.pop("cursor", None)
    # Sequences have ids of their own, from the answers before.
    if case.meta.phase.name.value != "stateful":
        for name in case.path_parameters or {}:
            made = LASTING.get(name)
            case.path_parameters[name] = os.environ[made] if made else FRESH[name]()
    # No generator can know the current entity tag.
    case.headers.pop("If-Match", None)
    once(case.headers, "Idempotency-Key")
    if isinstance(case.body, dict):
        once(case.body, "name")
        refer(case.body)
        operation = case.operation.definition.raw["operationId"]
        SETTLE.get(operation, lambda body: None)(case.body)
        if operation.endswith("_update"):
            complete(case.body)


def once(values, name):
    """Makes another value, as long or longer, of one that was sent before."""
    value = values.get(name)
    if isinstance(value, str) and value in sent:
        values[name] = (uuid.uuid4().hex * 8)[: max(32, len(value))]
    sent.add(values.get(name))


def refer(body):
    """Lets a body refer to what is there."""
    for name, variable in REFERENCES.items():
        if body.get(name) is not None:
            body[name] = os.environ[variable]
    if body.get("assignee_ids"):
        body["assignee_ids"] = [os.environ["MEMBER"]]


def complete(body):
    """A patch may name a part of an object only where the rest is stored, which depends on the row."""
    if isinstance(body.get("external_reference"), dict):
        body["external_reference"].setdefault("service", "xero")
        body["external_reference"].setdefault("id", "INV-2041")
    if isinstance(body.get("budget"), dict):
        body["budget"].setdefault("kind", "hours")
        body["budget"].setdefault("amount", "120")


# The rest keeps the rules that no schema can state, or none of a patch, which leaves fields out.


def settle_project(body):
    """Days are in order, a fee in cents goes with `fixed` alone, `none` is not billable."""
    if body.get("starts_on") and body.get("ends_on"):
        body["starts_on"], body["ends_on"] = sorted((body["starts_on"], body["ends_on"]))
    if body.get("fixed_fee") is not None:
        body["billing_method"] = "fixed"
        body["fixed_fee"] = cents(body["fixed_fee"])
    if body.get("billing_method") == "none":
        body["billable"] = False


def settle_time(body):
    """Two of beginning, end and length give the third; the day is next to that of the beginning."""
    if body.get("started_at"):
        body.pop("ended_at", None)
    if body.get("started_at") or body.get("ended_at") or "duration_seconds" not in body:
        body.pop("spent_on", None)


def settle_expense(body):
    """What was paid is said in one way, tax is part of it, and a client pays in its own currency."""
    for name in ("tax_amount", "currency"):
        body.pop(name, None)
    if "amount" in body or None in (body.get("quantity"), body.get("unit_price")):
        body.pop("quantity", None)
        body.pop("unit_price", None)
    if body.get("amount") is not None:
        body["amount"] = cents(body["amount"])


def settle_endpoint(body):
    """Events go to a public host, and an organization has few endpoints."""
    world.room()
    if "url" in body:
        body["url"] = "https://hooks.acme.example/hoursmith"


def settle_replay(body):
    """A span ends after it begins."""
    body.pop("until", None)


def cents(amount):
    """What is billed has no more digits after the point than its currency."""
    whole, point, fraction = amount.partition(".")
    return whole + point + fraction[:2]


SETTLE = {
    "project_create": settle_project,
    "project_update": settle_project,
    "time_entry_create": settle_time,
    "time_entry_update": settle_time,
    "expense_create": settle_expense,
    "expense_update": settle_expense,
    "webhook_endpoint_create": settle_endpoint,
    "webhook_endpoint_update": settle_endpoint,
    "webhook_endpoint_replay": settle_replay,
}


@schemathesis.hook
def after_call(context, case, response):
    kind = "valid" if case.meta and case.meta.generation.mode.is_positive else "invalid"
    with open(os.environ["ANSWERS"], "a", encoding="utf-8") as answers:
        answers.write(f"{case.operation.label}\t{kind}\t{response.status_code}\n")
