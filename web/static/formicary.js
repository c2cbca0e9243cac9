// What all pages do in the browser besides htmx. Without this file they still read and navigate.
//
// A part of a page that refreshes itself is an element with data-fragment: htmx polls its hx-get (not if it is "once"),
// and the event `refresh` asks for it at once. Times are reckoned by the server's clock (data-taken-at), not the viewer's.

const htmx = window.htmx;

const fragments = () => [...document.querySelectorAll("[data-fragment]")];
const polls = (fragment) => fragment.dataset.fragment !== "once";
const fragmentOf = (element) => element.closest("[data-fragment]");

// ---- times

const localTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const localMinute = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const takenAt = (fragment) => Date.parse(fragment.dataset.takenAt);

let clockSkew = 0; // milliseconds by which this clock is ahead of the server's

// To be called when a part is shown that was true just now.
function measureClockSkew() {
  const newest = Math.max(...fragments().map(takenAt));
  if (Number.isFinite(newest)) clockSkew = Date.now() - newest;
}

function ago(at) {
  const seconds = Math.max(0, Math.floor((Date.now() - clockSkew - at) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} d ago`;
}

function write(element, text, title) {
  if (element.textContent !== text) element.textContent = text;
  if (element.title !== title) element.title = title;
}

function writeTime(time) {
  const at = Date.parse(time.dateTime);
  const utc = time.dateTime.replace("T", " ").replace(/\.\d+Z$/, " UTC");
  if ("ago" in time.dataset) write(time, ago(at), `${localTime.format(at)}\n${utc}`);
  else write(time, (time.dataset.at === "minute" ? localMinute : localTime).format(at), utc);
}

function writeUpdated() {
  const oldest = Math.min(...fragments().filter(polls).map(takenAt));
  if (!Number.isFinite(oldest)) return;
  for (const label of document.querySelectorAll("[data-updated]")) {
    write(label, `Updated ${ago(oldest)}`, localTime.format(oldest));
  }
}

function writeTimes() {
  if (document.hidden) return;
  document.querySelectorAll("time[data-ago], time[data-at]").forEach(writeTime);
  writeUpdated();
}

// ---- refreshing

function refresh(parts = fragments()) {
  parts.forEach((fragment) => htmx.trigger(fragment, "refresh"));
}

const isPoll = (ctx) => ctx.sourceEvent?.type === "every";
const isFirst = (ctx) => ctx.sourceEvent?.type === "load";

// A list of which more was loaded than its first page: a refresh by itself would take that away.
const holds = (fragment) => fragment.querySelector("[data-holds-refresh]") !== null;

// A poll is content with what others were just sent; neither is sent what is shown already.
function configureRequest(event) {
  const { ctx } = event.detail;
  const fragment = fragmentOf(ctx.sourceElement);
  if (isPoll(ctx) && (document.hidden || holds(fragment))) return event.preventDefault();
  if (fragment?.dataset.etag) ctx.request.headers["If-None-Match"] = fragment.dataset.etag;
  if (!isPoll(ctx) && !isFirst(ctx)) ctx.request.headers["Cache-Control"] = "no-cache";
}

function afterRequest(event) {
  const { ctx } = event.detail;
  const fragment = fragmentOf(ctx.sourceElement);
  if (ctx.response?.status !== 304 || !fragment) return;
  fragment.dataset.takenAt = ctx.response.headers.get("formicary-taken-at");
  fragment.querySelector("[data-problem]")?.replaceChildren();
  writeTimes();
}

function afterSwap(event) {
  const { ctx } = event.detail;
  if (!isPoll(ctx) && fragmentOf(ctx.sourceElement) === ctx.sourceElement && ctx.response.status < 400) measureClockSkew();
  writeTimes();
}

function resume() {
  if (document.hidden) return;
  writeTimes();
  refresh(fragments().filter((fragment) => !holds(fragment)));
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
  sayNoAnswer(fragmentOf(ctx.sourceElement));
}

// ---- what is clicked

function say(button, text) {
  const label = button.querySelector("[data-label]") ?? button;
  button.dataset.said ??= label.innerHTML;
  label.textContent = text;
  clearTimeout(button.saying);
  button.saying = setTimeout(() => (label.innerHTML = button.dataset.said), 2000);
}

async function copyText(button, text, source) {
  try {
    await navigator.clipboard.writeText(text);
    say(button, "Copied");
  } catch {
    if (source) getSelection().selectAllChildren(source); // no clipboard outside https: the text is selected at least
    say(button, source ? "Press Ctrl+C" : "Not permitted");
  }
}

const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const cellText = (cell) => cell.dataset.value ?? cell.innerText.trim();

function copyCsv(button) {
  const table = document.getElementById(button.dataset.copyCsv);
  const lines = [...table.rows].map((row) => [...row.cells].map((cell) => quoted(cellText(cell))).join(","));
  copyText(button, `${lines.join("\n")}\n`, table);
}

function onClick(event) {
  const button = event.target.closest("[data-refresh], [data-copy], [data-copy-csv], [data-dialog]");
  if (!button) return closeMenus(event.target);
  event.preventDefault();
  const { copy, copyCsv: csv, dialog } = button.dataset;
  if (dialog !== undefined) return document.getElementById(dialog).showModal();
  if (copy !== undefined) return copyText(button, document.getElementById(copy).textContent, document.getElementById(copy));
  if (csv !== undefined) return copyCsv(button);
  if (!fragments().length) return location.reload();
  const own = fragmentOf(button);
  refresh(own ? [own] : undefined);
}

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(except)) menu.open = false;
  }
}

function closeMenuByKey(event) {
  const menu = event.key === "Escape" && event.target.closest?.("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
}

// ---- forms

const filled = (form) => new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));

// What sending the form would do, but without fields that say nothing in the address.
function go(form) {
  const query = filled(form);
  location.assign(query.size ? `${form.action}?${query}` : form.action);
}

function onChange(event) {
  const { form } = event.target;
  if (form && "autosubmit" in form.dataset) go(form);
}

function onSubmit(event) {
  const form = event.target;
  if (form.method !== "get") return;
  event.preventDefault();
  go(form);
}

// Fields of time stand in UTC where there is no script, in the viewer's zone where there is one.
function useLocalTimes(form) {
  const pad = (number) => String(number).padStart(2, "0");
  for (const label of form.querySelectorAll("[data-zone]")) label.textContent = "your time";
  for (const field of form.querySelectorAll("input[type=datetime-local]")) {
    const at = new Date(`${field.value}Z`);
    if (!Number.isNaN(at.getTime())) {
      field.value = `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}T${pad(at.getHours())}:${pad(at.getMinutes())}`;
    }
  }
  form.addEventListener("formdata", ({ formData }) => {
    for (const field of form.querySelectorAll("input[type=datetime-local]")) {
      if (field.value) formData.set(field.name, new Date(field.value).toISOString());
    }
  });
}

// ----

htmx.registerExtension("formicary", {
  // What the viewer has opened stays open when its surroundings are refreshed.
  htmx_before_morph_attr: (element, { attrName }) => !(element.tagName === "DETAILS" && attrName === "open"),
});

document.addEventListener("htmx:config:request", configureRequest);
document.addEventListener("htmx:after:request", afterRequest);
document.addEventListener("htmx:before:swap", keepForeignErrorsOut);
document.addEventListener("htmx:after:swap", afterSwap);
document.addEventListener("htmx:error", (event) => sayNoAnswer(fragmentOf(event.target)));
document.addEventListener("visibilitychange", resume);
document.addEventListener("click", onClick);
document.addEventListener("keydown", closeMenuByKey);
document.addEventListener("change", onChange);
document.addEventListener("submit", onSubmit);
document.querySelectorAll("form[data-local-times]").forEach(useLocalTimes);
measureClockSkew();
writeTimes();
setInterval(writeTimes, 1000);
