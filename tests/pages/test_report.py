"""The report in a browser: it opens, can be used by hand and keyboard, and runs no data."""

import json

import numpy as np
import pytest
from shown_runs import EVIL, hostile, work

from sparktune import Space, Trials, hp
from sparktune.history import History
from sparktune.importance import importance
from sparktune.report import document_of

DESKTOP, PHONE = (1280, 900), (360, 740)
RUNS = {
    "work": lambda: work(300),
    "one": lambda: work(1),
    "empty": lambda: History(Space({"x": hp.uniform("x", 0, 1)})),
    "none": lambda: None,
}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("name", RUNS)
def test_a_page_opens_quietly_and_fits(open_run, name, size, theme):
    """No complaint, no request, no sideways scroll, and headings in order; axe finds no fault."""
    opened = open_run(RUNS[name](), size, theme)
    assert opened.complaints == []
    assert len([url for url in opened.asked if not url.startswith("data:")]) == 1
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert opened.headings_are_in_order()
    if name == "work":
        opened.page.locator("summary").first.click()
        opened.page.locator("tbody button").first.click()
    assert opened.faults() == []


def columns(opened):
    """The column of trials in the table, as far as its rows are in the page."""
    return [int(text) for text in opened.texts("#trials tbody th")]


def test_the_table_sorts_and_filters(open_run):
    """Headers sort both ways with what is missing at the end; words and statuses filter."""
    history = work(300)
    opened = open_run(history)
    loss = opened.page.get_by_role("columnheader", name="loss").get_by_role("button")
    assert columns(opened)[:5] == [0, 1, 2, 3, 4]
    loss.click()
    order = np.argsort(np.where(np.isnan(history.y), np.inf, history.y), kind="stable")
    assert columns(opened)[:10] == order[:10].tolist()
    head = opened.page.get_by_role("columnheader", name="loss")
    assert head.get_attribute("aria-sort") == "ascending"
    loss.click()
    assert head.get_attribute("aria-sort") == "descending"
    worst = np.argsort(np.where(np.isnan(history.y), -np.inf, history.y), kind="stable")[::-1]
    assert columns(opened)[0] == worst[0]
    opened.page.get_by_label("Search").fill("NaN forest")
    failed = [
        trial.number for trial in history
        if trial.outcome is not None and "NaN" in (trial.outcome.error or "")
        and trial.values["model"] == 1
    ]  # fmt: skip
    assert sorted(columns(opened)) == failed
    assert opened.page.locator("#told").inner_text() == f"{len(failed)} of 300 trials"
    opened.page.get_by_role("button", name="Clear").click()
    opened.page.get_by_label("Status").select_option("pruned")
    pruned = f"{sum(trial.status.name == 'PRUNED' for trial in history)} of 300 trials"
    assert opened.page.locator("#told").inner_text() == pruned


def test_every_row_can_be_scrolled_to(open_run):
    """Few rows are in the page, and scrolling brings each of them, the last one too."""
    opened = open_run(work(900))
    box = opened.page.locator("#trials .box")
    seen = set()
    assert len(columns(opened)) < 60
    height = box.evaluate("(each) => each.scrollHeight")
    for top in [*range(0, height, 400), height]:
        box.evaluate("(each, top) => { each.scrollTop = top; }", top)
        opened.page.evaluate("new Promise((go) => requestAnimationFrame(() => setTimeout(go)))")
        seen |= set(columns(opened))
    assert seen == set(range(900))


def test_a_trial_shows_all_that_is_known(open_run):
    """Its details have status, values, results, reports and the whole traceback."""
    history = work(300)
    opened = open_run(history)
    failed = next(trial for trial in history if trial.status.name == "FAILED")
    opened.page.get_by_label("Search").fill("NaN")
    failed = history[columns(opened)[0]]
    opened.page.locator("tbody button").first.click()
    details = opened.page.locator("#details")
    assert details.locator("h3").inner_text() == f"Trial {failed.number}"
    assert details.locator("pre").inner_text() == failed.outcome.error
    for label, value in failed.values.items():
        assert label in details.inner_text()
        if isinstance(value, float):
            assert str(value).removesuffix(".0") in details.inner_text()
    assert f"{len(history.reports(failed.number))} reports" in details.inner_text()
    opened.page.get_by_role("button", name="Close").click()
    assert not details.is_visible()


def test_a_point_leads_to_its_trial(open_run):
    """Pointing at a loss shows its trial, and a click brings the trial's row and details."""
    history = work(300)
    opened = open_run(history)
    picture = opened.page.get_by_role("application", name="Losses over trials")
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    dot = opened.page.locator("#history circle.best")
    x, y = (float(dot.get_attribute(name)) for name in ("cx", "cy"))
    opened.page.mouse.move(box["x"] + x, box["y"] + y)
    best = history.best
    assert f"trial {best.number}: loss" in opened.page.locator("#tip").inner_text()
    opened.page.mouse.click(box["x"] + x, box["y"] + y)
    assert opened.page.locator("tr[aria-current=true] th").inner_text() == str(best.number)
    assert opened.page.locator("#details h3").inner_text() == f"Trial {best.number}, the best"
    assert opened.page.locator("#tip").is_hidden()


