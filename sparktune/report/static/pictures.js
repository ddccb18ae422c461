// The pictures of a run. Each is a function of the data and a width that gives a height, what is
// drawn, and where its trials are.

const LEFT = 68;
const MANY_LINES = 300;

/** Losses over trials, with the best so far; below them, trials that have no loss. */
function historyPicture(data, width, log) {
  const lanes = ["failed", "timed_out", "pruned", "pending"].filter((word) => data.status.includes(word));
  const bottom = 240;
  const height = bottom + 40 + lanes.length * 16;
  const { low, high, beyond } = lossRange(data, log);
  const x = scaleOf(0, Math.max(1, data.size - 1), LEFT, width - 14);
  const y = scaleOf(low, high, bottom, 20, log);
  const spots = data.withLoss.map((number) => [x.place(number), lossPlace(y, data.loss[number], bottom), number]);
  const floor = [];
  const steps = [];
  let best = Infinity;
  for (const [px, py, number] of spots) {
    if (data.loss[number] < best) {
      if (steps.length) steps.push([px, steps.at(-1)[1]]);
      steps.push([px, py]);
      best = data.loss[number];
    }
  }
  if (steps.length) steps.push([width - 14, steps.at(-1)[1]]);
  const parts = [
    leftAxis(y, LEFT, width - LEFT - 14, log ? "loss (log)" : "loss"),
    ...dots(spots),
    draw("path", { class: "sofar", d: linePath(steps) }),
  ];
  lanes.forEach((word, row) => {
    const py = bottom + 12 + row * 16;
    const at = [];
    data.status.forEach((each, number) => {
      if (each === word) at.push([x.place(number), py, number]);
    });
    floor.push(...at);
    const seen = new Set();
    const marks = at.filter(([px]) => !seen.has(Math.round(px)) && seen.add(Math.round(px)));
    parts.push(draw("path", { class: `tick ${word}`, d: marks.map(([px]) => `M${px.toFixed(1)} ${py - 4}v8`).join("") }));
    parts.push(draw("text", { class: "lane", x: LEFT - 6, y: py + 4, "text-anchor": "end" }, statusWord(word)));
  });
  parts.push(bottomAxis(x, bottom + 6 + lanes.length * 16, "trial", width < 500 ? 4 : 8, true));
  parts.push(...bestDot(data, spots));
  return { height, parts, spots: [...spots, ...floor], beyond };
}

/** Where a loss stands on its axis; what has no logarithm stands at the bottom. */
function lossPlace(scale, loss, bottom) {
  if (scale.log && !(loss > 0)) return bottom;
  return scale.place(Math.max(-1e308, Math.min(1e308, loss)));
}

/** A mark on the best trial. */
function bestDot(data, spots) {
  const spot = spots.find((each) => each[2] === data.best);
  return spot ? [draw("circle", { class: "best", cx: spot[0], cy: spot[1], r: 4.5 })] : [];
}

/** The scale of a label's values along an axis. */
function paramScale(param, from, to) {
  if (param.options !== null) return bandsOf(param.options, from, to);
  let low = Infinity;
  let high = -Infinity;
  for (const value of param.numbers) {
    if (Number.isFinite(value) && (!param.log || value > 0)) [low, high] = [Math.min(low, value), Math.max(high, value)];
  }
  if (param.low !== null && (!param.log || Number(param.low) > 0)) [low, high] = [Number(param.low), Number(param.high)];
  return low > high ? scaleOf(param.log ? 0.1 : 0, 1, from, to, param.log) : scaleOf(low, high, from, to, param.log);
}

/** Where a value of a label stands on its scale. */
function paramPlace(param, scale, number) {
  const value = param.numbers[number];
  if (param.options !== null) return scale.place(value) + jitter(number) * Math.min(24, scale.step * 0.6);
  return scale.log && !(value > 0) ? scale.from : scale.place(value);
}

