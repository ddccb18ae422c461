// The page as a whole: its sections are made once, and `show` fills them with a document, also
// again with a newer one; what the reader has sorted, searched, opened and focused stays.

const state = { data: null, chosen: null, log: null, all: false, table: null, parts: null, pictures: [], slices: new Map() };
const FEW = 12;

/** Show the document of a run. */
export function show(run) {
  state.data = read(run);
  if (state.parts === null) build();
  if (state.chosen !== null && state.chosen >= state.data.size) state.chosen = null;
  document.title = run.name;
  fillHeading(run);
  fillSummary(run);
  fillBest(run);
  fillParams();
  fillFailures();
  fillFoot(run);
  state.table.update(state.data);
  if (state.chosen !== null) fillDetails();
  paint();
}

/** Make the sections. */
function build() {
  const main = document.getElementById("main");
  const parts = new Map();
  state.parts = parts;
  main.replaceChildren();
  const section = (id, title, ...children) => {
    const element = make("section", { id, "aria-labelledby": `${id}-heading` }, make("h2", { id: `${id}-heading` }, title), ...children);
    main.append(element);
    parts.set(id, element);
    return element;
  };
  const room = (name, tag = "div") => { const element = make(tag, { class: name }); parts.set(name, element); return element; };
  const heading = document.getElementById("heading");
  heading.replaceChildren(make("h1", {}, room("name", "span"), " ", room("state", "span")), room("about", "p"), room("links", "nav"));
  parts.get("links").setAttribute("aria-label", "Sections");
  section("summary", "Summary", room("tiles"), room("facts"), room("notes"));
  section("best", "Best configuration", room("python"));
  const log = make("button", { type: "button", class: "toggle", "aria-pressed": "false", click: () => toggleLog() }, "Log axis for losses");
  parts.set("log", log);
  figure(section("history", "Losses over trials", log), "Losses over trials", historyPicture, historyNote);
  const parameters = section("parameters", "Parameters", room("shares"));
  parameters.append(make("h3", {}, "Loss against each parameter"), room("slices"), room("more"));
  const wide = make("div", {}, make("h3", {}, "Parallel coordinates"));
  parameters.append(wide);
  figure(wide, "Parallel coordinates", parallelPicture, parallelNote);
  figure(section("reports", "Reports"), "Reports of trials by step", reportsPicture, reportsNote);
  figure(section("timeline", "Timeline"), "Trials over slots", timelinePicture, timelineNote);
  figure(section("distribution", "Distribution of losses"), "Distribution of losses", distributionPicture, beyondNote);
  section("failures", "Failures", room("kinds"));
  const trials = section("trials", "Trials");
  state.table = new Table(trials);
  const details = make("div", { id: "details", hidden: true });
  parts.set("details", details);
  trials.append(details);
  let width = document.documentElement.clientWidth;
  window.addEventListener("resize", () => {
    if (width === document.documentElement.clientWidth) return;
    width = document.documentElement.clientWidth;
    requestAnimationFrame(() => { state.table.first = -1; state.table.render(); paint(); });
  });
  window.addEventListener("beforeprint", () => { paint(true); state.table.render(PRINTED); });
  window.addEventListener("afterprint", () => { state.table.first = -1; state.table.render(); });
  window.addEventListener("scroll", () => (walked ? walked.show(walked.at, true) : hideTip()), { passive: true });
}

/** A place for a picture, with a note below. */
function figure(host, name, drawn, noted) {
  const frame = make("div", { class: "frame" });
  const note = make("figcaption", {});
  host.append(make("figure", {}, frame, note));
  const picture = new Picture(name, frame);
  state.pictures.push({ picture, note, paint: () => {
    let found = null;
    picture.paint((width) => { found = drawn(state.data, width, isLog()); return found; });
    note.replaceChildren(...noted(found));
  } });
}

/** Draw all pictures, one after the other, so that the page answers meanwhile. */
function paint(atOnce = false) {
  const data = state.data;
  fillSlices();
  showOrHide();
  const work = [...state.pictures, ...state.slices.values()];
  if (atOnce) { work.forEach((each) => each.paint()); return; }
  const next = () => {
    if (state.data !== data || !work.length) return;
    work.shift().paint();
    setTimeout(next, 0);
  };
  next();
}

function isLog() {
  return state.log === null ? false : state.log && spansDecades(state.data);
}

function toggleLog() {
  state.log = !state.log;
  paint();
  state.parts.get("log").setAttribute("aria-pressed", String(state.log));
}

