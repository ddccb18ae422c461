"""`sparktune import-hyperopt`: journals of what Hyperopt, and this room, have pickled."""

import pickle
import sys

import cloudpickle
import numpy as np
import pytest
from hyperopts_pickles import FACTS, HOME, SEARCHES, VERSIONS, blob
from installed import take_away, under_hyperopts_name

import sparktune
import sparktune.hyperopt as room
from sparktune import Space, Status, Trials, fmin, hp, scope
from sparktune.cli import main
from sparktune.hyperopt.installing import loads
from sparktune.hyperopt.spaces import template_of

pytestmark = pytest.mark.filterwarnings(
    # numpy's own, of arrays and numbers that numpy 1 wrote
    "ignore:numpy.core.* is deprecated and has been renamed:DeprecationWarning"
)

SPACES = """
from {home} import hp{more}

def mixed():
    return hp.choice("model", [
        {{"kind": "trees", "depth": scope.int(hp.quniform("depth", 2, 12, 1)),
          "leaves": scope.int(hp.quniform("leaves", 4, 9, 1)),
          "shrink": 1 + hp.lognormal("shrink", 0, 0.5)}},
        {{"kind": "line", "rate": hp.loguniform("rate", -6, 0),
          "penalty": hp.pchoice("penalty", [
              (0.3, None), (0.7, {{"share": hp.uniform("share", 0, 1)}})])}},
        ("constant", hp.randint("constant", 5), [hp.normal("shift", 0, 1)]),
    ])

noted = {{"x": hp.uniform("x", -3, 3),
         "in": {{"n": hp.quniform("n", 0, 8, 2), "m": hp.qloguniform("m", 0, 3, 1)}}}}
"""
OURS = SPACES.format(home="sparktune", more=", scope")
THEIRS = SPACES.format(home="hyperopt", more="\nfrom hyperopt.pyll import scope")


@pytest.fixture(autouse=True)
def _apart():
    """What the command installs under hyperopt's name is taken away again."""
    yield
    take_away()
    sys.modules.pop("spaces_of", None)


def space_of_ours(name):
    """One of the spaces in the words of sparktune.hp."""
    found = {}
    exec(OURS, found)
    return found["mixed"]() if name == "mixed" else found["noted"]


def imported(capsys, *words):
    """What the command prints to both streams."""
    assert main(["import-hyperopt", *map(str, words)]) == 0, capsys.readouterr().err
    return capsys.readouterr()


def pickle_of(version, name):
    """The path of a pickle that this numpy can read."""
    blob(version, name)
    return HOME / version / f"{name}.pkl"


def documents_of(path):
    """The documents of a pickle."""
    thing = loads(path.read_bytes())
    return thing if isinstance(thing, list) else thing.documents


@pytest.mark.parametrize("how", ["protocol2", "pickle", "saved", "documents"])
@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_pickle_of_hyperopts_becomes_a_journal(tmp_path, capsys, version, name, how):
    """Without a space everything that the documents say is there, and it can only be read."""
    old, new = pickle_of(version, f"{name}.{how}"), tmp_path / "new"
    printed = imported(capsys, old, new)
    assert printed.err == f"sparktune: loading {old} runs what is in it: it must be your own\n"
    assert "The space was inferred from the trials" in printed.out
    assert "--space" in printed.out
    trials, wanted = Trials.load(new), FACTS[version][name]
    losses = [loss for loss in trials.losses() if loss is not None]
    assert losses == [loss for loss in wanted["losses"] if loss is not None]
    best = trials.history.best
    assert dict(best.values) == pytest.approx(wanted["argmin"])
    documents = documents_of(old)
    for trial, document in zip(trials.history, documents, strict=True):
        vals = {k: v[0] for k, v in document["misc"]["vals"].items() if v}
        assert trial.values == pytest.approx(vals)
        result = document["result"]
        assert (trial.status is Status.OK) == (result.get("status") == "ok")
        if "error" in document["misc"]:
            assert trial.outcome.error == document["misc"]["error"][1]
        for key in set(result) - {"status", "loss"}:
            assert np.array_equal(trial.outcome.info[key], result[key])
        took = (document["refresh_time"] - document["book_time"]).total_seconds()
        assert trial.outcome.seconds == pytest.approx(took, abs=1e-6)
    assert main(["show", str(new), "--json"]) == 0
    assert main(["show", str(new)]) == 0
    assert f"{len(documents)}: " in capsys.readouterr().out


