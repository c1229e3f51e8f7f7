// Settings → API: the password again, the token shown once, good at once and gone when revoked.

import { expect, origin, password, person, signUp } from "./kit.mjs";

export default async function tokens() {
  const someone = await person();
  const { context, page, says, press, look } = someone;
  await signUp(someone);
  await page.goto(`${origin}/app/settings/api`);
  await page.getByLabel("Name").fill("n8n");
  await page.getByLabel("Your password").fill("not my password");
  await press("Create token");
  await says("That is not your password");
  await page.getByLabel("Your password").fill(password);
  await press("Create token");
  const token = await page.locator("#token").textContent();
  const me = () => fetch(`${origin}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } });
  expect((await me()).status === 200, "a new token is refused");
  const cookies = (await context.cookies()).map((cookie) => `${cookie.name}=${cookie.value}`).join("; ");
  expect((await fetch(`${origin}/api/v1/me`, { headers: { cookie: cookies } })).status === 401, "the API takes a cookie");
  await page.goto(`${origin}/app/settings/api`);
  expect(await page.getByText(token).count() === 0, "a token is shown twice");
  await press("Revoke n8n");
  await says("The token was revoked.");
  expect((await me()).status === 401, "a revoked token is good");
  await look(["/app/settings/api"]);
  await context.close();
}