/** Hide what a run has nothing for. */
function showOrHide() {
  const { data, parts } = state;
  const some = data.withLoss.length > 0;
  parts.get("log").hidden = !spansDecades(data);
  parts.get("best").hidden = data.run.best === null;
  parts.get("history").hidden = data.size === 0;
  parts.get("parameters").hidden = data.params.length === 0;
  for (const element of parts.get("parameters").querySelectorAll("h3, .slices, .more, figure")) element.hidden = !some;
  parts.get("reports").hidden = data.reports.size === 0;
  parts.get("timeline").hidden = slotsOf(data).bars.length === 0;
  parts.get("distribution").hidden = !some;
  parts.get("failures").hidden = data.trials.errors.length === 0;
  const links = [];
  for (const [id, element] of parts) {
    if (element.tagName === "SECTION" && !element.hidden) links.push([id, element.querySelector("h2").textContent]);
  }
  const nav = parts.get("links");
  if (nav.childElementCount !== links.length) nav.replaceChildren(...links.map(([id, text]) => make("a", { href: `#${id}` }, text)));
}

function fillHeading(run) {
  state.parts.get("name").textContent = run.name;
  state.parts.get("state").textContent = run.state;
  state.parts.get("state").classList.toggle("running", /^\d.* running/.test(run.state));
  state.parts.get("about").textContent = run.about;
}

function fillSummary(run) {
  const { data } = state;
  const { trials } = run;
  const begun = real(trials.begun);
  let end = 0;
  let busy = 0;
  let ended = 0;
  for (let i = 0; i < data.size; i += 1) {
    if (Number.isNaN(data.seconds[i])) continue;
    busy += data.seconds[i];
    ended += 1;
    end = Math.max(end, data.started[i] + data.seconds[i]);
  }
  const counts = trials.statuses.filter((word) => Object.hasOwn(run.counts, word)).map((word) => `${count(run.counts[word])} ${statusWord(word)}`);
  const pace = end > 0 ? ended / end : NaN;
  const tiles = [["Trials", count(data.size), counts.join(", ") || "none yet"]];
  if (run.best !== null) {
    const whole = String(run.best.loss);
    const exactly = whole === shownNumber(run.best.loss) ? "" : `, exactly ${whole}`;
    tiles.unshift(["Best loss", shownNumber(run.best.loss), `trial ${run.best.number}${exactly}`]);
  }
  if (end > 0) {
    tiles.push(["Time", duration(end), Number.isFinite(begun) ? `since ${moment(begun)}` : ""]);
    tiles.push(["Throughput", pace >= 1 ? `${digits(pace, 3)} trials/s` : `${digits(pace * 60, 3)} trials/min`,
      `${duration(busy / ended)} a trial, ${digits(busy / end, 3)} at a time`]);
  }
  state.parts.get("tiles").replaceChildren(...tiles.map(([name, text, more]) =>
    make("div", { class: "tile" }, make("div", { class: "name" }, name), make("div", { class: "value" }, text), make("div", { class: "more" }, more))));
  state.parts.get("facts").replaceChildren(listOf(run.facts));
  state.parts.get("notes").replaceChildren(...run.notes.map((note) => make("p", { class: "note" }, note)));
}

function fillBest(run) {
  const host = state.parts.get("python");
  if (run.best === null) { host.replaceChildren(); return; }
  const texts = [["Configuration that the objective received", run.best.python], ["Values by label, for points_to_evaluate", run.best.point]];
  if (host.dataset.shown === texts.flat().join("\n")) return; // a reader may have selected in it
  host.dataset.shown = texts.flat().join("\n");
  keepFocus(host, () => host.replaceChildren(...texts.map(([title, text]) => {
    const code = make("pre", { tabindex: 0, role: "region", "aria-label": title }, text);
    const button = make("button", { type: "button", "aria-label": `Copy: ${title}`, click: () => copy(text, code) }, "Copy");
    return make("div", { class: "code" }, make("div", { class: "bar" }, make("h3", {}, title), button), code);
  }), ...run.best.notes.map((note) => make("p", { class: "note" }, note))));
}

/** Copy a text; where the browser does not allow it, select it. */
async function copy(text, element) {
  try {
    await navigator.clipboard.writeText(text);
    say("Copied.");
  } catch {
    getSelection().selectAllChildren(element);
    say(document.execCommand("copy") ? "Copied." : "Selected: copy it with your keyboard.");
  }
  showTip(document.getElementById("said").textContent, element.getBoundingClientRect().right - 40, element.getBoundingClientRect().top);
  setTimeout(hideTip, 1500);
}

