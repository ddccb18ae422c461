"""What the dashboard's server answers, and whom."""

import json
import os

import pytest
from dashboards import dashboard
from recorded_runs import searched

from sparktune import Trials, fmin, hp, rand
from sparktune.report import document_of

EVIL = "</script><img src=x onerror=alert(1)>\"'&\0\u2028\ud800 $x$"
PATHS = ["/", "/static/page.js", "/static/page.css", "/api/runs", "/api/runs/r0",
         "/api/runs/r0/course", "/api/events", "/nothing"]  # fmt: skip


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder with three runs, of which one is damaged."""
    folder = tmp_path_factory.mktemp("runs")
    searched(folder / "a", 12)
    space = {EVIL: hp.choice(EVIL, [EVIL, 1])}
    trials = Trials(journal=folder / "below" / "b", exp_key=EVIL[:20])
    fmin(lambda config: 1.0, space, rand.suggest, 5, trials=trials, rstate=0,
         show_progressbar=False)  # fmt: skip
    searched(folder / "c", 5)
    (file,) = (folder / "c").glob("*.jsonl")
    file.write_text("no record\n" + file.read_text())
    for age, name in enumerate(["a", "below/b", "c"]):  # the order in which they are found
        for each in (folder / name).iterdir():
            os.utime(each, (1e9 - age, 1e9 - age))
    return folder


@pytest.fixture(scope="module")
def stranger(runs):
    """A client that has no cookie."""
    with dashboard(runs) as client:
        yield client


@pytest.fixture(scope="module")
def client(runs):
    """A client that was let in."""
    with dashboard(runs) as client:
        yield client.enter()


@pytest.mark.parametrize("path", PATHS)
def test_nobody_gets_in_without_the_token(stranger, path):
    """Every path refuses who has no cookie, and says where the address is; nothing else is told."""
    answer = stranger.ask(path)
    assert answer.status == 403
    assert b"the address that `sparktune dashboard` printed" in answer.body
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/?token=", "/?token=wrong", "/api/runs{}", "/static/page.js{}", "/?other={}"]
)
def test_the_token_is_for_the_page_alone(stranger, path):
    """A wrong token, and the right one elsewhere, open nothing."""
    answer = stranger.ask(path.format(stranger.path[1:]))
    assert answer.status == 403
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("cookie", ["sparktune-x=1", "{name}=", "{name}=wrong", "{name}=\xe9"])
def test_a_wrong_cookie_opens_nothing(stranger, cookie):
    """The cookie's value is compared, and is not the token."""
    name = stranger.ask(stranger.path).headers["Set-Cookie"].partition("=")[0]
    assert stranger.ask("/api/runs", Cookie=cookie.format(name=name)).status == 403


