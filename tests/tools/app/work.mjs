// The work: a project with its tasks and members, its client, time by the week, expenses, the organization,
// and what a member who runs nothing sees of it all.

import { address, expect, markup, origin, password, person, signUp } from "./kit.mjs";

export default async function work() {
  const someone = await person();
  const { context, page, says, press, follow, look } = someone;
  const link = (name) => page.getByRole("link", { name, exact: true }).click();
  const path = () => new URL(page.url()).pathname;
  const remove = async (what) => {
    await page.getByText("Delete…", { exact: true }).click();
    await press(`Delete ${what}`);
  };
  await signUp(someone, { name: "Ada", email: address("ada"), organization: "Northlight" });

  // A client and a project.
  await follow("Clients");
  await page.getByLabel("Name").fill("Atlas");
  await page.getByLabel("Hourly rate").fill("100.00");
  await press("Create client");
  await follow("Projects");
  await page.getByLabel("Name").fill("Catalogue");
  await press("Create project");
  await link("Catalogue");
  const project = path();
  await says("100.00 EUR");

  // Its tasks: made once, renamed, done, opened again.
  await page.getByLabel("New task").fill("Layout");
  await press("Create task");
  await says("The task was created.");
  await page.getByLabel("New task").fill("layout");
  await press("Create task");
  await says("must be unique in the project");
  await page.getByLabel("New task").fill(`Proof ${markup}`);
  await press("Create task");
  await link("Layout");
  const task = path();
  await page.getByLabel("Name").fill("Cover");
  await page.getByLabel("Estimate").fill("soon");
  await press("Save task");
  await says("must be a duration");
  await page.getByLabel("Estimate").fill("8:00");
  await page.getByLabel("Ada").check();
  await press("Save task");
  await says("The changes were saved.");
  await page.goto(origin + project);
  await press("Complete Cover");
  await says("The task is done.");
  await press("Reopen Cover");
  await says("The task is open again.");

  // Who works on it, at which rate.
  await page.getByLabel("Hourly rate of Ada here").fill("many");
  await press("Save the rate of Ada");
  await says("must be a decimal");
  await page.getByLabel("Hourly rate of Ada here").fill("125.00");
  await press("Save the rate of Ada");
  await says("The rate was saved.");

  // What it is.
  await page.getByLabel("Notes").fill(markup);
  await page.getByLabel("Name", { exact: true }).fill("Autumn catalogue");
  await page.getByLabel("Budget", { exact: true }).selectOption("hours");
  await page.getByLabel("Budgeted").fill("40");
  await press("Save project");
  await says("The changes were saved.");
  await page.getByRole("heading", { name: "Autumn catalogue" }).waitFor();

  // A tab that still shows it as it was changes nothing back, and leads to what it is now.
  const tab = await context.newPage();
  await tab.goto(origin + project);
  await page.getByLabel("Code").fill("A-17");
  await press("Save project");
  await says("The changes were saved.");
  await tab.getByLabel("Code").fill("B-18");
  await tab.getByRole("button", { name: "Save project" }).click();
  await tab.getByText("Somebody changed it meanwhile").waitFor();
  expect(await tab.getByLabel("Code").inputValue() === "B-18", "what was typed is gone");
  await tab.getByRole("link", { name: "See it as it is now" }).click();
  await tab.getByText("Somebody changed it meanwhile").waitFor({ state: "hidden" });
  expect(await tab.getByLabel("Code").inputValue() === "A-17", "a stale page changed something back");
  await tab.close();

  await remove("project");
  await says("Archive it instead");
  await press("Archive");
  await says("It is archived.");
  await follow("Projects");
  expect(await page.getByRole("link", { name: "Autumn catalogue" }).count() === 0, "an archived project is among the current ones");
  await link("Archived projects");
  await link("Autumn catalogue");
  await press("Bring back");
  await says("It is back among the others.");

  // Time on a task, corrected, and a week of seven days.
  await follow("Time");
  await page.getByLabel("Project").selectOption({ label: "Autumn catalogue · Cover" });
  await page.getByLabel("What you did").fill("Sketches");
  await page.getByLabel("Duration").fill("2:00");
  await press("Log time");
  await says("The time was logged.");
  expect(await page.getByRole("list").locator("li").filter({ hasText: "2:00" }).count() === 1, "the day has no total");
  await page.getByRole("link", { name: /^Edit the entry of .*Sketches$/ }).click();
  const entry = path();
  expect(await page.getByLabel("Project").inputValue() === `${project.split("/").pop()}/${task.split("/").pop()}`, "the task of an entry is forgotten");
  await page.getByLabel("Duration").fill("long");
  await press("Save");
  await says("must be a duration");
  await page.getByLabel("Duration").fill("1:30");
  await look([entry]);
  await press("Save");
  await says("The changes were saved.");
  await page.getByRole("cell", { name: "1:30", exact: true }).first().waitFor();
  await page.getByRole("link", { name: "← Week before" }).click();
  await says("Nothing in this week");
  await page.getByRole("link", { name: "This week" }).click();
  await page.getByLabel("What you did").fill("Call");
  await press("Start a timer instead");
  await page.getByRole("link", { name: "Week after →" }).click();
  // The timer is seen from any week.
  await press("Stop");
  await says("The timer was stopped.");
  await page.getByRole("link", { name: /^Edit the entry of .*Call$/ }).click();
  expect(!await page.getByRole("button", { name: "Delete entry" }).isVisible(), "one click deletes an entry");
  await remove("entry");
  await says("The entry was deleted.");

  // Expenses.
  await follow("Expenses");
  await page.getByLabel("Category").fill("Travel");
  await page.getByLabel("Amount").fill("42.505");
  await press("Add expense");
  await says("must have at most 2 digits");
  await page.getByLabel("Amount").fill("42.50");
  await press("Add expense");
  await says("The expense was added.");
  await says("not invoiced");
  await page.getByLabel("Category").fill("Lunch");
  await page.getByLabel("Amount").fill("10.00");
  await page.getByLabel("Bill it to the client").selectOption("no");
  await press("Add expense");
  await says("not billed");
  await page.getByRole("link", { name: /^Edit Lunch/ }).click();
  const expense = path();
  await page.getByLabel("Amount").fill("much");
  await press("Save");
  await says("must be a decimal");
  await page.getByLabel("Amount").fill("11.00");
  await page.getByLabel("Notes").fill(markup);
  await look([expense]);
  await press("Save");
  await says("The changes were saved.");
  await says("11.00 EUR");
  await page.getByRole("link", { name: /^Edit Lunch/ }).click();
  await remove("expense");
  await says("It was deleted.");
  expect(await page.getByText("Lunch").count() === 0, "a deleted expense is there");

  // The client, with its invoice.
  await follow("Clients");
  await link("Atlas");
  const client = path();
  await page.getByLabel("Days to pay").fill("soon");
  await press("Save client");
  await says("must be a whole number");
  await page.getByLabel("Days to pay").fill("14");
  await page.getByLabel("Country").fill("Germany");
  await press("Save client");
  await says("ISO 3166-1");
  await page.getByLabel("Country").fill("DE");
  await press("Save client");
  await says("The changes were saved.");
  await says("230.00 EUR");
  await remove("client");
  await says("Archive it instead");

  await page.goto(origin + task);
  await remove("task");
  await says("Complete it instead");
  await page.goto(origin + project);
  await link(`Proof ${markup}`);
  await remove("task");
  await says("It was deleted.");

  // The dashboard tells of it.
  await follow("Dashboard");
  await says("1:30 h · Sketches");
  const happened = page.getByRole("region", { name: "What happened last" });
  expect(await happened.getByRole("link", { name: "Travel · 42.50 EUR" }).count() === 1, "an expense has no link");
  expect(await happened.getByText(/Lunch/).count() > 0 && await happened.getByRole("link", { name: /Lunch/ }).count() === 0, "what was deleted has a link");
  await says("230.00 EUR");
  expect(await page.locator(".bars li").filter({ hasText: "Autumn catalogue" }).getByText("1:30").count() === 1, "the chart does not say the hours");
  await happened.getByRole("link", { name: "1:30 h · Sketches" }).first().click();
  expect(path() === entry, "an event leads elsewhere");

  // The organization. Its week begins as it says.
  await page.goto(`${origin}/app/settings/organization`);
  await page.getByLabel("In steps of minutes").fill("0");
  await page.getByLabel("Time zone").fill("Mars/Olympus");
  await press("Save organization");
  await says("Time zone must be an IANA time zone");
  await says("must be from 1 to 1440");
  await page.getByLabel("In steps of minutes").fill("15");
  await page.getByLabel("Time zone").fill("Europe/Berlin");
  await page.getByLabel("The week begins on").selectOption("Sunday");
  await page.getByLabel("Currency").fill("USD");
  await press("Save organization");
  await says("cannot change once");
  await page.getByLabel("Currency").fill("EUR");
  await press("Save organization");
  await says("The changes were saved.");
  await page.goto(`${origin}/app/time`);
  expect(/^Sun/.test(await page.locator(".days li").first().innerText()), "the week does not begin as it should");

  // The plan, where the operator lets owners change it.
  await page.goto(`${origin}/app/settings/plan`);
  await press("Change to Free");
  await says("The plan was changed.");
  await page.goto(`${origin}/app/settings/api`);
  await says("API tokens need the plan");
  await look(["/app/settings/api", "/app/settings/webhooks"]);
  await page.goto(`${origin}/app/settings/webhooks`);
  await says("Webhooks need the plan Agency");
  expect(await page.getByRole("button", { name: "Create endpoint" }).count() === 0, "a locked page offers an endpoint");
  await page.getByRole("link", { name: "plans", exact: true }).click();
  expect(path() === "/app/settings/plan", "a locked page leads nowhere");
  await page.goto(`${origin}/app/settings/plan`);
  await press("Change to Agency");
  await says("The plan was changed.");

  await look(["/app", "/app/settings/organization", "/app/settings/plan"]);
  await look([project, task, client, "/app/projects?archived=true", "/app/clients?archived=true", "/app/time", "/app/expenses"]);
  expect(await page.title() !== "taken", "markup was run");
  await member(someone, project);
  await context.close();
}

