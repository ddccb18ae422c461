// The dashboard: which runs there are, which one the page shows, and several beside each other. The
// server says when a run has changed; what changed is fetched then, and shown in the place of the old.

const MOST = 8; // runs beside each other: as many as there are colours
const PAUSE = 1000; // milliseconds between two fetches of the same run
const board = {
  runs: new Map(), shown: null, version: null, loading: false, compared: new Set(), courses: new Map(),
  overTime: false, parts: null, pictures: [],
};

/** Sections of the dashboard's own: the runs, and their comparison. */
function buildBoard() {
  const live = make("p", { class: "note", role: "status" });
  const body = make("tbody", {});
  const names = ["compare", "run", "state", "trials", "failed", "best loss", "begun", "last change"];
  const head = names.map((name) => make("th", { scope: "col", class: NUMBERS.has(name) ? "right" : "" }, name));
  const table = make("table", { class: "plain" }, make("thead", {}, make("tr", {}, ...head)), body);
  const filter = make("input", { type: "search", autocomplete: "off", input: () => fillRuns() });
  const filters = make("div", { class: "filters" }, make("label", {}, "Runs whose name has", filter));
  const box = make("div", { class: "box low", tabindex: 0, role: "region", "aria-label": "Runs, a table that scrolls" }, table);
  const runs = make("section", { id: "runs", "aria-labelledby": "runs-heading" },
    make("h2", { id: "runs-heading" }, "Runs"), filters, box, live);
  const time = make("button", { type: "button", class: "toggle", "aria-pressed": "false", click: () => toggleTime() }, "Over time");
  const frames = [0, 1].map(() => make("div", { class: "frame" }));
  const legend = make("p", { class: "note legend" });
  const compare = make("section", { id: "compare", "aria-labelledby": "compare-heading", hidden: true },
    make("h2", { id: "compare-heading" }, "Comparison"), time, legend,
    ...frames.map((frame) => make("figure", {}, frame)));
  board.pictures = [new Picture("Best losses of the runs", frames[0], open), new Picture("Distributions of the runs' losses", frames[1], open)];
  board.parts = { live, body, filter, filters, runs, compare, time, legend };
  document.getElementById("main").replaceChildren(runs, compare);
  document.getElementById("heading").replaceChildren(make("h1", {}, "sparktune"));
  window.addEventListener("resize", () => requestAnimationFrame(paintComparison));
  window.addEventListener("popstate", () => { const key = wanted(); if (key !== null) open(key, false); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) follow(); });
}

const NUMBERS = new Set(["trials", "failed", "best loss"]);

/** Take what the server says of runs that have changed. */
function take(lines) {
  for (const line of lines) board.runs.set(line.key, line);
  fillRuns();
  if (board.shown === null) {
    const key = wanted() ?? latest();
    if (key !== null) open(key, false);
  }
  follow();
}

/** The run that the address names; null for none. */
function wanted() {
  const name = new URLSearchParams(location.search).get("run");
  return [...board.runs.values()].find((line) => line.name === name)?.key ?? null;
}

/** The first run that the server has read: it begins with those that were written last. */
function latest() {
  return [...board.runs.values()].find((line) => line.version !== "" && !line.error)?.key ?? null;
}

/** Show a run, and have the address say so. */
function open(key, pushes = true) {
  const line = board.runs.get(key);
  if (line === undefined) return;
  if (board.shown !== key) Object.assign(state, { chosen: null, log: null, all: false });
  Object.assign(board, { shown: key, version: null });
  if (pushes) history.pushState(null, "", `?run=${encodeURIComponent(line.name)}`);
  fillRuns();
  follow();
}

/** Fetch what is shown and what is compared where it has changed, one thing after the other. */
async function follow() {
  if (board.loading || document.hidden) return;
  board.loading = true;
  try {
    for (let next = due(); next !== null; next = due()) {
      await next();
      await new Promise((done) => setTimeout(done, PAUSE));
    }
  } finally {
    board.loading = false;
  }
}

/** What is to be fetched next, null for nothing. */
function due() {
  const line = board.runs.get(board.shown);
  if (line !== undefined && line.version !== board.version) return () => fetchRun(line);
  for (const key of board.compared) {
    const run = board.runs.get(key);
    if (run !== undefined && board.courses.get(key)?.seen !== run.version) return () => fetchCourse(run);
  }
  return null;
}

async function fetched(path) {
  const answer = await fetch(path);
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.error ?? answer.statusText);
  return found;
}

