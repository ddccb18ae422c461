"""The dashboard in a real browser: runs, comparison, what comes meanwhile, and who attacks."""

import pytest
from dashboards import Shelf, dashboard
from shown_runs import EVIL, hostile, work

from sparktune import hp
from sparktune.history import History
from sparktune.space.tree import Space

DESKTOP, PHONE = (1280, 900), (360, 740)


@pytest.fixture
def shelf():
    """Three runs, of which one has no trial."""
    empty = History(Space({"x": hp.uniform("x", 0, 1)}))
    return Shelf(night=work(120), day=work(60, seed=1), empty=empty)


@pytest.fixture
def open_board(open_page):
    """Opens a dashboard's address, and waits for its first run."""

    def open_(client, size=DESKTOP, theme="light"):
        opened = open_page(None, size, theme, address=client.address)
        return opened.until("document.querySelector('#summary') !== null").drawn()

    return open_


def show(opened, name):
    """Choose a run by its name."""
    opened.page.get_by_role("button", name=name, exact=True).click()
    return opened.until(f"document.querySelector('h1 .name').textContent === '{name}'").drawn()


def compare(opened, *names):
    for name in names:
        opened.page.get_by_label(f"Compare {name}").check()
    return opened.until(
        f"document.querySelectorAll('#compare path.course').length === {2 * len(names)}"
    )


def trials_of(opened):
    return opened.texts(".tile .value")[1]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_it_opens_quietly_and_fits(open_board, shelf, size, theme):
    """No complaint, no request elsewhere, no sideways scroll, headings in order; axe is content."""
    with dashboard(shelf=shelf) as client:
        opened = show(open_board(client, size, theme), "night")
        compare(opened, "night", "day")
        assert opened.complaints == []
        own = f"http://{client.host}:{client.port}/"
        assert all(url.startswith((own, "data:")) for url in opened.asked)
        assert opened.page.url.partition("?")[0] == own
        assert "token" not in opened.page.url
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= size[0]
        assert opened.headings_are_in_order()
        assert opened.faults() == []


def test_runs_are_chosen_by_keyboard(open_board, shelf):
    """Enter on a run's name shows it, the focus stays, and the address leads there again."""
    with dashboard(shelf=shelf) as client:
        opened = open_board(client)
        button = opened.page.get_by_role("button", name="day", exact=True)
        button.focus()
        opened.page.keyboard.press("Enter")
        opened.until("document.querySelector('h1 .name').textContent === 'day'").drawn()
        assert trials_of(opened) == "60"
        assert opened.page.evaluate("document.activeElement.textContent") == "day"
        assert opened.page.evaluate("document.activeElement.getAttribute('aria-current')") == "true"
        assert opened.page.title().startswith("day")
        opened.page.reload()
        opened.until("document.querySelector('h1 .name')?.textContent === 'day'")
        show(opened, "night")
        opened.page.go_back()
        opened.until("document.querySelector('h1 .name').textContent === 'day'")


def test_runs_are_compared(open_board, shelf):
    """Two runs have a line each in both pictures, and words on each step; time is another axis."""
    with dashboard(shelf=shelf) as client:
        opened = compare(open_board(client), "night", "day")
        legend = opened.texts("#compare .key")
        assert [text.partition(":")[0] for text in legend] == ["night", "day"]
        opened.page.get_by_role("application", name="Best losses of the runs").focus()
        opened.page.keyboard.press("End")
        assert "best loss" in opened.texts("#tip")[0]
        before = opened.page.locator("#compare path.course").first.get_attribute("d")
        opened.page.get_by_role("button", name="Over time").click()
        assert opened.page.locator("#compare path.course").first.get_attribute("d") != before
        opened.page.get_by_label("Compare day").uncheck()
        opened.until("document.querySelector('#compare').hidden")


def test_what_comes_is_shown_and_the_reader_is_left_alone(open_board, shelf):
    """A run that goes on is drawn anew; sorting, words and the trial that was chosen stay."""
    with dashboard(shelf=shelf) as client:
        opened = show(open_board(client), "night")
        page = opened.page
        page.get_by_label("Search").fill("forest")
        page.get_by_role("columnheader", name="loss").get_by_role("button").click()
        page.locator("#trials tbody button").first.click()
        chosen = opened.texts("#details h3")
        shelf.histories["night"] = work(200)
        opened.until("document.querySelectorAll('.tile .value')[1].textContent === '200'")
        assert page.get_by_label("Search").input_value() == "forest"
        assert opened.texts("#details h3") == chosen
        assert page.locator("[aria-sort='ascending']").count() == 1
        assert opened.complaints == []


def test_a_server_that_has_gone_is_told(open_board, shelf):
    """What was shown stays, and a sentence says that the server does not answer."""
    with dashboard(shelf=shelf) as client:
        opened = show(open_board(client), "night")
        client.stop()
        opened.until(
            "document.querySelector('#runs [role=status]').textContent.includes('not answer')"
        )
        assert trials_of(opened) == "120"


def test_a_stranger_sees_nothing(open_page, shelf):
    """Without the token the page is a sentence."""
    with dashboard(shelf=shelf) as client:
        opened = open_page(None, address=client.address.partition("?")[0])
        assert "the address that `sparktune dashboard` printed" in opened.texts("body")[0]


def test_a_hostile_run_runs_nothing(open_board):
    """Names of runs and all that trials brought are text, in the list, pictures and comparison."""
    names = [text for text in EVIL if text.isprintable()][:4]
    shelf = Shelf(**{name: hostile() for name in names}, other=work(30))
    with dashboard(shelf=shelf) as client:
        opened = open_board(client)
        page = opened.page
        opened.until(f"document.querySelectorAll('#runs tbody tr').length === {len(names) + 1}")
        assert set(names) <= set(opened.texts("#runs tbody th"))
        for box in page.locator("#runs input[type=checkbox]").all():
            box.check()
        opened.until("document.querySelectorAll('#compare path.course').length > 3")
        for number in range(len(names) + 1):
            page.locator("#runs tbody button").nth(number).click()
            wanted = opened.texts("#runs tbody th")[number]
            opened.until("document.querySelector('#runs [aria-current]') !== null")
            opened.until(
                "document.querySelector('h1 .name').textContent === "
                "document.querySelector('#runs [aria-current]').textContent"
            )
            assert opened.texts("h1 .name") == [wanted]
        own = f"http://{client.host}:{client.port}/"
        assert all(url.startswith((own, "data:")) for url in opened.asked)
        assert opened.complaints == []
        assert page.evaluate("[typeof window.ran, document.images.length]") == ["undefined", 0]
        assert page.evaluate("Object.keys(Object.prototype).length") == 0
