"""From runs to figures: regret beside random search's, scores, intervals, tables: quality.py."""

import functools
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from contenders import Evaluations
from suites import GROUPS, PROBLEMS

from sparktune import hp as our_hp
from sparktune.space.tree import Space

BY = ("returned", "recommended", "observed")
RANDOM_SEEDS = 200
SAMPLES = 2000  # of the bootstrap
STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))


# Random search, the yardstick.


@functools.cache
def fingerprint(problem):
    """A number that changes with the problem."""
    space = Space(problem.space(our_hp))
    rows = space.sample(np.random.default_rng(0), 32)
    configs = [space.build(space.decode(row)) for row in rows]
    text = f"{space.labels} {space.distributions} {problem.signature(configs)}"
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
        runs[i] = evaluate.trajectory()
    medians = np.median(runs, axis=0)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f"{path.stem}-{os.getpid()}.npy")
        np.save(scratch, medians)
        scratch.replace(path)
    return medians


def bests(run, by="returned"):
    """The best of a run after each evaluation; what is costly to find out at its end alone."""
    if by == "observed":
        return run["observed"]
    values = run["trajectory"]
    if by == "recommended" and run["recommended"] is not None:
        values = [*values[:-1], run["recommended"]]
    return values


def ratios(problem, run, folder=None, by="returned"):
    """Regret ratio of a run after each evaluation; 1 where random search is at the optimum too."""
    values, observed = np.asarray(bests(run, by)), by == "observed"
    n = run["batch"] * run["rounds"]
    if not problem.costly:
        lowest, usual = problem.optimum, random_medians(problem, n, folder)
    elif observed:
        lowest, usual = problem.lowest, problem.usually_observed(n)
    else:
        lowest, usual = problem.optimum, problem.usual(n)
    regret, usual = np.maximum(values - lowest, 0.0), usual - lowest
    # n random candidates reach the optimum itself in few problems, if in any
    tiny = 1e-12 * max(1.0, abs(lowest))
    ratio = np.where(usual > tiny, regret / np.maximum(usual, tiny), 1.0 + (regret > tiny))
    return np.maximum(ratio, problem.least)


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


def collect(runs, folder=None, by="returned"):
    """Results of runs by one of BY; problems and seeds that some contender lacks are left out."""
    of = {}
    for run in runs:
        of.setdefault(run["contender"], {})[run["problem"], run["seed"]] = run
    names = [name for name in PROBLEMS if all(any(k[0] == name for k in d) for d in of.values())]
    seeds = sorted({seed for d in of.values() for _, seed in d})
    seeds = [s for s in seeds if all((name, s) in d for name in names for d in of.values())]
    problems = [PROBLEMS[name] for name in names]
    best = {
        contender: np.array([[bests(d[name, s], by) for s in seeds] for name in names])
        for contender, d in of.items()
    }
    ratio = {
        contender: np.array(
            [
                [ratios(problem, d[problem.name, s], folder, by) for s in seeds]
                for problem in problems
            ]
        )
        for contender, d in of.items()
    }
    milliseconds = {
        contender: 1000 * sum(run["seconds"] for run in d.values())
        / sum(run["batch"] * run["rounds"] for run in d.values())
        for contender, d in of.items()
    }  # fmt: skip
    return Results(problems, best, ratio, milliseconds)


def score(results, contender, group="all"):
    """Mean over problems and seeds of log10 of the regret ratio at the end; lower is better."""
    return float(np.log10(results.ratio[contender][results.where(group), :, -1]).mean())


def score_by_medians(results, contender, group="all"):
    """Mean over problems of log10 of the median regret ratio at the end."""
    last = results.ratio[contender][results.where(group), :, -1]
    return float(np.log10(np.median(last, axis=1)).mean())


def bootstrap(results, contenders, group):
    """(samples,) scores of each contender on the same resampled problems and seeds."""
    where = np.array(results.where(group))
    rng = np.random.default_rng(0)
    seeds = results.ratio[contenders[0]].shape[1]
    chosen = where[rng.integers(len(where), size=(SAMPLES, len(where), 1))]
    drawn = rng.integers(seeds, size=(SAMPLES, len(where), seeds))
    return {
        contender: np.log10(results.ratio[contender][chosen, drawn, -1]).mean(axis=(1, 2))
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


def beside(results, other="random"):
    """Markdown: score of each contender less another's on each problem; * where beyond chance.

    Chance is the interval that holds 95 % of bootstrap samples of the seeds.
    """
    contenders = [name for name in results.best if name != other]
    lines = [f"| problem, less {other} | " + " | ".join(contenders) + " |"]
    lines.append("|---|" + "--:|" * len(contenders))
    seeds = results.ratio[other].shape[1]
    drawn = np.random.default_rng(0).integers(seeds, size=(SAMPLES, seeds))
    for i, problem in enumerate(results.problems):
        cells = []
        for name in contenders:
            apart = np.log10(results.ratio[name][i, :, -1] / results.ratio[other][i, :, -1])
            low, high = np.quantile(apart[drawn].mean(1), [0.025, 0.975])
            cells.append(f"{apart.mean():+.2f}{'*' if low > 0 or high < 0 else ''}")
        lines.append(f"| {problem.name} | " + " | ".join(cells) + " |")
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
                np.log10(ratio[where]).reshape(-1, ratio.shape[-1]), [0.25, 0.5, 0.75], axis=0
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
