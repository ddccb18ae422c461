"""How long does a user wait for the next k candidates of TPE, given n finished trials?

    python benchmarks/refit.py [--sizes 100,1000] [--dims 10] [--kinds flat] [--plot refit.png]

Seconds for a batch: a refit and k suggestions, with the history in memory. The spaces are ``flat``
(d labels hp.uniform(-1, 1)) and ``tree`` (a choice of 3 branches, in each floats and a choice of 2
options with floats, d labels in all). The histories are the same for everybody: distinct candidates
of which half come from the prior and half lie near an optimum, with noisy losses.

A batch is timed as in a running search: the k trials of the batch before it have just got their
losses, all else has been seen before. Histories are made anew, from n - k trials and an untimed
batch, before they outgrow n by more than 2 %. Compared are, with their defaults:

    sparktune       one TPE().suggest of k; "and records" adds start() and finish() of the k trials
    sparktune-cold  the same on a history that has just been restored, with nothing cached
    hyperopt        k times what its fmin does for one trial, the earlier ones of the batch pending:
                    new id, tpe.suggest, insert, refresh
    optuna          k times study.ask and the suggest_ calls, in-memory storage, TPESampler()
    rustuna         the same with its own Study, InMemoryStorage and TPESampler()

The peers' figures hold the making of the k records, as they cannot be had without, but not telling
the losses; the ratios are those of sparktune's suggest alone.

Each contender has a process of its own, one for each n, and they take turns, in the other order
every other time. Loading is never timed, and goes past what would take minutes: Hyperopt's
documents are inserted without being checked, Optuna's trials without being copied (which lets them
share their distributions), Rustuna's through add_trial.

A contender is stopped at --limit seconds, and is then left out of batches as large or larger, here
and after more trials. One whose repeats have taken --limit seconds in all gets no further ones. At
the end comes what sparktune's batches allocate after the most trials, by tracemalloc.

Needs hyperopt, optuna>=5 and rustuna; those that are missing are left out.
"""

import argparse
import contextlib
import copy
import gc
import importlib.util
import json
import logging
import multiprocessing
import resource
import signal
import statistics
import sys
import time
import tracemalloc
import warnings
from pathlib import Path
from unittest import mock

import numpy as np
from measuring import machine, time_limit

import sparktune.hp
from sparktune.history import History, Outcome, Status
from sparktune.space.tree import Space
from sparktune.suggest.tpe import TPE

BRANCHES = 3
OPTIONS = 2
LEAST_DIMS = 1 + BRANCHES + BRANCHES * OPTIONS
OUTGROWN = 1.02
STARTUP = 20  # the most finished trials that one of the contenders wants before it fits
PLOTTED = 8
LOADING = 1800.0  # seconds until a process that does not answer is given up


# The problem.


def slots_of(d):
    """Labels of the tree's floats by place: two levels down first, then those of the branches."""
    places = BRANCHES * (OPTIONS + 1)
    labels = [f"x{j}" for j in range(d - 1 - BRANCHES)]
    slots = [labels[i::places] for i in range(places)]
    deep = [slots[b * OPTIONS : (b + 1) * OPTIONS] for b in range(BRANCHES)]
    return deep, slots[BRANCHES * OPTIONS :]


def template_of(hp, kind, d):
    """The space in the words that Hyperopt and sparktune share."""
    if kind == "flat":
        return [hp.uniform(f"x{j}", -1, 1) for j in range(d)]
    deep, own = slots_of(d)

    def floats(labels):
        return [hp.uniform(label, -1, 1) for label in labels]

    return hp.choice(
        "branch",
        [
            {"own": floats(own[b]), "deep": hp.choice(f"deep{b}", [floats(s) for s in deep[b]])}
            for b in range(BRANCHES)
        ],
    )


