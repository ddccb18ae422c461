// The table of all trials: sorted, filtered, and with no more rows in the page than are seen.

const ROW = 30; // pixels, as in the stylesheet
const PRINTED = 200;

/** The columns of the table: a name, a text for each trial, and what it is sorted by. */
function columnsOf(data) {
  const { trials } = data;
  const numbers = (name, values) => ({ name, right: true, text: (i) => shownNumber(values[i]), key: reals(values) });
  const words = (name, text, key) => ({ name, right: false, text, key });
  const columns = [
    { name: "trial", right: true, text: String, key: Float64Array.from({ length: data.size }, (_, i) => i) },
    words("status", (i) => statusWord(data.status[i]), null),
    numbers("loss", trials.loss),
    { name: "seconds", right: true, text: (i) => seconds(data.seconds[i]), key: data.seconds },
  ];
  for (const param of data.params) {
    if (param.options === null) columns.push({ ...numbers(param.label, param.values), key: param.numbers });
    else columns.push(words(param.label, (i) => valueWord(param, i), param.numbers));
  }
  for (const { key, numeric, values } of trials.results) {
    columns.push(numeric ? numbers(key, values) : words(key, (i) => values[i] ?? "", null));
  }
  if (trials.hosts.length) columns.push(words("host", (i) => trials.hosts[trials.host[i]] ?? "", null));
  if (trials.attempt.some((attempt) => attempt > 0)) columns.push(numbers("attempt", trials.attempt));
  const begun = real(trials.begun);
  const at = (i) => (Number.isFinite(begun) ? moment(begun + data.started[i]).replace(" UTC", "") : "");
  columns.push(words("started (UTC)", at, data.started));
  if (trials.errors.length) columns.push(words("error", (i) => trials.errors[trials.error[i]]?.line ?? "", null));
  return columns;
}

function seconds(value) {
  return Number.isNaN(value) ? "" : digits(value, 4);
}

/** Numbers of trials, sorted by a column; those that have nothing in it come last. */
function sortedBy(column, size, down) {
  const order = Uint32Array.from({ length: size }, (_, i) => i);
  const sign = down ? -1 : 1;
  if (column.key !== null) {
    const key = column.key;
    return order.sort((a, b) => {
      const [x, y] = [key[a], key[b]];
      if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y) || a - b;
      return x === y ? a - b : sign * (x < y ? -1 : 1);
    });
  }
  const texts = Array.from(order, column.text);
  const ranks = new Map([...new Set(texts)].sort().map((text, rank) => [text, rank]));
  return order.sort((a, b) => {
    if (!texts[a] || !texts[b]) return !texts[a] - !texts[b] || a - b;
    return sign * (ranks.get(texts[a]) - ranks.get(texts[b])) || a - b;
  });
}

/** The table, its filter, and the details of a trial below it. */
class Table {
  constructor(host) {
    this.search = make("input", { type: "search", id: "search", autocomplete: "off", spellcheck: "false", input: () => this.filter() });
    this.kinds = make("select", { id: "kinds", change: () => this.filter() });
    this.told = make("p", { class: "told", id: "told", role: "status" });
    this.head = make("tr", { role: "row" });
    this.body = make("tbody", { role: "rowgroup" });
    this.widths = make("colgroup");
    this.table = make("table", { role: "table", "aria-labelledby": "trials-heading" }, this.widths,
      make("thead", { role: "rowgroup" }, this.head), this.body);
    this.box = make("div", { class: "box", tabindex: 0, role: "region", "aria-label": "Trials, a table that scrolls", scroll: () => this.later() }, this.table);
    this.clear = make("button", { type: "button", click: () => this.reset() }, "Clear");
    host.append(
      make("div", { class: "filters" },
        make("label", { for: "search" }, "Search", this.search),
        make("label", { for: "kinds" }, "Status", this.kinds), this.clear),
      this.told, this.box,
    );
    this.body.addEventListener("keydown", (event) => this.walk(event));
    this.columns = [];
    this.sort = { name: "trial", place: 0, down: false };
    this.active = null;
    this.first = -1;
  }

  /** Take newer data in, and keep what the reader has set. */
  update(data) {
    this.data = data;
    const names = this.columns.map((column) => column.name).join("\n");
    this.columns = columnsOf(data);
    if (this.columns.map((column) => column.name).join("\n") !== names) {
      this.sort.place = Math.max(0, this.columns.findIndex((column) => column.name === this.sort.name));
      keepFocus(this.head, () => this.drawHead());
    }
    this.setWidths();
    this.drawKinds();
    this.texts = null;
    this.order = sortedBy(this.columns[this.sort.place], data.size, this.sort.down);
    this.filter();
    const { data: now } = this;
    setTimeout(() => { if (this.data === now) this.index(); }, 300);
  }

