// The app in a real browser: the newcomer's path, from signing up to an invoice that is paid, then each
// page in light and dark, on a desk and on a phone: no console error, no policy violation, no foreign
// request, nothing wider than the screen, no finding of axe. URL comes from the environment. With
// SCREENSHOTS=folder it leaves pictures there.

import { chromium } from "playwright-core";
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const patience = 60_000;
const origin = new URL(process.env.URL).origin;
const axe = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");

const findings = [];
let checks = 0;
const expect = (holds, what) => {
  checks += 1;
  if (!holds) findings.push(what);
};
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

function watch(page) {
  page.setDefaultTimeout(patience);
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== origin) findings.push(`foreign request ${request.url()}`);
  });
  page.on("console", (message) => {
    // A form that is refused answers with 4xx, which the browser notes.
    if (message.type() === "error" && !message.text().includes("status of 4")) findings.push(`${page.url()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => findings.push(`${page.url()}: ${error.message}`));
}

const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, timezoneId: "Europe/Berlin" });
const page = await context.newPage();
watch(page);
const says = async (text) => expect(await page.getByText(text).first().isVisible(), `${page.url()} does not say: ${text}`);
const press = (name) => page.getByRole("button", { name, exact: true }).click();
const follow = (name) => page.getByRole("navigation").getByRole("link", { name }).click();

// Markup in every field is text.
const markup = '"><script>document.title="taken"</script>';
const password = "glacier-violin-83-orchard";
const email = `maya-${process.pid}-${Date.now()}@studio.example`;

await page.goto(`${origin}/app`);
expect(page.url() === `${origin}/app/login`, "the app lets a stranger in");
await page.getByRole("link", { name: "Create an account" }).click();
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
const first = (await context.cookies()).find((cookie) => cookie.name.endsWith("hoursmith_session"));
expect(first?.httpOnly && first.sameSite === "Lax", "the session's cookie can be read or goes along from elsewhere");

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

await follow("Dashboard");
await says("180.00 EUR");
await page.getByRole("link", { name: "Open the draft" }).click();
await page.getByLabel("Tax in percent").fill("19");
const pages = ["/app", "/app/clients", "/app/projects", "/app/time", "/app/invoices", "/app/settings/api", new URL(page.url()).pathname];
await look(["light", "dark"], pages);
await press("Mark as sent");
await page.getByRole("heading", { name: /Invoice INV-/ }).waitFor();
await says("214.20 EUR");
await press("Record payment");
await says("The payment was recorded.");

// A token: the password again, shown once, good at once, gone when revoked.
await follow("API");
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
await follow("API");
expect(await page.getByText(token).count() === 0, "a token is shown twice");
await press("Revoke n8n");
await says("The token was revoked.");
expect((await me()).status === 401, "a revoked token is good");

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
const after = await fetch(`${origin}/app`, { headers: { cookie: cookies }, redirect: "manual" });
expect(after.headers.get("location") === "/app/login", "an ended session is good");
await look(["light", "dark"], ["/app/login", "/app/signup"]);
await page.goto(`${origin}/app/login`);
await page.getByLabel("E-mail").fill(email.toUpperCase());
await page.getByLabel("Password").fill(password);
await press("Log in");
await page.getByRole("heading", { name: "Dashboard" }).waitFor();
const second = (await context.cookies()).find((cookie) => cookie.name.endsWith("hoursmith_session"));
expect(second.value !== first.value, "a session's secret outlives logging in");
expect(await page.title() === "Dashboard · Hoursmith", "markup was run");

await browser.close();
for (const finding of findings) console.error(finding);
console.log(`${checks} checks, ${findings.length} failed`);
process.exit(findings.length === 0 ? 0 : 1);

// Each page in each scheme, at both widths, in a tab of its own.
async function look(schemes, paths) {
  const tab = await context.newPage();
  watch(tab);
  for (const scheme of schemes) {
    for (const width of [375, 1280]) {
      await tab.emulateMedia({ colorScheme: scheme });
      await tab.setViewportSize({ width, height: 900 });
      for (const path of paths) {
        const where = `${path} (${scheme}, ${width} px)`;
        const answer = await tab.goto(origin + path, { waitUntil: "load" });
        expect(answer.status() === 200, `${where}: status ${answer.status()}`);
        const policy = answer.headers()["content-security-policy"] ?? "";
        expect(policy.startsWith("default-src 'none'") && !policy.includes("unsafe"), `${where}: policy ${policy}`);
        const overflow = await tab.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        expect(overflow <= 0, `${where}: ${overflow} px wider than the screen`);
        const { violations } = await tab.evaluate(`(() => { ${axe}; return axe.run(document); })()`);
        for (const { id, nodes } of violations) findings.push(`${where}: axe ${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(" | ")}`);
        if (process.env.SCREENSHOTS) {
          const name = path.replace(/[0-9a-f]{8}-[0-9a-f-]+/, "draft").replace(/\W+/g, "-");
          await tab.screenshot({ path: `${process.env.SCREENSHOTS}/${name}-${scheme}-${width}.png`, fullPage: true });
        }
      }
    }
  }
  await tab.close();
}