def suggested(trial, kind, d):
    """The space as Optuna and Rustuna ask for it."""
    if kind == "flat":
        return {f"x{j}": trial.suggest_float(f"x{j}", -1, 1) for j in range(d)}
    deep, own = slots_of(d)
    branch = trial.suggest_categorical("branch", list(range(BRANCHES)))
    option = trial.suggest_categorical(f"deep{branch}", list(range(OPTIONS)))
    values = {"branch": branch, f"deep{branch}": option}
    for label in (*own[branch], *deep[branch][option]):
        values[label] = trial.suggest_float(label, -1, 1)
    return values


def options_of(label):
    """How many options the choice of this label has; 0 for a float."""
    return {"b": BRANCHES, "d": OPTIONS}.get(label[0], 0)


def losses_of(rng, points):
    """Noisy losses of values by label: a bowl around 0.3, and a branch that is the best."""
    losses = []
    for values in points:
        floats = [value for label, value in values.items() if not options_of(label)]
        bowl = sum((value - 0.3) ** 2 for value in floats) / len(floats)
        losses.append(bowl + 0.1 * values.get("branch", 0) + 0.05 * float(rng.normal()))
    return losses


def finished_trials(rng, space, n):
    """Values and loss of n trials."""
    X = space.sample(rng, n)
    near = rng.random(n) < 0.5
    for j, label in enumerate(space.labels):
        if not options_of(label):
            X[near, j] = 0.3 + 0.2 * (X[near, j] - 0.3)
    points = [
        {
            label: int(value) if options_of(label) else value
            for label, value in zip(space.labels, row, strict=True)
            if value == value
        }
        for row in X.tolist()
    ]
    return list(zip(points, losses_of(rng, points), strict=True))


# Contenders.


class Contender:
    """One library and a search of its own, which goes on from batch to batch."""

    def __init__(self, kind, d, n, limit):
        self.kind, self.d, self.n, self.limit = kind, d, n, limit
        self.rng = np.random.default_rng(0)
        self.space = Space(template_of(sparktune.hp, kind, d))
        self.trials = finished_trials(np.random.default_rng([n, d]), self.space, n)
        self.size, self.before = 0, None  # trials in the history, the batch size so far

    def load(self, trials):
        """Begin a search with these trials."""
        raise NotImplementedError

    def suggest(self, k):
        """Begin k trials: what is timed."""
        raise NotImplementedError

    def values(self, begun):
        """Label to value of what ``suggest`` returned one of."""
        raise NotImplementedError

    def finish(self, begun, losses):
        """Record the losses of what ``suggest`` returned."""
        raise NotImplementedError

    def prepare(self, k):
        """Have n trials, the last k of which were suggested and finished just now."""
        if self.before == k and self.size <= OUTGROWN * self.n:
            return
        self.before = None
        self.load(self.trials[: self.n - k])
        self.size = self.n - k
        self.batch(k)
        self.before = k

    def batch(self, k):
        """Seconds until there are k candidates, and until these have been recorded."""
        gc.collect()
        with time_limit(self.limit):
            began = time.perf_counter()
            begun = self.suggest(k)
            seconds = time.perf_counter() - began
        points = [self.values(each) for each in begun]
        if len(points) != k:
            raise RuntimeError(f"{len(points)} candidates instead of {k}")
        losses = losses_of(self.rng, points)
        began = time.perf_counter()
        self.finish(begun, losses)
        self.size += k
        return {"seconds": seconds, "and_records": seconds + time.perf_counter() - began}

    def peak(self, k):
        """Bytes that a batch allocates at its peak, and those that it keeps."""
        gc.collect()
        tracemalloc.start()
        try:
            with time_limit(self.limit), contextlib.suppress(TimeoutError):
                begun = self.suggest(k)
                kept, peak = tracemalloc.get_traced_memory()
                return {"peak": peak, "kept": kept, "candidates": len(begun)}
            return {"at_least": tracemalloc.get_traced_memory()[1]}
        finally:
            tracemalloc.stop()


