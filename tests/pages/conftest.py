"""A browser for the pages, with whatever it complains of and asks for."""

import itertools
from dataclasses import dataclass, field

import pytest
from browsers import launched

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from sparktune.report import document_of, json_of, page, script, shell, style

try:
    from axe_playwright_python.sync_playwright import Axe
except ImportError:
    Axe = None

HOME = "https://run.test/"  # every request for it is answered here
DESKTOP = (1280, 900)


@dataclass
class Opened:
    """A page in the browser.

    Attributes:
        page: that of playwright.
        complaints: what it wrote to its console, and exceptions of its script.
        asked: the addresses that it asked for.
    """

    page: object
    complaints: list = field(default_factory=list)
    asked: list = field(default_factory=list)

    def drawn(self):
        """Wait until every picture that is shown has something in it."""
        return self.until(
            "[...document.querySelectorAll('.frame svg')].every("
            "(svg) => svg.childElementCount > 2 || !svg.checkVisibility())"
        )

    def until(self, condition):
        """Wait until an expression is true; playwright's own way needs eval, which pages forbid."""
        self.page.evaluate(
            "new Promise((go) => { const look = () => {"
            f"if ({condition}) go(); else setTimeout(look, 10); }}; look(); }})"
        )
        return self

    def headings_are_in_order(self):
        """Whether there is one first heading, and none is more than one below the one before."""
        levels = self.page.evaluate(
            "[...document.querySelectorAll('h1,h2,h3,h4')].filter((each) => "
            "each.checkVisibility()).map((each) => Number(each.tagName[1]))"
        )
        deeper = all(after <= before + 1 for before, after in itertools.pairwise(levels))
        return levels[0] == 1 and levels.count(1) == 1 and deeper

    def faults(self):
        """What axe finds wrong for people who read by other means: rules, and where."""
        if Axe is None:
            pytest.skip("axe-playwright-python is not installed")
        found = Axe().run(self.page).response
        assert len(found["passes"]) > 10
        return [
            (each["id"], [node["html"][:200] for node in each["nodes"]])
            for each in found["violations"]
        ]

    def texts(self, selector):
        """The texts of elements, as lists of code points, which also lone surrogates survive."""
        found = self.page.evaluate(
            "(selector) => [...document.querySelectorAll(selector)].map("
            "(each) => Array.from(each.textContent, (c) => c.codePointAt(0)))",
            selector,
        )
        return ["".join(map(chr, each)) for each in found]


@pytest.fixture(scope="session")
def browser():
    """The browser of this machine."""
    with launched() as found:
        yield found


@pytest.fixture
def open_page(browser, tmp_path):
    """Opens a page by its HTML, from a file, with a server's files behind HOME, or an address."""
    contexts = []

    def open_(text=None, size=DESKTOP, theme="light", answers=None, address=None, **more):
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=theme, **more
        )
        contexts.append(context)
        opened = Opened(context.new_page())
        opened.page.set_default_timeout(20_000)
        opened.page.on("console", lambda told: opened.complaints.append(told.text))
        opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        opened.page.on("request", lambda request: opened.asked.append(request.url))
        if address is not None:
            opened.page.goto(address)
            return opened
        if answers is None:
            file = tmp_path / f"page{len(contexts)}.html"
            file.write_text(text, "utf-8")
            opened.page.goto(file.as_uri())
            return opened

        def answer(route):
            kind, body = answers[route.request.url.removeprefix(HOME)]
            route.fulfill(body=body, content_type=f"{kind}; charset=utf-8")

        opened.page.route("**/*", answer)
        opened.page.goto(HOME)
        return opened

    yield open_
    for context in contexts:
        context.close()


@pytest.fixture
def open_run(open_page):
    """Opens the report of a history."""

    def open_(history, size=DESKTOP, theme="light", **more):
        return open_page(page(document_of(history, "a run", about="here")), size, theme, **more)

    return lambda *given, **more: open_(*given, **more).drawn()


@pytest.fixture
def served(open_page):
    """Opens the page as a server gives it: files apart, and data that a script hands to `show`."""

    def open_(history, size=DESKTOP, **more):
        link = '<link rel="stylesheet" href="page.css">'
        begin = (
            '<script type="module">import { show } from "./page.js"; window.show = show;'
            'show(await (await fetch("run.json")).json()); window.begun = true;</script>'
        )
        answers = {
            "": ("text/html", shell("a run", link, begin)),
            "page.css": ("text/css", style()),
            "page.js": ("text/javascript", script()),
            "run.json": ("application/json", json_of(document_of(history, "a run"))),
        }
        opened = open_page(None, size, answers=answers, **more)
        return opened.until("window.begun").drawn()

    return open_
