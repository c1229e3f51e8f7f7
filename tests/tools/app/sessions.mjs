// Sessions, and what another origin can do with them: nothing.

import { createServer } from "node:http";
import { expect, origin, password, patience, person, signUp } from "./kit.mjs";

const session = async (context) =>
  (await context.cookies()).find((cookie) => cookie.name.endsWith("hoursmith_session"));

export default async function sessions() {
  const someone = await person();
  const { context, page, press, look } = someone;
  const email = await signUp(someone);
  const first = await session(context);

  // Another origin changes nothing, by a form, a script or a picture.
  const count = async () => {
    await page.goto(`${origin}/app/clients`);
    return page.getByRole("row").count();
  };
  const before = await count();
  const evil = createServer((_, answer) => {
    answer.setHeader("content-type", "text/html");
    answer.end(`<img src="${origin}/app/logout"><form method="post" action="${origin}/app/clients"><input name="name" value="Evil"><input name="currency" value="EUR"></form>
      <script>fetch("${origin}/app/logout",{method:"POST",credentials:"include",mode:"no-cors"}).finally(()=>document.forms[0].submit())</script>`);
  });
  await new Promise((ready) => evil.listen(0, "127.0.0.1", ready));
  const other = await context.newPage();
  await other.goto(`http://127.0.0.1:${evil.address().port}/`);
  await other.getByRole("heading", { name: "That is not allowed" }).waitFor({ timeout: patience });
  await other.close();
  evil.close();
  expect(await count() === before, "a page of another origin changed something, or logged out");

  // Logged out, the old session is worth nothing, and going back shows nothing.
  await press("Log out");
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  const after = await fetch(`${origin}/app`, { headers: { cookie: `${first.name}=${first.value}` }, redirect: "manual" });
  expect(after.headers.get("location") === "/app/login", "an ended session is good");
  await look(["/app/login", "/app/signup"]);
  await page.goto(`${origin}/app/login`);
  await page.getByLabel("E-mail").fill(email.toUpperCase());
  await page.getByLabel("Password").fill(password);
  await press("Log in");
  await page.getByRole("heading", { name: "Dashboard" }).waitFor();
  const second = await session(context);
  expect(second.value !== first.value, "a session's secret outlives logging in");
  await context.close();
}
