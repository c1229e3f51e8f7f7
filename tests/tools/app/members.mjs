// Members: an owner invites, somebody accepts in a browser of their own, gets another role, and is removed.

import { address, expect, origin, password, person, signUp } from "./kit.mjs";

const members = `${origin}/app/settings/members`;

// Invites from the page of members, and gives the link.
async function invite({ page, press }, email, { name = "", role = "member" } = {}) {
  await page.goto(members);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Role", { exact: true }).selectOption(role);
  await press("Invite");
  return page.locator("#link").textContent();
}

// A link that is over, whyever, is one page.
async function isOver({ page }, link, why) {
  const answer = await page.goto(link);
  expect(answer.status() === 404, `${why}: status ${answer.status()}`);
  expect(await page.getByRole("heading", { name: "This link is over" }).isVisible(), `${why}: the link leads somewhere`);
}

export default async function story() {
  const owner = await person();
  await signUp(owner, { organization: "Studio Nord" });
  const email = address("ben");
  const first = await invite(owner, email);
  await owner.says("no mail is sent");
  const link = await invite(owner, email);
  expect(new URL(link).origin === origin && link !== first, `the link is ${link}`);
  await owner.look(["/app/settings/members"]);
  expect(await owner.page.getByText(link).count() === 1, "the link is not shown");
  await owner.page.goto(members);
  expect(await owner.page.getByText(link).count() === 0, "a link is shown twice");
  await owner.says("invited");

  // Not for whoever is logged in as somebody else.
  await owner.page.goto(link);
  await owner.says("You are logged in as somebody else");
  const guest = await person();
  await isOver(guest, first, "an older link");
  await isOver(guest, `${link.slice(0, -1)}`, "a misspelt link");
  await guest.look([new URL(link).pathname]);
  const answer = await guest.page.goto(link);
  expect(answer.headers()["referrer-policy"] === "same-origin", "the link is told to where one goes next");
  await guest.says("Maya invites you to Studio Nord");
  await guest.page.getByLabel("Your name").fill("Ben");
  await guest.page.getByLabel("Password").fill("StudioNord12");
  await guest.press("Create account and join");
  await guest.says("too easy to guess");
  await guest.page.getByLabel("Password").fill(password);
  await guest.press("Create account and join");
  await guest.says("Welcome: you are in.");
  await guest.says("Ben · member");
  expect(await guest.page.getByRole("link", { name: "Invoices" }).count() === 0, "a member sees invoices");
  await guest.page.goto(members);
  expect(await guest.page.getByRole("button", { name: "Invite" }).count() === 0, "a member may invite");
  expect(await guest.page.getByText("Maya").count() === 0, "a member sees whom they share no project with");
  await guest.look(["/app/settings/members"]);
  await isOver(guest, link, "a used link");

  // Another role holds from the next page on.
  await owner.page.goto(members);
  await owner.page.getByRole("link", { name: "Change Ben" }).click();
  await owner.page.getByLabel("Role", { exact: true }).selectOption("admin");
  await owner.page.getByLabel("Hourly rate").fill("95.5");
  await owner.page.getByLabel("Hours a week").fill("38:60");
  await owner.press("Save");
  await owner.says("must be a duration");
  await owner.page.getByLabel("Hours a week").fill("38:30");
  await owner.press("Save");
  await owner.says("The member was changed.");
  await owner.says("95.50 EUR");
  await owner.page.getByRole("link", { name: "Change Ben" }).click();
  await owner.look([new URL(owner.page.url()).pathname]);
  await guest.page.goto(members);
  expect(await guest.page.getByRole("link", { name: "Invoices" }).count() === 1, "a new role does not hold");
  await guest.page.getByRole("link", { name: "Change Maya" }).click();
  expect(await guest.page.getByRole("button", { name: "Remove Maya" }).count() === 0, "an admin may remove an owner");

  // Somebody with an account joins with its password, and is in both.
  const other = await person();
  const known = await signUp(other, { name: "Chris", organization: "Elsewhere" });
  const second = await invite(owner, known, { role: "manager" });
  await other.page.goto(second);
  await other.press("Join Studio Nord");
  await other.says("Chris · manager");
  const third = await person();
  const lost = await signUp(third, { name: "Dana", organization: "Far Away" });
  const withdrawn = await invite(owner, lost);
  await third.press("Log out");
  await third.page.goto(withdrawn);
  await third.page.getByLabel("Your password").fill("not my password");
  await third.press("Log in and join");
  await third.says("is not the one of this account");
  await owner.page.goto(members);
  await owner.page.getByRole("link", { name: "Change Dana" }).click();
  await owner.press("Make a new link");
  const renewed = await owner.page.locator("#link").textContent();
  await isOver(third, withdrawn, "a link in whose place is another");
  await third.page.goto(renewed);
  await third.page.getByLabel("Your password").fill(password);
  await third.press("Log in and join");
  await third.says("Dana · member");

  // Removed, the next page is refused; withdrawn, a link ends.
  const late = await invite(owner, address("late"), { name: "Late" });
  for (const [name, button] of [["Ben", "Remove Ben"], ["Late", "Withdraw the invitation"]]) {
    await owner.page.goto(members);
    await owner.page.getByRole("link", { name: `Change ${name}` }).click();
    await owner.press(button);
    await owner.says("The member was removed.");
  }
  await guest.page.goto(`${origin}/app`);
  await guest.says("You are in no organization any more");
  await isOver(guest, late, "a withdrawn link");
  await owner.page.goto(members);
  await owner.page.getByRole("link", { name: "Change Maya" }).click();
  await owner.press("Remove Maya");
  await owner.says("The last owner cannot go");
  for (const { context } of [owner, guest, other, third]) await context.close();
}
