"""Candidates that nobody has checked: encoded as others are, or refused with the label."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import examples

from sparktune import hp
from sparktune.exceptions import InvalidTrial
from sparktune.history import History
from sparktune.space.tree import Space

ALL = {
    "u": hp.uniform("u", -3, 3),
    "qu": hp.quniform("qu", 0.25, 9.75, 0.5),
    "lu": hp.loguniform("lu", -9, 2),
    "qlu": hp.qloguniform("qlu", -1, 4, 0.3),
    "n": hp.normal("n", 0, 2),
    "qn": hp.qnormal("qn", 1e3, 5e5, 0.1),
    "ln": hp.lognormal("ln", 0, 3),
    "qln": hp.qlognormal("qln", 0, 2, 1),
    "i": hp.uniformint("i", -4, 60),
    "r": hp.randint("r", 7),
    "c": hp.choice("c", ["a", {"y": hp.uniform("y", 0, 1)}, [hp.choice("d", [1, None])]]),
    "p": hp.pchoice("p", [(0.0, 1), (1.0, 2)]),
}
SPACE = Space(ALL)
POINT = {
    "u": 0.0, "qu": 1.0, "lu": 1.0, "qlu": 0.6, "n": 0.0, "qn": 1e3, "ln": 1.0, "qln": 0.0, "i": 0,
    "r": 0, "c": 1, "y": 0.5, "p": 1,
}  # fmt: skip


def test_candidates_of_the_space_are_encoded_as_ever():
    """The rows of whatever the prior draws are those of ``Space.encode``, to the last bit."""
    batch = [SPACE.decode(row) for row in SPACE.sample(np.random.default_rng(0), 2000)]
    rows = np.array([row for _, row in SPACE.encoder.pairs(batch)])
    assert rows.tobytes() == np.array([SPACE.encode(values) for values in batch]).tobytes()


def test_the_ends_of_ranges_are_values():
    """What a latent at either end stands for is taken, and what rounding leaves beside it."""
    for j, distribution in enumerate(SPACE.distributions):
        label = SPACE.labels[j]
        if label in ("c", "y", "d"):
            continue
        ends = [end if math.isfinite(end) else math.copysign(1e308, end)
                for end in distribution.support]  # fmt: skip
        for value in map(distribution.value, ends):
            beside = value * (1 - 1e-15), value * (1 + 1e-15)
            for near in (value, *(beside if isinstance(value, float) else ())):
                SPACE.encoder.pairs([{**POINT, label: near}])


WRONG = {
    "too large": ({"u": 3.1}, "'u' takes a number from -3 to 3, but got 3.1"),
    "too small": ({"lu": 0.0}, "'lu' takes a number from"),
    "off the grid": ({"qu": 1.1}, "'qu' takes a multiple of 0.5, but got 1.1"),
    "negative": ({"ln": -1.0}, "'ln' takes a positive number"),
    "no whole number": ({"i": 1.5}, "'i' takes a whole number from -4 to 60, but got 1.5"),
    "no option": ({"c": 3}, "'c' takes the index of an option, 0 to 2, but got 3"),
    "before the first option": ({"c": -1}, "'c' takes the index"),
    "a bool": ({"u": True}, "'u' takes a number, but got True"),
    "a text": ({"i": "3"}, "'i' takes a number, but got '3'"),
    "None": ({"i": None}, "'i' takes a number, but got None"),
    "a list": ({"n": [1.0]}, "'n' takes a number"),
    "nan": ({"n": math.nan}, "'n' takes a finite number"),
    "infinity": ({"n": math.inf}, "'n' takes a finite number"),
    "a huge number": ({"n": 10**400}, "'n' takes a finite number"),
    "a huge index": ({"c": 2**63}, "'c' takes the index"),
    "an inactive label": ({"d": 1}, "there is a value for 'd', which is inactive"),
    "no label": ({"z": 1}, "the space has no label 'z'"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_candidate_is_refused(what):
    """A wrong value is refused with its label and its rule, and the history stays as it was."""
    more, sentence = WRONG[what]
    history = History(SPACE)
    with pytest.raises(InvalidTrial, match=sentence):
        history.start([POINT, {**POINT, **more}], 0.0)
    assert len(history) == 0


def test_a_missing_value_is_refused():
    """A label that the candidate has by its choices needs a value, and is named."""
    for label in ("u", "y", "c"):
        values = {name: value for name, value in POINT.items() if name != label}
        with pytest.raises(InvalidTrial, match=f"no value for '{label}'|value for 'y', which is"):
            SPACE.encoder.pairs([values])


@examples(300)
@given(st.sampled_from([each for each in POINT if each != "c"]), st.floats() | st.integers())
def test_taken_is_what_the_distribution_has(label, value):
    """Any number is refused, or is what its latent stands for."""
    try:
        row = SPACE.encoder.pairs([{**POINT, label: value}])[0][1]
    except InvalidTrial:
        return
    j = SPACE.column[label]
    back = SPACE.distributions[j].value(row[j])
    assert math.isclose(back, value, rel_tol=1e-6, abs_tol=1e-6)


def test_values_come_as_native_numbers():
    """Numbers of numpy become Python's own, which a record can hold, in the order of the labels."""
    values = {label: np.float64(value) for label, value in reversed(POINT.items())}
    (kept, row) = SPACE.encoder.pairs([values])[0]
    assert list(kept) == [label for label in SPACE.labels if label in POINT]
    assert kept == POINT
    assert {type(value) for value in kept.values()} <= {int, float}
    assert row == SPACE.encoder.pairs([POINT])[0][1]
