"""What every Store promises, on SQLite and PostgreSQL."""

import math
import pickle
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count

import pytest
from databases import PASSWORD, sqlite_url

from sparktune import Trials, hp
from sparktune.exceptions import StoreError, TakenElsewhere
from sparktune.space.tree import Space
from sparktune.storage.stores.store import (
    CUT,
    ENDED,
    OWN,
    QUEUED,
    RUNNING,
    Entry,
    Job,
    Report,
    SpaceEntry,
)

pytest.importorskip("sqlalchemy")

from sparktune.storage.stores import outages, schema
from sparktune.storage.stores.sql import SqlStore

ALIVE = 3600.0
JOB = Job("pkg.mod:fn", b"\x00\xff", '{"a":1}', '{"max_retries":1}')


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """The URL of a database, shared by tests where it is PostgreSQL."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path)
    return request.getfixturevalue("postgres").url()


@pytest.fixture
def connect(url):
    """Makes stores, each with connections of its own, of one search that is new."""
    stores, key = [], f"search {uuid.uuid4()}"

    def make(lost_after=ALIVE, exp_key=key):
        stores.append(SqlStore(url, exp_key, lost_after, say=lambda _: None))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def store(connect):
    """A store of a search that is new, with a driver `d` that lives."""
    made = connect()
    made.join("d", None)
    return made


def entry(number, state=QUEUED, **more):
    """A trial that is begun."""
    return Entry(number, 0, state, f'{{"x":{number}}}', '{"x":1}', 12.5, job="j", **more)


def begin(store, k=1, state=QUEUED, driver="d", **more):
    """Begin k trials; gives their numbers."""
    numbers = store.open_batch(driver, k, None)
    store.put(driver, [entry(number, state, **more) for number in numbers])
    return numbers


def stands(store, number):
    """A trial as the store has it."""
    return {each.number: each for each in store.read(0).entries}[number]


def finish(store, number, attempt=0, who="w", loss="1.0", status="ok", counts=True):
    """End a trial."""
    return store.finish(who, number, attempt, status, counts, f'{{"loss":{loss}}}')


def together(*works):
    """Call functions at the same time, each in a thread; gives what they returned."""
    barrier = threading.Barrier(len(works))

    def call(work):
        barrier.wait(30)
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result(60) for future in [pool.submit(call, work) for work in works]]


def test_numbers_go_up_from_zero(store):
    """Numbers of a new search are 0, 1, 2, and those that are reserved are not read."""
    assert store.open_batch("d", 3, None) == [0, 1, 2]
    assert store.read(0).entries == []


def test_what_is_put_is_read_as_it_was(store):
    """A trial is read with everything that was put, and its driver."""
    (number,) = store.open_batch("d", 1, None)
    put = entry(number, proof="p" * 64)
    store.put("d", [put])
    assert store.read(0).entries == [replace(put, driver="d")]


def test_known_outcomes_are_put_and_count(store):
    """Trials that are put with their outcomes have ended, and those that count, count."""
    numbers = store.open_batch("d", 2, None)
    ended = [entry(number, ENDED, outcome="{}", outcome_proof="q") for number in numbers]
    store.put("d", ended, [("ok", True), ("cancelled", False)])
    assert [each.outcome for each in store.read(0).entries] == ["{}", "{}"]
    assert len(store.open_batch("d", 9, 4)) == 3


def test_only_reserved_numbers_of_ones_own_are_put(store):
    """A number of another driver, or one that was begun already, is refused as a whole."""
    store.join("e", None)
    (mine,), (other,) = store.open_batch("d", 1, None), store.open_batch("e", 1, None)
    with pytest.raises(TakenElsewhere, match="another"):
        store.put("d", [entry(mine), entry(other)])
    assert store.read(0).entries == []
    store.put("d", [entry(mine)])
    with pytest.raises(TakenElsewhere):
        store.put("d", [entry(mine)])


def test_a_batch_is_as_large_as_the_budget_leaves(store):
    """Trials that have ended and count, are under way or reserved are taken off max_evals."""
    first, second, third = begin(store, 3)
    store.take("w", ()), store.take("w", ())
    assert finish(store, first)
    assert finish(store, second, status="cancelled", counts=False)
    store.join("e", None)
    assert len(store.open_batch("e", 1, 9)) == 1
    assert len(store.open_batch("d", 9, 6)) == 3
    assert store.open_batch("e", 9, 3) == []
    assert third == 2


def test_a_driver_that_asks_again_gives_up_what_it_did_not_begin(store):
    """Numbers that the same driver reserved and did not begin are the first of its next batch."""
    assert store.open_batch("d", 3, 5) == [0, 1, 2]
    assert store.open_batch("d", 4, 5) == [0, 1, 2, 3]


def test_numbers_of_the_dead_are_given_again(connect, store):
    """Numbers that a driver reserved are free once it has left, or gives no sign of life."""
    store.join("e", None)
    assert store.open_batch("e", 2, None) == [0, 1]
    assert store.open_batch("d", 1, None) == [2]
    store.leave("e")
    assert store.open_batch("d", 3, None) == [0, 1, 2]
    silent = connect(lost_after=0.0)
    assert silent.open_batch("f", 2, 2) == [0, 1]


def test_a_driver_stays_with_the_process_that_goes_on_with_it(connect, store):
    """A process gives no sign of life for a driver that another one has gone on with."""
    store.join("x", None, "first")
    assert store.stay("x", "first")
    connect().join("x", None, "second")
    assert not store.stay("x", "first")
    assert dict(store.owners())["x"] == "second"
    store.leave("x")
    assert store.stay("x", "second")
    assert dict(store.owners())["x"] == "second"


def test_drivers_in_a_race_get_each_number_once(connect, store):
    """Of drivers that ask at the same time, each number goes to one of them, without holes."""
    stores = {f"d{i}": connect() for i in range(4)}

    def ask(name):
        stores[name].join(name, None)
        found = []
        for k in (1, 3, 2, 1, 3):
            numbers = stores[name].open_batch(name, k, None)
            stores[name].put(name, [entry(number) for number in numbers])
            found += numbers
        return found

    given = together(*(lambda name=name: ask(name) for name in stores))
    assert sorted(number for some in given for number in some) == list(range(40))


def test_max_evals_is_never_overshot_with_drivers_that_die(connect):
    """Drivers that ask at the same time, some of which die with numbers, begin max_evals trials."""
    stores = {f"d{i}": connect() for i in range(4)}

    def ask(name):
        found, store = [], stores[name]
        for attempt in count():
            me = f"{name}-{attempt}"  # as if the one before had been killed and run again
            store.join(me, None)
            numbers = store.open_batch(me, 2, 25)
            if attempt % 3 == 2:
                store.leave(me)  # with numbers that it did not begin
            elif numbers:
                store.put(me, [entry(number) for number in numbers])
                found += numbers
            if len(store.read(0).entries) >= 25:
                return found
        raise AssertionError

    given = together(*(lambda name=name: ask(name) for name in stores))
    assert sorted(number for some in given for number in some) == list(range(25))
    assert [each.number for each in stores["d0"].read(0).entries] == list(range(25))


def test_a_worker_gets_the_earliest_trial_that_waits(store):
    """Workers get queued trials in order, each one once, and none of other states."""
    begin(store, state=OWN)
    begin(store, 2)
    taken = store.take("w", ())
    assert (taken.number, taken.state, taken.worker) == (1, RUNNING, "w")
    assert store.take("v", ()).number == 2
    assert store.take("w", ()) is None


def test_a_worker_gets_none_that_it_refuses(store):
    """Jobs and trials that a worker refuses are left to others."""
    begin(store, 2)
    assert store.take("w", {"j"}) is None
    assert store.take("w", (), {0}).number == 1


def test_workers_in_a_race_get_each_trial_once(connect, store):
    """Of workers that ask at the same time, each trial goes to one of them."""
    begin(store, 30)
    stores = {f"w{i}": connect() for i in range(4)}

    def work(name):
        found = []
        while (taken := stores[name].take(name, ())) is not None:
            found.append(taken.number)
            assert finish(stores[name], taken.number, who=name)
        return found

    taken = together(*(lambda name=name: work(name) for name in stores))
    assert sorted(number for some in taken for number in some) == list(range(30))


def test_what_is_released_waits_again(store):
    """A trial that its worker gives back waits for another, as the same attempt."""
    begin(store)
    store.take("w", ())
    store.release("v", 0, 0)
    assert store.take("v", ()) is None
    store.release("w", 0, 0)
    assert (store.take("v", ()).attempt, stands(store, 0).worker) == (0, "v")


def test_an_outcome_is_taken_from_whom_it_is_expected(store):
    """The outcome of another attempt, or of another worker or driver, is refused."""
    begin(store)
    store.take("w", ())
    assert not finish(store, 0, attempt=1)
    assert not finish(store, 0, who="v")
    assert not finish(store, 7)
    assert store.requeue(0, 0, QUEUED, lost=True)
    assert not finish(store, 0, attempt=0)
    store.take("w", ())
    assert finish(store, 0, attempt=1)
    assert not finish(store, 0, attempt=1, loss="2.0")
    found = stands(store, 0)
    assert (found.state, found.attempt, found.lost, found.outcome) == (ENDED, 1, 1, '{"loss":1.0}')


def test_a_driver_ends_what_it_evaluates(store):
    """A driver records the outcomes of its own trials, and of no other driver's."""
    begin(store, state=OWN)
    assert not finish(store, 0, who="e")
    assert finish(store, 0, who="d")


