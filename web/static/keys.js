// The keyboard: `/` searches, `r` refreshes, `g` and a letter go to a page, `?` lists all of that.

const PAGES = { o: "overview", a: "agents", r: "runs", p: "providers", s: "system", k: "api" };
const GO_WITHIN = 1500; // milliseconds between `g` and the letter

let goUntil = 0;

const isTyping = ({ target }) => target.closest?.("input, select, textarea, [contenteditable]");
const press = (selector) => document.querySelector(selector)?.click();

function search() {
  const field = document.querySelector("[data-search]");
  if (field) return field.focus();
  press('.nav a[data-page="runs"]');
}

const ACTIONS = {
  "/": search,
  r: () => press(".page-header [data-refresh]"),
  g: () => (goUntil = Date.now() + GO_WITHIN),
  "?": () => press("[data-dialog=shortcuts]"),
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event) || document.querySelector("dialog[open]")) return;
  const goes = Date.now() < goUntil && PAGES[event.key];
  goUntil = 0;
  const action = goes ? () => press(`.nav a[data-page="${goes}"]`) : ACTIONS[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

document.addEventListener("keydown", onKey);
