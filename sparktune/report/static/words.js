// Words and elements. Whatever came from a run becomes text here, and nothing else: no markup, no
// address, no style, and no key of an object (labels may be called __proto__).

/** An element with attributes that are ours, and children: elements, or texts as text. */
function make(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
function draw(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** A value of the document as a number; NaN for null, and for what is none. */
function real(value) {
  return value === null ? NaN : Number(value);
}

/** A column of the document as numbers. */
function reals(values) {
  const found = new Float64Array(values.length);
  for (let i = 0; i < values.length; i += 1) found[i] = values[i] === null ? NaN : values[i];
  return found;
}

/** A number with so many digits that count. */
function digits(value, count = 5) {
  if (value === null || Number.isNaN(value)) return value === null ? "" : "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return String(value);
  const short = Number(value.toPrecision(count));
  const size = Math.abs(short);
  return size >= 1e6 || size < 1e-4 ? short.toExponential().replace("e+", "e") : String(short);
}

/** A value of a column of numbers as people read it; "" for null. */
function shownNumber(value) {
  if (value === null) return "";
  return typeof value === "string" && /^-?\d/.test(value) ? value : digits(Number(value));
}

/** A whole number with commas. */
function count(value) {
  return value.toLocaleString("en-US");
}

/** A number of things, with their name in the plural where that is due. */
function counted(value, name) {
  return `${count(value)} ${name}${value === 1 ? "" : "s"}`;
}

/** So many seconds, in the unit that suits. */
function duration(seconds) {
  if (!Number.isFinite(seconds)) return "";
  for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"]]) {
    if (seconds >= 2 * size) return `${digits(seconds / size, 3)} ${unit}`;
  }
  return seconds >= 0.1 || seconds === 0 ? `${digits(seconds, 3)} s` : `${digits(seconds * 1000, 3)} ms`;
}

/** Seconds since the epoch as a time in UTC. */
function moment(seconds) {
  const at = new Date(seconds * 1000);
  if (Number.isNaN(at.getTime())) return "at no time that there is";
  return `${at.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** A text of so many characters at most. */
function cut(text, most) {
  const characters = Array.from(text.length > 4 * most ? text.slice(0, 4 * most) : text);
  return characters.length > most ? `${characters.slice(0, most - 1).join("")}…` : text;
}

/** A status as people read it. */
function statusWord(word) {
  const words = new Map([
    ["timed_out", "timed out"], ["pending", "running"], ["cut", "cut off"],
    ["apart", "of an earlier space"], ["reserved", "not begun"],
  ]);
  return words.get(word) ?? word;
}

/** Say something to those who listen to the page. */
function say(text) {
  document.getElementById("said").textContent = text;
}

/** A run's document with what is computed of it once. */
function read(run) {
  const { trials } = run;
  const loss = reals(trials.loss);
  const size = loss.length;
  const status = trials.status.map((index) => trials.statuses[index]);
  const params = run.params.map((param) => ({ ...param, numbers: reals(param.values) }));
  const shares = new Map((run.importance.shares ?? []).map((row) => [row[0], row]));
  const ranked = params.map((_, place) => place);
  const share = (place) => shares.get(params[place].label)?.[1] ?? 0;
  ranked.sort((a, b) => share(b) - share(a) || a - b);
  const withLoss = [];
  for (let number = 0; number < size; number += 1) {
    if (!Number.isNaN(loss[number])) withLoss.push(number);
  }
  const byLoss = [...withLoss].sort((a, b) => loss[a] - loss[b] || a - b);
  const used = params.map((param) => withLoss.some((number) => param.values[number] !== null));
  return {
    used,
    run, trials, loss, size, status, params, shares, ranked, withLoss, byLoss,
    best: run.best === null ? null : run.best.number,
    started: reals(trials.started),
    seconds: reals(trials.seconds),
    reports: new Map(trials.reports.map(([number, steps, values]) => [number, [steps, values]])),
  };
}

/** The value of a label in a trial, in words; "" where it is inactive. */
function valueWord(param, number) {
  const value = param.values[number];
  if (value === null) return "";
  return param.options === null ? shownNumber(value) : param.options[value];
}

/** What a label ranges over, in words. */
function rangeWords(param) {
  if (param.options !== null) {
    const names = param.options.slice(0, 12).map((name) => cut(name, 40)).join(", ");
    return `one of ${count(param.of)}: ${names}${param.of > 12 ? ", …" : ""}`;
  }
  if (param.low === null) return param.kind;
  return `${param.kind}, ${shownNumber(param.low)} to ${shownNumber(param.high)}`;
}

/** A trial in a line. */
function trialWords(data, number) {
  const loss = data.trials.loss[number];
  const said = loss === null ? statusWord(data.status[number]) : `loss ${shownNumber(loss)}`;
  return `trial ${number}: ${said}${number === data.best ? ", the best" : ""}`;
}