def test_one_of_two_outcomes_in_a_race_is_taken(connect, store):
    """Of a worker's outcome and a new attempt at the same time, one is refused."""
    other = connect()
    for number in begin(store, 8):
        store.take("w", ())
        one, again = together(
            lambda number=number: finish(store, number),
            lambda number=number: other.requeue(number, 0, QUEUED),
        )
        assert one is not again
        assert stands(store, number).state == (ENDED if one else QUEUED)
        if again:
            store.take("w", ())


def test_beats_say_how_a_trial_stands(store):
    """A sign of life is answered "on", "stop" where that was asked for, or "lost"."""
    begin(store)
    assert store.beat("w", 0, 0) == "lost"
    store.take("w", ())
    assert store.beat("w", 0, 0) == "on"
    store.stop(0, 1)
    assert store.beat("w", 0, 0) == "on"
    store.stop(0, 0)
    assert store.beat("w", 0, 0) == "stop"
    store.requeue(0, 0, QUEUED)
    assert store.beat("w", 0, 0) == "lost"
    store.take("w", ())
    assert store.beat("w", 0, 1) == "on"


def test_reports_are_read_as_they_came(store):
    """Reports keep their order and value, NaN and the infinities included."""
    begin(store, 2)
    store.take("w", ())
    values = [0.1, math.nan, math.inf, -math.inf, -0.0, 1e300]
    told = [Report(0, 0, step, value) for step, value in enumerate(values)]
    since = store.read(0).revision
    assert store.beat("w", 0, 0, told) == "on"
    store.report([Report(1, 0, 2**40, 5e-324)])
    assert repr(store.read(since).reports) == repr([*told, Report(1, 0, 2**40, 5e-324)])


