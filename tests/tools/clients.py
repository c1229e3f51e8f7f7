"""What openapi-python-client makes of the document, at work on a running server.

URL and TOKEN come from the environment; the generated package is `hoursmith`.
"""

import os
import time
import uuid
from http import HTTPStatus

from hoursmith import AuthenticatedClient
from hoursmith.api.clients import client_create, client_list, client_read, client_update
from hoursmith.api.events import event_list
from hoursmith.api.me import me_read
from hoursmith.api.project_members import project_member_put
from hoursmith.api.projects import project_create
from hoursmith.api.tasks import task_create
from hoursmith.api.time_entries import time_entry_create, time_entry_list, time_entry_stop
from hoursmith.models import (
    Client,
    ClientCreate,
    ClientList,
    ClientUpdate,
    EventList,
    EventType,
    Me,
    Problem,
    ProblemCode,
    Project,
    ProjectCreate,
    ProjectMember,
    ProjectMemberPut,
    Task,
    TaskCreate,
    TimeEntry,
    TimeEntryCreate,
    TimeEntryList,
)
from hoursmith.types import UNSET, Unset

api = AuthenticatedClient(base_url=os.environ["URL"], token=os.environ["TOKEN"])

me = me_read.sync(client=api)
assert isinstance(me, Me) and me.role == "owner", me

# A retry under the same key is answered with the first answer.
body = ClientCreate(name=f"Generated {uuid.uuid4()}", billable_rate="95.1250")
key = str(uuid.uuid4())
created = client_create.sync_detailed(client=api, body=body, idempotency_key=key)
assert isinstance(created.parsed, Client), created
assert created.parsed.billable_rate == "95.125" and created.parsed.address is None
again = client_create.sync_detailed(client=api, body=body, idempotency_key=key)
assert isinstance(again.parsed, Client) and again.parsed.id == created.parsed.id
assert again.headers["Idempotent-Replayed"] == "true" and again.content == created.content

# A change of the version that was read, and one of a version that is gone.
etag = created.headers["ETag"]
change = ClientUpdate(notes="Changed by a generated client.")
changed = client_update.sync_detailed(created.parsed.id, client=api, body=change, if_match=etag)
assert isinstance(changed.parsed, Client) and changed.parsed.notes == change.notes, changed
stale = client_update.sync_detailed(created.parsed.id, client=api, body=change, if_match=etag)
assert stale.status_code == HTTPStatus.PRECONDITION_FAILED
assert isinstance(stale.parsed, Problem) and stale.parsed.code == ProblemCode.PRECONDITION_FAILED
known = client_read.sync_detailed(
    created.parsed.id, client=api, if_none_match=changed.headers["ETag"]
)
assert known.status_code == HTTPStatus.NOT_MODIFIED and not known.content

# Every client, two at a time, each once.
seen: list[uuid.UUID] = []
cursor: str | Unset = UNSET
while True:
    page = client_list.sync(client=api, limit=2, cursor=cursor)
    assert isinstance(page, ClientList), page
    seen += [client.id for client in page.data]
    if not page.has_more:
        break
    assert page.next_cursor is not None
    cursor = page.next_cursor
assert len(seen) > 2 and len(set(seen)) == len(seen) and created.parsed.id in seen

missing = client_read.sync(uuid.uuid4(), client=api)
assert isinstance(missing, Problem) and missing.code == ProblemCode.NOT_FOUND, missing

# A project, a task, and a timer that is started and stopped.
project = project_create.sync(
    client=api, body=ProjectCreate(name=f"Generated {uuid.uuid4()}", client_id=created.parsed.id)
)
assert isinstance(project, Project) and project.billable_rate == "95.125", project
added = project_member_put.sync(project.id, me.id, client=api, body=ProjectMemberPut())
assert isinstance(added, ProjectMember) and added.member_id == me.id, added
task = task_create.sync(
    client=api, body=TaskCreate(project_id=project.id, name="Design", assignee_ids=[me.id])
)
assert isinstance(task, Task) and task.assignee_ids == [me.id], task
timer = time_entry_create.sync(
    client=api, body=TimeEntryCreate(project_id=project.id, task_id=task.id), stop_running=True
)
assert isinstance(timer, TimeEntry) and timer.is_running and timer.amount is None, timer
stopped = time_entry_stop.sync(timer.id, client=api)
assert isinstance(stopped, TimeEntry) and not stopped.is_running, stopped
again_stopped = time_entry_stop.sync(timer.id, client=api)
assert isinstance(again_stopped, Problem) and again_stopped.code == ProblemCode.CONFLICT

# Found again by filters.
found = time_entry_list.sync(client=api, project_id=project.id, running=False, limit=1)
assert isinstance(found, TimeEntryList) and [one.id for one in found.data] == [timer.id], found

# What changed, in order and without a gap, up to the stop of the timer, which is shown soon.
told: list[tuple[EventType, object]] = []
sequence = 0
deadline = time.monotonic() + 30
while (EventType.TIME_ENTRY_UPDATED, str(timer.id)) not in told:
    assert time.monotonic() < deadline, told[-3:]
    feed = event_list.sync(client=api, after_sequence=sequence, limit=200)
    assert isinstance(feed, EventList), feed
    for event in feed.data:
        sequence += 1
        assert event.sequence == sequence
        told.append((event.type_, event.data.object_["id"]))
about = [type_ for type_, id_ in told if id_ == str(timer.id)]
assert about == [EventType.TIME_ENTRY_CREATED, EventType.TIME_ENTRY_UPDATED], about

print(f"python: 14 operations, {len(seen)} clients in pages of two, {sequence} events")
