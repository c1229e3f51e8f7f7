"""What openapi-python-client makes of the document, at work on a running server.

URL and TOKEN come from the environment; the generated package is `hoursmith`.
"""

import os
import uuid
from http import HTTPStatus

from hoursmith import AuthenticatedClient
from hoursmith.api.clients import client_create, client_list, client_read, client_update
from hoursmith.api.me import me_read
from hoursmith.models import Client, ClientCreate, ClientList, ClientUpdate, Me, Problem, ProblemCode
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

print(f"python: 7 operations, {len(seen)} clients in pages of two")