@pytest.mark.parametrize("words", ["ours", "theirs"])
@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("version", VERSIONS)
def test_with_a_space_a_run_goes_on(tmp_path, capsys, monkeypatch, version, name, words):
    """In the words of either library the journal goes on in the space as sparktune.hp writes it."""
    (tmp_path / "spaces_of.py").write_text(OURS if words == "ours" else THEIRS)
    monkeypatch.chdir(tmp_path)
    place = "spaces_of.py" if words == "ours" else "spaces_of"
    old, new = pickle_of(version, f"{name}.saved"), tmp_path / "new"
    printed = imported(capsys, old, new, "--space", f"{place}:{name}")
    assert "goes on with them" in printed.out
    trials = Trials(journal=new)
    count = len(trials)
    fmin(
        lambda config: 0.0, space_of_ours(name), max_evals=count + 2, trials=trials,
        show_progressbar=False,
    )  # fmt: skip
    assert len(Trials.load(new)) == count + 2
    assert trials.losses()[:count] == Trials.load(new).losses()[:count]


def test_the_space_beside_the_trials_is_taken(tmp_path, capsys):
    """Where Hyperopt kept a Domain with the trials, its space is that of the journal."""
    space = {"kind": room.hp.choice("kind", ["a", ["b", room.hp.uniform("x", 0, 1)]])}
    trials = room.Trials()
    room.fmin(
        lambda c: len(c["kind"]), space, room.tpe.suggest, 6, trials=trials, rstate=0,
        show_progressbar=False,
    )  # fmt: skip
    trials.attachments["FMinIter_Domain"] = cloudpickle.dumps(room.Domain(len, space))
    (tmp_path / "old.pkl").write_bytes(pickle.dumps(trials))
    printed = imported(capsys, tmp_path / "old.pkl", tmp_path / "new")
    assert "goes on with them" in printed.out
    options = Trials.load(tmp_path / "new").history.space.params[0].options
    assert options[0] == "a"
    assert options[1][0] == "b"
    trials.attachments["FMinIter_Domain"] = b"nonsense"
    (tmp_path / "old.pkl").write_bytes(pickle.dumps(trials))
    printed = imported(capsys, tmp_path / "old.pkl", tmp_path / "other")
    assert "the space beside the trials cannot be read" in printed.err
    assert "inferred" in printed.out


def test_trials_of_sparktune_keep_all_that_they_have(tmp_path, capsys):
    """Reports, attempts, attachments and the seed are in the journal, without a space."""

    def objective(config, trial):
        trial.report(1, config["x"])
        return {"loss": config["x"], "attachments": {"a": b"b"}}

    trials = Trials()
    space = {"x": hp.uniform("x", 0, 1)}
    fmin(objective, space, max_evals=3, trials=trials, rstate=7, show_progressbar=False)
    (tmp_path / "old.pkl").write_bytes(pickle.dumps(trials))
    imported(capsys, tmp_path / "old.pkl", tmp_path / "new")
    again = Trials(journal=tmp_path / "new")
    assert again.seed == 7
    assert [again.reports(n) for n in range(3)] == [trials.reports(n) for n in range(3)]
    assert again.history[2].outcome.attachments == {"a": b"b"}
    fmin(objective, space, max_evals=6, trials=again, show_progressbar=False)
    fmin(objective, space, max_evals=6, trials=trials, show_progressbar=False)
    assert again.losses() == trials.losses()


def test_trials_that_had_not_ended_are_begun_again(tmp_path, capsys):
    """Documents that are new or running are cut off trials; cancelled ones stay cancelled."""
    documents = []
    for i, state in enumerate([0, 1, 2, 4]):
        document = room.points.generate_trial(i, {"x": i / 4})
        document["state"] = state
        document["result"] = {"status": "ok", "loss": 1.0} if state == 2 else {"status": "new"}
        documents.append(document)
    documents[3]["result"] = {"status": "fail"}
    (tmp_path / "old.pkl").write_bytes(pickle.dumps(room.trials_from_docs(documents[:3])))
    imported(capsys, tmp_path / "old.pkl", tmp_path / "new")
    statuses = [trial.status for trial in Trials.load(tmp_path / "new").history]
    assert statuses == [Status.CUT, Status.CUT, Status.OK]
    (tmp_path / "old.pkl").write_bytes(pickle.dumps(documents))
    imported(capsys, tmp_path / "old.pkl", tmp_path / "other")
    assert Trials.load(tmp_path / "other").history[3].status is Status.CANCELLED