/** The labels: what they range over, how much they mattered, and the best value. */
function fillParams() {
  const { data } = state;
  const { importance } = data.run;
  const most = Math.max(1e-9, ...(importance.shares ?? []).map((row) => row[1]));
  const rows = data.ranked.map((place) => {
    const param = data.params[place];
    const share = data.shares.get(param.label);
    const active = share ? share[3] : NaN;
    const when = param.when.slice(0, 3).map(([label, option]) => `${label} = ${option}`).join(" or ");
    const bar = draw("svg", { class: "share", width: 90, height: 12, viewBox: "0 0 90 12", "aria-hidden": "true" },
      draw("rect", { width: share ? (share[1] / most) * 90 : 0, height: 12, rx: 2 }));
    return make("tr", {}, make("th", { scope: "row" }, param.label),
      make("td", { class: "right nowrap" }, share ? `${digits(share[1] * 100, share[1] < 0.1 ? 2 : 3)} % ` : "–", share ? bar : null),
      make("td", {}, data.best === null ? "" : valueWord(param, data.best) || "inactive"),
      make("td", {}, rangeWords(param)),
      make("td", {}, when && `${when}${param.when.length > 3 ? " or …" : ""}${Number.isNaN(active) ? "" : ` (${digits(active * 100, 2)} % of trials)`}`));
  });
  const head = ["label", "importance", "best", "range", "active where"].map((name) => make("th", { scope: "col" }, name));
  const words = importance.shares ? [`Importance: ${importance.words}.`, ...importance.notes] : [`No importances: ${importance.why}.`];
  keepScroll(state.parts.get("shares"), ".box", () => state.parts.get("shares").replaceChildren(
    make("div", { class: "box low", tabindex: 0, role: "region", "aria-label": "Parameters, a table that scrolls" },
      make("table", { class: "plain" }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows))),
    make("p", { class: "note" }, words.join(" "))));
}

/** Fill a part anew, with what scrolls in it where it was. */
function keepScroll(host, which, fill) {
  const old = host.querySelector(which);
  const focused = old !== null && old === document.activeElement;
  const at = old ? [old.scrollLeft, old.scrollTop] : [0, 0];
  fill();
  const now = host.querySelector(which);
  if (now) [now.scrollLeft, now.scrollTop] = at;
  if (focused) now?.focus({ preventScroll: true });
}

/** Fill a part anew, and focus what stands where the focus was. */
function keepFocus(host, fill) {
  const all = () => [...host.querySelectorAll("button, [tabindex]")];
  const at = all().indexOf(document.activeElement);
  fill();
  if (at >= 0) all()[at]?.focus({ preventScroll: true });
}

/** A small picture for each label, those first that matter most. */
function fillSlices() {
  const { data, parts } = state;
  const used = data.ranked.filter((place) => data.used[place]);
  const shown = state.all ? used : used.slice(0, FEW);
  const names = shown.map((place) => data.params[place].label);
  if ([...state.slices.keys()].join("\n") !== names.join("\n")) {
    const old = state.slices;
    state.slices = new Map();
    names.forEach((label) => state.slices.set(label, old.get(label) ?? sliceOf(label)));
    parts.get("slices").replaceChildren(...[...state.slices.values()].map((each) => each.element));
  }
  const left = used.length - FEW;
  const text = state.all ? "Show fewer" : `Show ${counted(left, "more parameter")}`;
  if (left <= 0) parts.get("more").replaceChildren();
  else if (parts.get("more").textContent !== text) {
    parts.get("more").replaceChildren(make("button", { type: "button", click: () => { state.all = !state.all; paint(); parts.get("more").querySelector("button").focus(); } }, text));
  }
}

function sliceOf(label) {
  const frame = make("div", { class: "frame" });
  const element = make("figure", { class: "slice" }, make("figcaption", {}, label), frame);
  const picture = new Picture(`Loss against ${label}`, frame);
  const draws = () => {
    const param = state.data.params.find((each) => each.label === label);
    picture.paint((width) => slicePicture(state.data, param, width, isLog()));
  };
  return { picture, element, paint: draws };
}