/** Losses against the values of one label. */
function slicePicture(data, param, width, log) {
  const bottom = 150;
  const left = 46;
  const { low, high } = lossRange(data, log);
  const x = paramScale(param, left + 4, width - 14);
  const y = scaleOf(low, high, bottom - 4, 8, log);
  const spots = data.withLoss.filter((number) => param.values[number] !== null)
    .map((number) => [paramPlace(param, x, number), lossPlace(y, data.loss[number], bottom - 4), number]);
  const parts = [
    leftAxis(y, left, width - left - 10, "", 4),
    ...dots(spots, "small"),
    bottomAxis(x, bottom, "", 4, param.whole),
    ...bestDot(data, spots),
  ];
  const words = (number) => `${trialWords(data, number)}\n${param.label} = ${valueWord(param, number)}`;
  return { height: bottom + 24, parts, spots, words };
}

/** Trials as lines through the axes of labels; the best ones are drawn last. */
function parallelPicture(data, width, log) {
  const most = Math.max(2, Math.min(10, Math.floor(width / (width < 500 ? 70 : 90)) - 1));
  const used = data.ranked.filter((place) => data.used[place]);
  const shown = used.slice(0, most).map((place) => data.params[place]);
  const [top, bottom, off] = [44, 270, 292];
  const gap = (width - 90) / Math.max(1, shown.length);
  const { low, high } = lossRange(data, log);
  const y = scaleOf(low, high, bottom, top, log);
  const axes = shown.map((param, place) => ({ param, x: 36 + gap * place, scale: paramScale(param, bottom, top) }));
  const end = 36 + gap * shown.length;
  const chosen = spread(data.byLoss, MANY_LINES);
  const bins = Array.from({ length: 6 }, () => []);
  const spots = [];
  chosen.forEach((number, rank) => {
    const line = axes.map(({ param, x, scale }) => {
      if (param.values[number] === null) return [x, off, number];
      const at = param.options === null ? paramPlace(param, scale, number)
        : scale.place(param.numbers[number]) + jitter(number) * Math.min(14, Math.abs(scale.step) * 0.5);
      return [x, at, number];
    });
    line.push([end, lossPlace(y, data.loss[number], bottom), number]);
    spots.push(...line);
    bins[Math.floor((rank / chosen.length) * bins.length)].push(linePath(line));
  });
  const parts = bins.map((lines, place) => draw("path", { class: `line rank${place}`, d: lines.join("") })).reverse();
  axes.forEach(({ param, x, scale }, place) => parts.push(standing(x, scale, param.label, place, gap, top, bottom, off)));
  parts.push(standing(end, y, "loss", shown.length, gap, top, bottom, null));
  const words = (number, spot) => {
    const axis = axes.find(({ x }) => x === spot[0]);
    const value = axis && (valueWord(axis.param, number) || "inactive");
    return axis ? `${trialWords(data, number)}\n${axis.param.label} = ${value}` : trialWords(data, number);
  };
  return { height: off + 14, parts, spots, words, left: used.length - shown.length, lines: chosen.length };
}

/** An upright axis of the parallel coordinates. */
function standing(x, scale, label, place, gap, top, bottom, off) {
  const group = draw("g", { class: "axis" });
  group.append(draw("line", { x1: x, x2: x, y1: top, y2: bottom }));
  const characters = Math.max(5, Math.floor((gap * 1.7) / 7));
  group.append(draw("text", { x, y: place % 2 ? 28 : 12, "text-anchor": "middle", class: "name" }, cut(label, characters)));
  for (const [value, text] of marksOf(scale, 4, 14 * (scale.names?.length ?? 1))) {
    group.append(draw("text", { x: x + 4, y: scale.place(value) + 4, class: "over" }, cut(text, Math.max(4, Math.floor(gap / 7)))));
  }
  if (off !== null) group.append(draw("text", { x, y: off + 12, "text-anchor": "middle" }, "off"));
  return group;
}

/** At most so many of a list that is sorted: the first third of them, and others evenly. */
function spread(sorted, most) {
  if (sorted.length <= most) return sorted;
  const first = Math.floor(most / 3);
  const rest = most - first;
  const step = (sorted.length - 1 - first) / (rest - 1);
  return [...sorted.slice(0, first), ...Array.from({ length: rest }, (_, at) => sorted[Math.round(first + at * step)])];
}

