// Scales, axes, and pictures that can be pointed at and walked through.

let walked = null; // the picture whose tip came by keyboard, and goes along with it
const OUT = 5; // times the spread of the better losses, beyond which an axis ends

/** A linear or logarithmic scale from values to pixels. */
function scaleOf(low, high, from, to, log = false) {
  const f = log ? Math.log10 : (value) => value;
  let [a, b] = [f(low), f(high)];
  if (!(b > a)) {
    const room = log ? 0.5 : Math.abs(a) * 0.1 || 0.5;
    [a, b] = [a - room, b + room];
  }
  const middle = a / 2 + b / 2;
  const half = b / 2 - a / 2;
  const place = (value) => {
    const share = (f(value) - middle) / half;
    return (from + to) / 2 + (Math.min(1, Math.max(-1, share)) * (to - from)) / 2;
  };
  return { place, low: a, high: b, log, from, to, ticks: (most) => ticksOf(a, b, log, most) };
}

/** A scale of names, each in a band of its own. */
function bandsOf(names, from, to) {
  const step = (to - from) / Math.max(1, names.length);
  return { place: (index) => from + step * (index + 0.5), step, names, from, to };
}

/** Round numbers within a range: pairs of value and text. */
function ticksOf(a, b, log, most) {
  if (log && b - a >= 1) {
    const step = Math.max(1, Math.ceil((b - a) / most));
    const found = [];
    for (let power = Math.ceil(a - 1e-9); power <= b + 1e-9; power += step) {
      const near = power >= -3 && power <= 4;
      found.push([10 ** power, near ? String(Number((10 ** power).toPrecision(1))) : `1e${power}`]);
    }
    if (found.length > 1) return found;
  }
  const [low, high] = log ? [10 ** a, 10 ** b] : [a, b];
  const rough = high / most - low / most;
  if (!(rough > 0) || !Number.isFinite(rough)) return [[low, digits(low, 4)]];
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((each) => each * size >= rough) * size;
  const found = [];
  for (let at = Math.ceil(low / step); at * step <= high + step * 1e-9 && found.length < 50; at += 1) {
    const value = at * step;
    found.push([value, digits(Number(value.toPrecision(12)), 6)]);
  }
  return found;
}

/** The range of losses that an axis shows: outliers upwards are drawn on its edge. */
function lossRange(data, log) {
  const finite = data.byLoss.map((number) => data.loss[number])
    .filter((loss) => Number.isFinite(loss) && (!log || loss > 0));
  if (!finite.length) return { low: log ? 0.1 : 0, high: 1, beyond: 0 };
  const low = finite[0];
  let high = finite.at(-1);
  const common = finite[Math.floor(0.9 * (finite.length - 1))];
  if (!log && high - common > OUT * (common - low) && common > low) high = common + (common - low) / 2;
  const room = log ? 0 : high * 0.04 - low * 0.04;
  const finitely = (value) => Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value));
  const beyond = data.withLoss.filter((number) => data.loss[number] > high).length;
  return { low: finitely(low - room), high: finitely(high + room), beyond };
}

/** Whether losses span decades, so that a log axis has something to show. */
function spansDecades(data) {
  const first = data.byLoss.length ? data.loss[data.byLoss[0]] : 0;
  const last = data.byLoss.map((number) => data.loss[number]).findLast(Number.isFinite);
  return first > 0 && last / first >= 30;
}

/** An axis at the bottom; `whole` where there is nothing between whole numbers. */
function bottomAxis(scale, y, title, most = 6, whole = false) {
  const group = draw("g", { class: "axis" });
  group.append(draw("line", { x1: scale.from, x2: scale.to, y1: y, y2: y }));
  for (const [value, text] of marksOf(scale, most, Math.abs(scale.to - scale.from) / 7)) {
    if (whole && !Number.isInteger(value)) continue;
    const x = scale.place(value);
    const last = !scale.names && text.length > 3 && x > scale.to - 12;
    group.append(draw("line", { x1: x, x2: x, y1: y, y2: y + 4 }));
    group.append(draw("text", { x: last ? scale.to + 8 : x, y: y + 16, "text-anchor": last ? "end" : "middle" }, text));
  }
  const middle = (scale.from + scale.to) / 2;
  if (title) group.append(draw("text", { x: middle, y: y + 32, "text-anchor": "middle", class: "title" }, title));
  return group;
}

/** An axis at the left, with lines across the picture. */
function leftAxis(scale, x, width, title, most = 5) {
  const group = draw("g", { class: "axis" });
  for (const [value, text] of marksOf(scale, most, 14)) {
    const y = scale.place(value);
    group.append(draw("line", { x1: x, x2: x + width, y1: y, y2: y, class: "grid" }));
    group.append(draw("text", { x: x - 6, y: y + 4, "text-anchor": "end" }, text));
  }
  if (title) group.append(draw("text", { x: 2, y: 11, class: "title" }, title));
  return group;
}

/** Where an axis has marks: pairs of value and text. */
function marksOf(scale, most, characters) {
  if (!scale.names) return scale.ticks(most);
  const every = Math.ceil(scale.names.length / Math.max(1, most * 2));
  const room = Math.max(3, Math.floor((characters / scale.names.length) * every));
  return scale.names.map((name, place) => [place, cut(name, Math.min(24, room))])
    .filter((_, place) => place % every === 0);
}

/** Many round points as three paths: alone in their cell of pixels, with a few others, with many. */
function dots(points, kind = "", cell = 3) {
  const cells = new Map();
  for (const [x, y] of points) {
    const key = Math.round(x / cell) * 65536 + Math.round(y / cell);
    const found = cells.get(key);
    if (found) found.often += 1;
    else cells.set(key, { x, y, often: 1 });
  }
  const levels = [[], [], []];
  for (const { x, y, often } of cells.values()) {
    levels[often === 1 ? 0 : often < 5 ? 1 : 2].push(`M${x.toFixed(1)} ${y.toFixed(1)}h0`);
  }
  return levels.map((each, level) => draw("path", { class: `dots level${level} ${kind}`, d: each.join("") }));
}

