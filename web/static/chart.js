// Draws each chart of a page (templates/chart.html) from its table, with uPlot.
//
// The crosshair is shared by all charts of the page. Dragging takes the stretch of time into the address, a click leads
// to the runs behind a step, and the legend hides and shows series.

const HEIGHT = 200;
const CURSORS = uPlot.sync("page");
const DASHES = [undefined, [7, 4], [2, 3], [9, 3, 2, 3]]; // so that lines differ by more than their colour

const drawn = new WeakMap(); // figure -> { plot, table, ... }

// ---- what the table says

function readTable(figure) {
  const [head, ...rows] = document.getElementById(`${figure.id}-table`).rows;
  const steps = rows.map((row) => row.cells[0]);
  const from = steps.map((step) => secondsOf(step.textContent));
  return {
    from,
    to: [...from.slice(1), secondsOf(head.closest("table").dataset.until ?? "")],
    hrefs: steps.map((step) => step.querySelector("a")?.href),
    names: [...head.cells].slice(1).map((cell) => cell.textContent),
    values: [...head.cells].slice(1).map((_, i) => rows.map(({ cells }) => numberOf(cells[i + 1]))),
    texts: [...head.cells].slice(1).map((_, i) => rows.map(({ cells }) => cells[i + 1].textContent)),
  };
}

// Times stand in the table to the minute, in UTC; a value beside its text where that is not the same.
const secondsOf = (text) => Date.parse(`${text.trim().replace(" ", "T")}Z`) / 1000;

function numberOf(cell) {
  const text = cell.dataset.value ?? cell.textContent;
  return text === "" ? null : Number(text);
}

const legendOf = (figure) => [...figure.querySelectorAll(".legend-item")];
const isShown = (item) => item.getAttribute("aria-pressed") === "true";

// Series stand on those before them that are shown; uPlot draws the tallest first.
function plotData(figure, { from, values }) {
  const shown = legendOf(figure).map(isShown);
  const isKnown = "byPowers" in figure.dataset ? (value) => value > 0 : (value) => value !== null; // 0 is no power
  const known = (each) => each.map((value) => (isKnown(value) ? value : null));
  if (figure.dataset.chart !== "stacked") return [from, ...values.map((each, i) => (shown[i] ? known(each) : each.map(() => null)))];
  const ground = from.map(() => 0);
  const stacked = values.map((each, i) => each.map((value, step) => (shown[i] ? (ground[step] += value ?? 0) : null)));
  return [from, ...stacked.reverse()];
}

// ---- how it is written

const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const money = new Intl.NumberFormat("en", { style: "currency", currency: "USD", notation: "compact", maximumSignificantDigits: 3 });
const percent = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });

function duration(milliseconds) {
  if (milliseconds < 1000) return `${compact.format(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${compact.format(milliseconds / 1000)} s`;
  return milliseconds < 3_600_000 ? `${compact.format(milliseconds / 60_000)} min` : `${compact.format(milliseconds / 3_600_000)} h`;
}

const AXIS = {
  number: (value) => compact.format(value),
  milliseconds: duration,
  usd: (value) => money.format(value),
  fraction: (value) => percent.format(value),
  score: (value) => value.toFixed(2),
};

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

function tickText(seconds) {
  const at = new Date(seconds * 1000);
  return (at.getHours() || at.getMinutes() ? clock : day).format(at);
}

function stepText(from, to) {
  const start = new Date(from * 1000);
  const end = new Date(to * 1000);
  if (to - from > 86_400) return `${day.format(start)} – ${day.format(end)}`;
  return to - from === 86_400 ? full.format(start) : `${full.format(start)} – ${clock.format(end)}`;
}

// ---- drawing

const colourOf = (item) => getComputedStyle(item).textDecorationColor;

function seriesOptions(figure, table) {
  const items = legendOf(figure);
  const bars = figure.dataset.chart !== "lines";
  const few = table.from.length < 48;
  const options = items.map((item, i) => ({
    label: table.names[i],
    stroke: bars ? undefined : colourOf(item),
    fill: bars ? colourOf(item) : undefined,
    width: bars ? 0 : 1.75,
    dash: bars ? undefined : DASHES[i % DASHES.length],
    paths: bars ? uPlot.paths.bars({ size: [0.82, 48], align: 1 }) : undefined,
    points: { show: !bars && few, size: 4, fill: colourOf(item) },
  }));
  return figure.dataset.chart === "stacked" ? options.reverse() : options;
}

// From 0 to the greatest value, or by powers of ten around all values.
function yScale(figure) {
  const most = Number(figure.dataset.most) || null;
  if (!("byPowers" in figure.dataset)) return { range: (_, __, max) => [0, most ?? (max > 0 ? max * 1.06 : 1)] };
  return { distr: 3, range: (_, min, max) => (max > 0 ? [min / 1.3, max * 1.3] : [1, 1000]) };
}

const MINUTES = [1, 2, 5, 10, 30, 60, 120, 600, 1800, 6000].map((minutes) => minutes * 60_000);
const POWERS = [...[1, 10, 100, 1000].flatMap((power) => [power, 2 * power, 5 * power]), 10_000, 30_000, ...MINUTES];
const MOST_LINES = 6;