def focused(opened):
    """What has the focus: its role or tag, and its name."""
    return opened.page.evaluate(
        "[document.activeElement.getAttribute('role') ?? document.activeElement.tagName,"
        " document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent]"
    )


def test_everything_can_be_done_by_keyboard(open_run):
    """Tab reaches links, pictures, the table and its filter; arrows walk; Enter chooses."""
    history = work(300)
    opened = open_run(history)
    press = opened.page.keyboard.press
    press("Tab")
    assert focused(opened) == ["A", "To the table of trials"]
    reached = []
    for _ in range(80):
        press("Tab")
        reached.append(tuple(focused(opened)))
    names = [name for _, name in reached]
    for name in ("Losses over trials", "Loss against model", "Parallel coordinates",
                 "Reports of trials by step", "Trials over slots", "Distribution of losses",
                 "loss", "trial 0, details"):  # fmt: skip
        assert name in names, (name, names)
    assert sum(name.endswith("details") for name in names) == 1  # one stop for all rows
    opened.page.get_by_role("application", name="Losses over trials").focus()
    press("ArrowRight")
    press("ArrowRight")
    told = opened.page.locator("#said").inner_text()
    assert told == opened.page.locator("#tip").inner_text()
    number = int(told.split(":")[0].removeprefix("trial "))
    press("Enter")
    assert focused(opened) == ["BUTTON", f"trial {number}, details"]
    press("ArrowDown")
    assert focused(opened) == ["BUTTON", f"trial {number + 1}, details"]
    press("End")
    assert focused(opened) == ["BUTTON", "trial 299, details"]
    press("Enter")
    assert opened.page.locator("#details h3").inner_text() == "Trial 299"
    opened.page.get_by_role("application", name="Trials over slots").focus()
    press("End")
    assert opened.page.locator("#tip").is_visible()
    press("Escape")
    assert opened.page.locator("#tip").is_hidden()


def test_newer_data_leaves_the_reader_where_he_is(served):
    """Sort, filter, scroll, the trial chosen, opened failures and focus stay as they are."""
    opened = served(work(300))
    page = opened.page
    page.get_by_role("columnheader", name="loss").get_by_role("button").click()
    page.locator("#failures summary").first.click()
    page.locator("#trials .box").evaluate("(each) => { each.scrollTop = 1200; }")
    page.evaluate("new Promise((go) => requestAnimationFrame(() => setTimeout(go)))")
    page.locator("#trials tbody tr:not(.gap)").nth(8).locator("button").click()
    chosen = page.locator("#details h3").inner_text()
    before = columns(opened)
    where = page.evaluate("[scrollX, scrollY]")
    newer = json.dumps(document_of(work(300), "newer"))
    page.evaluate("(text) => window.show(JSON.parse(text))", newer)
    assert page.title() == "newer"
    assert columns(opened) == before
    assert page.evaluate("[scrollX, scrollY]") == where
    assert page.locator("#trials .box").evaluate("(each) => each.scrollTop") == 1200
    assert page.locator("#details h3").inner_text() == chosen
    assert page.locator("#failures details[open]").count() == 1
    assert focused(opened)[1] == f"{chosen.split(',')[0].lower()}, details"
    page.locator("#failures summary").first.focus()
    line = focused(opened)
    page.evaluate("(text) => window.show(JSON.parse(text))", newer)
    assert focused(opened) == line
    page.get_by_role("button", name="Copy: Configuration").focus()
    page.evaluate("(text) => window.show(JSON.parse(text))", json.dumps(document_of(work(200), "")))
    assert focused(opened)[1].startswith("Copy: Configuration")
    page.get_by_label("Search").fill("boost")
    page.get_by_label("Search").focus()
    more = json.dumps(document_of(work(420), "more"))
    page.evaluate("(text) => window.show(JSON.parse(text))", more)
    assert page.get_by_label("Search").input_value() == "boost"
    assert page.evaluate("document.activeElement.id") == "search"
    boosts = sum(trial.values["model"] == 2 for trial in work(420))
    assert page.locator("#told").inner_text() == f"{boosts} of 420 trials"
    page.evaluate("(text) => window.show(JSON.parse(text))", json.dumps(document_of(None, "gone")))
    page.evaluate("(text) => window.show(JSON.parse(text))", newer)
    assert opened.complaints == []


def test_the_configuration_can_be_copied(served):
    """The button puts the Python of the best configuration into the clipboard, and says so."""
    history = work(300)
    opened = served(history, permissions=["clipboard-read", "clipboard-write"])
    opened.page.get_by_role("button", name="Copy: Configuration").click()
    opened.until("document.getElementById('said').textContent === 'Copied.'")
    text = opened.page.evaluate("navigator.clipboard.readText()")
    assert text == document_of(history)["best"]["python"]


