// The newcomer's path, from signing up to a webhook that tells of an invoice that is paid. Markup in every
// field is text.

import { address, expect, markup, origin, password, person } from "./kit.mjs";
import { receiver, verifies } from "./receiver.mjs";

export default async function newcomer() {
  const { context, page, says, press, follow, look } = await person();
  await page.goto(`${origin}/app`);
  expect(page.url() === `${origin}/app/login`, "the app lets a stranger in");
  await page.getByRole("link", { name: "Create an account" }).click();
  const email = address("maya");
  await page.getByLabel("Your name").fill(`Maya ${markup}`);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill("password1234");
  await page.getByLabel("Organization").fill(`Studio ${markup}`);
  expect(await page.getByLabel("Time zone").inputValue() === "Europe/Berlin", "the browser's time zone is not guessed");
  await press("Create account");
  await says("too easy to guess");
  await page.getByLabel("Password").fill(password);
  await press("Create account");
  await page.getByRole("heading", { name: "From the first hour to the first invoice" }).waitFor();
  const session = (await context.cookies()).find((cookie) => cookie.name.endsWith("hoursmith_session"));
  expect(session?.httpOnly && session.sameSite === "Lax", "the session's cookie can be read or goes along from elsewhere");

  await page.getByRole("link", { name: "Create", exact: true }).click();
  await page.getByLabel("Name").fill(`Nord ${markup}`);
  await page.getByLabel("Hourly rate").fill("120.00");
  await press("Create client");
  await says("The client was created.");
  // Sent again with the back button, it is done no second time.
  await page.goBack();
  await page.getByLabel("Name").fill(`Nord ${markup}`);
  await page.getByLabel("Hourly rate").fill("120.00");
  await press("Create client");
  expect(await page.getByRole("cell", { name: /Nord/ }).count() === 1, "a form that is sent twice is done twice");

  await follow("Projects");
  await page.getByLabel("Name").fill(`Catalogue ${markup}`);
  await press("Create project");
  await says("The project was created.");

  await follow("Time");
  await page.getByLabel("What you did").fill(`Layout ${markup}`);
  await page.getByLabel("Duration").fill("1:60");
  await press("Log time");
  await says("must be a duration");
  await page.getByLabel("Duration").fill("1:30");
  await press("Log time");
  await says("The time was logged.");
  await page.getByLabel("What you did").fill("Call");
  await press("Start a timer instead");
  await says("The timer runs.");
  await press("Stop");
  await says("The timer was stopped.");

  // Whoever keeps the books is told of invoices.
  const books = await receiver();
  await page.goto(`${origin}/app/settings/webhooks`);
  await page.getByLabel("Address").fill(books.url);
  await page.getByLabel("All of invoices").check();
  await press("Create endpoint");
  const secret = (await page.locator("#secret").textContent()).trim();

  await follow("Dashboard");
  await says("180.00 EUR");
  await page.getByRole("link", { name: "Open the draft" }).click();
  await page.getByLabel("Tax in percent").fill("19");
  const pages = ["/app", "/app/clients", "/app/projects", "/app/time", "/app/invoices", "/app/settings/api", new URL(page.url()).pathname];
  await look(pages);
  await page.setViewportSize({ width: 375, height: 900 });
  const hidden = await page.getByRole("group", { name: "Lines" }).evaluate((lines) => lines.scrollWidth - lines.clientWidth);
  expect(hidden <= 0, `${hidden} px of the invoice's lines are off a phone's screen`);
  await page.setViewportSize({ width: 1280, height: 900 });
  await press("Mark as sent");
  await page.getByRole("heading", { name: /Invoice INV-/ }).waitFor();
  await says("214.20 EUR");
  await press("Record payment");
  await says("The payment was recorded.");
  await books.until(2);
  const told = books.took.map((one) => verifies(one, secret));
  const types = told.map((event) => event?.type).sort().join(", ");
  expect(types === "invoice.paid, invoice.sent", `the books are told ${types}`);
  const paid = told.find((event) => event.type === "invoice.paid").data.object;
  expect(paid.status === "paid" && paid.total === "214.20", `the books are told of ${paid.total}, ${paid.status}`);
  books.end();
  expect(await page.title() !== "taken", "markup was run");
  await context.close();
}