def test_reports_of_a_lost_attempt_are_not_kept(store):
    """A worker that has lost its trial reports nothing any more."""
    begin(store)
    store.take("w", ())
    store.requeue(0, 0, QUEUED)
    assert store.beat("w", 0, 0, [Report(0, 0, 1, 1.0)]) == "lost"
    assert store.read(0).reports == []


def test_what_is_cut_off_is_begun_again_by_one_driver(connect, store):
    """A trial that was cut off goes to one of the drivers that resume it, with its attempt."""
    begin(store, state=OWN)
    assert store.requeue(0, 0, CUT)
    assert not store.requeue(0, 0, CUT)
    cut, stores = stands(store, 0), [connect() for _ in range(3)]
    assert (cut.state, cut.attempt) == (CUT, 1)
    again = replace(cut, state=OWN, job="k", proof="p")
    resumed = together(
        *(lambda i=i: stores[i].resume(f"e{i}", again, None) for i in range(len(stores)))
    )
    assert sorted(resumed) == [False, False, True]
    found = stands(store, 0)
    assert (found.state, found.attempt, found.driver) == (OWN, 1, f"e{resumed.index(True)}")


def test_who_begins_a_trial_again_says_how_often_it_was_lost(store):
    """A trial that was cut off has as many losses as the driver counts that begins it again."""
    begin(store, state=OWN)
    assert store.requeue(0, 0, CUT, lost=True)
    assert stands(store, 0).lost == 1
    for losses in (1, 0):
        again = replace(stands(store, 0), state=OWN, lost=losses)
        assert store.resume("d", again, None)
        assert stands(store, 0).lost == losses
        assert store.requeue(0, again.attempt, CUT)