def refused(capsys, *words):
    """The one sentence with which the command ends."""
    assert main(["import-hyperopt", *map(str, words)]) == 1
    out, error = capsys.readouterr()
    assert out == ""
    return error.splitlines()[-1].removeprefix("sparktune: ")


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        (None, "cannot be read: No such file"),
        (b"hello", "is no pickle that can be loaded here"),
        (pickle.dumps({"a": 1}), "is a pickle of a dict, but OLD is one of trials"),
        (pickle.dumps([1]), "is a pickle of a list"),
        (pickle.dumps([]), "holds no trials"),
        (pickle.dumps(Trials()), "holds no trials"),
        (pickle.dumps(room.Trials()), "holds no trials"),
        (pickle.dumps([{"misc": 1}]), "documents[0] has no `misc`"),
        (b"cno_such_module\nThing\n.", "needs the module 'no_such_module', which is not here"),
        (pickle.dumps(Space({"x": hp.uniform("x", 0, 1)})), "is a pickle of a Space"),
    ],
)
def test_what_is_none_is_said_in_a_sentence(tmp_path, capsys, what, sentence):
    """The exit code is 1, and nothing is made."""
    old = tmp_path / "old.pkl"
    if what is not None:
        old.write_bytes(what)
    assert sentence in refused(capsys, old, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert "is a folder, but OLD is a pickle" in refused(capsys, tmp_path, tmp_path / "new")


def test_a_journal_that_holds_trials_is_left_alone(tmp_path, capsys):
    """The pickle is not even opened."""
    old, new = pickle_of("0.3.0", "noted.saved"), tmp_path / "new"
    imported(capsys, old, new)
    before = {path: path.read_bytes() for path in new.iterdir()}
    assert "is a journal of 8 trials already" in refused(capsys, old, new)
    assert {path: path.read_bytes() for path in new.iterdir()} == before
    assert "this is a pickle" in refused(capsys, old, old)


@pytest.mark.parametrize(
    ("text", "name", "sentence"),
    [
        (OURS, "nothing", "has no 'nothing'"),
        (OURS, "noted", "the space has no label 'model'; it has 'x'"),
        ("1 / 0", "space", "cannot be had: ZeroDivisionError"),
        ("import sys; sys.exit(3)", "space", "cannot be had: SystemExit"),
        ("space = 3", "space", "the space has no hyperparameter"),
        ("def space(): raise KeyError('k')", "space", "cannot be had: KeyError: 'k'"),
    ],
)
def test_a_space_that_is_none_is_said_in_a_sentence(tmp_path, capsys, text, name, sentence):
    """The sentence says what is wrong with the file, the name or the space."""
    (tmp_path / "spaces_of.py").write_text(text)
    place = f"{tmp_path / 'spaces_of.py'}:{name}"
    old = pickle_of("0.3.0", "mixed.saved")
    assert sentence in refused(capsys, old, tmp_path / "new", "--space", place)
    assert "there is no file" in refused(
        capsys, old, tmp_path / "new", "--space", f"{tmp_path}/no.py:x"
    )
    assert "No module named" in refused(capsys, old, tmp_path / "new", "--space", "no_such:x")


def test_where_no_choice_explains_a_label(tmp_path, capsys):
    """The sentence names the label and --space."""
    documents = [room.points.generate_trial(0, {"x": 0.5, "y": 1.0})]
    documents.append(room.points.generate_trial(1, {"x": 0.5}))
    (tmp_path / "old.pkl").write_bytes(pickle.dumps(documents))
    text = refused(capsys, tmp_path / "old.pkl", tmp_path / "new")
    assert "no choice says when 'y' is active" in text
    assert "--space" in text


def test_a_graph_in_the_words_of_the_core():
    """What Hyperopt's words say is what sparktune.hp's say, for each point of the space."""
    found = {}
    with under_hyperopts_name():
        exec(THEIRS, found)
    theirs = {"m": found["mixed"](), "in": found["noted"], "of": [1, (2, "x")]}
    ours = Space({"m": space_of_ours("mixed"), "in": space_of_ours("noted"), "of": [1, (2, "x")]})
    made = Space(template_of(theirs))
    assert set(made.labels) == set(ours.labels)
    for label in made.labels:
        assert made.distributions[made.column[label]] == ours.distributions[ours.column[label]]
    for row in ours.sample(np.random.default_rng(1), 20):
        values = ours.decode(row)
        assert made.build(values) == ours.build(values)
    assert template_of(ours.template) is ours.template


def test_graphs_that_the_core_has_no_word_for():
    """They are refused with the label or the function."""
    index = room.hp.randint("i", 2)
    for graph, word in (
        (room.pyll.scope.switch(index, 1, 2), "int"),
        (room.pyll.Apply("unheard_of", [index], {}), "unheard_of"),
    ):
        with pytest.raises(sparktune.BadSearchSpace, match=word):
            template_of({"a": graph})
    chosen = room.hp.choice("c", [1, 2])
    twice = {"a": chosen, "b": chosen.pos_args[0]}
    with pytest.raises(sparktune.BadSearchSpace, match="'c' is more than the choice"):
        template_of(twice)
    shared = {"a": chosen, "b": chosen, "n": room.pyll.scope.int(room.hp.quniform("n", 1, 5, 1))}
    assert Space(template_of(shared)).labels == ("c", "n")
    assert scope.int(hp.uniform("u", 0, 1)).function is template_of(shared)["n"].function
