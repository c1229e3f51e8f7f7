// What the app cannot do without a script: copying, a timer that moves, and pages that follow what
// happens. Everything else works without it.
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    await navigator.clipboard.writeText(source.textContent.trim());
    const label = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = label; }, 2000);
  });
}

const running = document.querySelector("[data-since]");
if (running) {
  const since = Date.parse(running.dataset.since);
  const two = (number) => String(number).padStart(2, "0");
  const show = () => {
    const seconds = Math.max(0, Math.floor((Date.now() - since) / 1000));
    running.textContent = `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  };
  show();
  setInterval(show, 1000);
}

// The zone of the browser is the best first guess for a new organization.
const zone = document.querySelector("input[name=timezone][data-guess]");
if (zone) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || zone.value;

// Regions that follow what happens, while the page is seen: its next state is looked at every few
// seconds, and a region that has changed takes the place of its old self. Faults, and being asked to
// wait, make the looks rarer. After an hour it ends: a tab that was forgotten must not keep its
// session in use.
const regions = () => document.querySelectorAll("[data-live]");
if (regions().length > 0) {
  const often = 3000;
  const rarely = 60000;
  const until = Date.now() + 3600000;
  const says = document.querySelector("[data-live-says]");
  let wait = often;
  let timer = 0;
  let looking = false;

  const take = (old, fresh) => {
    if (!fresh || fresh.outerHTML === old.outerHTML) return;
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    const scrolled = [...old.querySelectorAll(".scroll[id]")].map((table) => [table.id, table.scrollLeft]);
    old.replaceWith(fresh);
    for (const [id, left] of scrolled) document.getElementById(id)?.scrollTo({ left });
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    if (says && fresh.dataset.says) says.textContent = fresh.dataset.says;
  };

  const look = async () => {
    looking = true;
    try {
      const answer = await fetch(regions()[0].dataset.live, { cache: "no-store" });
      // It has moved on, such as a test to its delivery, or the session has ended.
      if (answer.redirected) {
        location.assign(answer.url);
        return;
      }
      if (answer.status === 404) return;
      if (!answer.ok) throw new Error(answer.status);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const region of regions()) take(region, page.getElementById(region.id));
      wait = often;
    } catch {
      wait = Math.min(wait * 2, rarely);
    } finally {
      looking = false;
    }
    plan();
  };

  const plan = () => {
    clearTimeout(timer);
    if (!document.hidden && !looking && Date.now() < until) timer = setTimeout(look, wait);
  };
  document.addEventListener("visibilitychange", plan);
  plan();
}