// Where lines stand on an axis by powers: at durations that are easy to read.
function powers(min, max) {
  const within = POWERS.filter((value) => value >= min && value <= max);
  return within.filter((_, i) => i % Math.ceil(within.length / MOST_LINES) === 0);
}

const all = (_, splits) => splits;
const WHOLE = { incrs: Array.from({ length: 14 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat() };
const BY_POWERS = { splits: (_, __, min, max) => powers(min, max), filter: all };

function options(figure, table, width) {
  const { color, borderTopColor } = getComputedStyle(figure.querySelector(".chart-plot"));
  const axis = { stroke: color, font: "11px system-ui, sans-serif", ticks: { show: false } };
  const last = table.to.at(-1);
  return {
    width,
    height: HEIGHT,
    padding: [8, 18, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: CURSORS.key }, drag: { x: true, y: false, setScale: false }, points: { size: 6 }, y: false },
    scales: {
      x: { range: () => [table.from[0], last] },
      y: yScale(figure),
    },
    axes: [
      { ...axis, grid: { show: false }, values: (_, splits) => splits.map(tickText), space: 64, size: 26 },
      { ...axis, ...("byPowers" in figure.dataset && BY_POWERS), ...(figure.dataset.unit === "number" && WHOLE), grid: { stroke: borderTopColor, width: 1, filter: all }, values: (_, splits) => splits.map(AXIS[figure.dataset.unit]), size: 56, space: 36 },
    ],
    series: [{}, ...seriesOptions(figure, table)],
    hooks: { setCursor: [(plot) => writeTip(figure, plot)], setSelect: [(plot) => zoom(figure, plot)] },
  };
}

function draw(figure) {
  const place = figure.querySelector(".chart-plot");
  const table = readTable(figure);
  const known = drawn.get(figure);
  if (!place.clientWidth || !table.from.length) return;
  if (known && known.names === table.names.join()) {
    known.table = table;
    return known.plot.setData(plotData(figure, table));
  }
  known?.plot.destroy();
  place.replaceChildren();
  const plot = new uPlot(options(figure, table, place.clientWidth), plotData(figure, table), place);
  const tip = plot.over.appendChild(Object.assign(document.createElement("div"), { className: "chart-tip", hidden: true }));
  drawn.set(figure, { plot, table, tip, names: table.names.join(), zoomed: false });
  plot.over.addEventListener("click", () => openStep(figure));
  widths.observe(place);
}

// ---- the crosshair and what it leads to

function writeTip(figure, plot) {
  const known = drawn.get(figure);
  if (!known) return;
  const { table, tip } = known;
  const step = plot.cursor.idx;
  tip.hidden = step == null || plot.cursor.left < 0;
  if (tip.hidden) return;
  const lines = legendOf(figure).flatMap((item, i) => (isShown(item) ? [tipLine(item, table.names[i], table.texts[i][step])] : []));
  const time = Object.assign(document.createElement("strong"), { textContent: stepText(table.from[step], table.to[step]) });
  tip.replaceChildren(time, ...lines);
  const room = plot.over.clientWidth - plot.cursor.left;
  tip.style.left = room > tip.offsetWidth + 24 ? `${plot.cursor.left + 12}px` : `${plot.cursor.left - tip.offsetWidth - 12}px`;
}

function tipLine(item, name, text) {
  const line = document.createElement("span");
  const mark = Object.assign(document.createElement("i"), { className: "chart-tip-mark" });
  mark.style.background = colourOf(item);
  const value = Object.assign(document.createElement("b"), { textContent: text });
  line.append(mark, name, value);
  return line;
}

function zoom(figure, plot) {
  const { left, width } = plot.select;
  if (width < 6) return;
  const known = drawn.get(figure);
  const [first, last] = [left, left + width].map((x) => plot.posToIdx(x));
  known.zoomed = true; // the click that ends the dragging means nothing else
  const url = new URL(location);
  for (const name of ["range", "after"]) url.searchParams.delete(name);
  url.searchParams.set("from", new Date(known.table.from[first] * 1000).toISOString());
  url.searchParams.set("to", new Date(known.table.to[last] * 1000).toISOString());
  location.assign(url);
}

function openStep(figure) {
  const { plot, table, zoomed } = drawn.get(figure);
  const href = table.hrefs[plot.cursor.idx];
  if (href && !zoomed) location.assign(href);
}

// ---- when

const figures = () => document.querySelectorAll("figure[data-chart]");
const drawAll = () => figures().forEach(draw);

const widths = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    const { plot } = drawn.get(target.closest("figure")) ?? {};
    if (plot && contentRect.width && plot.width !== contentRect.width) plot.setSize({ width: contentRect.width, height: HEIGHT });
  }
});

function onClick(event) {
  const item = event.target.closest(".legend-item");
  const figure = item?.closest("figure[data-chart]");
  if (!figure) return;
  item.setAttribute("aria-pressed", String(!isShown(item)));
  draw(figure);
}

function redrawAll() {
  for (const figure of figures()) {
    drawn.get(figure)?.plot.destroy();
    drawn.delete(figure);
    draw(figure);
  }
}

document.addEventListener("htmx:after:swap", drawAll);
document.addEventListener("click", onClick);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
drawAll();