def test_drivers_are_known_until_they_leave(connect, store):
    """A driver has its owner also when it gives no sign of life any more."""
    store.join("x", None, "somebody")
    silent = connect(lost_after=0.0)
    assert not silent.lives("x")
    assert dict(silent.owners())["x"] == "somebody"
    store.leave("x")
    assert "x" not in dict(store.owners())


def test_no_more_is_begun_again_than_the_budget_leaves(store):
    """A trial that was cut off is not begun again where max_evals trials are others'."""
    begin(store, 2, state=OWN)
    store.requeue(0, 0, CUT)
    again = replace(stands(store, 0), state=QUEUED, config="{}")
    assert not store.resume("d", again, 1)
    assert finish(store, 1, who="d")
    assert not store.resume("d", again, 1)
    assert store.resume("d", again, 2)
    assert stands(store, 0).config == "{}"


def test_an_outcome_that_is_refused_counts_no_more(store):
    """A refused outcome is gone, its trial cut off, and the budget has room for it again."""
    begin(store, 2)
    store.take("w", ()), store.take("w", ())
    finish(store, 0), finish(store, 1)
    assert store.open_batch("d", 5, 2) == []
    store.refuse(0, 1)
    store.refuse(0, 0)
    found = stands(store, 0)
    assert (found.state, found.attempt, found.outcome) == (CUT, 1, None)
    assert len(store.open_batch("d", 5, 2)) == 1


def test_the_silent_are_overdue(connect, store):
    """A worker's trial is overdue without signs of life, and a driver's own once that is dead."""
    store.join("e", None)
    begin(store)
    begin(store, state=OWN, driver="e")
    begin(store)
    store.take("w", ())
    assert store.overdue() == []
    store.leave("e")
    assert [each.number for each in store.overdue()] == [1]
    assert store.requeue(1, 0, CUT, overdue=True)
    silent = connect(lost_after=0.0)
    assert sorted(each.number for each in silent.overdue()) == [0, 2]


def test_a_queue_without_driver_and_workers_is_overdue(store):
    """What a dead driver has queued is left to workers, as long as there are any."""
    store.join("e", None)
    begin(store, driver="e")
    begin(store)
    store.sign_worker("w", "host", 1)
    store.leave("e")
    assert store.overdue() == []
    store.drop_worker("w")
    assert [each.number for each in store.overdue()] == [0]


def test_who_was_heard_again_is_not_ended(connect, store):
    """A trial that is ended as lost goes on where its worker has been heard meanwhile."""
    begin(store)
    store.take("w", ())
    silent = connect(lost_after=0.0)
    assert len(silent.overdue()) == 1
    connect(lost_after=ALIVE)
    assert store.beat("w", 0, 0) == "on"
    assert not store.finish("w", 0, 0, "failed", True, "{}", overdue=True)
    assert finish(store, 0)


def test_who_was_heard_again_is_not_begun_anew(store):
    """A trial that is no longer overdue when it is to be given up goes on."""
    begin(store)
    store.take("w", ())
    assert not store.requeue(0, 0, QUEUED, lost=True, overdue=True)
    assert store.beat("w", 0, 0) == "on"


def test_who_was_away_finds_nobody_overdue(connect, store):
    """A store that itself gave no sign of life for long takes nobody for dead for a while."""
    begin(store)
    store.take("w", ())
    silent = connect(lost_after=0.0)
    silent.sign_worker("v", "host", 1)
    assert len(silent.overdue()) == 1
    silent.lost_after = -1.0  # its own sign of a moment ago is too old, too
    silent.sign_worker("v", "host", 1)
    silent.lost_after = ALIVE
    assert silent.outages.over_for(0.0)
    assert not silent.outages.over_for(ALIVE)


def test_living_drivers_and_workers_are_counted(connect, store):
    """Drivers and workers count while they give signs of life, a busy worker by its trial's."""
    store.sign_worker("w", "host", 1)
    store.sign_worker("w", "host", 1)
    store.sign_worker("v", "h" * 1000, 2)
    assert (store.drivers(), store.workers()) == (1, 2)
    store.drop_worker("v")
    assert store.workers() == 1
    assert connect(lost_after=-1.0).workers() == 0


