"""How good are the configurations found, beside Hyperopt's and Optuna's with the same spaces?

    pip install hyperopt==0.3.0 optuna==5.0.0 scikit-learn matplotlib
    python benchmarks/quality.py [--half dev] [--batch 8] [--rounds 16] [--seeds 10] \
        [--contenders sparktune,optuna] [--problems codes,pipeline] [--jobs 2] \
        [--out runs.jsonl] [--plot curves.png]

Every contender minimises every problem of one half of problems.py with every seed, in batches:
``batch`` candidates are asked for before the first of them has a loss, ``rounds`` times. The half
"dev" is for developing, "test" only for reporting.

A run's *best* after n evaluations is the loss without noise of the candidate whose observed loss is
lowest. Its *regret ratio* r is

    (best - optimum) / (median over 200 seeds of random search's best after n - optimum)

so that 1 is random search and 0 the optimum. A contender's *score* is the mean over problems and
seeds of log10(max(0.001, r)): lower is better, 0 is random search. *By medians* is the mean over
problems of the same of the median over seeds of r, which jumps where about half of the runs find
the right branch and the others nothing. Intervals hold 95 % of bootstrap samples of problems and
seeds; those of differences are paired. A *win* of A over B is a (problem, seed) where A's best is
lower; ties count half.

With --out, runs are kept as JSON lines and those that are there already are not repeated; changed
problems and, for sparktune, changed settings or --tag count as new. Tables are printed as Markdown,
progress to standard error.

From Python, with names of problems and a batch, rounds and number of seeds:

    runs = perform({"old": TPE(), "new": TPE(gamma=0.2)}, names, 8, 16, 10)
    results = collect(runs)
    score(results, "new", "tree"), print(compare(results, "new"))
"""
# ruff: noqa: E402 (threads are limited before numpy is imported)

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # one thread for each process of --jobs

import argparse
import functools
import json
import re
import sys
import time
import zlib
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from contenders import CONTENDERS, DEFAULT, Evaluations, Ours, run_hyperopt, run_ours, run_smac
from problems import GROUPS, HALVES, PROBLEMS

from sparktune import hp as our_hp
from sparktune.space.tree import Space
from sparktune.suggest.random import Random

LEAST = 1e-3
RANDOM_SEEDS = 200
SAMPLES = 2000  # of the bootstrap
STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))


# Random search, the yardstick.


@functools.cache
def fingerprint(problem):
    """A number that changes with the problem."""
    space = Space(problem.space(our_hp))
    rows = space.sample(np.random.default_rng(0), 32)
    losses = [f"{problem.loss(space.build(space.decode(row))):.9g}" for row in rows]
    text = f"{space.labels} {space.distributions} {losses} {problem.noise} {problem.optimum:.9g}"
    return zlib.crc32(text.encode())


def random_medians(problem, n, folder=None, seeds=RANDOM_SEEDS):
    """(n,) medians over seeds of random search's best after each evaluation, kept in a folder."""
    path = None
    if folder is not None:
        path = Path(folder) / f"random-{problem.name}-{fingerprint(problem):08x}-{n}-{seeds}.npy"
        if path.exists():
            return np.load(path)
    return _random_medians(problem, n, path, seeds)


@functools.cache
def _random_medians(problem, n, path, seeds):
    space = Space(problem.space(our_hp))
    rng = np.random.default_rng(zlib.crc32(problem.name.encode()))
    runs = np.empty((seeds, n))
    for i in range(seeds):
        evaluate = Evaluations(problem, 1_000_000 + i)
        for row in space.sample(rng, n):
            evaluate(space.build(space.decode(row)))
        runs[i] = evaluate.trajectory
    medians = np.median(runs, axis=0)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f"{path.stem}-{os.getpid()}.npy")
        np.save(scratch, medians)
        scratch.replace(path)
    return medians


def ratios(problem, trajectory, folder=None):
    """Regret ratio of a run after each evaluation; 1 where random search is at the optimum too."""
    regret = np.maximum(np.asarray(trajectory) - problem.optimum, 0.0)
    usual = random_medians(problem, len(regret), folder) - problem.optimum
    # n random candidates reach the optimum itself in few problems, if in any
    tiny = 1e-12 * max(1.0, abs(problem.optimum))
    return np.where(usual > tiny, regret / np.maximum(usual, tiny), 1.0 + (regret > tiny))


