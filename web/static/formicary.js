// What the pages do in the browser besides htmx. Without this file they still read and navigate.
//
// A part of a page that refreshes itself is an element with data-fragment: htmx polls its hx-get, and the event
// `refresh` asks for it at once. Times are reckoned by the server's clock (data-taken-at), not the viewer's.

const htmx = window.htmx;
let clockSkew = 0; // milliseconds by which this clock is ahead of the server's

const fragments = () => document.querySelectorAll("[data-fragment]");

function refresh(fragment) {
  htmx.trigger(fragment, "refresh");
}

// ---- times

const localTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

function measureClockSkew(fragment) {
  clockSkew = Date.now() - Date.parse(fragment.dataset.takenAt);
}

function ago(at) {
  const seconds = Math.max(0, Math.floor((Date.now() - clockSkew - at) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} d ago`;
}

function writeTime(time) {
  const at = Date.parse(time.dateTime);
  const text = ago(at);
  const utc = time.dateTime.replace("T", " ").replace(/\.\d+Z$/, " UTC");
  const title = `${localTime.format(at)}\n${utc}`;
  if (time.textContent !== text) time.textContent = text;
  if (time.title !== title) time.title = title;
}

function writeTimes() {
  if (!document.hidden) document.querySelectorAll("time[data-ago]").forEach(writeTime);
}

// ---- refreshing

function skipPollWhileHidden(event) {
  if (document.hidden && event.detail.ctx.sourceEvent?.type === "every") event.preventDefault();
}

function resume() {
  if (document.hidden) return;
  writeTimes();
  fragments().forEach(refresh);
}

function afterSwap(event) {
  const { ctx } = event.detail;
  const fragment = ctx.sourceElement.closest("[data-fragment]");
  if (fragment && ctx.response.status < 400) measureClockSkew(fragment);
  writeTimes();
}

function sayNoAnswer(fragment) {
  const problem = document.getElementById("no-answer").content.cloneNode(true);
  fragment?.querySelector("[data-problem]")?.replaceChildren(problem);
}

// Our own errors come with the place where they belong; any other is from something between the server and here.
function keepForeignErrorsOut(event) {
  const { ctx } = event.detail;
  if (ctx.response.status < 400 || ctx.hx.retarget) return;
  event.preventDefault();
  sayNoAnswer(ctx.sourceElement.closest("[data-fragment]"));
}

// ---- what is clicked and chosen

function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  getSelection().selectAllChildren(source);
  const copied = navigator.clipboard?.writeText(source.textContent) ?? Promise.reject();
  copied.then(
    () => say(button, "Copied"),
    () => say(button, "Press Ctrl+C"), // no clipboard outside https: the text is selected at least
  );
}

function say(button, text) {
  const before = button.textContent;
  button.textContent = text;
  setTimeout(() => (button.textContent = before), 2000);
}

function onClick(event) {
  const button = event.target.closest("[data-refresh], [data-copy]");
  if (!button) return;
  event.preventDefault();
  if ("copy" in button.dataset) return copy(button);
  const own = button.closest("[data-fragment]");
  (own ? [own] : fragments()).forEach(refresh);
}

// What sending the form would do, but without fields that say nothing in the address.
function onChange(event) {
  const { form } = event.target;
  if (!form || !("autosubmit" in form.dataset)) return;
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
  location.assign(query.size ? `${form.action}?${query}` : form.action);
}

htmx.registerExtension("formicary", {
  // What the viewer has opened stays open when its surroundings are refreshed.
  htmx_before_morph_attr: (element, { attrName }) => !(element.tagName === "DETAILS" && attrName === "open"),
});

document.documentElement.classList.add("has-script");
document.addEventListener("htmx:config:request", skipPollWhileHidden);
document.addEventListener("htmx:before:swap", keepForeignErrorsOut);
document.addEventListener("htmx:after:swap", afterSwap);
document.addEventListener("htmx:error", (event) => sayNoAnswer(event.target.closest?.("[data-fragment]")));
document.addEventListener("visibilitychange", resume);
document.addEventListener("click", onClick);
document.addEventListener("change", onChange);
fragments().forEach(measureClockSkew);
writeTimes();
setInterval(writeTimes, 1000);