/** The outline of a line through points; those that change nothing are left out. */
function linePath(points) {
  const parts = [];
  let last = null;
  for (const [x, y] of points) {
    const at = `${x.toFixed(1)} ${y.toFixed(1)}`;
    if (at !== last) parts.push(`${last === null ? "M" : "L"}${at}`);
    last = at;
  }
  return parts.join("");
}

/** A deterministic jitter between -0.5 and 0.5 for the points of a strip. */
function jitter(number) {
  return (((number + 1) * 0.6180339887498949) % 1) - 0.5;
}

/**
 * A picture: an svg that stays while what is in it is drawn anew, with a tip for whoever points at
 * a trial or walks through the trials with the arrow keys. `paint(width)` gives the height, the
 * things drawn, `spots` as [x, y, trial], and may give `words(trial, spot)`.
 */
class Picture {
  constructor(name, host, pick = choose) {
    this.host = host;
    this.pick = pick;
    this.spots = [];
    this.at = null;
    this.ring = draw("circle", { class: "ring", r: 7, hidden: true });
    this.chosen = draw("circle", { class: "chosen", r: 6 });
    this.svg = draw("svg", {
      tabindex: 0, role: "application", "aria-label": name, "aria-roledescription": "picture",
      pointermove: (event) => this.point(event), pointerleave: () => this.leave(),
      click: (event) => { this.point(event); if (this.at) this.pick(this.at[2]); },
      keydown: (event) => this.walk(event), blur: () => this.leave(),
    });
    host.append(this.svg);
  }

  /** Draw it, in the width that its place has. */
  paint(drawn) {
    const width = Math.max(150, Math.floor(this.host.clientWidth) - 8);
    const { height, parts, spots, words, near } = drawn(width);
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.setAttribute("width", width);
    this.svg.setAttribute("height", height);
    this.spots = spots.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    this.words = words;
    this.near = near;
    this.svg.replaceChildren(...parts, this.chosen, this.ring);
    this.mark();
    if (this.at) this.show(this.spots.find((spot) => spot[2] === this.at[2]) ?? null, walked === this);
  }

  /** Ring the trial that is chosen. */
  mark() {
    const found = this.spots.filter((spot) => spot[2] === state.chosen);
    const spot = found.length === 1 || found.length === 0 ? found[0] : found.at(-1);
    place(this.chosen, spot);
  }

  point(event) {
    const box = this.svg.getBoundingClientRect();
    const x = event.clientX - box.left;
    const y = event.clientY - box.top;
    this.show(this.near ? this.near(x, y) : nearest(this.spots, x, y), false);
  }

  walk(event) {
    const steps = new Map([["ArrowRight", 1], ["ArrowUp", 1], ["ArrowLeft", -1], ["ArrowDown", -1]]);
    const last = this.spots.length - 1;
    const here = this.at ? this.spots.indexOf(this.at) : -1;
    let next = here;
    if (steps.has(event.key)) next = here < 0 ? 0 : here + steps.get(event.key);
    else if (event.key === "PageDown") next = here + Math.ceil(last / 10);
    else if (event.key === "PageUp") next = here - Math.ceil(last / 10);
    else if (event.key === "Home") next = 0;
    else if (event.key === "End") next = last;
    else if (event.key === "Escape") { this.leave(); return; }
    else if ((event.key === "Enter" || event.key === " ") && this.at) {
      event.preventDefault();
      this.pick(this.at[2]);
      return;
    } else return;
    event.preventDefault();
    if (last >= 0) this.show(this.spots[Math.min(last, Math.max(0, next))], true);
  }

  show(spot, aloud) {
    this.at = spot ?? null;
    walked = spot && aloud ? this : null;
    place(this.ring, spot);
    if (!spot) { hideTip(); return; }
    const text = this.words ? this.words(spot[2], spot) : trialWords(state.data, spot[2]);
    const box = this.svg.getBoundingClientRect();
    showTip(text, box.left + spot[0], box.top + spot[1]);
    if (aloud && document.getElementById("said").textContent !== text) say(text);
  }

  leave() {
    this.at = null;
    walked = null;
    place(this.ring, null);
    hideTip();
  }
}

/** Put a circle on a spot, or away. */
function place(circle, spot) {
  circle.classList.toggle("away", !spot);
  if (!spot) return;
  circle.setAttribute("cx", spot[0]);
  circle.setAttribute("cy", spot[1]);
}

/** The spot next to a place, of those sorted by x; null where none is near. */
function nearest(spots, x, y, reach = 24) {
  let low = 0;
  let high = spots.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (spots[middle][0] < x - reach) low = middle + 1;
    else high = middle;
  }
  let found = null;
  let least = reach * reach;
  for (let at = low; at < spots.length && spots[at][0] <= x + reach; at += 1) {
    const far = (spots[at][0] - x) ** 2 + (spots[at][1] - y) ** 2;
    if (far < least) [found, least] = [spots[at], far];
  }
  return found;
}

/** Show a tip beside a place of the window. */
function showTip(text, x, y) {
  const tip = document.getElementById("tip");
  tip.textContent = text;
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const room = document.documentElement.clientWidth;
  tip.style.left = `${Math.max(4, Math.min(x - width / 2, room - width - 4))}px`;
  tip.style.top = `${y - height - 14 > 4 ? y - height - 14 : y + 14}px`;
}

function hideTip() {
  document.getElementById("tip").hidden = true;
}