# Many runs.


def run_one(problem, make_suggester, batch, rounds, seed):
    """The trajectory of a suggester of sparktune, or of what makes one when called."""
    if isinstance(problem, str):
        problem = PROBLEMS[problem]
    made = hasattr(make_suggester, "suggest") and not isinstance(make_suggester, type)
    suggester = make_suggester if made else make_suggester()
    return run_ours(problem, suggester, batch, rounds, seed)[0]


def tag_of(contender, runner, tag):
    """What distinguishes runs of a contender: for sparktune its settings and --tag."""
    ours = isinstance(runner, Ours) and not isinstance(runner.suggester, Random)
    if not ours:
        return contender
    settings = re.sub(r" at 0x[0-9a-f]+", "", repr(runner.suggester))  # of functions
    return f"{settings} {tag}".strip()


def versions_of(runner):
    if isinstance(runner, Ours):
        return {"sparktune": version("sparktune"), "numpy": version("numpy")}
    peer = {run_hyperopt: "hyperopt", run_smac: "smac"}.get(runner, "optuna")
    return {peer: version(peer), "numpy": version("numpy")}


def _perform(job):
    contender, runner, tag, name, batch, rounds, seed = job
    problem = PROBLEMS[name]
    trajectory, seconds = runner(problem, batch, rounds, seed)
    return {
        "contender": contender,
        "tag": tag_of(contender, runner, tag),
        "versions": versions_of(runner),
        "problem": name,
        "print": fingerprint(problem),
        "seed": seed,
        "batch": batch,
        "rounds": rounds,
        "seconds": round(seconds, 4),
        "trajectory": [float(f"{loss:.9g}") for loss in trajectory],
    }


def _key(run):
    return tuple(
        run[part] for part in ("contender", "tag", "problem", "print", "seed", "batch", "rounds")
    )


def read_runs(path):
    """The runs of a file of JSON lines by their keys; the last one of each key."""
    runs = {}
    if path is not None and Path(path).exists():
        for line in Path(path).read_text().splitlines():
            try:
                run = json.loads(line)
            except ValueError:
                continue  # the end of a file whose writer was stopped
            runs[_key(run)] = run
    return runs


def perform(contenders, names, batch, rounds, seeds, jobs=None, out=None, tag="", fresh=()):
    """All runs of contenders (name -> runner or suggester), those in the file ``out`` not again."""
    contenders = {
        name: Ours(runner) if hasattr(runner, "suggest") else runner
        for name, runner in contenders.items()
    }
    known = read_runs(out)
    found, todo = [], []
    for name in names:
        for seed in range(seeds):
            for contender, runner in contenders.items():
                key = (
                    contender, tag_of(contender, runner, tag), name,
                    fingerprint(PROBLEMS[name]), seed, batch, rounds,
                )  # fmt: skip
                if key in known and contender not in fresh:
                    found.append(known[key])
                else:
                    todo.append((contender, runner, tag, name, batch, rounds, seed))
    began = time.perf_counter()
    for done, run in enumerate(_performed(todo, jobs or os.cpu_count()), 1):
        found.append(run)
        if out is not None:
            Path(out).parent.mkdir(parents=True, exist_ok=True)
            with Path(out).open("a") as file:
                file.write(json.dumps(run) + "\n")
        if done % 20 == 0 or done == len(todo):
            spent = time.perf_counter() - began
            left = spent / done * (len(todo) - done)
            print(f"{done}/{len(todo)} runs, {spent:.0f} s, {left:.0f} s left", file=sys.stderr)
    order = list(contenders)
    return sorted(found, key=lambda run: order.index(run["contender"]))


def _performed(todo, jobs):
    if jobs == 1 or len(todo) < 2:
        yield from map(_perform, todo)
        return
    with ProcessPoolExecutor(min(jobs, len(todo))) as pool:
        futures = [pool.submit(_perform, job) for job in todo]
        for future in as_completed(futures):
            yield future.result()


# Figures.


@dataclass(frozen=True)
class Results:
    """Runs as arrays: contender -> (problems, seeds, evaluations) bests and ratios."""

    problems: list
    best: dict
    ratio: dict
    milliseconds: dict

    def where(self, group):
        """Numbers of the problems of a group: "all", "flat", "tree" (not flat) or a family."""
        return [
            i
            for i, p in enumerate(self.problems)
            if group in ("all", "tree" if p.tree else "flat", p.group)
        ]


