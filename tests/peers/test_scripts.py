"""Scripts as people write them for Hyperopt, each run with Hyperopt and with this package.

A script does not know which of the two it has. It prints what its author would print, writes files,
and ends with a line of JSON that sums up its run. Of that, what stands under "found" depends on the
values that were drawn, and is compared by its kind alone; "good" says whether the best loss is
below what the problem lets one expect, and must be true; all else must be equal.
"""

import csv
import difflib
import json
import os
import re
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("hyperopt")

ROOT = Path(__file__).parents[2]
SCRIPTS = {path.stem: path for path in sorted((Path(__file__).parent / "scripts").glob("*.py"))}
ARGUMENTS = {
    "tune_cli": ["-n", "40", "--algo=tpe", "--seed", "4", "--out=a b.json", "--", "-2", "2"]
}
LIBRARIES = {"Hyperopt": [], "sparktune.hyperopt": ["-m", "sparktune.hyperopt"]}
SECONDS = 60

# Lines of a script that one of the two says and the other does not: Hyperopt on standard output, we
# on standard error. The page on moving has them all.
THEY_SAY = {
    "hyperopt_plots": ["avg best error: .*", r"Showing Histogram of \d+ jobs", "finite loss .*"],
}
WE_SAY = {
    "failing_trials": [r"trial \d+ failed: no room for a model of size \d+"],
    "save_file": [
        r".*UserWarning: loading trials.hyperopt runs what is in it.*",
        r" +return fmin\(",
    ],
}


@dataclass(frozen=True)
class Ran:
    """What is left of a run."""

    library: str
    code: int
    output: str
    errors: str
    folder: Path

    @property
    def printed(self):
        """What the script prints before its last line."""
        return "\n".join(self.output.splitlines()[:-1])

    @property
    def summary(self):
        """What the script says in its last line."""
        try:
            return json.loads(self.output.splitlines()[-1])
        except (IndexError, ValueError):
            return None

    @property
    def files(self):
        """What the script wrote, by name."""
        found = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): contents(path) for path in found}


