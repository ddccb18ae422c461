"""How soon is the dashboard's first page there, and what does a change cost?

    pip install "sparktune[dashboard]" playwright
    python benchmarks/dashboard.py [--runs 20] [--trials 5000] [--repeats 5] [--browser PATH]

Journals of random search over 12 labels, one in twenty trials failed, written before without syncs.
Each repeat starts a server anew, so that it has read nothing, and asks for the address that it
prints at once:

- data: seconds until page, script, style, the list of runs and the first run's document are there;
- all: seconds until every run is in the list with its counts;
- page: with ``--browser``, a Chromium, seconds until the page shows the first run's table;
- warm: the same of a server that has read all runs;
- push: then, seconds from a trial's end, in another process's journal, to its line in the event.

Prints Markdown: medians, and the least and the most.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measuring import machine

from sparktune import Trials, fmin, hp, rand

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))
from dashboards import Client

SPACE = {
    **{f"x{i}": hp.uniform(f"x{i}", 0, 1) for i in range(8)},
    "rate": hp.loguniform("rate", -7, 0),
    "kind": hp.choice("kind", ["a", {"depth": hp.uniformint("depth", 1, 30)}]),
    "scale": hp.choice("scale", ["none", "minmax", "standard"]),
}


def objective(config):
    if config["x7"] < 0.05:
        raise ValueError(f"no luck with {config['scale']}")
    return sum((config[f"x{i}"] - 0.3) ** 2 for i in range(8))


def search(folder, count):
    trials = Trials(journal=folder)
    fmin(
        objective, SPACE, rand.suggest, count, trials=trials, rstate=0, show_progressbar=False,
        catch_eval_exceptions=True,
    )  # fmt: skip


def served(folder):
    """A server, and its address."""
    command = [sys.executable, "-m", "sparktune", "dashboard", str(folder), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    return process, re.search(r"http://\S+", process.stdout.readline())[0]


def data(address, runs):
    began = time.perf_counter()
    client = Client(address).enter()
    for path in ("/", "/static/page.js", "/static/page.css"):
        client.ask(path)
    read, first = {}, None
    with client.events() as lists:
        for lines in lists:
            read |= {line["key"]: line for line in lines if line["version"]}
            if read and first is None:
                client.json(f"/api/runs/{next(iter(read))}")
                first = time.perf_counter() - began
            if len(read) == runs:
                return first, time.perf_counter() - began
    raise RuntimeError("the server has gone")


def page(address, browser):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        tab = chromium.new_page()
        began = time.perf_counter()
        tab.goto(address)
        tab.wait_for_selector("#trials tbody tr th")
        took = time.perf_counter() - began
        chromium.close()
    return took


def push(address, folder):
    client = Client(address).enter()
    with client.events() as lists:
        known = {}
        for lines in lists:
            known |= {line["key"]: line for line in lines}
            if all(line["version"] for line in known.values()):
                break
        mine = next(line for line in known.values() if line["name"] == str(folder))
        search(folder, mine["trials"] + 1)
        ended = time.time()
        for lines in lists:
            if any(line["key"] == mine["key"] for line in lines):
                return time.time() - ended
    raise RuntimeError("the server has gone")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--trials", type=int, default=5000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--browser")
    args = parser.parse_args()
    found = {"data": [], "all": [], "page": [], "warm": [], "push": []}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        sync, os.fsync = os.fsync, lambda _: None
        for number in range(args.runs):
            search(folder / f"run{number:02}", args.trials)
        os.fsync = sync
        for _ in range(args.repeats):
            for what in ("data", "page", "push"):
                if what == "page" and not args.browser:
                    continue
                process, address = served(folder)
                try:
                    if what == "data":
                        first, every = data(address, args.runs)
                        found["data"].append(first)
                        found["all"].append(every)
                        if args.browser:
                            found["warm"].append(page(address, args.browser))
                    elif what == "page":
                        found["page"].append(page(address, args.browser))
                    else:
                        found["push"].append(push(address, folder / "run00"))
                finally:
                    process.terminate()
                    process.wait()
    print(f"{args.runs} runs of {args.trials:,} trials\n\n| | median s | least | most |")
    print("|---|---|---|---|")
    for what, times in found.items():
        if times:
            middle = statistics.median(times)
            print(f"| {what} | {middle:.2f} | {min(times):.2f} | {max(times):.2f} |")
    print(f"\n{machine('numpy', 'starlette', 'uvicorn', 'playwright')}")


if __name__ == "__main__":
    main()