def collect(runs, folder=None):
    """Results of runs; problems and seeds that some contender lacks are left out."""
    by = {}
    for run in runs:
        by.setdefault(run["contender"], {})[run["problem"], run["seed"]] = run
    names = [name for name in PROBLEMS if all(any(k[0] == name for k in d) for d in by.values())]
    seeds = sorted({seed for d in by.values() for _, seed in d})
    seeds = [s for s in seeds if all((name, s) in d for name in names for d in by.values())]
    problems = [PROBLEMS[name] for name in names]
    best = {
        contender: np.array([[d[name, s]["trajectory"] for s in seeds] for name in names])
        for contender, d in by.items()
    }
    ratio = {
        contender: np.array(
            [
                [ratios(problem, trajectory, folder) for trajectory in rows]
                for problem, rows in zip(problems, every, strict=True)
            ]
        )
        for contender, every in best.items()
    }
    milliseconds = {
        contender: 1000 * sum(run["seconds"] for run in d.values())
        / sum(run["batch"] * run["rounds"] for run in d.values())
        for contender, d in by.items()
    }  # fmt: skip
    return Results(problems, best, ratio, milliseconds)


def logs(ratio):
    """log10 of ratios, with the floor."""
    return np.log10(np.maximum(ratio, LEAST))


def score(results, contender, group="all"):
    """Mean over problems and seeds of log10 of the regret ratio at the end; lower is better."""
    return float(logs(results.ratio[contender][results.where(group), :, -1]).mean())


def score_by_medians(results, contender, group="all"):
    """Mean over problems of log10 of the median regret ratio at the end."""
    last = results.ratio[contender][results.where(group), :, -1]
    return float(logs(np.median(last, axis=1)).mean())


def bootstrap(results, contenders, group):
    """(samples,) scores of each contender on the same resampled problems and seeds."""
    where = np.array(results.where(group))
    rng = np.random.default_rng(0)
    seeds = results.ratio[contenders[0]].shape[1]
    chosen = where[rng.integers(len(where), size=(SAMPLES, len(where), 1))]
    drawn = rng.integers(seeds, size=(SAMPLES, len(where), seeds))
    return {
        contender: logs(results.ratio[contender][chosen, drawn, -1]).mean(axis=(1, 2))
        for contender in contenders
    }


def wins(a, b):
    """Share of pairs in which a is lower than b; ties count half."""
    return float(np.mean((a < b) + 0.5 * (a == b)))


def mean_ranks(results, group):
    from scipy.stats import rankdata

    where = results.where(group)
    last = np.stack([best[where, :, -1] for best in results.best.values()])
    ranks = rankdata(last, axis=0).mean(axis=(1, 2))
    return dict(zip(results.best, ranks, strict=True))


def interval(samples):
    low, high = np.quantile(samples, [0.025, 0.975])
    return f"{low:+.2f} .. {high:+.2f}"


def compare(results, yardstick="sparktune", groups=("all", "flat", "tree")):
    """Markdown: score, rank and seconds of each contender, and the yardstick beside each."""
    contenders = list(results.best)
    lines = [
        "| group | contender | score | 95 % | by medians | mean rank | ms | "
        f"wins of {yardstick} | of medians | {yardstick} minus it | 95 % |",
        "|---|---|--:|:-:|--:|--:|--:|--:|--:|--:|:-:|",
    ]
    for group in groups:
        where = results.where(group)
        if not where:
            continue
        samples = bootstrap(results, contenders, group)
        ranks = mean_ranks(results, group)
        for contender in contenders:
            value = score(results, contender, group)
            row = [
                f"{group} ({len(where)})", contender, f"{value:+.3f}",
                interval(samples[contender]),
                f"{score_by_medians(results, contender, group):+.3f}", f"{ranks[contender]:.2f}",
                f"{results.milliseconds[contender]:.1f}",
            ]  # fmt: skip
            if yardstick in contenders and contender != yardstick:
                ours = results.best[yardstick][where, :, -1]
                theirs = results.best[contender][where, :, -1]
                row += [
                    f"{wins(ours, theirs):.2f}",
                    f"{wins(np.median(ours, axis=1), np.median(theirs, axis=1)):.2f}",
                    f"{score(results, yardstick, group) - value:+.3f}",
                    interval(samples[yardstick] - samples[contender]),
                ]
            else:
                row += [""] * 4
            lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines)