class Sparktune(Contender):
    def load(self, trials):
        self.history = History(self.space)
        for values, loss in trials:
            number = self.history.start([values], 0.0)[0].number
            self.history.finish(number, 0, Outcome(Status.OK, loss))

    def suggest(self, k):
        return TPE().suggest(self.space, self.history, self.rng, k, 2 * self.n)

    def values(self, begun):
        return begun

    def finish(self, begun, losses):
        numbers = [self.history.start([values], 0.0)[0].number for values in begun]
        for number, loss in zip(numbers, losses, strict=True):
            self.history.finish(number, 0, Outcome(Status.OK, loss))


class SparktuneCold(Sparktune):
    def prepare(self, k):
        if self.before is None:
            self.load(self.trials[: STARTUP + 80])
            self.suggest(k)  # the first call in a process
            self.load(self.trials)
            self.stored, self.before = self.history, k
        self.history = copy.copy(self.stored)  # what unpickling does, without the bytes


class Hyperopt(Contender):
    def __init__(self, *args):
        super().__init__(*args)
        import hyperopt

        self.hyperopt = hyperopt
        template = template_of(hyperopt.hp, self.kind, self.d)
        self.domain = hyperopt.base.Domain(lambda _: 0.0, template)

    def load(self, trials):
        self.search = self.hyperopt.Trials()
        ids = range(len(trials))
        results = [{"status": self.hyperopt.STATUS_OK, "loss": loss} for _, loss in trials]
        miscs = []
        for number, (values, _) in enumerate(trials):
            idxs = {label: [number] if label in values else [] for label in self.space.labels}
            vals = {
                label: [values[label]] if label in values else [] for label in self.space.labels
            }
            misc = {"tid": number, "cmd": self.domain.cmd, "workdir": None}
            miscs.append({**misc, "idxs": idxs, "vals": vals})
        docs = self.search.new_trial_docs(ids, [None] * len(trials), results, miscs)
        for doc in docs:
            doc["state"] = self.hyperopt.JOB_STATE_DONE
        self.search._insert_trial_docs(docs)
        self.search.refresh()

    def suggest(self, k):
        for _ in range(k):
            ids = self.search.new_trial_ids(1)
            self.search.refresh()
            seed = self.rng.integers(2**31 - 1)
            docs = self.hyperopt.tpe.suggest(ids, self.domain, self.search, seed)
            self.search.insert_trial_docs(docs)
            self.search.refresh()
        return self.search.trials[-k:]

    def values(self, begun):
        return {label: found[0] for label, found in begun["misc"]["vals"].items() if found}

    def finish(self, begun, losses):
        for doc, loss in zip(begun, losses, strict=True):
            doc["result"] = {"status": self.hyperopt.STATUS_OK, "loss": loss}
            doc["state"] = self.hyperopt.JOB_STATE_DONE
        self.search.refresh()


class Optuna(Contender):
    def load(self, trials):
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        float_of = optuna.distributions.FloatDistribution(-1, 1)
        distributions = dict.fromkeys(self.space.labels, float_of)
        for label in self.space.labels:
            if options := options_of(label):
                of = optuna.distributions.CategoricalDistribution(range(options))
                distributions[label] = of
        self.study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
        made = (
            optuna.create_trial(
                params=values, distributions={x: distributions[x] for x in values}, value=loss
            )
            for values, loss in trials
        )
        with mock.patch("optuna.storages._in_memory.copy.deepcopy", copy.copy):
            self.study.add_trials(made)

    def suggest(self, k):
        begun = []
        for _ in range(k):
            trial = self.study.ask()
            begun.append((trial, suggested(trial, self.kind, self.d)))
        return begun

    def values(self, begun):
        return begun[1]

    def finish(self, begun, losses):
        for (trial, _), loss in zip(begun, losses, strict=True):
            self.study.tell(trial.number, loss)


class Rustuna(Optuna):
    def load(self, trials):
        import rustuna

        make = rustuna.distributions.Distribution
        distributions = {
            label: make.categorical(list(range(options_of(label))))
            if options_of(label)
            else make.float(-1, 1)
            for label in self.space.labels
        }
        self.study = rustuna.create_study(sampler=rustuna.samplers.TPESampler(seed=0))
        for values, loss in trials:
            self.study.add_trial(
                rustuna.create_trial(
                    params=values, distributions={x: distributions[x] for x in values}, value=loss
                )
            )