  drawHead() {
    this.head.replaceChildren(...this.columns.map((column, place) => {
      const button = make("button", { type: "button", click: () => this.sortBy(place) }, column.name);
      return make("th", { scope: "col", role: "columnheader", class: column.right ? "right" : null }, button);
    }));
    this.saySort();
  }

  saySort() {
    [...this.head.children].forEach((cell, place) => {
      const way = this.sort.down ? "descending" : "ascending";
      cell.setAttribute("aria-sort", place === this.sort.place ? way : "none");
    });
  }

  /** A width for each column that its texts fit in, so that nothing moves while rows come and go. */
  setWidths() {
    const size = this.data.size;
    const step = Math.max(1, Math.floor(size / 400));
    let total = 0;
    const columns = this.columns.map((column) => {
      let most = Math.min(22, Array.from(column.name).length + 2);
      for (let i = 0; i < size; i += step) most = Math.max(most, Math.min(60, column.text(i).length));
      const width = Math.min(column.name === "error" ? 60 : 26, Math.max(6, most)) + 3;
      total += width;
      const element = make("col");
      element.style.width = `${width}ch`;
      return element;
    });
    const rows = Math.max(3, size) + 1.6;
    this.box.style.height = `min(${rows * ROW}px, var(--table))`;
    this.widths.replaceChildren(...columns);
    this.table.style.width = `max(100%, ${total}ch)`;
    this.table.setAttribute("aria-colcount", this.columns.length);
  }

  drawKinds() {
    const { value } = this.kinds;
    const options = [...new Set(this.data.status)].sort();
    const found = [["", "all"], ...options.map((word) => [word, statusWord(word)])];
    this.kinds.replaceChildren(...found.map(([word, text]) => make("option", { value: word }, text)));
    this.kinds.value = found.some(([word]) => word === value) ? value : "";
  }

  /** What of each trial is searched, in lower case. */
  index() {
    if (this.texts === null) {
      const texts = [];
      for (let i = 0; i < this.data.size; i += 1) {
        let text = "";
        for (const column of this.columns) text += `${column.text(i)}\n`;
        texts.push(text.toLowerCase());
      }
      this.texts = texts;
    }
    return this.texts;
  }

  filter() {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const kind = this.kinds.value;
    const texts = words.length ? this.index() : null;
    const fits = (i) => (!kind || this.data.status[i] === kind) && (!texts || words.every((word) => texts[i].includes(word)));
    this.shown = words.length || kind ? this.order.filter(fits) : this.order;
    const all = this.shown.length === this.data.size;
    const text = all ? counted(this.data.size, "trial") : `${count(this.shown.length)} of ${counted(this.data.size, "trial")}`;
    if (this.told.textContent !== text) this.told.textContent = text;
    this.clear.disabled = !words.length && !kind;
    this.table.setAttribute("aria-rowcount", this.shown.length + 1);
    this.first = -1;
    this.render();
  }

  reset() {
    this.search.value = "";
    this.kinds.value = "";
    this.filter();
    this.search.focus();
  }

  /** Show what holds a text alone. */
  find(text, kind = "") {
    this.search.value = text;
    this.kinds.value = kind;
    this.filter();
    this.box.scrollTop = 0;
  }

  sortBy(place) {
    const down = place === this.sort.place && !this.sort.down;
    this.sort = { name: this.columns[place].name, place, down };
    this.order = sortedBy(this.columns[place], this.data.size, down);
    this.saySort();
    this.filter();
    this.box.scrollTop = 0;
    this.render();
  }

