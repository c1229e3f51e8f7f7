// What openapi-typescript makes of the document, used through openapi-fetch on a running server.
// URL and TOKEN come from the environment.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.d.ts";

const { URL: baseUrl, TOKEN: token } = process.env;
const api = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });

const me = await api.GET("/api/v1/me");
assert(me.data, me.error?.detail);
assert.equal(me.data.role, "owner");

// A retry under the same key is answered with the first answer.
const create = {
  params: { header: { "Idempotency-Key": randomUUID() } },
  body: { name: `Generated ${randomUUID()}`, billable_rate: "95.1250" },
};
const created = await api.POST("/api/v1/clients", create);
assert(created.data, created.error?.detail);
assert.equal(created.data.billable_rate, "95.125");
assert.equal(created.data.address?.city, undefined);
const again = await api.POST("/api/v1/clients", create);
assert.equal(again.data?.id, created.data.id);
assert.equal(again.response.headers.get("Idempotent-Replayed"), "true");

// A change of the version that was read, and one of a version that is gone.
const etag = created.response.headers.get("ETag") ?? "";
const change = {
  params: { path: { client_id: created.data.id }, header: { "If-Match": etag } },
  body: { notes: "Changed by a generated client." },
};
const changed = await api.PATCH("/api/v1/clients/{client_id}", change);
assert.equal(changed.data?.notes, change.body.notes);
const stale = await api.PATCH("/api/v1/clients/{client_id}", change);
assert.equal(stale.response.status, 412);
assert.equal(stale.error?.code, "precondition_failed");

// Every client, two at a time, each once.
const seen: components["schemas"]["Client"][] = [];
let cursor: string | undefined;
do {
  const page = await api.GET("/api/v1/clients", { params: { query: { limit: 2, cursor } } });
  assert(page.data, page.error?.detail);
  seen.push(...page.data.data);
  assert.equal(page.data.has_more, page.data.next_cursor !== null);
  cursor = page.data.next_cursor ?? undefined;
} while (cursor);
const ids = new Set(seen.map((client) => client.id));
assert(seen.length > 2 && ids.size === seen.length && ids.has(created.data.id));

const missing = await api.GET("/api/v1/clients/{client_id}", {
  params: { path: { client_id: randomUUID() } },
});
const problem: components["schemas"]["Problem"] | undefined = missing.error;
assert.equal(problem?.code, "not_found");

// A project, a task, and a timer that is started and stopped.
const project = await api.POST("/api/v1/projects", {
  body: { name: `Generated ${randomUUID()}`, client_id: created.data.id },
});
assert(project.data, project.error?.detail);
assert.equal(project.data.billable_rate, "95.125");
const project_id = project.data.id;
const added = await api.PUT("/api/v1/projects/{project_id}/members/{member_id}", {
  params: { path: { project_id, member_id: me.data.id } },
  body: {},
});
assert.equal(added.data?.member_id, me.data.id);
const task = await api.POST("/api/v1/tasks", {
  body: { project_id, name: "Design", assignee_ids: [me.data.id] },
});
assert.deepEqual(task.data?.assignee_ids, [me.data.id]);
const timer = await api.POST("/api/v1/time_entries", {
  params: { query: { stop_running: true } },
  body: { project_id, task_id: task.data.id },
});
assert(timer.data?.is_running, timer.error?.detail);
assert.equal(timer.data.amount, null);
const stop = { params: { path: { time_entry_id: timer.data.id } } };
const stopped = await api.POST("/api/v1/time_entries/{time_entry_id}/stop", stop);
assert.equal(stopped.data?.is_running, false);
const stoppedAgain = await api.POST("/api/v1/time_entries/{time_entry_id}/stop", stop);
assert.equal(stoppedAgain.error?.code, "conflict");

// Found again by filters.
const found = await api.GET("/api/v1/time_entries", {
  params: { query: { project_id, running: false, limit: 1 } },
});
assert.deepEqual(found.data?.data.map((entry) => entry.id), [timer.data.id]);

// What changed, in order and without a gap, up to the stop of the timer, which is shown soon.
const told: components["schemas"]["EventType"][] = [];
let sequence = 0;
const deadline = Date.now() + 30_000;
while (!told.includes("time_entry.updated")) {
  assert(Date.now() < deadline, `told of ${told}`);
  const feed = await api.GET("/api/v1/events", {
    params: { query: { after_sequence: sequence, limit: 200 } },
  });
  assert(feed.data, feed.error?.detail);
  for (const event of feed.data.data) {
    sequence += 1;
    assert.equal(event.sequence, sequence);
    if (event.data.object.id === timer.data.id) told.push(event.type);
  }
}
assert.deepEqual(told, ["time_entry.created", "time_entry.updated"]);

console.log(`typescript: 14 operations, ${seen.length} clients in pages of two, ${sequence} events`);
