// A server on plain http that is reached from another machine: by a name that a browser takes for no
// loopback, so that it says of a form where it comes from by Origin alone. HOURSMITH names the program.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { address, expect, launch, password, patience } from "./kit.mjs";

const home = "http://hours.test";

export default async function lan() {
  const folder = mkdtempSync(join(tmpdir(), "hoursmith-lan-"));
  const server = spawn(process.env.HOURSMITH, ["--data-dir", folder, "--set", `public_url=${home}`,
    "serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"],
  { env: { HOURSMITH_LOG__FORMAT: "json" }, stdio: ["ignore", "ignore", "pipe"] });
  const ended = new Promise((done) => server.once("exit", done));
  try {
    const browser = await launch(`--host-resolver-rules=MAP hours.test ${await served(server)}`);
    try {
      await visit(await browser.newPage());
    } finally {
      await browser.close();
    }
  } finally {
    server.kill();
    await ended;
    rmSync(folder, { recursive: true });
  }
}

// The address that it says it serves at.
async function served(server) {
  for await (const line of createInterface(server.stderr)) {
    const said = JSON.parse(line)["server.address"];
    if (said) {
      server.stderr.resume();
      return said;
    }
  }
  throw new Error("the server did not start");
}

// Forms before one is in and inside.
async function visit(page) {
  page.setDefaultTimeout(patience);
  await page.goto(`${home}/app/signup`);
  expect(!await page.evaluate(() => isSecureContext), "the browser trusts the name as it does loopback");
  const sent = page.waitForRequest((request) => request.method() === "POST");
  await page.getByLabel("Your name").fill("Maya");
  await page.getByLabel("E-mail").fill(address("lan"));
  await page.getByLabel("Password").fill(password);
  await page.getByLabel("Organization").fill("Studio");
  await page.getByRole("button", { name: "Create account" }).click();
  const headers = await (await sent).allHeaders();
  expect(headers["sec-fetch-site"] === undefined && headers.origin === home, `the form came with ${JSON.stringify(headers)}`);
  await page.getByRole("heading", { name: "Dashboard" }).waitFor();
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByRole("heading", { name: "Log in" }).waitFor();
}