  later() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.render(); });
  }

  /** Put the rows that are seen into the page, between two that hold the place of the others. */
  render(most = null) {
    const room = Math.ceil(this.box.clientHeight / ROW) + 10;
    const last = Math.max(0, this.shown.length - room);
    const first = most ? 0 : Math.min(last, Math.max(0, Math.floor(this.box.scrollTop / ROW) - 5));
    const end = Math.min(this.shown.length, first + (most ?? room));
    if (first === this.first && !most) return;
    this.first = most ? -1 : first;
    const focused = this.body.contains(document.activeElement) ? this.active : null;
    if (this.active === null && this.shown.length) this.active = this.shown[0];
    const rows = [];
    let hasActive = false;
    for (let place = first; place < end; place += 1) {
      hasActive ||= this.shown[place] === this.active;
    }
    for (let place = first; place < end; place += 1) {
      const stop = hasActive ? this.shown[place] === this.active : place === first;
      rows.push(this.row(this.shown[place], place, stop));
    }
    this.body.replaceChildren(gap(first, this.columns.length), ...rows, gap(most ? 0 : this.shown.length - end, this.columns.length));
    if (focused !== null) {
      const again = hasActive ? this.button(focused) : this.box;
      again?.focus({ preventScroll: true });
    }
  }

  row(number, place, stop) {
    const cells = this.columns.map((column, at) => {
      const text = column.text(number);
      if (at === 0) {
        const button = make("button", { type: "button", tabindex: stop ? 0 : -1, "aria-label": `trial ${number}, details`, click: () => choose(number, true) }, text);
        return make("th", { scope: "row", role: "rowheader", class: "right" }, button);
      }
      const inner = at === 1 ? make("span", { class: `mark ${this.data.status[number]}` }, text) : text;
      return make("td", { role: "cell", class: column.right ? "right" : null }, inner);
    });
    const kind = [number === this.data.best ? "isbest" : "", number === state.chosen ? "ischosen" : ""].join(" ").trim();
    return make("tr", { role: "row", "aria-rowindex": place + 2, "aria-current": number === state.chosen ? "true" : null,
      class: kind || null, "data-trial": number,
      click: (event) => { if (!event.target.closest("button") && !String(getSelection())) choose(number, true); } }, ...cells);
  }

  button(number) {
    return this.body.querySelector(`tr[data-trial="${Number(number)}"] button`);
  }

  walk(event) {
    const steps = new Map([["ArrowDown", 1], ["ArrowUp", -1], ["PageDown", 10], ["PageUp", -10], ["Home", -Infinity], ["End", Infinity]]);
    if (!steps.has(event.key) || event.target.tagName !== "BUTTON") return;
    event.preventDefault();
    const here = this.shown.indexOf(Number(event.target.closest("tr").dataset.trial));
    const next = Math.min(this.shown.length - 1, Math.max(0, here + steps.get(event.key)));
    this.goTo(this.shown[next], true);
  }

  /** Bring the row of a trial into view; a filter that hides it goes away. */
  goTo(number, focus) {
    let place = this.shown.indexOf(number);
    if (place < 0) {
      this.search.value = "";
      this.kinds.value = "";
      this.filter();
      place = this.shown.indexOf(number);
    }
    this.active = number;
    const head = this.head.offsetHeight;
    const top = place * ROW;
    const { scrollTop, clientHeight } = this.box;
    if (top < scrollTop) this.box.scrollTop = top;
    else if (top + ROW + head > scrollTop + clientHeight) this.box.scrollTop = top + ROW + head - clientHeight + 2;
    this.first = -1;
    this.render();
    if (focus) this.button(number)?.focus({ preventScroll: true });
  }
}

/** A row in the place of others. */
function gap(rows, columns) {
  const cell = make("td", { colspan: columns, role: "presentation" });
  const row = make("tr", { class: "gap", role: "presentation", "aria-hidden": "true", hidden: rows <= 0 }, cell);
  cell.style.height = `${Math.max(0, rows) * ROW}px`;
  return row;
}

/** All that is known of a trial. */
function detailsOf(data, number) {
  const { trials } = data;
  const facts = [["status", statusWord(data.status[number])]];
  const add = (name, text) => { if (text !== "" && text !== null && text !== undefined) facts.push([name, text]); };
  add("loss", trials.loss[number] === null ? "" : String(trials.loss[number]));
  add("time", duration(data.seconds[number]));
  add("started", Number.isFinite(real(trials.begun)) ? moment(real(trials.begun) + data.started[number]) : "");
  add("host", trials.hosts[trials.host[number]]);
  if (trials.attempt[number]) add("attempt", String(trials.attempt[number]));
  const params = data.params.filter((param) => param.values[number] !== null)
    .map((param) => [param.label, param.options === null ? String(param.values[number]) : param.options[param.values[number]]]);
  const apart = trials.apart.find((each) => each[0] === number);
  const results = trials.results.filter(({ values }) => values[number] !== null).map(({ key, values }) => [key, String(values[number])]);
  const error = trials.errors[trials.error[number]];
  const reports = data.reports.get(number);
  return [
    make("h3", { id: "trial-heading", tabindex: -1 }, `Trial ${number}${number === data.best ? ", the best" : ""}`),
    make("div", { class: "columns" }, listOf(facts), listed("Parameters", apart ? apart[1] : params), listed("Results", results)),
    error ? make("div", {}, make("h4", {}, data.status[number] === "ok" ? "Note" : "Error"),
      make("pre", { tabindex: 0, "aria-label": "Error text", role: "region" }, error.text)) : null,
    reports ? make("div", {}, make("h4", {}, counted(reports[0].length, "report")),
      make("p", { class: "reports" }, reports[0].slice(0, 500).map((step, at) => `${shownNumber(step)}: ${shownNumber(reports[1][at])}`).join(",  "))) : null,
  ].filter((each) => each !== null);
}

function listed(title, pairs) {
  return pairs.length ? make("div", {}, make("h4", {}, title), listOf(pairs)) : null;
}

/** Names and what there is to say of each. */
function listOf(pairs) {
  return make("dl", {}, ...pairs.map(([name, text]) => make("div", {}, make("dt", {}, name), make("dd", {}, text))));
}
