// Settings → Account: sessions seen and ended, the password changed; and a person in two organizations, who
// switches between them and is removed from one, by the operator's hand. HOURSMITH is the binary.

import { execFileSync } from "node:child_process";
import { expect, markup, origin, password, person, signUp } from "./kit.mjs";

const another = "thimble-orbit-27-marmalade";
const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const hoursmith = (...words) => execFileSync(process.env.HOURSMITH, words, { encoding: "utf8" });
const organizations = () => hoursmith("org", "list").trimEnd().split("\n").map((line) => line.split("\t"));

const cookie = async (context) =>
  (await context.cookies()).find((cookie) => cookie.name.endsWith("hoursmith_session")).value;

// As a page of the app sends a form; the status of the answer.
const post = async ({ context }, path, form = {}) => {
  const headers = { "sec-fetch-site": "same-origin" };
  return (await context.request.post(origin + path, { form, headers, maxRedirects: 0 })).status();
};

async function logIn({ page, press }, email, secret) {
  await page.goto(`${origin}/app/login`);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(secret);
  await press("Log in");
}

const isOut = async ({ page }, what) => {
  await page.goto(`${origin}/app`);
  expect(page.url() === `${origin}/app/login`, what);
};

export default async function account() {
  const maya = await person();
  const elsewhere = await person({ userAgent: firefox });
  const { page, says, press, look } = maya;
  const email = await signUp(maya);
  const dashboard = { name: "Dashboard" };

  // Sessions: known by their browsers, ended one by one, and nobody else's.
  await logIn(elsewhere, email, password);
  await elsewhere.page.getByRole("heading", dashboard).waitFor();
  await page.goto(`${origin}/app/settings/account`);
  expect(await page.getByRole("row", { name: /Chrome on Linux/ }).getByText("this one").isVisible(), "the session that asks is not marked");
  const end = page.getByRole("button", { name: /^End Firefox on Linux/ });
  const action = await end.locator("xpath=..").getAttribute("action");
  const noah = await person();
  await signUp(noah, { name: "Noah", organization: "Bureau" });
  expect(await post(noah, action) === 404, "somebody else's session can be named");
  expect(await post(noah, action.replace(/[0-9a-f-]{36}/, "none")) === 404, "what is no session can be named");
  await elsewhere.page.reload();
  expect(elsewhere.page.url() === `${origin}/app`, "a stranger ended a session");
  await look(["/app/settings/account"]);
  await end.click();
  await says("The session has ended.");
  expect(await end.count() === 0, "a session that ended is listed");
  await isOut(elsewhere, "a session that ended is good");
  await logIn(elsewhere, email, password);
  await elsewhere.page.getByRole("heading", dashboard).waitFor();
  await page.reload();
  await press("End all others");
  await says("Your other sessions have ended.");
  await isOut(elsewhere, "all others ended but one");

  // The password: confirmed, judged, and a new secret for this session alone.
  await logIn(elsewhere, email, password);
  await elsewhere.page.getByRole("heading", dashboard).waitFor();
  const before = await cookie(maya.context);
  const change = async (old, fresh) => {
    await page.getByLabel("Your password").fill(old);
    await page.getByLabel("New password").fill(fresh);
    await press("Change password");
  };
  await change("not my password", another);
  await says("That is not your password");
  expect(await page.getByLabel("New password").inputValue() === "", "a password is sent back");
  await change(password, "password1234");
  await says("too easy to guess");
  await change(password, password);
  await says("is the one that you have");
  await change(password, another);
  await says("The password was changed.");
  expect(await cookie(maya.context) !== before, "the session's secret outlives the password");
  const stale = await fetch(`${origin}/app`, { headers: { cookie: `hoursmith_session=${before}` }, redirect: "manual" });
  expect(stale.headers.get("location") === "/app/login", "the old secret is good");
  await isOut(elsewhere, "another session outlives the password");
  await logIn(elsewhere, email, password);
  await elsewhere.says("do not belong together");
  await logIn(elsewhere, email, another);
  await elsewhere.page.getByRole("heading", dashboard).waitFor();

  // One organization: no switch, and no way into another.
  const known = organizations().map(([id]) => id);
  const named = `Guild ${markup} ${Date.now()}`;
  const guild = await person();
  await signUp(guild, { name: "Gus", organization: named });
  const [id, slug] = organizations().find(([id]) => !known.includes(id));
  expect(await page.getByRole("button", { name: "Switch" }).count() === 0, "a person in one organization sees a switch");
  expect(await post(maya, "/app/organization", { organization_id: id }) === 404, "a stranger gets into an organization");

  // Two: what is shown is the one's that was chosen, in this browser alone.
  hoursmith("member", "add", slug, email, "--name", "Maya", "--role", "admin");
  const tab = await maya.context.newPage();
  await tab.goto(`${origin}/app/projects`);
  await tab.getByLabel("Name").fill("Catalogue");
  const settings = await maya.context.newPage();
  await settings.goto(`${origin}/app/settings/organization`);
  await page.goto(`${origin}/app`);
  await page.getByLabel("Organization").selectOption({ label: named });
  await press("Switch");
  await says("What you see now is this organization’s.");
  expect(await page.getByRole("strong").first().textContent() === named, "the frame names another organization");
  await page.goto(`${origin}/app/clients`);
  expect(await page.title() !== "taken", "markup was run");
  await tab.getByRole("button", { name: "Create project" }).click();
  await tab.getByText("You switched to another organization").waitFor();
  expect(await tab.getByText("No projects yet").isVisible(), "a form of one organization was carried out in another");
  await tab.close();
  await settings.getByRole("button", { name: "Save organization" }).click();
  await settings.getByText("You switched to another organization").waitFor();
  await settings.goto(`${origin}/app/settings/organization`);
  expect(await settings.getByLabel("Name", { exact: true }).inputValue() === named, "one organization got the settings of another");
  await settings.close();
  await elsewhere.page.reload();
  expect(await elsewhere.page.getByLabel("Organization").evaluate((select) => select.selectedOptions[0].label) === "Studio", "another browser was switched too");
  await look(["/app", "/app/settings/account"]);

  // Removed from it: nothing goes on by itself, and the way on is shown.
  hoursmith("member", "remove", slug, email);
  const answer = await page.goto(`${origin}/app`);
  expect(answer.status() === 403, `whoever is removed is answered ${answer.status()}`);
  await says("You are not in this organization any more");
  if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/nowhere.png` });
  expect(await post(maya, "/app/projects", { name: "Catalogue" }) === 403, "a form was carried out elsewhere");
  await press("Studio");
  await page.getByRole("heading", dashboard).waitFor();
  expect(await page.getByRole("button", { name: "Switch" }).count() === 0, "the switch outlives the membership");

  // In none at all: out is still possible.
  const studio = organizations().map(([, slug]) => slug).find((slug) => slug.startsWith("studio") && hoursmith("member", "list", slug).includes(email));
  hoursmith("member", "add", studio, `second-${email}`, "--name", "Ada", "--role", "owner");
  hoursmith("member", "remove", studio, email);
  await page.goto(`${origin}/app`);
  await says("You are in no organization any more");
  await press("Log out");
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  for (const someone of [maya, elsewhere, noah, guild]) await someone.context.close();
}
