"""How good are the configurations found, beside Hyperopt's and Optuna's with the same spaces?

    pip install hyperopt==0.3.0 optuna==5.0.0 scikit-learn matplotlib
    python benchmarks/quality.py [--suite functions] [--half dev] [--batch 8] [--rounds 16] \
        [--seeds 10] [--contenders sparktune,optuna] [--problems codes,pipeline] [--jobs 2] \
        [--out runs.jsonl] [--by returned] [--plot curves.png]

Every contender minimises every problem of one half of a suite (suites.py) with every seed, in
batches: ``batch`` candidates are asked for before the first of them has a loss, ``rounds`` times.
The half "dev" is for developing, "test" only for reporting.

A run returns the candidate whose observed loss is lowest. Its *best* is what that candidate is
worth: its loss without noise, in *training* its mean over further evaluations, in *tables* that
over the table's seeds. Its *regret ratio* r is

    (best - optimum) / (median over many seeds of random search's best - optimum)

so that 1 is random search and 0 the optimum. A contender's *score* is the mean over problems and
seeds of log10(max(least, r)): lower is better, 0 is random search; least is 0.001, and 0.01 in
*training* and *tables*. With --by observed, scores are by the lowest loss that a run has seen; with
--by recommended, of runs of sparktune by what the trial is worth that its Gaussian process believes
to be best, as with ``fmin(recommend="model")``. *By medians* is the mean over problems of the same
of the median over seeds of r, which jumps where about half of the runs find the right branch and
the others nothing. Intervals hold 95 % of bootstrap samples of problems and seeds; those of
differences are paired. A *win* of A over B is a (problem, seed) where A's best is lower; ties count
half.

With --out, runs are kept as JSON lines, compressed where the name ends in .gz, and those that are
there already are not repeated, nor are those in the files of --read; changed problems and, for
sparktune, changed settings or --tag count as new. Tables are printed as Markdown unless --quiet,
progress to standard error. A peer that needs packages of its own is run by peers/run.sh, and --read
shows its runs beside others.

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
import gzip
import json
import re
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib.metadata import version
from pathlib import Path

from contenders import CONTENDERS, DEFAULT, Ours, run_hebo, run_hyperopt, run_ours, run_smac
from landscapes import HALVES
from scoring import BY, beside, collect, compare, each_problem, families, fingerprint, plot
from suites import PROBLEMS, SUITES

import sparktune
from sparktune.suggest.random import Random

# Many runs.


def run_one(problem, make_suggester, batch, rounds, seed):
    """The trajectory of a suggester of sparktune, or of what makes one when called."""
    if isinstance(problem, str):
        problem = PROBLEMS[problem]
    made = hasattr(make_suggester, "suggest") and not isinstance(make_suggester, type)
    suggester = make_suggester if made else make_suggester()
    return run_ours(problem, suggester, batch, rounds, seed)[0].trajectory()


def tag_of(contender, runner, tag):
    """What distinguishes runs of a contender: for sparktune its settings and --tag."""
    ours = isinstance(runner, Ours) and not isinstance(runner.suggester, Random)
    if not ours:
        return contender
    settings = re.sub(r" at 0x[0-9a-f]+", "", repr(runner.suggester))  # of functions
    return f"{settings} {tag}".strip()


def versions_of(runner):
    if isinstance(runner, Ours):
        return {"sparktune": sparktune.__version__, "numpy": version("numpy")}
    peer = {run_hyperopt: "hyperopt", run_smac: "smac", run_hebo: "HEBO"}.get(runner, "optuna")
    return {peer: version(peer), "numpy": version("numpy")}


def _perform(job):
    contender, runner, tag, name, batch, rounds, seed = job
    problem = PROBLEMS[name]
    evaluations, seconds = runner(problem, batch, rounds, seed)
    believed = evaluations.recommended
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
        "trajectory": [float(f"{loss:.9g}") for loss in evaluations.trajectory()],
        "recommended": None if believed is None else float(f"{problem.worth(believed):.9g}"),
        "observed": [float(f"{loss:.6g}") for loss in evaluations.observed],
    }


def _key(run):
    return tuple(
        run[part] for part in ("contender", "tag", "problem", "print", "seed", "batch", "rounds")
    )


def opened(path, mode):
    """A file of JSON lines, which is compressed where its name ends in .gz."""
    return gzip.open(path, f"{mode}t") if Path(path).suffix == ".gz" else Path(path).open(mode)


def read_runs(path):
    """The runs of a file of JSON lines by their keys; the last one of each key."""
    runs = {}
    if path is not None and Path(path).exists():
        with opened(path, "r") as file:
            lines = file.read().splitlines()
        for line in lines:
            try:
                run = json.loads(line)
            except ValueError:
                continue  # the end of a file whose writer was stopped
            runs[_key(run)] = run
    return runs


def perform(
    contenders, names, batch, rounds, seeds, jobs=None, out=None, tag="", fresh=(), read=()
):  # fmt: skip
    """All runs of contenders (name -> runner or suggester).

    Those in the file ``out``, which new ones are added to, or in the files ``read`` not again.
    """
    contenders = {
        name: Ours(runner) if hasattr(runner, "suggest") else runner
        for name, runner in contenders.items()
    }
    known = {}
    for path in (*read, out):
        known.update(read_runs(path))
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
            with opened(out, "a") as file:
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


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suite", choices=SUITES, default="functions")
    parser.add_argument("--half", choices=HALVES, default="dev", help="test: for reporting only")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=16)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--contenders", default=",".join(DEFAULT), help=", ".join(CONTENDERS))
    parser.add_argument("--problems", default="", help="names, with commas; all of the half")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=Path, help="JSON lines of runs, which are not repeated")
    parser.add_argument("--read", default="", help="more such files, with commas, as they are")
    parser.add_argument("--quiet", action="store_true", help="runs alone, and no tables")
    parser.add_argument("--tag", default="", help="distinguishes runs of sparktune")
    parser.add_argument("--fresh", default="", help="contenders whose runs are repeated")
    parser.add_argument("--by", choices=BY, default="returned", help="what scores are of")
    parser.add_argument("--plot", type=Path, help="a picture of the curves")
    args = parser.parse_args()
    args.contenders = [name for name in args.contenders.split(",") if name]
    if not args.contenders:
        parser.error(f"--contenders: at least one of {', '.join(CONTENDERS)}")
    args.read = [Path(name) for name in args.read.split(",") if name]
    missing = [str(path) for path in args.read if not path.exists()]
    if missing:
        parser.error(f"--read: there is no {', '.join(missing)}")
    args.fresh = [name for name in args.fresh.split(",") if name]
    args.problems = [name for name in args.problems.split(",") if name] or [
        name for name, problem in SUITES[args.suite].items() if problem.half == args.half
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
        args.rounds, args.seeds, args.jobs, args.out, args.tag, args.fresh, args.read,
    )  # fmt: skip
    if not args.quiet:
        show(runs, args)


def show(runs, args):
    results = collect(runs, args.out.parent if args.out else None, args.by)
    about = f"{args.suite}, {args.half}: batch {args.batch}, {args.rounds} rounds"
    print(f"\n{about}, {args.seeds} seeds\n")
    tables = [compare(results, args.contenders[0]), families(results), each_problem(results)]
    if "random" in results.best:
        tables.append(beside(results))
    print("\n\n".join(tables))
    if args.plot:
        plot(results, args.plot, about)


if __name__ == "__main__":
    main()