/** Failures by reason, each with the whole of one of them. */
function fillFailures() {
  const { data, parts } = state;
  const found = new Map();
  data.trials.error.forEach((place, number) => {
    if (place === null || data.status[number] === "ok") return;
    const { line } = data.trials.errors[place];
    if (!found.has(line)) found.set(line, []);
    found.get(line).push(number);
  });
  const within = parts.get("kinds").contains(document.activeElement) ? document.activeElement : null;
  const focused = within && [within.closest("details")?.dataset.line, within.tagName];
  const open = new Set([...parts.get("kinds").querySelectorAll("details[open]")].map((each) => each.dataset.line));
  const kinds = [...found].sort((a, b) => b[1].length - a[1].length || a[1][0] - b[1][0]).slice(0, 30);
  parts.get("kinds").replaceChildren(...kinds.map(([line, numbers]) => {
    const { text } = data.trials.errors[data.trials.error[numbers.at(-1)]];
    const button = make("button", { type: "button", click: () => { choose(numbers.at(-1)); } }, `Last of them: trial ${numbers.at(-1)}`);
    return make("details", { "data-line": line, open: open.has(line) },
      make("summary", {}, make("span", { class: "times" }, `${count(numbers.length)} ×`), " ", line),
      make("pre", { tabindex: 0, role: "region", "aria-label": "Error text" }, text), button);
  }));
  if (focused) {
    const same = [...parts.get("kinds").children].find((each) => each.dataset.line === focused[0]);
    same?.querySelector(focused[1])?.focus({ preventScroll: true });
  }
  if (found.size > kinds.length) parts.get("kinds").append(make("p", { class: "note" }, `And ${counted(found.size - kinds.length, "other reason")}; the table has all of them.`));
}

function fillFoot(run) {
  document.getElementById("foot").textContent = `sparktune, ${moment(run.made)}`;
}

/** Choose a trial: its row, its details, and a ring around it in each picture. */
function choose(number, stays = false) {
  walked = null;
  hideTip();
  state.chosen = number;
  state.table.goTo(number, false);
  fillDetails();
  for (const { picture } of [...state.pictures, ...state.slices.values()]) picture.mark();
  if (stays) {
    state.table.button(number)?.focus({ preventScroll: true });
    say(`Trial ${number}: its details are below the table.`);
    return;
  }
  state.parts.get("trials").scrollIntoView();
  state.table.button(number)?.focus({ preventScroll: true });
}

function fillDetails() {
  const details = state.parts.get("details");
  details.hidden = false;
  const back = make("button", { type: "button", class: "close", click: () => close() }, "Close");
  const focused = details.contains(document.activeElement);
  details.replaceChildren(back, ...detailsOf(state.data, state.chosen));
  if (focused) back.focus({ preventScroll: true });
}

function close() {
  const number = state.chosen;
  state.chosen = null;
  state.parts.get("details").hidden = true;
  for (const { picture } of [...state.pictures, ...state.slices.values()]) picture.mark();
  state.table.goTo(number, true);
}

// Notes below pictures.

function beyondNote({ beyond }) {
  return beyond ? [`${counted(beyond, "loss").replace(/losss$/, "losses")} beyond the axis ${beyond === 1 ? "is" : "are"} drawn on its edge. `] : [];
}

function historyNote(found) {
  return [key("dots", "loss"), key("sofar", "best so far"), key("best", "best"), ...beyondNote(found)];
}

function parallelNote({ left, lines }) {
  const some = lines < state.data.byLoss.length ? ` ${count(lines)} of ${counted(state.data.byLoss.length, "trial")} are drawn, the best among them.` : "";
  const more = left > 0 ? ` ${counted(left, "label")} that mattered less ${left === 1 ? "is" : "are"} left out.` : "";
  return [`Strong lines are the better trials, the best sixth in orange; "off" is where a label is inactive.${some}${more}`];
}

function reportsNote({ shown }) {
  const some = shown < state.data.reports.size ? `${count(shown)} of ${counted(state.data.reports.size, "trial")} with reports are drawn.` : "";
  return [key("curve-ok", "ended with a loss"), key("curve-pruned", "pruned"), key("sofar", "best"), some];
}

function timelineNote({ rows, shown }) {
  const kinds = [...new Set(state.data.status)].filter((word) => word !== "reserved");
  return [...kinds.map((word) => key(`bar-${word}`, statusWord(word))),
    `${counted(shown, "trial")} in ${counted(rows, "slot")}; on Spark a trial's bar may begin with its wait for a slot.`];
}

/** A sign and what it stands for. */
function key(sign, text) {
  return make("span", { class: "key" }, make("i", { class: `sign ${sign}` }), text);
}

const block = document.getElementById("run");
if (block) show(JSON.parse(block.textContent));
