"""What tools work on, made through the API of the server at URL with TOKEN, from the environment.

As a program it makes one of everything, and prints the ids for the environment of other tools.
"""

import json
import os
import time
import urllib.request
import uuid


def call(method: str, path: str, body: dict | None = None) -> dict:
    """The answer to a request that must succeed."""
    request = urllib.request.Request(
        f"{os.environ['URL']}/api/v1/{path}",
        None if body is None else json.dumps(body).encode(),
        {"Authorization": f"Bearer {os.environ['TOKEN']}", "Content-Type": "application/json"},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read()
        return json.loads(text) if text else {}


def client() -> str:
    return call("POST", "clients", {"name": f"Client {uuid.uuid4()}"})["id"]


def project() -> str:
    """A project of CLIENT with MEMBER in it."""
    body = {"name": f"Project {uuid.uuid4()}", "client_id": os.environ["CLIENT"]}
    made = call("POST", "projects", body | {"billable_rate": "110.00"})["id"]
    call("PUT", f"projects/{made}/members/{os.environ['MEMBER']}", {})
    return made


def task() -> str:
    body = {"name": f"Task {uuid.uuid4()}", "project_id": os.environ["PROJECT"]}
    return call("POST", "tasks", body)["id"]


def timer() -> str:
    """A time entry that runs; the one that ran is stopped."""
    body = {"project_id": os.environ["PROJECT"]}
    return call("POST", "time_entries?stop_running=true", body)["id"]


def expense() -> str:
    body = {"project_id": os.environ["PROJECT"], "amount": "12.75"}
    return call("POST", "expenses", body)["id"]


def new_endpoint() -> str:
    """One that nothing is sent to but what is asked for."""
    body = {"url": "https://hooks.acme.example/hoursmith", "events": ["webhook_endpoint.disabled"]}
    return call("POST", "webhook_endpoints", body)["id"]


def room() -> None:
    """Deletes endpoints but ENDPOINT, when there are nearly as many as an organization may have."""
    made = [one["id"] for one in call("GET", "webhook_endpoints?limit=200")["data"]]
    for one in made if len(made) > 30 else []:
        if one != os.environ["ENDPOINT"]:
            call("DELETE", f"webhook_endpoints/{one}")


def endpoint() -> str:
    room()
    return new_endpoint()


def until(holds):
    """The first answer of a question that is not empty; what is asked for comes a moment later."""
    latest = time.monotonic() + 60
    while time.monotonic() < latest:
        if found := holds():
            return found
    raise TimeoutError("nothing came of it")


def ping() -> str:
    """The delivery of a ping to ENDPOINT."""
    of = os.environ["ENDPOINT"]
    call("POST", f"webhook_endpoints/{of}/test")
    return until(lambda: call("GET", f"webhook_deliveries?endpoint_id={of}")["data"])[0]["id"]


def delivery() -> str:
    """DELIVERY, decided, so that it may be replayed: an endpoint that is disabled gets nothing."""
    this, of = os.environ["DELIVERY"], os.environ["ENDPOINT"]
    path = f"webhook_deliveries/{this}"
    if call("GET", path)["status"] == "pending":
        call("PATCH", f"webhook_endpoints/{of}", {"enabled": False})
        until(lambda: call("GET", path)["status"] != "pending")
        call("PATCH", f"webhook_endpoints/{of}", {"enabled": True})
    return this


def main() -> None:
    os.environ["MEMBER"] = call("GET", "me")["id"]
    os.environ["CLIENT"] = client()
    os.environ["PROJECT"] = project()
    os.environ["TASK"] = task()
    # Time that can be billed opens the client's draft.
    hour = {"project_id": os.environ["PROJECT"], "task_id": os.environ["TASK"]}
    call("POST", "time_entries", hour | {"duration_seconds": 3600})
    drafts = call("GET", f"invoices?client_id={os.environ['CLIENT']}")["data"]
    os.environ["INVOICE"] = drafts[0]["id"]
    os.environ["EVENT"] = call("GET", "events?limit=1")["data"][0]["id"]
    os.environ["ENDPOINT"] = new_endpoint()
    os.environ["DELIVERY"] = ping()
    names = ("MEMBER", "CLIENT", "PROJECT", "TASK", "INVOICE", "EVENT", "ENDPOINT", "DELIVERY")
    for name in names:
        print(f"export {name}={os.environ[name]}")


if __name__ == "__main__":
    main()
