"""What does each choice in TPE or Bayes gain? Runs on a development half with one thing changed.

    python benchmarks/ablation.py [--of tpe] [--suite functions] [--seeds 10] [--batch 8]
        [--rounds 16] [--by returned] [--only gamma,weights] [--problems name,name]
        [--out runs.jsonl]

Prints, for each change, its score minus that of the method as it is (above 0: the choice was
right), with the interval that holds 95 % of bootstrap samples of problems and seeds, for all, flat,
tree and noisy problems, and its wins. Score and wins as in quality.py. Runs of tables in docs/ are
kept in benchmarks/ablations/; --out takes such a file, and runs what it lacks.
"""

import argparse
import os
from pathlib import Path

import changes_bayes
import changes_tpe
from contenders import Ours
from quality import perform
from scoring import BY, bootstrap, collect, interval, score, wins
from suites import SUITES

from sparktune.suggest.bayes import Bayes
from sparktune.suggest.tpe import TPE

METHODS = {"tpe": (TPE(), changes_tpe.CHANGES), "bayes": (Bayes(), changes_bayes.CHANGES)}
GROUPS = ("all", "flat", "tree", "noisy")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--of", choices=METHODS, default="tpe")
    parser.add_argument("--suite", choices=SUITES, default="functions")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=16)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--by", choices=BY, default="returned", help="what scores are of")
    parser.add_argument("--only", default="", help="changes whose name begins so, with commas")
    parser.add_argument("--problems", default="", help="names, with commas; all of the half")
    parser.add_argument(
        "--out",
        type=Path,
        help="JSON lines of runs, not repeated until the code changes: then delete it",
    )
    args = parser.parse_args()
    method, every = METHODS[args.of]
    begins = tuple(args.only.split(","))
    changes = {name: each for name, each in every.items() if name.startswith(begins)}
    if not changes:
        parser.error(f"--only: there are {', '.join(every)}")
    names = [name for name, problem in SUITES[args.suite].items() if problem.half == "dev"]
    if args.problems:
        wanted = args.problems.split(",")
        if unknown := set(wanted) - set(names):
            parser.error(f"--problems: not of this half: {', '.join(sorted(unknown))}")
        names = wanted
    contenders = {"as it is": Ours(method), **{n: Ours(each) for n, each in changes.items()}}
    runs = perform(contenders, names, args.batch, args.rounds, args.seeds, args.jobs, args.out)
    results = collect(runs, args.out.parent if args.out else None, args.by)
    groups = [group for group in GROUPS if results.where(group)]
    print("| change | " + " | ".join(f"{g} | 95 %" for g in groups) + " | wins of the change |")
    print("|---|" + "--:|:-:|" * len(groups) + "--:|")
    for name in changes:
        cells = []
        for group in groups:
            samples = bootstrap(results, ["as it is", name], group)
            more = score(results, name, group) - score(results, "as it is", group)
            cells.append(f"{more:+.3f} | {interval(samples[name] - samples['as it is'])}")
        share = wins(results.best[name][:, :, -1], results.best["as it is"][:, :, -1])
        print(f"| {name} | " + " | ".join(cells) + f" | {share:.2f} |")


if __name__ == "__main__":
    main()