async function fetchRun(line) {
  try {
    const run = await fetched(`/api/runs/${line.key}`);
    board.version = line.version;
    if (board.shown === line.key) showRun(run);
  } catch (error) {
    board.version = line.version;
    tellLive(`${line.name}: ${error.message}`);
  }
}

/** Show a run's document below the dashboard's own sections. */
function showRun(run) {
  const first = state.parts === null;
  if (first) {
    const { runs, compare } = board.parts;
    show(run);
    document.getElementById("main").prepend(runs, compare);
    state.parts = new Map([["runs", runs], ["compare", compare], ...state.parts]);
    showOrHide();
  } else {
    show(run);
    if (state.chosen === null) state.parts.get("details").hidden = true;
  }
  document.title = `${run.name} – sparktune`;
}

async function fetchCourse(line) {
  try {
    const { losses, ended } = await fetched(`/api/runs/${line.key}/course`);
    board.courses.set(line.key, { seen: line.version, ...courseOf(losses, ended) });
  } catch (error) {
    board.courses.set(line.key, { seen: line.version, sorted: [], steps: [] });
    tellLive(`${line.name}: ${error.message}`);
  }
  paintComparison();
}

/** A run's losses in their order, and the steps of its best so far: trials ended, seconds, loss. */
function courseOf(losses, ended) {
  const found = reals(losses);
  const at = reals(ended);
  const order = [...found.keys()].filter((number) => !Number.isNaN(found[number]));
  order.sort((a, b) => at[a] - at[b] || a - b);
  const steps = [];
  order.forEach((number, place) => {
    if (!steps.length || found[number] < steps.at(-1)[2]) steps.push([place + 1, at[number], found[number]]);
  });
  const last = order.at(-1);
  if (last !== undefined) steps.push([order.length, at[last], steps.at(-1)[2]]);
  return { sorted: order.map((number) => found[number]).sort((a, b) => a - b), steps };
}

/** The table of runs; what is focused stays so. */
function fillRuns() {
  const { body, filter, filters, runs } = board.parts;
  const focused = document.activeElement?.dataset?.run === undefined ? null : { ...document.activeElement.dataset };
  const lines = [...board.runs.values()].sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
  const text = filter.value.toLowerCase();
  filters.hidden = lines.length < 10;
  body.replaceChildren(...lines.filter((line) => line.name.toLowerCase().includes(text)).map(rowOf));
  runs.querySelector(".box").hidden = !lines.length;
  if (focused === null) return;
  const again = [...body.querySelectorAll("[data-run]")].find((each) => each.dataset.run === focused.run && each.dataset.what === focused.what);
  again?.focus({ preventScroll: true });
}

function rowOf(line) {
  const isShown = line.key === board.shown;
  const full = board.compared.size >= MOST && !board.compared.has(line.key);
  const box = make("input", { type: "checkbox", "aria-label": `Compare ${line.name}`, "data-run": line.key, "data-what": "compare", disabled: full, change: () => compareToo(line.key, box.checked) });
  box.checked = board.compared.has(line.key);
  const button = make("button", { type: "button", "data-run": line.key, "data-what": "open", "aria-current": isShown ? "true" : null, click: () => open(line.key) }, line.name);
  const cells = line.error ? [make("td", { colspan: 6, class: "bad" }, line.error)] : line.version === "" ? [make("td", { colspan: 6 }, "being read")] : [
    make("td", {}, line.state), make("td", { class: "right" }, count(line.trials)), make("td", { class: "right" }, count(line.failed)),
    make("td", { class: "right" }, shownNumber(line.best)), make("td", { class: "nowrap" }, line.begun === null ? "" : moment(line.begun)),
    make("td", { class: "nowrap" }, line.changed === null ? "" : moment(line.changed)),
  ];
  return make("tr", { class: isShown ? "isshown" : "" }, make("td", {}, box), make("th", { scope: "row" }, button), ...cells);
}

function compareToo(key, isOn) {
  if (isOn) board.compared.add(key);
  else board.compared.delete(key);
  fillRuns();
  paintComparison();
  follow();
}

function toggleTime() {
  board.overTime = !board.overTime;
  board.parts.time.setAttribute("aria-pressed", String(board.overTime));
  paintComparison();
}

