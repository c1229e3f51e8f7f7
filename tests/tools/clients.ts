// What openapi-typescript makes of the document, used through openapi-fetch on a running server.
// URL and TOKEN come from the environment.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.d.ts";

const { URL: baseUrl, TOKEN: token } = process.env;
const api = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });

const me = await api.GET("/api/v1/me");
assert.equal(me.data?.role, "owner");

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

console.log(`typescript: 7 operations, ${seen.length} clients in pages of two`);
