// Settings → Webhooks: from an endpoint to a delivery that its receiver verifies with the snippet and the
// secret of the page; what fails is seen without loading anew, and sent again.

import { expect, markup, origin, person, signUp } from "./kit.mjs";
import { receiver, verifies } from "./receiver.mjs";

export default async function webhooks() {
  const someone = await person();
  const { context, page, says, press, look } = someone;
  const receiving = await receiver();
  const here = "/app/settings/webhooks";
  await signUp(someone);

  await page.goto(`${origin}${here}`);
  await page.getByLabel("Address").fill(receiving.url);
  await press("Create endpoint");
  await says("Events must");
  await page.getByLabel("What it is for").fill(`Ledger ${markup}`);
  await page.getByLabel("All of invoices").check();
  await page.getByText("Single events of clients").click();
  await page.getByLabel("Created").locator("visible=true").check();
  await press("Create endpoint");
  const secret = (await page.locator("#secret").textContent()).trim();
  expect(/^whsec_/.test(secret), "no secret is shown");
  await page.getByRole("link", { name: "Go to the endpoint" }).click();
  await page.getByText("client.created, invoice.*").waitFor();
  const endpoint = new URL(page.url()).pathname;
  expect(await page.getByText(secret).count() === 0, "a secret is shown twice");

  // A test, and to its delivery.
  await press("Send a test");
  const ping = await receiving.until(1);
  expect(verifies(ping, secret)?.type === "ping", "a test does not verify with the secret that was shown");
  await page.waitForURL(`**${endpoint}/deliveries/*`);
  await page.locator("#delivery").getByText("delivered", { exact: true }).waitFor();
  await says("What is sent");
  const delivery = new URL(page.url()).pathname;

  // A client is made in another tab; its delivery appears in the list that is open.
  await page.goto(origin + endpoint);
  await page.evaluate(() => { window.same = true; });
  const other = await context.newPage();
  const create = async (name) => {
    await other.goto(`${origin}/app/clients`);
    await other.getByLabel("Name").fill(name);
    await other.getByRole("button", { name: "Create client" }).click();
  };
  await create("Nord");
  expect(verifies(await receiving.until(2), secret)?.type === "client.created", "a client's event does not verify");
  // A tab that is not seen looks at nothing.
  await page.bringToFront();
  await page.getByRole("row", { name: /client\.created delivered 1 200/ }).waitFor();
  expect(await page.evaluate(() => window.same === true), "the page was loaded anew");

  // The receiver fails, and works again: the delivery is sent once more.
  receiving.status = 500;
  await create("Süd");
  await receiving.until(3);
  await page.bringToFront();
  await page.getByRole("row", { name: /client\.created pending 1 500/ }).getByRole("link").click();
  await page.getByRole("heading", { name: "Where it stands" }).waitFor();
  await says(`500 ${markup}`);
  receiving.status = 200;
  // The second attempt is made by itself, seconds later.
  await receiving.until(4);
  await page.locator("#delivery").getByText("delivered", { exact: true }).waitFor();
  await press("Replay");
  await says("The delivery is sent again.");
  const again = await receiving.until(5);
  expect(again.headers["webhook-id"] === receiving.took[3].headers["webhook-id"], "a replay is another event");
  await page.getByRole("row", { name: /^3 .* 200 / }).waitFor();

  await look([here, endpoint, `${endpoint}?status=failed`, `${endpoint}/edit`, `${endpoint}/replay`, delivery]);

  // Rotated: both secrets sign.
  await page.goto(`${origin}${endpoint}/edit`);
  await press("Rotate the secret");
  const next = (await page.locator("#secret").textContent()).trim();
  await page.getByRole("link", { name: "Go to the endpoint" }).click();
  await press("Send a test");
  const signed = await receiving.until(6);
  expect(next !== secret && verifies(signed, secret) && verifies(signed, next), "after a rotation a secret does not sign");

  // What it misses while it is disabled is counted and sent.
  await page.goto(origin + endpoint);
  await press("Disable");
  await says("The endpoint is disabled. Nothing is sent to it.");
  await create("West");
  await press("Enable");
  await says("The endpoint is enabled.");
  await page.getByRole("link", { name: "Replay", exact: true }).click();
  await press("Count");
  await page.getByRole("heading", { name: "1 delivery", exact: true }).waitFor();
  await press("Send it again");
  await page.getByRole("heading", { name: "1 delivery is sent again" }).waitFor();
  const missed = verifies(await receiving.until(7), next);
  expect(missed?.data.object.name === "West", "what was missed is not sent");

  await page.goto(`${origin}${endpoint}/edit`);
  await press("Delete this endpoint");
  await says("The endpoint was deleted.");
  await says("No endpoints yet");
  expect(await page.title() !== "taken", "markup was run");
  receiving.end();
  await context.close();
}