/** What trials reported, step by step; pruned ones end with a cross. */
function reportsPicture(data, width) {
  const bottom = 250;
  const numbers = [...data.reports.keys()];
  const pruned = numbers.filter((number) => data.status[number] === "pruned");
  const kept = new Set(data.byLoss);
  const others = numbers.filter((number) => !kept.has(number) && data.status[number] !== "pruned");
  const half = Math.floor(MANY_LINES / 2);
  const ended = spread(data.byLoss.filter((number) => data.reports.has(number)), half);
  const shown = [...even(pruned, half), ...even(others, 40), ...ended];
  const pairs = shown.map((number) => [number, reals(data.reports.get(number)[0]), reals(data.reports.get(number)[1])]);
  const values = pairs.flatMap(([, , each]) => Array.from(each)).filter(Number.isFinite).sort((a, b) => a - b);
  const steps = pairs.flatMap(([, each]) => Array.from(each)).filter(Number.isFinite);
  if (!values.length) return { height: 30, parts: [draw("text", { x: 4, y: 20 }, "no report is a finite number")], spots: [], shown: 0 };
  const low = values[0];
  const common = values[Math.floor(0.98 * (values.length - 1))];
  const high = values.at(-1) - common > OUT * (common - low) && common > low ? common + (common - low) / 2 : values.at(-1);
  const lowest = steps.reduce((a, b) => Math.min(a, b));
  const furthest = steps.reduce((a, b) => Math.max(a, b));
  const x = scaleOf(lowest, Math.max(furthest, lowest + 1), LEFT, width - 14);
  const y = scaleOf(low, high, bottom, 20);
  const spots = [];
  const lines = new Map([["other", []], ["pruned", []], ["ok", []]]);
  const ends = [];
  for (const [number, at, each] of pairs) {
    const line = [];
    each.forEach((value, place) => {
      if (!Number.isNaN(value)) line.push([x.place(at[place]), y.place(Math.max(-1e308, Math.min(1e308, value))), number, place]);
    });
    const kind = lines.has(data.status[number]) ? data.status[number] : "other";
    if (!line.length) continue;
    spots.push(...line);
    lines.get(kind).push(linePath(line));
    const [px, py] = line.at(-1);
    if (kind === "pruned") ends.push(`M${(px - 3).toFixed(1)} ${(py - 3).toFixed(1)}l6 6m-6 0l6 -6`);
  }
  const parts = [leftAxis(y, LEFT, width - LEFT - 14, "reported value"), bottomAxis(x, bottom + 6, "step", width < 500 ? 4 : 8, true)];
  for (const [kind, each] of lines) parts.push(draw("path", { class: `curve ${kind}`, d: each.join("") }));
  parts.push(draw("path", { class: "cross pruned", d: ends.join("") }));
  const best = pairs.find(([number]) => number === data.best);
  if (best) parts.push(draw("path", { class: "sofar", d: linePath(spots.filter((spot) => spot[2] === data.best)) }));
  const words = (number, spot) => {
    const [at, each] = data.reports.get(number);
    return `${trialWords(data, number)}\nstep ${shownNumber(at[spot[3]])}: ${shownNumber(each[spot[3]])}`;
  };
  return { height: bottom + 46, parts, spots, words, shown: shown.length };
}

/** At most so many of a list, evenly. */
function even(items, most) {
  if (items.length <= most) return items;
  return Array.from({ length: most }, (_, at) => items[Math.round((at * (items.length - 1)) / (most - 1))]);
}

/** Rows of the timeline: each trial in the first slot of its host that is free when it starts. */
function slotsOf(data) {
  const now = data.run.made - (real(data.trials.begun) || 0);
  const bars = [];
  for (let number = 0; number < data.size; number += 1) {
    const start = data.started[number];
    const running = data.status[number] === "pending";
    const end = running ? Math.max(start, now) : start + data.seconds[number];
    if (Number.isFinite(start) && Number.isFinite(end) && (!running || now < start + 30 * 86400)) bars.push([start, end, number]);
  }
  bars.sort((a, b) => a[0] - b[0] || a[2] - b[2]);
  const hosts = new Map();
  for (const bar of bars) {
    const host = data.trials.host[bar[2]] ?? -1;
    if (!hosts.has(host)) hosts.set(host, []);
    const slots = hosts.get(host);
    let free = slots.findIndex((slot) => slot.at(-1)[1] <= bar[0] + 1e-3);
    if (free < 0) free = slots.length < 200 ? slots.push([]) - 1 : 0;
    slots[free].push(bar);
  }
  const name = (host) => data.trials.hosts[host] ?? "";
  const sorted = [...hosts].sort(([a], [b]) => (name(a) < name(b) ? -1 : 1));
  const rows = sorted.flatMap(([host, slots]) => slots.map((slot, place) => ({ host: place ? null : host, bars: slot })));
  return { rows, bars };
}