def families(results):
    """Markdown: score of each contender on each family of problems, with its interval."""
    contenders = list(results.best)
    lines = ["| family | " + " | ".join(contenders) + " |"]
    lines.append("|---|" + "--:|" * len(contenders))
    for family in GROUPS:
        where = results.where(family)
        if where:
            samples = bootstrap(results, contenders, family)
            cells = [
                f"{score(results, c, family):+.2f} ({interval(samples[c])})" for c in contenders
            ]
            lines.append(f"| {family} ({len(where)}) | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def each_problem(results):
    """Markdown: median ratio of each contender on each problem."""
    lines = ["| problem | family | " + " | ".join(results.best) + " |"]
    lines.append("|---|---|" + "--:|" * len(results.best))
    for i, problem in enumerate(results.problems):
        medians = [np.median(ratio[i, :, -1]) for ratio in results.ratio.values()]
        cells = " | ".join(f"{value:.3f}" for value in medians)
        family = problem.group + (", tree" if problem.tree else ", flat")
        lines.append(f"| {problem.name} | {family} | {cells} |")
    return "\n".join(lines)


def plot(results, path, title=""):
    """Median and quartiles over problems and seeds of log10 of the ratio, by evaluations."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    groups = [group for group in ("all", "flat", "tree") if results.where(group)]
    figure, axes = pyplot.subplots(
        1, len(groups), figsize=(5 * len(groups), 4.6), sharey=True, squeeze=False
    )
    for axis, group in zip(axes[0], groups, strict=True):
        where = results.where(group)
        for i, (contender, ratio) in enumerate(results.ratio.items()):
            color, style = ("0.5", "-") if contender == "random" else (f"C{i}", STYLES[i % 5])
            low, middle, high = np.quantile(
                logs(ratio[where]).reshape(-1, ratio.shape[-1]), [0.25, 0.5, 0.75], axis=0
            )
            n = np.arange(1, len(middle) + 1)
            axis.plot(n, middle, color=color, linestyle=style, label=contender, linewidth=1.8)
            axis.fill_between(n, low, high, color=color, alpha=0.12, linewidth=0)
        axis.axhline(0, color="0.4", linewidth=0.8, linestyle=":")
        axis.set_title(f"{group} ({len(where)} problems)")
        axis.set_xlabel("evaluations")
        axis.grid(alpha=0.25)
    axes[0][0].set_ylabel("log10 of regret / random search's median regret")
    axes[0][0].legend(loc="lower left", fontsize=9)
    figure.suptitle(title)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--half", choices=HALVES, default="dev", help="test: for reporting only")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=16)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--contenders", default=",".join(DEFAULT), help=", ".join(CONTENDERS))
    parser.add_argument("--problems", default="", help="names, with commas; all of the half")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=Path, help="JSON lines of runs, which are not repeated")
    parser.add_argument("--tag", default="", help="distinguishes runs of sparktune")
    parser.add_argument("--fresh", default="", help="contenders whose runs are repeated")
    parser.add_argument("--plot", type=Path, help="a picture of the curves")
    args = parser.parse_args()
    args.contenders = [name for name in args.contenders.split(",") if name]
    args.fresh = [name for name in args.fresh.split(",") if name]
    args.problems = [name for name in args.problems.split(",") if name] or [
        name for name, problem in PROBLEMS.items() if problem.half == args.half
    ]
    for option, known in (
        ("contenders", CONTENDERS), ("fresh", CONTENDERS), ("problems", PROBLEMS)
    ):  # fmt: skip
        unknown = [name for name in getattr(args, option) if name not in known]
        if unknown:
            parser.error(f"--{option}: unknown {unknown}; there are {', '.join(known)}")
    return args


def main():
    args = parse_arguments()
    runs = perform(
        {name: CONTENDERS[name] for name in args.contenders}, args.problems, args.batch,
        args.rounds, args.seeds, args.jobs, args.out, args.tag, args.fresh,
    )  # fmt: skip
    results = collect(runs, args.out.parent if args.out else None)
    about = f"{args.half}: batch {args.batch}, {args.rounds} rounds, {args.seeds} seeds"
    print(f"\n{about}\n\n{compare(results)}\n\n{families(results)}\n\n{each_problem(results)}")
    if args.plot:
        plot(results, args.plot, about)


if __name__ == "__main__":
    main()