def test_the_first_seed_stays(connect, store):
    """Of several drivers' seeds the first is the search's."""
    assert store.first_seed() is None
    store.join("d", 7)
    connect().join("e", 8)
    assert store.first_seed() == 7


def test_one_of_two_drivers_adds_a_space(connect, store):
    """A space is added by the driver that knows how many there are, and starts at a number."""
    one, two = together(
        lambda: store.add_space(SpaceEntry(1, 0, "{}", "[]")),
        lambda: connect().add_space(SpaceEntry(1, 0, "{}", "[]")),
    )
    assert one is not two
    begin(store, 2)
    assert not store.add_space(SpaceEntry(1, 0, "{1}", "[]"))
    assert store.add_space(SpaceEntry(2, store.next_first(), "{1}", "[2]"))
    assert store.read(0).spaces == [
        SpaceEntry(1, 0, "{}", "[]"),
        SpaceEntry(2, 2, "{1}", "[2]"),
    ]


def test_jobs_are_kept_by_their_digest(connect, store):
    """A job is found by its id as it was put, once or twice; another one is not there."""
    store.put_job(JOB)
    store.put_job(JOB)
    found = connect().job(JOB.id)
    assert found == JOB
    assert found.id == JOB.id
    assert store.job("0" * 64) is None


def test_reading_from_a_revision_gives_what_changed(store):
    """What was changed after a revision is read, and nothing else."""
    begin(store, 2)
    seen = store.read(0)
    assert store.read(seen.revision) == (seen.revision, [], [], [])
    store.take("w", ())
    finish(store, 0)
    assert [each.number for each in store.read(seen.revision).entries] == [0]


def test_a_reader_misses_nothing_of_writers_at_the_same_time(connect, store):
    """Who reads on from each revision has seen every change once its writers are done."""
    workers, done = [connect() for _ in range(3)], threading.Event()
    reader, seen, reports = connect(), {}, []

    def write(name, its):
        its.join(name, None)
        for number in begin(its, 10, state=OWN, driver=name):
            its.report([Report(number, 0, 1, 0.5)])
            assert finish(its, number, who=name)

    def read():
        revision = 0
        while True:
            over = done.is_set()
            changes = reader.read(revision)
            assert changes.revision >= revision
            revision = changes.revision
            seen.update((each.number, each) for each in changes.entries)
            reports.extend(changes.reports)
            if over:
                return

    thread = threading.Thread(target=read)
    thread.start()
    together(*(lambda i=i: write(f"d{i}", workers[i]) for i in range(3)))
    done.set()
    thread.join(60)
    assert sorted(seen) == sorted(each.number for each in reports) == list(range(30))
    assert all(each.state == ENDED and each.outcome for each in seen.values())


def test_who_waits_is_woken_by_others(connect, store):
    """Waiting ends when another connection changes something, long before its time is over."""
    store.wait(60.0)  # the first time it returns at once, for nobody was listening before
    other, woken = connect(), threading.Event()
    other.join("e", None)

    before = store.read(0).revision

    def wait():
        while store.read(before).revision == before:
            store.wait(60.0)
        woken.set()

    thread = threading.Thread(target=wait)
    thread.start()
    begin(other, driver="e")
    assert woken.wait(30)
    thread.join()


def test_a_worker_that_waits_is_woken_by_what_is_queued(connect, store):
    """Who waits for a trial is woken once one is queued, begun anew or given back."""
    changes = [
        lambda: begin(store),
        lambda: store.release(store.take("w", ()).worker, 0, 0),
        lambda: store.take("w", ()) and store.requeue(0, 0, QUEUED),
    ]
    waiting = connect()
    waiting.wait(60.0, queue=True)
    for change in changes:
        woken = threading.Event()
        thread = threading.Thread(
            target=lambda woken=woken: (waiting.wait(60.0, queue=True), woken.set())
        )
        thread.start()
        change()
        assert woken.wait(30)
        thread.join()


def test_waiting_ends_when_told(store):
    """Waiting ends once nobody wants to wait any more."""
    store.wait(60.0)
    store.wait(60.0, lambda: True)
    store.wait(60.0, lambda: True, queue=True)