CONTENDERS = {  # name: class, package that it needs
    "sparktune": (Sparktune, "sparktune"),
    "sparktune-cold": (SparktuneCold, "sparktune"),
    "hyperopt": (Hyperopt, "hyperopt"),
    "optuna": (Optuna, "optuna"),
    "rustuna": (Rustuna, "rustuna"),
}
OURS = ("sparktune", "sparktune-cold")


# Measuring.


def serve(pipe, name, setting, memory):
    """Answer each (method, batch size) with what it gives; the life of a contender's process."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    resource.setrlimit(resource.RLIMIT_AS, (int(memory * 2**30), resource.RLIM_INFINITY))
    contender = CONTENDERS[name][0](*setting)
    while True:
        try:
            method, k = pipe.recv()
        except EOFError:  # the end of the benchmark
            return
        try:
            contender.prepare(k)
            answer = getattr(contender, method)(k)
        except TimeoutError:
            answer = {"out": f"> {contender.limit:g} s"}
        except MemoryError:
            answer = {"out": f"> {memory:g} GB"}
        except Exception as error:
            answer = {"out": f"{type(error).__name__}: {' '.join(str(error).split())[:100]}"}
        pipe.send(answer)


class Worker:
    """A contender in a process of its own."""

    def __init__(self, name, kind, d, n, args):
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(
            target=serve, args=(theirs, name, (kind, d, n, args.limit), args.memory), daemon=True
        )
        self.process.start()
        theirs.close()

    def ask(self, method, k):
        try:
            self.pipe.send((method, k))
            if self.pipe.poll(LOADING):
                return self.pipe.recv()
        except (EOFError, OSError):
            return {"out": "its process died"}
        self.process.kill()
        return {"out": f"no answer in {LOADING:g} s"}

    def close(self):
        self.pipe.close()
        self.process.join(1)
        self.process.kill()


@contextlib.contextmanager
def workers(names, kind, d, n, args):
    with contextlib.ExitStack() as stack:
        found = {}
        for name in names:
            found[name] = Worker(name, kind, d, n, args)
            stack.callback(found[name].close)
        yield found


def measured(kind, d, args):
    """What each contender takes in one space: (n, k, name) to its measurements."""
    found = {}
    out = {}  # (k, name): why it is not asked for this, at this n and larger ones
    for n in args.sizes:
        names = [name for name in args.only if (args.batches[0], name) not in out]
        with workers(names, kind, d, n, args) as running:
            for k in args.batches:
                print(f"{kind} {d}: n = {n}, k = {k}", file=sys.stderr, flush=True)
                cells = {name: [] for name in names if (k, name) not in out}
                repeat(running, k, cells, out, args)
                for name in args.only:
                    cell = {"kind": kind, "dims": d, "n": n, "k": k, "contender": name}
                    if (k, name) in out:
                        cell["out"] = out[k, name] if name in cells else "left out"
                    else:
                        for figure in ("seconds", "and_records"):
                            cell[figure] = [each[figure] for each in cells[name]]
                    found[n, k, name] = cell
    return found


def repeat(running, k, cells, out, args):
    """Measure batches of k in turns; who fails is out for them and for larger ones."""
    for turn in range(args.repeats):
        for name in list(cells)[:: 1 if turn % 2 == 0 else -1]:
            spent = sum(each["seconds"] for each in cells[name])
            if (k, name) in out or spent > args.limit:
                continue
            answer = running[name].ask("batch", k)
            if "out" in answer:
                for larger in args.batches:
                    if larger >= k:
                        out[larger, name] = answer["out"]
            else:
                cells[name].append(answer)


def peaks(kind, d, args):
    """Memory of sparktune's batches after as many trials as there are."""
    n, found = args.sizes[-1], []
    for k in args.batches:
        names = [name for name in OURS if name in args.only]
        with workers(names, kind, d, n, args) as running:
            for name in names:
                answer = running[name].ask("peak", k)
                found.append({"kind": kind, "dims": d, "n": n, "k": k, "contender": name, **answer})
    return found


