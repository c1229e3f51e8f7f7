"""What the OpenAPI document cannot tell the generator of valid requests: which ids there are, and
rules that depend on order or on what is stored. Invalid requests are left as they are.

Counts the answers, too: ANSWERS names the file that gets a line for each, read by answers.py.
"""

import os

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
}


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
    if isinstance(case.body, dict):
        refer(case.body)
        settle(case.operation.definition.raw.get("operationId"), case.body)


def refer(body):
    """Lets a body refer to what is there."""
    for name, variable in REFERENCES.items():
        if body.get(name) is not None:
            body[name] = os.environ[variable]
    if body.get("assignee_ids"):
        body["assignee_ids"] = [os.environ["MEMBER"]]


def settle(operation, body):
    """Keeps the rules that a schema cannot state."""
    # A patch may name a part of a reference only where the rest is stored, which depends on the row.
    if isinstance(body.get("external_reference"), dict) and operation.endswith("_update"):
        body["external_reference"].setdefault("service", "xero")
        body["external_reference"].setdefault("id", "INV-2041")
    if operation == "project_create" and body.get("starts_on") and body.get("ends_on"):
        body["starts_on"], body["ends_on"] = sorted((body["starts_on"], body["ends_on"]))
    # The day is next to that of the beginning, and two of beginning, end and length give the third.
    if operation == "time_entry_create" and (body.get("started_at") or body.get("ended_at")):
        body.pop("spent_on", None)
        if body.get("started_at"):
            body.pop("ended_at", None)
    # Tax is part of the amount, and a client is billed in its own currency.
    if operation == "expense_create":
        body.pop("tax_amount", None)
        body.pop("currency", None)


@schemathesis.hook
def after_call(context, case, response):
    kind = "valid" if case.meta and case.meta.generation.mode.is_positive else "invalid"
    with open(os.environ["ANSWERS"], "a", encoding="utf-8") as answers:
        answers.write(f"{case.operation.label}\t{kind}\t{response.status_code}\n")