// What a member sees, who runs nothing: the projects that they were added to, without an amount, and nothing to
// change but the tasks that are theirs.
async function member(owner, project) {
  const email = address("ben");
  await owner.page.goto(`${origin}/app/settings/members`);
  await owner.page.getByLabel("E-mail").fill(email);
  await owner.page.getByLabel("Role").selectOption("member");
  await owner.press("Invite");
  const invitation = await owner.page.locator("#link").textContent();
  const ben = await person();
  const { page, says, press } = ben;
  await page.goto(invitation);
  await page.getByLabel("Your name").fill("Ben");
  await page.getByLabel("Password").fill(password);
  await press("Create account and join");
  await page.goto(`${origin}/app/time`);
  await says("There is no project to log time on");
  expect((await page.goto(origin + project)).status() === 404, "a member sees a project that is not theirs");

  // In the project, with a task of their own.
  await owner.page.goto(origin + project);
  await owner.page.getByLabel("Add a member").selectOption("Ben");
  await owner.page.getByLabel("Hourly rate here", { exact: true }).fill("77.00");
  await owner.press("Add member");
  await owner.says("The member was added to the project.");
  await owner.page.getByLabel("New task").fill("Scans");
  await owner.press("Create task");
  await owner.page.getByRole("link", { name: "Scans" }).click();
  const task = new URL(owner.page.url()).pathname;
  await owner.page.getByLabel("Ben").check();
  await owner.press("Save task");

  await page.goto(origin + project);
  await says("Who works on it");
  const text = await page.locator("main").innerText();
  expect(!/EUR|77\.00|125\.00/.test(text), `a member sees amounts: ${text}`);
  expect(await page.getByRole("button").count() === 2, "a member may change more than a task of theirs");
  await press("Complete Scans");
  await says("The task is done.");
  await press("Reopen Scans");
  await page.goto(`${origin}/app/time`);
  await page.getByLabel("Project").selectOption({ label: "Autumn catalogue · Scans" });
  await page.getByLabel("What you did").fill("All of them");
  await page.getByLabel("Duration").fill("45m");
  await press("Log time");
  await says("The time was logged.");
  await page.goto(`${origin}/app/expenses`);
  await page.getByLabel("Category").fill("Paper");
  await page.getByLabel("Amount").fill("12.00");
  await press("Add expense");
  await says("The expense was added.");
  expect(await page.getByRole("cell", { name: /Travel/ }).count() === 0, "a member sees what others spent");
  await page.goto(`${origin}/app`);
  expect(await page.getByText("Unbilled").count() + await page.getByText("What happened last").count() === 0, "a member's dashboard says too much");
  await page.goto(`${origin}/app/settings/organization`);
  await says("Owners and admins change it.");
  await page.goto(`${origin}/app/settings/plan`);
  await says("An owner of Northlight can change the plan here.");
  expect(await page.getByRole("button", { name: /^Change to/ }).count() === 0, "a member may change the plan");
  // What no page offers is refused all the same.
  for (const path of [`${project}/archive`, "/app/settings/plan", "/app/settings/organization"]) {
    const form = { name: "Mine", plan: "free", capacity: "1:00" };
    const answer = await page.request.post(origin + path, { form, headers: { origin } });
    expect(answer.status() === 403, `a member's POST to ${path} is answered ${answer.status()}`);
  }
  await ben.look(["/app", "/app/time", "/app/expenses", "/app/projects", "/app/clients", project, task, "/app/settings/organization", "/app/settings/plan"]);
  await ben.context.close();

  await owner.page.goto(origin + project);
  await owner.press("Take out Ben");
  await owner.says("The member was taken out of the project.");
}
