// The AsyncAPI document by the unmodified parser, and the demo's own events by the document.
// The document's file is the argument; URL and TOKEN of the demo come from the environment.

import { readFile } from "node:fs/promises";
import { Parser } from "@asyncapi/parser";
import Ajv from "ajv";

const { URL: base, TOKEN: token } = process.env;
const { document, diagnostics } = await new Parser().parse(await readFile(process.argv[2], "utf8"));
// Version 3.0 is the one that tools for subscribers know; there is a newer one, as the parser says.
const passed = diagnostics.filter(({ code }) => code !== "asyncapi-latest-version");
// 0 is an error, 1 a warning, 2 information, 3 a hint.
const findings = passed.map(({ severity, code, message, path }) => `${severity} ${code} at ${path.join("/")}: ${message}`);
let seen = 0;
if (document) {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  const checks = new Map(document.messages().all().map((message) => [message.name(), ajv.compile(message.payload().json())]));
  for (let after = 0; ;) {
    const answer = await fetch(`${base}/api/v1/events?limit=200&after_sequence=${after}`, { headers: { authorization: `Bearer ${token}` } });
    const page = await answer.json();
    for (const event of page.data) {
      const fits = checks.get(event.type);
      if (!fits) findings.push(`no message for ${event.type}`);
      else if (!fits(event)) findings.push(`${event.type} ${event.id}: ${ajv.errorsText(fits.errors)}`);
      after = event.sequence;
      seen += 1;
    }
    if (!page.has_more) break;
  }
  if (seen === 0) findings.push("the demo has no events");
}
for (const finding of new Set(findings)) console.error(finding);
console.log(`${seen} events, ${findings.length} findings`);
process.exit(findings.length === 0 ? 0 : 1);
