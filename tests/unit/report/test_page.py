"""The page as text: what stands in it, how data is escaped, and how it is written."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded_runs import searched
from shown_runs import EVIL, hostile, work

from sparktune import Trials, fmin, hp, rand
from sparktune.cli import main
from sparktune.report import document_of, json_of, page, script, shell, style, write


class Elements(HTMLParser):
    """What a browser would see: elements with their attributes, and texts of scripts and styles."""

    def __init__(self, text):
        super().__init__(convert_charrefs=False)
        self.elements, self.texts, self.now = [], {}, None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self.now = len(self.elements) - 1

    def handle_endtag(self, tag):
        self.now = None

    def handle_data(self, data):
        if self.now is not None:
            self.texts[self.now] = self.texts.get(self.now, "") + data

    def of(self, tag):
        return [
            (attributes, self.texts.get(place, ""))
            for place, (name, attributes) in enumerate(self.elements)
            if name == tag
        ]


def data_of(text):
    """The document in a page."""
    (block,) = [body for given, body in Elements(text).of("script") if given.get("id") == "run"]
    return json.loads(block)


def test_the_page_holds_the_document():
    """What a page shows is the document, unchanged by the way it is written."""
    document = document_of(work(30), "a name")
    assert data_of(page(document)) == document


def test_a_hostile_run_adds_no_element():
    """A page of texts that look like markup has the elements of any other page."""
    document = document_of(hostile(), EVIL[0])
    evil, plain = Elements(page(document)), Elements(page(document_of(None)))
    assert [tag for tag, _ in evil.elements] == [tag for tag, _ in plain.elements]
    assert data_of(page(document)) == document


@given(st.recursive(st.text() | st.sampled_from(EVIL), lambda each: st.lists(each, max_size=3)))
def test_json_in_a_page_has_nothing_that_ends_it(thing):
    """No character of any text means something in HTML or ends a line of JavaScript."""
    text = json_of({"name": "", "x": thing})
    assert not set(text) & set("<>&\u2028\u2029")
    assert text.isascii()
    assert json.loads(text)["x"] == thing


def test_the_policy_allows_what_the_page_brings_and_nothing_else():
    """Only its own script and style run, by digest; nothing is fetched, sent or embedded."""
    found = Elements(page(document_of(None)))
    (policy,) = [
        given["content"] for given, _ in found.of("meta")
        if given.get("http-equiv") == "Content-Security-Policy"
    ]  # fmt: skip
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["base-uri"] == rules["form-action"] == "'none'"
    (sheet,) = [body for _, body in found.of("style")]
    (module,) = [body for given, body in found.of("script") if given.get("type") == "module"]
    for name, body in (("style-src", sheet), ("script-src", module)):
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert rules[name] == f"'sha256-{digest}'"


def test_the_page_has_no_inline_style_handler_or_address():
    """No attribute of the frame is a handler or a style, and the only address is an empty icon."""
    for _, attributes in Elements(page(document_of(work(20)))).elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        for name in ("src", "href", "action"):
            assert attributes.get(name, "#").startswith(("#", "data:,"))


def test_the_script_never_makes_markup_of_texts():
    """There is no way in the script by which a text could become markup, code or an address."""
    banned = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|"
    banned += r"createContextualFragment|DOMParser|setAttribute\(.style|fetch\(|XMLHttp|import\("
    assert not re.findall(banned, script())
    assert "url(" not in style()
    assert "@import" not in style()
    for text in (script(), style()):
        assert "</" not in text
        assert "<!--" not in text


def test_the_frame_takes_links_for_a_server():
    """A server can put its own links in place of the script and the data, with a title as text."""
    text = shell("<b>", '<link rel="stylesheet" href="/page.css">', "<p id=x>{{title}}</p>")
    found = Elements(text)
    assert ("link", {"rel": "stylesheet", "href": "/page.css"}) in found.elements
    assert "<title>&lt;b&gt;</title>" in text
    assert "<p id=x>{{title}}</p>" in text


SPACE = {"x": hp.uniform("x", -1, 1)}


def searched_in(trials):
    """Trials after a short search."""
    fmin(
        lambda config: config["x"], SPACE, rand.suggest, 5, trials=trials, rstate=0,
        show_progressbar=False,
    )  # fmt: skip
    return trials


def test_every_host_writes_its_report(tmp_path):
    """Trials in memory, in a journal, in a store, and what is read from these write a page."""
    url = f"sqlite:///{tmp_path}/runs.db"
    hosts = {
        "memory": searched_in(Trials("my key")),
        "journal": searched_in(Trials(journal=tmp_path / "run")),
        "store": searched_in(Trials("of store", store=url)),
    }
    hosts["read"] = Trials.load(tmp_path / "run")
    hosts["not begun"] = Trials()
    names = {}
    for name, trials in hosts.items():
        path = trials.report(tmp_path / f"{name}.html")
        assert path == tmp_path / f"{name}.html"
        names[name] = data_of(path.read_text("utf-8"))
        assert names[name]["trials"]["status"] == [1] * (0 if trials.history is None else 5)
    assert names["memory"]["name"] == "my key"
    assert str(tmp_path / "run") in names["read"]["about"]
    assert names["store"]["name"] == "of store"


def test_a_report_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    """A page that cannot be written leaves the old one and no part of itself behind."""
    trials = searched_in(Trials())
    file = trials.report(str(tmp_path / "run.html"), name="first")
    file.chmod(0o640)
    with monkeypatch.context() as broken:
        broken.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(OSError, match="disk full"):
            trials.report(file, name="second")
    assert data_of(file.read_text())["name"] == "first"
    assert list(tmp_path.iterdir()) == [file]
    trials.report(file, name="third")
    assert data_of(file.read_text())["name"] == "third"
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_report_needs_a_place(tmp_path):
    """No path, a folder, and a folder that is not there are refused in a sentence."""
    trials = Trials()
    with pytest.raises(TypeError, match="needs the path of a file, but got 3"):
        trials.report(3)
    with pytest.raises(OSError, match="is a folder"):
        trials.report(tmp_path)
    with pytest.raises(OSError, match=r"there is no folder .*nowhere"):
        write(tmp_path / "nowhere" / "run.html", "")
    with pytest.raises(TypeError, match="`name` must be a text"):
        trials.report(tmp_path / "x.html", name=3)


def test_the_command_writes_a_page(tmp_path, capsys):
    """`sparktune report` makes a page of a journal, which says who writes it, also to stdout."""
    searched(tmp_path / "night")
    file = tmp_path / "out.html"
    assert main(["report", str(tmp_path / "night"), "--out", str(file)]) == 0
    assert capsys.readouterr().out == f"wrote {file}\n"
    document = data_of(file.read_text("utf-8"))
    assert document["name"] == "night"
    assert document["about"] == str(tmp_path / "night")
    assert "writer" in dict(document["facts"])
    assert main(["report", str(tmp_path / "night"), "--out", "-", "--name", "N"]) == 0
    assert data_of(capsys.readouterr().out)["name"] == "N"


def test_the_command_writes_utf_8_whatever_stdout_is(tmp_path, run_python):
    """Where stdout is ASCII, the page is what it would be in a file."""
    searched(tmp_path / "run", 3)
    script = (
        "import sys; sys.stdout.reconfigure(encoding='ascii');"
        "from sparktune.cli import main;"
        f"sys.exit(main(['report', {str(tmp_path / 'run')!r}, '--out', '-']))"
    )
    assert data_of(run_python(script).stdout)["name"] == "run"


def test_the_command_says_what_is_wrong(tmp_path, capsys):
    """A folder without a journal, and a file that cannot be written, end with a sentence."""
    (tmp_path / "empty").mkdir()
    assert main(["report", str(tmp_path / "empty")]) == 1
    assert "holds no journal" in capsys.readouterr().err
    searched(tmp_path / "run", 3)
    assert main(["report", str(tmp_path / "run"), "--out", str(tmp_path / "no" / "x.html")]) == 1
    assert "there is no folder" in capsys.readouterr().err