def test_losses_over_decades_have_a_log_axis(open_run):
    """The button is there where losses span decades, and draws them on a log axis."""
    opened = open_run(work(60))
    assert opened.page.get_by_role("button", name="Log axis").is_hidden()
    history = History(Space({"x": hp.uniform("x", 0, 1)}))
    for number in range(20):
        history.start([{"x": number / 20}], float(number))
        history.finish(number, 0, ok(10.0 ** (number - 10)))
    opened = open_run(history)
    button = opened.page.get_by_role("button", name="Log axis")
    assert button.get_attribute("aria-pressed") == "false"
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    opened.until("document.querySelector('#history .axis .title').textContent === 'loss (log)'")
    assert opened.complaints == []


def ok(loss):
    """An outcome with a loss."""
    from sparktune.history import Outcome, Status

    return Outcome(Status.OK, loss=loss)


@pytest.mark.parametrize(
    "losses",
    [
        [float("inf")] * 12,
        [1e308, -1e308, 0.0],
        [5e-324, 1e-300],
        [1.0] * 12,
        [float("-inf"), 1.0, float("inf")],
        [-1.0, 0.0, 1e9],
    ],
)
def test_odd_losses_are_drawn(open_run, losses):
    """Infinite, huge, tiny and equal losses give pictures without a NaN in them."""
    history = History(Space({"x": hp.lognormal("x", 0, 70), "n": hp.normal("n", 0, 1)}))
    for number, loss in enumerate(losses):
        history.start([{"x": 10.0 ** (20 * number), "n": 1e300 * (-1) ** number}], float(number))
        history.report(number, 0, number, loss)
        history.finish(number, 0, ok(loss))
    opened = open_run(history)
    assert opened.complaints == []
    assert "NaN" not in opened.page.locator("main").inner_html()
    assert "Infinity" not in opened.page.evaluate(
        "[...document.querySelectorAll('path, line, circle, rect')]"
        ".map((each) => each.outerHTML).join('')"
    )


def test_a_hostile_run_runs_nothing_and_is_shown_as_it_is(open_run):
    """No text of a trial runs, asks or marks up anything; each is shown character by character."""
    history = hostile()
    opened = open_run(history)
    page = opened.page
    for summary in page.locator("summary").all():
        summary.click()
    page.locator("tbody button").nth(1).click()
    more = page.get_by_role("button", name="more parameter")
    if more.count():
        more.click()
    for name in ("Losses over trials", "Parallel coordinates", "Reports of trials by step"):
        page.get_by_role("application", name=name).focus()
        page.keyboard.press("ArrowRight")
    page.get_by_label("Search").fill("__proto__")
    page.get_by_role("columnheader", name="constructor").first.get_by_role("button").click()
    page.get_by_role("button", name="Clear").click()
    assert opened.complaints == []
    assert len([url for url in opened.asked if not url.startswith("data:")]) == 1
    assert page.evaluate("[typeof window.ran, document.images.length]") == ["undefined", 0]
    assert page.evaluate("Object.keys(Object.prototype).length") == 0
    assert page.evaluate("document.querySelectorAll('script, style, iframe, object').length") == 3
    labels = opened.texts("#parameters tbody th")
    assert set(labels) == set(history.space.labels)
    heads = opened.texts("#trials thead button")
    assert set(EVIL) <= set(heads)
    options = {history.space.params[history.space.column["options"]].options[number]
               for number in {int(trial.values["options"]) for trial in history}}  # fmt: skip
    column = heads.index("options")
    shown = set()
    for _ in range(12):
        rows = page.evaluate(
            "(column) => [...document.querySelectorAll('#trials tbody tr:not(.gap)')].map("
            "(row) => Array.from(row.children[column].textContent, (c) => c.codePointAt(0)))",
            column,
        )
        shown |= {"".join(map(chr, each)) for each in rows}
        page.locator("#trials .box").evaluate("(each) => { each.scrollTop += 200; }")
        page.evaluate("new Promise((go) => requestAnimationFrame(() => setTimeout(go)))")
    assert shown == options


def test_what_notebooks_show_of_a_hostile_run_runs_nothing(open_page):
    """The same texts in the HTML of trials, a trial, the space and importances: nothing runs."""
    history = hostile()
    trials = Trials(EVIL[0])
    trials._history = history
    shown = [trials, history[1], history.space, importance(history)]
    parts = "".join(each._repr_html_() for each in shown)
    opened = open_page(f"<!DOCTYPE html><meta charset=utf-8><title>x</title><main>{parts}</main>")
    assert opened.complaints == []
    assert len(opened.asked) == 1
    assert opened.page.evaluate("[typeof window.ran, document.images.length]") == ["undefined", 0]
    assert opened.page.evaluate("document.scripts.length") == 0
    text = opened.page.locator("main").inner_text()
    assert EVIL[0] in text
    assert EVIL[2] in text


def test_printing_shows_rows_and_no_buttons(open_run):
    """On paper the table has its first rows in full, and what cannot be pressed is left out."""
    opened = open_run(work(300))
    opened.page.emulate_media(media="print")
    opened.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert columns(opened) == list(range(200))
    assert not opened.page.get_by_label("Search").is_visible()
    opened.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert len(columns(opened)) < 60
    assert opened.complaints == []