# Printing.


def print_machine(about):
    print(
        f"{about['cores']} cores (load {about['load']:.1f} at the start), threads as by default, "
        f"Python {about['python']}, "
        + ", ".join(f"{name} {number}" for name, number in about["with"].items())
    )


def number(value):
    """Three significant digits without an exponent."""
    if value >= 100:
        return f"{value:,.0f}"
    digits = 2 - int(np.floor(np.log10(value))) if value > 0 else 0
    return f"{value:.{max(digits, 0)}f}"


def median(cell, figure="seconds"):
    return statistics.median(cell[figure]) if cell.get(figure) else None


def shown(cell, figure="seconds"):
    middle = median(cell, figure)
    return cell.get("out", "-") if middle is None else number(middle)


def print_table(kind, d, found, args):
    print(f"\n{kind}, {d} labels: seconds for a batch of k after n trials, medians\n")
    peers = [name for name in args.only if name not in OURS]
    titles = ["n", "k"]
    for name in args.only:
        titles += [name, "and records"] if name == "sparktune" else [name]
    if "sparktune" in args.only:
        titles += [f"sparktune/{name}" for name in peers]
    rows = [titles]
    for n in args.sizes:
        for k in args.batches:
            row = [f"{n:,}", str(k)]
            for name in args.only:
                row.append(shown(found[n, k, name]))
                if name == "sparktune":
                    row.append(shown(found[n, k, name], "and_records"))
            if "sparktune" in args.only:
                ours = median(found[n, k, "sparktune"])
                theirs = [median(found[n, k, name]) for name in peers]
                row += [number(ours / each) if ours and each else "-" for each in theirs]
            rows.append(row)
    print_rows(rows)