/** Trials over slots: when each ran, and where slots stood idle. */
function timelinePicture(data, width) {
  const { rows, bars } = slotsOf(data);
  const size = Math.max(3, Math.min(18, Math.floor(360 / Math.max(1, rows.length))));
  const bottom = 8 + rows.length * size;
  const left = width < 500 ? 70 : 110;
  const end = bars.reduce((far, bar) => Math.max(far, bar[1]), 0) || 1;
  const [unit, name] = [[86400, "days"], [3600, "hours"], [60, "minutes"], [1, "seconds"]].find(([each]) => end >= 2 * each) ?? [1, "seconds"];
  const x = scaleOf(0, end / unit, left, width - 14);
  const outlines = new Map();
  const spots = [];
  const parts = [];
  rows.forEach(({ host, bars: row }, place) => {
    const y = 8 + place * size;
    if (host !== null && (size >= 10 || place % Math.ceil(12 / size) === 0)) {
      const text = host < 0 ? "no host" : data.trials.hosts[host];
      parts.push(draw("text", { class: "lane", x: left - 6, y: y + Math.min(size, 12), "text-anchor": "end" }, cut(text, Math.floor(left / 7))));
    }
    let filled = -1;
    for (const [from, to, number] of row) {
      const [a, b] = [x.place(from / unit), x.place(to / unit)];
      spots.push([(a + b) / 2, y + size / 2, number, a, b, place]);
      if (b - filled < 0.4) continue; // nothing would be seen of it
      filled = b;
      const word = data.status[number];
      if (!outlines.has(word)) outlines.set(word, []);
      const wide = Math.max(0.8, b - a - (b - a > 3 ? 1 : 0));
      outlines.get(word).push(`M${a.toFixed(1)} ${y + 1}h${wide.toFixed(1)}v${size - 2}h${(-wide).toFixed(1)}z`);
    }
  });
  for (const [word, each] of outlines) parts.push(draw("path", { class: `bar ${word}`, d: each.join("") }));
  parts.push(bottomAxis(x, bottom + 2, `${name} since the first trial began`, width < 500 ? 4 : 8));
  const near = (px, py) => {
    const row = Math.floor((py - 8) / size);
    return spots.find((spot) => spot[5] === row && spot[3] - 2 <= px && px <= spot[4] + 2) ?? null;
  };
  const words = (number) => `${trialWords(data, number)}\n${duration(data.seconds[number]) || "still running"}`;
  return { height: bottom + 42, parts, spots, near, words, rows: rows.length, shown: bars.length };
}

/** Which share of the losses is at most so large. */
function distributionPicture(data, width, log) {
  const bottom = 200;
  const { low, high, beyond } = lossRange(data, log);
  const x = scaleOf(low, high, LEFT, width - 14, log);
  const y = scaleOf(0, 1, bottom, 28);
  const spots = data.byLoss.map((number, rank) => {
    const loss = data.loss[number];
    const px = log && !(loss > 0) ? LEFT : x.place(Math.max(-1e308, Math.min(1e308, loss)));
    return [px, y.place((rank + 1) / data.byLoss.length), number];
  });
  const steps = [];
  for (const [px, py] of spots) {
    steps.push([px, steps.length ? steps.at(-1)[1] : bottom], [px, py]);
  }
  const parts = [
    leftAxis(y, LEFT, width - LEFT - 14, "share of trials with at most this loss"),
    bottomAxis(x, bottom + 2, log ? "loss (log)" : "loss", width < 500 ? 4 : 8),
    draw("path", { class: "edf", d: linePath(steps) }),
    ...bestDot(data, spots),
  ];
  const rank = new Map(data.byLoss.map((number, place) => [number, place + 1]));
  const words = (number) => `${trialWords(data, number)}\n${rank.get(number)} of ${count(data.byLoss.length)}`;
  return { height: bottom + 42, parts, spots, words, beyond };
}
