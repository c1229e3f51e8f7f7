// What every story of the app has: a browser, a person in it, and the checks that any page must pass.
// URL and CHROMIUM come from the environment. With SCREENSHOTS=folder, pictures are left there.

import { chromium } from "playwright-core";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const patience = 60_000;
export const origin = new URL(process.env.URL).origin;
export const password = "glacier-violin-83-orchard";
// Markup in every field is text.
export const markup = '"><script>document.title="taken"</script>';
const axe = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");

const findings = [];
let checks = 0;
let addresses = 0;

export const expect = (holds, what) => {
  checks += 1;
  if (!holds) findings.push(what);
};
export const address = (name) => `${name}-${process.pid}-${Date.now()}-${addresses++}@studio.example`;

export const launch = (...more) => chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", ...more],
});
const browser = await launch();

// Ends the browser, and the process with what was found.
export async function end() {
  await browser.close();
  for (const finding of findings) console.error(finding);
  console.log(`${checks} checks, ${findings.length} failed`);
  process.exit(findings.length === 0 ? 0 : 1);
}

// No request to elsewhere, no error on the console, none in a script.
export function watch(page) {
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

// Somebody with a browser of their own, not logged in.
export async function person(more = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, timezoneId: "Europe/Berlin", ...more });
  const page = await context.newPage();
  watch(page);
  return {
    context,
    page,
    says: async (text) => expect(await page.getByText(text).first().isVisible(), `${page.url()} does not say: ${text}`),
    press: (name) => page.getByRole("button", { name, exact: true }).click(),
    follow: (name) => page.getByRole("navigation").getByRole("link", { name, exact: true }).click(),
    look: (paths) => look(context, paths),
  };
}

// Signs somebody up, to a dashboard of their own.
export async function signUp(someone, { name = "Maya", email = address("maya"), organization = "Studio" } = {}) {
  const { page, press } = someone;
  await page.goto(`${origin}/app/signup`);
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByLabel("Organization").fill(organization);
  await press("Create account");
  await page.getByRole("heading", { name: "Dashboard" }).waitFor();
  return email;
}

// Each page in light and dark, on a desk and on a phone, in a tab of its own: the policy, nothing wider
// than the screen, no finding of axe.
async function look(context, paths) {
  const tab = await context.newPage();
  watch(tab);
  for (const scheme of ["light", "dark"]) {
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