def test_the_token_is_exchanged_for_a_cookie(stranger):
    """The address leads to one without the token, with a cookie that no script can read."""
    answer = stranger.ask(stranger.path)
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    cookie = answer.headers["Set-Cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert stranger.path.partition("=")[2].lower() not in cookie


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.7", ""])
def test_other_names_lead_nowhere(client, path, host):
    """A Host header that is not this machine's own is refused, with a cookie or without."""
    assert client.ask(path, Host=host).status == 400


@pytest.mark.parametrize("host", ["localhost", "localhost:9000", "127.0.0.1:1"])
def test_a_tunnel_of_another_port_leads_here(client, host):
    """Any port will do, since an SSH tunnel has one of its own."""
    assert client.ask("/api/runs", Host=host).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", PATHS[:-1])
def test_nothing_can_be_changed(client, method, path):
    """There is no request but those that read."""
    assert client.ask(path, method).status == 405


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_other_pages_get_no_data(client, site):
    """What another page of this browser asks for is refused, but for a link to the page."""
    assert client.ask("/api/runs", Sec_Fetch_Site=site).status == 403
    assert client.ask("/static/page.js", Sec_Fetch_Site=site).status == 403
    assert client.ask("/", Sec_Fetch_Site=site).status == 200


def test_the_page_has_no_data_and_no_script_of_its_own(client):
    """The page allows its own scripts and styles alone, is kept by nobody, and is in no frame."""
    answer = client.ask("/")
    assert b"<script>" not in answer.body
    assert b'<script type="module" src="/static/page.js"></script>' in answer.body
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Server" not in answer.headers


@pytest.mark.parametrize("path", ["/static/../app.py", "/static/dashboard.js", "/api/runs/../x"])
def test_there_is_nothing_else(client, path):
    """Paths to other files find nothing."""
    assert client.ask(path).status == 404


def test_the_list_has_all_runs(client, runs):
    """Each run has its name, counts and best loss; a damaged one says why it cannot be read."""
    for key in ("r0", "r1", "r2"):
        client.ask(f"/api/runs/{key}")
    lines = {line["name"].removeprefix(f"{runs}/"): line for line in client.json("/api/runs")}
    assert lines.keys() == {"a", "below/b", "c"}
    trials = Trials.load(runs / "a")
    assert lines["a"]["trials"] == 12
    assert lines["a"]["failed"] == trials.count_failed_trials() > 0
    assert lines["a"]["best"] == trials.best_loss
    assert lines["a"]["state"] == "nothing is running"
    assert "this is no journal" in lines["c"]["error"]
    assert "trials" not in lines["c"]


def test_a_run_is_its_document(client, runs):
    """What the page shows of a run is what its report has."""
    with client.events() as lists:
        found = client.json("/api/runs/r0")
        while found["importance"].get("why") == "they are being computed":  # after the rest
            next(lists)
            found = client.json("/api/runs/r0")
    wanted = json.loads(json.dumps(document_of(Trials.load(runs / "a").history)))
    for name in ("counts", "best", "params", "trials", "importance"):
        assert found[name] == wanted[name]


def test_a_run_that_cannot_be_read_says_why(client):
    """A damaged run is answered with a sentence, an unknown one as well."""
    answer = client.ask("/api/runs/r2")
    assert answer.status == 503
    assert "this is no journal" in json.loads(answer.body)["error"]
    assert client.ask("/api/runs/r2/course").status == 503
    answer = client.ask("/api/runs/r9")
    assert (answer.status, json.loads(answer.body)) == (404, {"error": "there is no such run"})


def test_the_course_of_a_run(client, runs):
    """Losses by number, null without one, and when each trial had ended."""
    found = client.json("/api/runs/r0/course")
    losses = Trials.load(runs / "a").losses()
    assert found["losses"] == losses
    assert None in losses
    ended = [end for end in found["ended"] if end is not None]
    assert ended == sorted(ended)
    assert len(found["ended"]) == 12


def test_data_stays_data(client):
    """No character of a label that means something in HTML is in what is sent."""
    for path in ("/api/runs", "/api/runs/r1"):
        assert not set(b"<>&") & set(client.ask("/api/runs/r1").body), path
    labels = [param["label"] for param in client.json("/api/runs/r1")["params"]]
    assert "</script><img src=x onerror=alert(1)>" in labels[0]


def test_changes_are_pushed(tmp_path):
    """The first event has every run, and a later one the run that went on alone."""
    first = searched(tmp_path / "a", 6)
    searched(tmp_path / "b", 3)
    with dashboard(tmp_path) as client, client.enter().events() as lists:
        read = {}
        for lines in lists:
            read |= {line["key"]: line for line in lines}
            if len(read) == 2 and all(line["version"] for line in read.values()):
                break
        assert sorted(line["trials"] for line in read.values()) == [3, 6]
        searched_on(first, 8)
        for lines in lists:
            assert {line["name"] for line in lines} == {str(tmp_path / "a")}
            if lines[0]["trials"] == 8:
                break


def searched_on(trials, count):
    """Some more trials of a run of ``searched``."""
    from recorded_runs import SPACE, objective, quiet

    quiet(objective, SPACE, max_evals=count, trials=trials, catch_eval_exceptions=True)


def test_runs_that_come_later_are_found(tmp_path, monkeypatch):
    """A run that begins while the dashboard is open takes its place in the list."""
    monkeypatch.setattr("sparktune.dashboard.watching._ANEW", 0.0)
    searched(tmp_path / "a", 3)
    with dashboard(tmp_path) as client, client.enter().events() as lists:
        next(lists)
        searched(tmp_path / "later", 3)
        for lines in lists:
            if any(line["name"].endswith("later") and line.get("trials") == 3 for line in lines):
                break