def run_with_both(script, folder, arguments=(), libraries=LIBRARIES):
    """Run a script with each library, at the same time."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HYPEROPT_FMIN_SEED": "5"}
    running = []
    for library, options in libraries.items():
        place = folder / library
        place.mkdir()
        with Path(f"{place}.out").open("w") as output, Path(f"{place}.err").open("w") as errors:
            process = subprocess.Popen(
                [sys.executable, *options, str(script), *arguments], cwd=place, env=environment,
                stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
            )  # fmt: skip
        running.append((library, process, place))
    try:
        for _, process, _ in running:
            process.wait(SECONDS)
    finally:
        for _, process, _ in running:
            process.kill()
            process.wait()
    found = []
    for library, process, place in running:
        texts = [Path(f"{place}.{end}").read_text() for end in ("out", "err")]
        found.append(Ran(library, process.returncode, *texts, place))
    return found


def differences(theirs, ours, where, found=False):
    """Where two values of JSON differ: in kind, in keys or their order, in length, or in value.

    Below a key "found" values of one kind may differ.
    """
    if type(theirs) is not type(ours):
        return [f"{where}: {theirs!r} is {ours!r} with us"]
    if isinstance(theirs, dict):
        if list(theirs) != list(ours):
            return [f"{where}: keys {list(theirs)} are {list(ours)} with us"]
        parts = [(f"{where}.{key}", theirs[key], ours[key], key == "found") for key in theirs]
    elif isinstance(theirs, list):
        if len(theirs) != len(ours):
            return [f"{where}: length {len(theirs)} is {len(ours)} with us: {theirs}, {ours}"]
        both = enumerate(zip(theirs, ours, strict=True))
        parts = [(f"{where}[{i}]", *pair, False) for i, pair in both]
    else:
        return [] if found or theirs == ours else [f"{where}: {theirs!r} is {ours!r} with us"]
    return [
        difference
        for place, one, other, begins in parts
        for difference in differences(one, other, place, found or begins)
    ]


def contents(path):
    """Of a file: a table or JSON as such, a text's words, a picture's size; else whether empty."""
    if path.suffix == ".json":
        return {"found": json.loads(path.read_text())}
    if path.suffix == ".jsonl":
        return {"found": [json.loads(line) for line in path.read_text().splitlines()]}
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            header, *rows = csv.reader(file)
        return {"header": header, "found": [[cell_of(text) for text in row] for row in rows]}
    if path.suffix == ".log":
        return words(path.read_text())
    if path.suffix == ".png":
        return list(struct.unpack(">2I", path.read_bytes()[16:24]))
    return path.stat().st_size > 0


def cell_of(text):
    """A cell of a table as a value of JSON."""
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


BAR = re.compile(
    r".*(\d|\?) ?(trial/s|s/trial).*|(sparktune:|INFO) (the search|\d+ of \d+ trials) .*"
)
VALUE = re.compile(
    r"""(?<!\w)'[^'\n]*' | (?<!\w)"[^"\n]*" | \b(True|False|None|nan|inf)\b
    | [-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?""",
    re.VERBOSE,
)
BRACKETS = re.compile(r"[\[{(][^][{}()]*[\]})]")


def lines(text, without=()):
    """The lines of a text without what a progress bar leaves there, and without some others."""
    found = [line for line in re.split(r"[\r\n]+", text) if line.strip() and not BAR.match(line)]
    return [line for line in found if not any(re.fullmatch(each, line) for each in without)]


def words(text, without=()):
    """The words of a text, "#" for each value among them."""
    text = "\n".join(lines(text, without))
    while BRACKETS.search(text):
        text = BRACKETS.sub(" # ", text)
    return VALUE.sub(" # ", text).split()


def all_true(value):
    """Whether a value is true, or a list or dict of such."""
    each = value.values() if isinstance(value, dict) else value
    return value is True or (isinstance(value, (dict, list)) and all(map(all_true, each)))


def disagreements(theirs, ours, they_say=(), we_say=()):
    """All in which two runs of a script differ, or do not do what a script here must do."""
    failed = [f"{ran.library}: {ran.code}\n{ran.errors}" for ran in (theirs, ours) if ran.code]
    if failed:
        return failed
    found = []
    for ran in (theirs, ours):
        if not isinstance(ran.summary, dict) or "good" not in ran.summary:
            return [f"{ran.library}: no summary: {ran.output[-500:]}"]
        if not all_true(ran.summary["good"]):
            found.append(f"{ran.library}: not good: {ran.summary}")
    found += differences(theirs.summary, ours.summary, "summary")
    found += differences(theirs.files, ours.files, "files")
    printed = words(theirs.printed, they_say), words(ours.printed)
    found += difflib.unified_diff(*printed, "printed", "printed by us", lineterm="")
    return found + [f"on standard error: {line}" for line in lines(ours.errors, we_say)]


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_does_the_same_with_both(name, tmp_path):
    """A script prints, writes and sums up the same with either library, but for what is drawn."""
    both = run_with_both(SCRIPTS[name], tmp_path, ARGUMENTS.get(name, ()))
    assert disagreements(*both, THEY_SAY.get(name, ()), WE_SAY.get(name, ())) == []


def test_the_scripts_know_one_library_alone():
    """The scripts import hyperopt, and none says anything of this package."""
    assert len(SCRIPTS) >= 25
    for path in SCRIPTS.values():
        assert re.search(r"^(from|import) hyperopt", path.read_text(), re.MULTILINE), path.name
        assert "sparktune" not in path.read_text(), path.name


def test_each_run_has_its_library(tmp_path):
    """The same import gives Hyperopt in one run, and this package in the other."""
    script = tmp_path / "script.py"
    script.write_text("import hyperopt\nprint(hyperopt.fmin.__module__, hyperopt.__version__)")
    theirs, ours = run_with_both(script, tmp_path)
    assert theirs.output == "hyperopt.fmin 0.3.0\n"
    assert ours.output == "sparktune.hyperopt.fmin 0.3.0\n"


# What a script might do otherwise in one of two runs, and what is said of it.
CHEATS = {
    "fails": ("sys.exit(ours)", "us: 1"),
    "raises": ("1 / (1 - ours)", "ZeroDivisionError"),
    "another value": ("summary['n'] += ours", "summary.n: 3 is 4"),
    "another kind": ("summary['n'] = 3 if ours else 3.0", "summary.n: 3.0 is 3"),
    "another kind of what is found": (
        "summary['found']['x'] = 3 if ours else 3.0",
        "summary.found.x: 3.0 is 3",
    ),
    "None for a number": ("summary['found']['x'] = None if ours else 0.5", "0.5 is None"),
    "true for 1": ("summary['n'] = True if ours else 1", "summary.n: 1 is True"),
    "another length": ("summary['found']['all'] += ours * [1]", "summary.found.all: length 2 is 3"),
    "a key more": ("summary.update({'more': 1} if ours else {})", "summary: keys"),
    "another order of keys": (
        "summary['found'] = dict(sorted(summary['found'].items(), reverse=ours))",
        "summary.found: keys",
    ),
    "not good": ("summary['good'] = {'a': True, 'b': not ours}", "us: not good"),
    "not good with them": ("summary['good'] = [ours]", "them: not good"),
    "says nothing of good": ("del summary['good']", "no summary"),
    "a file more": ("ours and Path('x').touch()", "files: keys"),
    "an empty file": ("Path('x').write_text('' if ours else 'x')", "files.x: True is False"),
    "another column": ("Path('x.csv').write_text('b,c' if ours else 'a,c')", "files.x.csv.header"),
    "a row more": ("Path('x.csv').write_text('a\\n1\\n' + ours * '2')", "x.csv.found: length"),
    "another kind of cell": ("Path('x.csv').write_text(f'a\\n{3.5 - ours / 2:g}')", "[0][0]: 3.5"),
    "an empty cell": ("Path('x.csv').write_text('a,b\\n1,' + '2' * (1 - ours))", "2 is None"),
    "other JSON": ("Path('x.json').write_text(str(2 if ours else 2.0))", "files.x.json.found"),
    "another text": ("Path('x.log').write_text(f'a 1 {ours * \"b\"}')", "files.x.log: length"),
    "another picture": (
        "Path('x.png').write_bytes(b'-' * 12 + b'IHDR' + struct.pack('>2I', 40, 30 + ours))",
        "files.x.png[1]: 30 is 31",
    ),
    "a word more": ("print('best', 1, 'at last' if ours else 'at')", "+last"),
    "a value more": ("print('best', *[1] * (1 + ours))", "+#"),
    "a warning": ("ours and warnings.warn('odd')", "UserWarning: odd"),
    "what they say and we do not": ("ours or print('they say 1')", None),
    "what we say as they do": ("print('they say 1')", "+they"),
    "what we say on standard error": ("ours and print('we say 1', file=sys.stderr)", None),
    "what we say elsewhere": ("ours and print('we say 1')", "+we"),
    "other values": ("print({'a': ours}, [ours], 3 + ours, 'x=%r' % ours)", None),
    "other values found": ("summary['found']['x'] = 0.5 + ours", None),
    "a bar elsewhere": (
        "(sys.stderr if ours else sys.stdout).write('\\r 50%|## | 1/2 [0<0, 2.5trial/s]\\r  \\r')",
        None,
    ),
}


@pytest.mark.parametrize("does", CHEATS)
def test_a_script_that_does_not_do_the_same_is_found_out(does, tmp_path):
    """A script that does something else in one of two runs is told from one that does not."""
    line, said = CHEATS[does]
    script = tmp_path / "script.py"
    script.write_text(
        "import json, struct, sys, warnings\n"
        "from pathlib import Path\n"
        "ours = 'ours' in sys._xoptions\n"
        "summary = {'n': 3, 'found': {'x': 0.5, 'all': [1, 2]}, 'good': True}\n"
        f"{line}\n"
        "print(json.dumps(summary))\n"
    )
    both = run_with_both(script, tmp_path, libraries={"them": [], "us": ["-X", "ours"]})
    found = "\n".join(disagreements(*both, ["they say .*"], ["we say .*"]))
    assert said in found if said else found == ""
