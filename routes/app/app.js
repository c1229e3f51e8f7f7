// What the app cannot do without a script: copying, and a timer that moves. Everything else works
// without it.
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