def test_searches_share_a_database_and_nothing_else(connect, store):
    """A search sees nothing of another one in the same database."""
    begin(store)
    other = connect(exp_key=f"{store.exp_key}'; DROP TABLE sparktune_trials; --")
    assert other.take("w", ()) is None
    assert other.read(0).entries == []
    assert other.open_batch("d", 1, None) == [0]


@pytest.fixture
def new_url(request, url):
    """The URL of a database that nobody else uses."""
    return request.getfixturevalue("postgres").new_database() if "postgresql" in url else url


def statement(url, text):
    """Execute a statement by hand; gives the first value of what it returns."""
    import sqlalchemy as sa

    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        found = connection.execute(sa.text(text))
        value = found.scalar() if found.returns_rows else None
    engine.dispose()
    return value


def test_a_newer_database_is_refused_by_its_version(new_url):
    """Tables of a newer release are refused, with both versions and what to do."""
    SqlStore(new_url, "k").close()
    statement(new_url, "UPDATE sparktune_version SET version = 99")
    for creates in (True, False):
        with pytest.raises(StoreError, match=r"version 99, this one knows 1.*update"):
            SqlStore(new_url, "k", creates=creates)


def test_an_older_database_is_brought_up_to_date(new_url, monkeypatch):
    """Tables of an earlier version become today's, once and as a whole; no reader does it."""
    import sqlalchemy as sa

    old = SqlStore(new_url, "k")
    old.join("d", 7)
    old.close()
    adding = "ALTER TABLE sparktune_searches ADD COLUMN {} BIGINT DEFAULT 5"

    def fails(connection):
        connection.execute(sa.text(adding.format("half")))
        raise StoreError("a step that fails")

    def step(connection):
        connection.execute(sa.text(adding.format("extra")))

    monkeypatch.setattr(schema, "STEPS", [fails])
    with pytest.raises(StoreError, match="a step that fails"):
        SqlStore(new_url, "k")
    monkeypatch.setattr(schema, "STEPS", [step, lambda _: None])
    with pytest.raises(StoreError, match="older sparktune: a run that goes on with it"):
        SqlStore(new_url, "k", creates=False)
    for _ in range(2):
        again = SqlStore(new_url, "k")
        assert again.first_seed() == 7
        again.close()
    assert statement(new_url, "SELECT extra FROM sparktune_searches") == 5
    assert statement(new_url, "SELECT version FROM sparktune_version") == 3


def test_who_reads_makes_nothing(new_url, tmp_path):
    """To read, the database, its tables and the search have to be there; nothing is made."""
    if "sqlite" in new_url:
        with pytest.raises(StoreError, match="there is no store sqlite"):
            SqlStore(new_url, "k", creates=False)
        assert list(tmp_path.iterdir()) == []
        (tmp_path / "store.db").touch()
    with pytest.raises(StoreError, match="no tables of sparktune"):
        SqlStore(new_url, "k", creates=False)
    SqlStore(new_url, "k").close()
    SqlStore(new_url, "j").close()
    with pytest.raises(StoreError, match=r"no search 'typo' in the store .*; it holds 'j', 'k'"):
        SqlStore(new_url, "typo", creates=False)
    reading = SqlStore(new_url, "k", creates=False)
    assert reading.read(0).entries == []
    reading.close()
    assert statement(new_url, "SELECT count(*) FROM sparktune_searches") == 2


def test_a_password_is_never_shown(postgres, monkeypatch):
    """The password of a URL is in no name, repr, error or pickle."""
    monkeypatch.setattr(outages, "FIRST_PATIENCE", 0.0)
    url = postgres.url()
    store = SqlStore(url, "k")
    trials = Trials(store=url, exp_key="k")
    shown = [repr(store), store.name, repr(trials), pickle.dumps(trials).decode("latin1")]
    store.close()
    wrong = [url.replace(":a-secret", ":wrong-secret"), url.replace(str(postgres.port), "1")]
    wrong += [
        url.replace("/postgres", "/nowhere"),
        url.replace("127.0.0.1", "no.such.host.invalid"),
    ]
    said = []
    for each in wrong:
        with pytest.raises(StoreError) as caught:
            SqlStore(each, "k", say=said.append)
        shown.append(str(caught.value) + repr(caught.value.__cause__))
    assert len(said) == 1  # where the host is known, and no server answered
    for text in shown + said:
        assert PASSWORD not in text
        assert "secret" not in text


