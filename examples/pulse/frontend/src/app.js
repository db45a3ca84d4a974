// Three pages of one document: the path says which, the API says what stands on it.

const main = document.querySelector("main");

function element(tag, text, className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  return made;
}

async function ask(path) {
  const reply = await fetch(path, { headers: { Accept: "application/json" } });
  if (!reply.ok) throw new Error(`${path} answered ${reply.status}`);
  return reply.json();
}

function table(heads, rows) {
  if (rows.length === 0) return [element("p", "Nothing yet.")];
  const made = document.createElement("table");
  for (const [tag, cells] of [["th", heads], ...rows.map((row) => ["td", row])]) {
    const line = made.insertRow();
    line.append(...cells.map((cell) => element(tag, cell)));
  }
  return [made];
}

const time = (seconds) => new Date(seconds * 1000).toLocaleTimeString();

const pages = {
  "/": async () => {
    const health = await ask("/api/v2/health");
    const rows = Object.entries(health.checks).map(([name, fine]) => [name, fine ? "answers" : "does not answer"]);
    return [element("p", health.status, `status ${health.status}`), ...table(["what", "state"], rows)];
  },
  "/readings": async () => {
    const { readings } = await ask("/api/v2/readings");
    return table(["time", "device", "°C"], readings.map((one) => [time(one.at), one.device, one.temperature]));
  },
  "/alerts": async () => {
    const { alerts } = await ask("/api/v2/alerts");
    return table(["time", "device", "°C", "limit"], alerts.map((one) => [time(one.at), one.device, one.temperature, one.limit]));
  },
};

async function show() {
  const path = location.pathname;
  const page = pages[path] ?? (async () => [element("p", "There is no such page.")]);
  let content;
  try {
    content = await page();
  } catch (error) {
    content = [element("p", `The API does not answer: ${error.message}`, "status down")];
  }
  // Somebody may have gone on while the API thought.
  if (path !== location.pathname) return;
  main.replaceChildren(...content);
  for (const link of document.querySelectorAll("nav a")) link.toggleAttribute("aria-current", link.pathname === path);
}

document.querySelector("nav").addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  history.pushState(null, "", link.href);
  show();
});
addEventListener("popstate", show);
setInterval(() => document.hidden || show(), 5000);
show();
