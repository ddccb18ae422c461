"""A run that is looked at, without a server."""

import gzip
import json

from dashboards import Held, Shelf
from shown_runs import work

from sparktune.dashboard.watched import Watched


def watched(shelf):
    return Watched("r0", Held("run", shelf))


def importance_in(run):
    return json.loads(gzip.decompress(run.document()[1]))["importance"]


def test_importances_come_after_the_document():
    """The first document says that they are computed; then they are another version."""
    run = watched(Shelf(run=work(40)))
    assert run.refresh()
    assert not run.weigh()  # nobody has looked
    first = run.document()[0]
    assert importance_in(run)["why"] == "they are being computed"
    assert run.weigh()
    assert run.version != first
    assert run.line()["version"] == run.version
    assert importance_in(run)["shares"]
    assert not run.weigh()
    assert not run.refresh()


def weighed(shelf):
    """The run of a shelf, which was read, looked at and weighed."""
    run = watched(shelf)
    run.refresh()
    run.document()
    run.weigh()
    return run


def test_importances_are_computed_anew_for_a_tenth_more_losses():
    """A few more trials leave them as they are; many more do not."""
    shelf = Shelf(run=work(200))
    run = weighed(shelf)
    source = shelf.histories["run"]
    assert not run.weigh()
    values = dict(source.best.values)
    for _ in range(source.count(source.best.status) // 5):
        (trial,) = source.start([values], 0.0)
        source.finish(trial.number, 0, source.best.outcome)
    assert run.refresh()
    assert run.weigh()


def test_another_run_in_its_place_has_importances_of_its_own():
    """Where another journal takes the place of one, nothing of the old one is shown."""
    shelf = Shelf(run=work(60))
    run = weighed(shelf)
    shelf.histories["run"] = work(50, seed=3)
    assert run.refresh()
    assert importance_in(run)["why"] == "they are being computed"