def test_a_restart_of_the_database_is_sat_out(postgres):
    """Drivers, workers and who waits go on after a restart, and say that they waited."""
    said = []
    store = SqlStore(postgres.url(), f"search {uuid.uuid4()}", ALIVE, say=said.append)
    try:
        store.join("d", None)
        store.wait(1.0)
        begin(store, 2)
        store.take("w", ())
        postgres.stop(at_once=True)
        with ThreadPoolExecutor(2) as pool:
            beaten, waited = pool.submit(store.beat, "w", 0, 0), pool.submit(store.wait, 60.0)
            postgres.start()
            assert beaten.result(60) == "on"
            waited.result(60)
        assert finish(store, 0)
        assert len(said) == 2
        assert "trying again for up to 120 s" in said[0]
        assert "answers again" in said[1]
    finally:
        store.close()


def test_a_database_that_stays_away_is_given_up(postgres, monkeypatch):
    """Without an answer for its patience a store raises, and from then on at once."""
    store = SqlStore(postgres.url(), "k", ALIVE, say=lambda _: None)
    monkeypatch.setattr(outages, "PATIENCE", 0.1)
    try:
        postgres.stop(at_once=True)
        for _ in range(2):
            with pytest.raises(StoreError, match="the store postgresql"):
                store.join("d", None)
    finally:
        postgres.start()
        store.close()


def losing_an_answer(store):
    """Lets the next commit of a store succeed, and its answer be lost with the connection."""
    import sqlalchemy as sa
    from sqlalchemy.exc import OperationalError

    def lose(connection):
        sa.event.remove(store._database.engine, "commit", lose)
        connection.connection.dbapi_connection.commit()
        raise OperationalError("COMMIT", {}, Exception("database is locked"))

    sa.event.listen(store._database.engine, "commit", lose)


@pytest.mark.parametrize(
    "what", ["reserve", "put", "take", "beat", "finish", "requeue", "resume", "space"]
)
def test_what_was_done_without_an_answer_is_not_done_twice(store, what):
    """A change whose answer is lost with its connection is asked for again, and made once."""
    if what != "reserve" and what != "put":
        begin(store, 2)
    if what in ("beat", "finish", "requeue"):
        store.take("w", ())
    if what == "resume":
        store.requeue(0, 0, CUT)
    if what == "put":
        store.open_batch("d", 2, None)
    first = store.next_first()
    losing_an_answer(store)
    if what == "reserve":
        assert store.open_batch("d", 2, None) == [0, 1]
    elif what == "put":
        store.put("d", [entry(0), entry(1)])
        assert len(store.read(0).entries) == 2
    elif what == "take":
        assert store.take("w", ()).number == 0
        assert store.take("v", ()).number == 1
    elif what == "beat":
        told = [Report(0, 0, 1, 0.5), Report(0, 0, 2, math.nan)]
        assert store.beat("w", 0, 0, told) == "on"
        assert len(store.read(0).reports) == 2
    elif what == "finish":
        assert finish(store, 0)
        assert len(store.open_batch("d", 9, 9)) == 7
    elif what == "requeue":
        assert store.requeue(0, 0, QUEUED, lost=True)
        assert (stands(store, 0).attempt, stands(store, 0).lost) == (1, 1)
    elif what == "resume":
        assert store.resume("d", replace(stands(store, 0), state=OWN), 2)
    else:
        assert store.add_space(SpaceEntry(1, first, "{}", "[]"))
        assert len(store.read(0).spaces) == 1


def test_a_url_without_a_database_behind_it_is_refused_at_once(tmp_path):
    """A store that never answered is not waited for."""
    with pytest.raises(StoreError, match="unable to open"):
        SqlStore(f"sqlite:///{tmp_path / 'nowhere' / 'store.db'}", "k")


def test_drivers_that_begin_at_once_have_one_space(url):
    """A driver that opens a search before its first trial goes on in the space that it has."""
    key, space = f"search {uuid.uuid4()}", {"x": hp.uniform("x", 0, 1)}
    one, other = (Trials(store=url, exp_key=key) for _ in range(2))
    with one.step(Space(space)) as history:
        with other.step(Space(space)):
            pass
        assert history.refresh() == []
        assert len(history.start([{"x": 0.5}], 1.0)) == 1
