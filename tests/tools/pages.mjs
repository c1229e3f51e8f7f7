// The public pages in a real browser: no foreign request, no console error, no policy violation,
// nothing wider than the screen, in light and dark, on a desk and on a phone.
// URL and TOKEN of the demo come from the environment. With SCREENSHOTS=folder it leaves pictures there.

import { chromium } from "playwright-core";

const patience = 60_000;
const { URL: base, TOKEN: token } = process.env;
const origin = new URL(base).origin;

const findings = [];
const seen = { pages: 0, requests: 0 };
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

async function visit(path, scheme, width, ready) {
  const context = await browser.newContext({ colorScheme: scheme, viewport: { width, height: 900 } });
  const page = await context.newPage();
  const where = `${path} (${scheme}, ${width} px)`;
  page.on("request", (request) => {
    seen.requests += 1;
    const url = new URL(request.url());
    if (url.origin !== origin && !["data:", "blob:"].includes(url.protocol)) findings.push(`${where}: foreign request ${url}`);
  });
  page.on("console", (message) => {
    // One library of the reference probes for `Function`, which the policy rightly refuses.
    const probe = message.text().includes("unsafe-eval") || message.text().includes("'Function'");
    if (message.type() === "error" && !probe) findings.push(`${where}: console: ${message.text()}`);
  });
  page.on("pageerror", (error) => findings.push(`${where}: error: ${error.message}`));
  const answer = await page.goto(origin + path, { timeout: patience, waitUntil: "load" });
  if (answer.status() !== 200) findings.push(`${where}: status ${answer.status()}`);
  const policy = answer.headers()["content-security-policy"] ?? "";
  if (!policy.startsWith("default-src 'none'")) findings.push(`${where}: policy ${policy}`);
  await ready(page);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (overflow > 0) findings.push(`${where}: ${overflow} px wider than the screen`);
  if (process.env.SCREENSHOTS) {
    const name = `${path.replace(/\W+/g, "-")}-${scheme}-${width}.png`;
    await page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}` });
  }
  await context.close();
  seen.pages += 1;
}

const heading = (text) => (page) => page.getByRole("heading", { name: text }).first().waitFor({ timeout: patience });
for (const scheme of ["light", "dark"]) {
  for (const width of [375, 1280]) {
    await visit("/", scheme, width, heading(/Hoursmith/));
    await visit("/problems", scheme, width, heading(/problem/i));
    await visit("/problems/rate-limited", scheme, width, heading(/Too many requests/));
    await visit("/api-docs", scheme, width, async (page) => {
      await page.getByText("Create a client").first().waitFor({ state: "attached", timeout: patience });
    });
  }
}
await browser.close();

const me = await fetch(`${base}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } });
if (me.status !== 200) findings.push(`the token that was printed: status ${me.status}`);

for (const finding of findings) console.error(finding);
console.log(`${seen.pages} pages, ${seen.requests} requests`);
console.log(`${seen.pages} passed, ${findings.length} failed`);
process.exit(findings.length === 0 ? 0 : 1);