def print_rows(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for i, row in enumerate(rows):
        cells = [text.rjust(width) for text, width in zip(row, widths, strict=True)]
        print(f"| {' | '.join(cells)} |")
        if i == 0:
            print("|" + "|".join("-" * (width + 1) + ":" for width in widths) + "|")
    sys.stdout.flush()


def print_peaks(found, args):
    print(
        f"\nMB that a batch allocates after {args.sizes[-1]:,} trials: peak, and kept for later\n"
    )
    rows = [["", "labels", "k", "contender", "peak", "kept"]]
    for cell in found:
        row = [cell["kind"], str(cell["dims"]), str(cell["k"]), cell["contender"]]
        if "at_least" in cell:
            row += [f">= {number(cell['at_least'] / 1e6)} until {args.limit:g} s", "-"]
        elif "out" in cell:
            row += [cell["out"], "-"]
        else:
            row += [number(cell["peak"] / 1e6), number(cell["kept"] / 1e6)]
        rows.append(row)
    print_rows(rows)


def plot(found, args, path):
    """Seconds over n, on logarithmic axes: a panel for each space, a line for each contender."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    k = PLOTTED if PLOTTED in args.batches else args.batches[len(args.batches) // 2]
    looks = {
        "sparktune": {"color": "#d55e00", "marker": "o", "linewidth": 2.5, "zorder": 3},
        "sparktune-cold": {"color": "#d55e00", "marker": "o", "linestyle": "--", "mfc": "white"},
        "hyperopt": {"color": "#009e73", "marker": "s"},
        "optuna": {"color": "#0072b2", "marker": "^"},
        "rustuna": {"color": "#333333", "marker": "D"},
    }
    figure, grid = plt.subplots(
        len(args.kinds), len(args.dims), sharex=True, sharey=True, squeeze=False,
        figsize=(1.5 + 4.2 * len(args.dims), 1.2 + 3.2 * len(args.kinds)), layout="constrained",
    )  # fmt: skip
    for i, kind in enumerate(args.kinds):
        for j, d in enumerate(args.dims):
            axes, cells = grid[i][j], found[kind, d]
            for name in args.only:
                at = [n for n in args.sizes if median(cells[n, k, name]) is not None]
                seconds = [median(cells[n, k, name]) for n in at]
                axes.plot(at, seconds, label=name, markersize=5, **looks[name])
            axes.axhline(args.limit, color="#999999", linewidth=0.8, linestyle=":")
            axes.annotate(
                f"stopped at {args.limit:g} s", (0.02, args.limit), fontsize=8, color="#777777",
                xycoords=("axes fraction", "data"), xytext=(0, 2), textcoords="offset points",
            )  # fmt: skip
            axes.set(xscale="log", yscale="log", title=f"{kind}, {d} labels")
            axes.grid(color="#dddddd", linewidth=0.6)
            axes.spines[["top", "right"]].set_visible(False)
    figure.supxlabel("finished trials")
    figure.supylabel(f"seconds for a batch of {k}")
    handles, labels = grid[0][0].get_legend_handles_labels()
    columns = len(labels) if len(args.dims) > 1 else 3
    figure.legend(handles, labels, loc="outside upper center", ncols=columns, frameon=False)
    figure.savefig(path, dpi=150)


def parse_arguments():
    def words(text):
        return [word for word in text.split(",") if word]

    def numbers(text):
        return sorted({int(word.replace("_", "")) for word in words(text)})

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=numbers, default=[100, 1000, 10_000, 100_000])
    parser.add_argument("--dims", type=numbers, default=[10, 50], help="labels of the space")
    parser.add_argument("--batches", type=numbers, default=[1, 8, 64])
    parser.add_argument("--kinds", type=words, default=["flat", "tree"])
    parser.add_argument("--only", type=words, default=list(CONTENDERS), help=", ".join(CONTENDERS))
    parser.add_argument("--repeats", type=int, default=5, help="measurements for each")
    parser.add_argument("--limit", type=float, default=60, help="seconds for a batch, at most")
    parser.add_argument("--memory", type=float, default=12, help="GB for a process, at most")
    parser.add_argument("--peaks", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--json", type=Path, help="a file for all measurements")
    parser.add_argument("--plot", type=Path, help="a file for a plot")
    args = parser.parse_args()
    for option, known in (("kinds", ["flat", "tree"]), ("only", list(CONTENDERS))):
        if unknown := set(getattr(args, option)) - set(known):
            parser.error(f"--{option}: unknown {sorted(unknown)}; there are {', '.join(known)}")
    if "tree" in args.kinds and args.dims[0] < LEAST_DIMS:
        parser.error(f"--dims: a tree has at least {LEAST_DIMS} labels")
    if args.sizes[0] < args.batches[-1] + STARTUP:
        parser.error(f"--sizes: at least the largest batch and {STARTUP}, for all to fit a model")
    missing = {name for name in args.only if not importlib.util.find_spec(CONTENDERS[name][1])}
    if missing:
        print(f"not installed, left out: {', '.join(sorted(missing))}")
    args.only = [name for name in CONTENDERS if name in args.only and name not in missing]
    return args


def write(about, found, memory, args):
    if args.json:
        cells = [cell for table in found.values() for cell in table.values()]
        written = {"machine": about, "limit": args.limit, "cells": cells, "memory": memory}
        args.json.write_text(json.dumps(written, indent=1))


def main():
    args = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that processes are stopped
    about = machine("sparktune", "hyperopt", "optuna", "rustuna", "numpy", "scipy")
    print_machine(about)
    found, memory = {}, []
    for kind in args.kinds:
        for d in args.dims:
            found[kind, d] = measured(kind, d, args)
            print_table(kind, d, found[kind, d], args)
            write(about, found, memory, args)
    if args.peaks and set(OURS) & set(args.only):
        memory = [each for kind, d in found for each in peaks(kind, d, args)]
        print_peaks(memory, args)
    write(about, found, memory, args)
    if args.plot:
        plot(found, args, args.plot)


if __name__ == "__main__":
    main()