/** The pictures of the runs beside each other. */
function paintComparison() {
  const { compare, legend } = board.parts;
  const runs = [...board.compared].filter((key) => board.courses.has(key)).map((key, place) => ({ key, place, line: board.runs.get(key), ...board.courses.get(key) }));
  const some = runs.filter((run) => run.sorted.length > 0);
  compare.hidden = board.compared.size < 2;
  if (state.parts !== null) showOrHide();
  if (compare.hidden) return;
  const nothing = runs.filter((run) => !run.sorted.length).map((run) => `${run.line.name} has no loss yet.`);
  legend.replaceChildren(...some.map((run) => make("span", { class: "key" }, make("i", { class: `sign line${run.place}` }), `${run.line.name}: ${shownNumber(run.line.best)} after ${counted(run.line.trials, "trial")}`)), nothing.join(" "));
  board.pictures[0].paint((width) => bestPicture(some, width, board.overTime));
  board.pictures[1].paint((width) => sharesPicture(some, width));
}

/** The range of losses of several runs: upwards, three quarters of the trials of each are shown. */
function rangeOf(runs) {
  const all = runs.flatMap((run) => run.sorted.filter(Number.isFinite));
  const tops = runs.map((run) => run.sorted.filter(Number.isFinite)).filter((each) => each.length).map((each) => each[Math.floor(0.75 * (each.length - 1))]);
  return all.length ? [Math.min(...runs.map((run) => run.sorted.find(Number.isFinite) ?? Infinity)), Math.max(...tops)] : [0, 1];
}

function bestPicture(runs, width, overTime) {
  const bottom = 240;
  const from = (step) => (overTime ? step[1] : step[0]);
  const [low, most] = rangeOf(runs);
  const bests = runs.flatMap((run) => run.steps.map((step) => step[2])).filter(Number.isFinite);
  const high = bests.length ? Math.min(most, Math.max(...bests)) : most;
  const left = 64;
  const x = scaleOf(0, Math.max(1e-9, ...runs.map((run) => from(run.steps.at(-1)))), left, width - 14);
  const y = scaleOf(low, high, bottom, 28);
  const spots = [];
  const paths = runs.map((run) => {
    const points = [];
    for (const step of run.steps) {
      const [px, py] = [x.place(from(step)), y.place(Math.max(-1e308, Math.min(1e308, step[2])))];
      if (points.length) points.push([px, points.at(-1)[1]]);
      points.push([px, py]);
      spots.push([px, py, run.key, step]);
    }
    return draw("path", { class: `course line${run.place}`, d: linePath(points) });
  });
  const words = (key, spot) => `${board.runs.get(key).name}\nbest loss ${digits(spot[3][2])} after ${counted(spot[3][0], "loss").replace(/losss$/, "losses")}, ${duration(spot[3][1])}`;
  const parts = [leftAxis(y, left, width - left - 14, "best loss so far"), bottomAxis(x, bottom + 2, overTime ? "seconds" : "trials with a loss", width < 500 ? 4 : 8), ...paths];
  return { height: bottom + 42, parts, spots, words };
}

function sharesPicture(runs, width) {
  const bottom = 200;
  const left = 64;
  const [low, high] = rangeOf(runs);
  const x = scaleOf(low, high, left, width - 14);
  const y = scaleOf(0, 1, bottom, 28);
  const spots = [];
  const paths = runs.map((run) => {
    const points = [];
    run.sorted.forEach((loss, rank) => {
      const px = x.place(Math.max(-1e308, Math.min(1e308, loss)));
      points.push([px, points.length ? points.at(-1)[1] : bottom], [px, y.place((rank + 1) / run.sorted.length)]);
      spots.push([px, points.at(-1)[1], run.key, loss]);
    });
    return draw("path", { class: `course line${run.place}`, d: linePath(points) });
  });
  const words = (key, spot) => `${board.runs.get(key).name}\nloss ${digits(spot[3])}`;
  const parts = [leftAxis(y, left, width - left - 14, "share of trials with at most this loss"), bottomAxis(x, bottom + 2, "loss", width < 500 ? 4 : 8), ...paths];
  return { height: bottom + 42, parts, spots, words };
}

function tellLive(text) {
  board.parts.live.textContent = text;
}

/** Listen to the server, which says at once which runs there are. */
function listen() {
  const source = new EventSource("/api/events");
  source.addEventListener("runs", (event) => { tellLive(""); take(JSON.parse(event.data).runs); });
  source.addEventListener("error", () => tellLive(source.readyState === EventSource.CLOSED
    ? "The server was started anew: open the address that it printed. What is shown is as it was."
    : "The server does not answer: what is shown is as it was. Trying again."));
  window.addEventListener("pagehide", () => source.close());
  window.addEventListener("pageshow", (event) => { if (event.persisted) listen(); });
}

buildBoard();
listen();
