"""The site that is built of the pages of docs/."""

import inspect
import posixpath
import re
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest
from browsers import launched

import sparktune

ELSEWHERE = re.compile(r"""(?:https?:)?//(?!www\.w3\.org/)[\w.-]+""")


class Parts(HTMLParser):
    """What a page loads, where it leads, and what can be led to."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.links, self.ids, self.headings = [], [], {""}, []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag in ("script", "img", "iframe", "source") and given.get("src"):
            self.loads.append(given["src"])
        if tag == "link" and given.get("rel") in ("stylesheet", "icon", "preload"):
            self.loads.append(given["href"])
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        self.ids.update(given[name] for name in ("id", "name") if given.get(name))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))


@pytest.fixture(scope="session")
def parts(pages):
    return {path: Parts(text) for path, text in pages.items()}


def test_pages_load_nothing_from_elsewhere(site, parts):
    """No script, picture, font or style comes from another host, from pages or from styles."""
    assert len(parts) > 40
    for path, page in parts.items():
        assert [each for each in page.loads if ELSEWHERE.match(each)] == [], path
        for each in page.loads:
            assert (site / posixpath.dirname(path) / unquote(urlsplit(each).path)).exists(), each
    for style in site.rglob("*.css"):
        loaded = re.findall(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""", style.read_text())
        assert [each for each in loaded if ELSEWHERE.match("".join(each))] == [], style


def test_links_lead_somewhere(site, parts):
    """Each link within the site leads to a page or a file, and to a place on it."""
    for path, page in parts.items():
        for link in page.links:
            at = urlsplit(link)
            if at.scheme or at.netloc:
                continue
            folder = posixpath.dirname(path)
            there = (
                posixpath.normpath(posixpath.join(folder, unquote(at.path))) if at.path else path
            )
            assert (site / there).exists(), f"{path} leads to {link}"
            if there in parts and not there.startswith("_"):
                assert unquote(at.fragment) in parts[there].ids, f"{path} leads to {link}"


def test_pages_are_in_order(parts):
    """A page has one first heading, and is led to from the navigation of the first page."""
    first = parts["docs/index.html"].links
    lead = {posixpath.normpath(posixpath.join("docs", link.split("#")[0])) for link in first}
    for path, page in parts.items():
        if path.startswith(("docs/", "notebooks/")) and path != "docs/index.html":
            assert page.headings.count(1) == 1, path
            assert path in lead, path


def test_the_reference_has_what_is_exported(parts):
    """Every class and function that ``sparktune`` exports has its entry."""
    ids = set().union(*(page.ids for path, page in parts.items() if "/reference/" in path))
    exported = {name: getattr(sparktune, name) for name in sparktune.__all__}
    missing = [
        name
        for name, value in exported.items()
        if inspect.isclass(value) or inspect.isfunction(value)
        if not {f"sparktune.{name}", f"{value.__module__}.{value.__name__}"} & ids
    ]
    assert missing == []


def test_search_works_without_a_server(site):
    """A word that is looked for is found on pages that were opened from the disk."""
    asked = []
    with launched() as browser:
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{(site / 'search.html').as_uri()}?q=lengthscale")
        page.wait_for_selector("ul.search li a")
        found = page.eval_on_selector_all("ul.search li a", "all => all.map((a) => a.href)")
    assert any("bayes.html" in link for link in found)
    assert [url for url in asked if not url.startswith("file:")] == []
