"""How long the report of a large run takes: its document, its page, and opening it in Chromium.

    python benchmarks/report.py [--trials 10000] [--repeats 5]

Needs playwright and Chromium (conf/environment.sh pages). A page is open once everything on it is
drawn: the table, then one picture after the other; usable once the table is. Filters are typed
words, first of all the one for which the texts are gathered.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))
from shown_runs import work

from sparktune.report import document_of, json_of, page

WORDS = ("boost", "boost robust", "0.2", "ValueError", "no such text", "")
OPENED = """new Promise((go) => {
  const drawn = () => [...document.querySelectorAll('.frame svg')].every(
    (svg) => svg.childElementCount > 2 || !svg.checkVisibility());
  const look = () => drawn() ? requestAnimationFrame(() => setTimeout(() => go(performance.now())))
    : setTimeout(look, 5);
  look();
})"""
FILTER = """(word) => new Promise((go) => {
  const input = document.getElementById('search');
  const begun = performance.now();
  input.value = word;
  input.dispatchEvent(new Event('input'));
  requestAnimationFrame(() => setTimeout(() => go(performance.now() - begun)));
})"""
SORT = """(place) => new Promise((go) => {
  const begun = performance.now();
  document.querySelectorAll('#trials thead button')[place].click();
  requestAnimationFrame(() => setTimeout(() => go(performance.now() - begun)));
})"""


def seconds_of(call, repeats):
    """The median time of a call, and what it gave."""
    found, result = [], None
    for _ in range(repeats):
        begun = time.perf_counter()
        result = call()
        found.append(time.perf_counter() - begun)
    return statistics.median(found), result


def in_browser(file, repeats):
    """Medians of opening, of the first and of later filters, and of sorting, in seconds."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    opened, first, later, sorted_ = [], [], [], []
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for _ in range(repeats):
            tab = browser.new_page(viewport={"width": 1280, "height": 900})
            tab.goto(file.as_uri(), wait_until="load")
            opened.append(tab.evaluate(OPENED))
            times = [tab.evaluate(FILTER, word) for word in WORDS]
            first.append(times[0])
            later += times[1:]
            sorted_ += [tab.evaluate(SORT, place) for place in (2, 1, 4)]
            tab.close()
        browser.close()
    return {
        "open, everything drawn": statistics.median(opened) / 1000,
        "the first filter": statistics.median(first) / 1000,
        "a later filter": statistics.median(later) / 1000,
        "the slowest filter": max(*first, *later) / 1000,
        "sort": statistics.median(sorted_) / 1000,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=5)
    words = parser.parse_args()
    history = work(words.trials)
    told = {}
    told["document"], document = seconds_of(lambda: document_of(history), words.repeats)
    told["page"], text = seconds_of(lambda: page(document), words.repeats)
    told["json for a server"], data = seconds_of(lambda: json_of(document), words.repeats)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "run.html"
        file.write_text(text, "utf-8")
        told |= in_browser(file, words.repeats)
    reports = sum(len(steps) for _, steps, _ in json.loads(data)["trials"]["reports"])
    print(f"{words.trials:,} trials, {len(history.space)} labels, {reports:,} reports; medians")
    for name, seconds in told.items():
        print(f"{name:24} {seconds:8.3f} s")
    print(f"{'size of the page':24} {len(text) / 1e6:8.2f} MB")


if __name__ == "__main__":
    main()
