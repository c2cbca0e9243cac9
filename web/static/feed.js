// The live feed: rows of runs are put on top of the list as they come. Without it the list still refreshes by polling.
//
// The element with data-feed holds the address and says how it stands. While the feed is live, polls of its panel are
// left out: they may bring what others were sent some seconds ago, which would take newer rows away again.

const MOST_ROWS = 20;
const RETRY_FIRST = 1000; // milliseconds, doubled each time up to the longest
const RETRY_LONGEST = 30000;
const SETTLE = 1500; // milliseconds before the first connection: who only passes by needs none
const SILENCE = 30000; // the server beats more often: a connection that is quiet for longer is dead

const label = () => document.querySelector("[data-feed]");
const panel = () => label()?.closest("[data-fragment]");

const sent = new Map(); // by the id of a row what it was made of, so that a new connection replaces nothing

let source = null;
let isLive = false;
let wait = RETRY_FIRST;
let retry;
let silence;

function say(text, state) {
  const element = label();
  if (!element) return;
  isLive = state === "live";
  element.dataset.state = state;
  if (element.textContent !== text) element.textContent = text;
}

function close() {
  clearTimeout(retry);
  clearTimeout(silence);
  source?.close();
  source = null;
}

function again() {
  close();
  say("Reconnecting…", "away");
  retry = setTimeout(open, wait);
  wait = Math.min(2 * wait, RETRY_LONGEST);
}

function heard() {
  clearTimeout(silence);
  silence = setTimeout(again, SILENCE);
}

function onBeat(event) {
  heard();
  wait = RETRY_FIRST;
  say("Live", "live");
  const shown = panel();
  if (shown) shown.dataset.takenAt = event.data;
}

function onRow(event) {
  heard();
  const template = document.createElement("template");
  template.innerHTML = event.data;
  const row = template.content.firstElementChild;
  if (sent.get(row.id) === event.data) return;
  sent.set(row.id, event.data);
  const known = document.getElementById(row.id);
  if (known) return known.replaceWith(row);
  const list = document.getElementById("activities");
  list.prepend(row);
  while (list.children.length > MOST_ROWS) {
    sent.delete(list.lastElementChild.id);
    list.lastElementChild.remove();
  }
}

function onEnd() {
  close();
  say("Logged out", "away");
}

function open() {
  close();
  const address = label()?.dataset.feed;
  if (!address || document.hidden) return;
  source = new EventSource(address);
  source.addEventListener("beat", onBeat);
  source.addEventListener("run", onRow);
  source.addEventListener("end", onEnd);
  source.addEventListener("error", again);
  heard();
}

function onVisibility() {
  if (!document.hidden) return open();
  close();
  say("Paused", "paused");
}

function leaveOutPoll(event) {
  const { ctx } = event.detail;
  if (isLive && ctx.sourceEvent?.type === "every" && ctx.sourceElement === panel()) event.preventDefault();
}

document.addEventListener("visibilitychange", onVisibility);
document.addEventListener("htmx:config:request", leaveOutPoll);
document.addEventListener("htmx:after:swap", () => {
  if (!source && label()) onVisibility();
});
addEventListener("pagehide", close);
addEventListener("pageshow", (event) => event.persisted && onVisibility());
retry = setTimeout(open, SETTLE);
