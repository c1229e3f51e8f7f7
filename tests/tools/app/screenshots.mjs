// The pictures of the README: a small studio after a few weeks, in light and dark. Not a test; it leaves
// docs/screenshots/*.png. Run by `make screenshots`.

import { mkdirSync, statSync } from "node:fs";
import { expect, end, origin, person, signUp } from "./kit.mjs";
import { receiver } from "./receiver.mjs";

const folder = "docs/screenshots";
// A README is read on the way, too.
const MOST = 120 * 1024;

const maya = await person();
await signUp(maya, { name: "Maya Lindqvist", organization: "Studio Nord" });
const { context, page } = maya;

// Sends a form as its page would, and gives where it led.
async function send(path, form, from = path) {
  const before = await read(from);
  const once = before.match(/name="once" value="(\w+)"/)?.[1];
  const answer = await context.request.post(origin + path, {
    form: { ...form, ...(once && { once }) }, headers: { origin, "sec-fetch-site": "same-origin" }, maxRedirects: 0,
  });
  if (answer.status() !== 303) throw new Error(`${path}: ${answer.status()} ${await answer.text()}`);
}

async function read(path) {
  const answer = await context.request.get(origin + path);
  if (!answer.ok()) throw new Error(`${path}: ${answer.status()}`);
  return answer.text();
}

// The id that a page's choice has for a name.
async function chosen(path, name) {
  const found = (await read(path)).match(new RegExp(`<option value="([0-9a-f-]{36})"[^>]*>${name}<`));
  if (!found) throw new Error(`${path} has no choice ${name}`);
  return found[1];
}

// The day so many days ago.
const day = (ago) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);

// Where events go: it takes everything.
const books = await receiver();
await page.goto(`${origin}/app/settings/webhooks`);
await page.getByLabel("Address").fill(books.url);
await page.getByLabel("What it is for").fill("Bookkeeping");
await page.getByLabel("All of invoices").check();
await page.getByLabel("All of clients").check();
await page.getByRole("button", { name: "Create endpoint" }).click();
await page.getByRole("link", { name: "Go to the endpoint" }).click();
const endpoint = new URL(page.url()).pathname;

const clients = [
  ["Atlas Architects", "accounts@atlas.example", "110.00"],
  ["Birch & Co.", "office@birch.example", "95.00"],
  ["Harbour Museum", "billing@harbour.example", "120.00"],
];
for (const [name, email, billable_rate] of clients) await send("/app/clients", { name, email, billable_rate, currency: "EUR" });

const projects = [
  ["Exhibition guide", "Harbour Museum", "hourly"],
  ["Brand refresh", "Atlas Architects", "hourly"],
  ["Web shop", "Birch &#38; Co.", "hourly"],
  ["Our own website", "", "none"],
];
for (const [name, client, billing_method] of projects) {
  const client_id = client && await chosen("/app/projects", client);
  await send("/app/projects", { name, client_id, billing_method });
}

// Project, days ago, duration, what was done.
const entries = [
  ["Brand refresh", 12, "4:30", "Interviews with the partners"],
  ["Brand refresh", 11, "6:15", "Sketches of the mark"],
  ["Brand refresh", 8, "3:00", "Colours and type"],
  ["Web shop", 9, "5:45", "Product pages"],
];
const current = [
  ["Exhibition guide", 1, "3:15", "Floor plans as an index"],
  ["Web shop", 1, "2:30", "Checkout, first round"],
  ["Our own website", 1, "1:00", "Case study of the guide"],
  ["Exhibition guide", 0, "2:45", "Layout of rooms 1 to 4"],
  ["Brand refresh", 0, "1:30", "Letterhead and cards"],
];
const log = async (list) => {
  for (const [name, ago, duration, description] of list) {
    const project_id = await chosen("/app/time", name);
    await send("/app/time", { project_id, spent_on: day(ago), duration, description });
  }
};
const draft = async (client) => {
  const html = await read("/app/invoices");
  const row = html.split("<tr>").find((row) => row.includes(client) && row.includes(">Draft<"));
  return row.match(/\/app\/invoices\/[0-9a-f-]{36}/)[0];
};

// What is older is billed: one invoice is paid, one is on its way.
await log(entries);
const paid = await draft("Atlas Architects");
await send(`${paid}/send`, { tax_rate: "19" }, paid);
await send(`${paid}/pay`, {}, paid);
const sent = await draft("Birch");
await send(`${sent}/send`, { tax_rate: "19" }, sent);
await log(current);
await send("/app/time/start", { project_id: await chosen("/app/time", "Exhibition guide"), description: "Captions" }, "/app/time");

await books.until(clients.length + 3);
books.end();

// A project with tasks, one of them done.
const project = (await read("/app/projects")).match(/<a href="(\/app\/projects\/[0-9a-f-]{36})">Exhibition guide</)[1];
for (const name of ["Texts of the rooms", "Floor plans", "Proofs"]) await send(`${project}/tasks`, { task_name: name }, project);
await send((await read(project)).match(/action="(\/app\/projects\/[0-9a-f-]{36}\/tasks\/[0-9a-f-]{36}\/complete)"/)[1], {}, project);

const pages = {
  dashboard: "/app",
  time: "/app/time",
  project,
  webhooks: endpoint,
  invoice: await draft("Harbour Museum"),
};
mkdirSync(folder, { recursive: true });
await page.setViewportSize({ width: 1280, height: 800 });
// The browser's clock goes ahead, so that the timer has run for a while.
await page.clock.setFixedTime(Date.now() + (47 * 60 + 12) * 1000);
for (const colorScheme of ["light", "dark"]) {
  await page.emulateMedia({ colorScheme });
  for (const [name, path] of Object.entries(pages)) {
    await page.goto(origin + path, { waitUntil: "networkidle" });
    const file = `${folder}/${name}-${colorScheme}.png`;
    await page.screenshot({ path: file });
    const { size } = statSync(file);
    expect(size <= MOST, `${file} has ${size} bytes`);
  }
}
await context.close();
await end();
