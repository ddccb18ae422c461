"""What stands in place of a component's own ranges, and what is refused."""

import math

import pytest
from estimators import draw
from sklearn.svm import SVC

from sparktune import hp
from sparktune import hpsklearn as ours
from sparktune.space.tree import Space


def labels(template):
    """What is searched in a space."""
    return set(Space(template).labels)


def drawn(template, count=60):
    """Many draws of a space."""
    return [draw(template, seed) for seed in range(count)]


def test_labels_begin_with_the_components():
    """All labels of a component begin with that which it was given, and a dot."""
    assert all(label.startswith("mine.") for label in labels(ours.svc("mine")))
    both = [ours.svc("a"), ours.svc("b")]
    assert len(labels(both)) == 2 * len(labels(both[0]))


def test_constants_and_nodes():
    """A parameter may be a constant, or a node with a label of one's own."""
    space = ours.sgd_classifier(
        "s", loss="hinge", alpha=hp.loguniform("alpha", -9, -1), max_iter=50, penalty="l2"
    )
    assert "alpha" in labels(space)
    assert labels(space).isdisjoint({"s.loss", "s.alpha", "s.penalty", "s.l1_ratio"})
    for made in drawn(space, 9):
        assert (made.loss, made.max_iter, made.penalty) == ("hinge", 50, "l2")
        assert -9 <= math.log(made.alpha) <= -1


def test_none_is_a_value():
    """None in place of a range is the value None."""
    assert all(
        made.max_depth is None
        for made in drawn(ours.decision_tree_classifier("t", max_depth=None), 5)
    )


def test_a_parameter_that_others_depend_on():
    """Where it is fixed, what belongs to its other values is not searched."""
    assert "s.degree" not in labels(ours.svc("s", kernel="rbf"))
    assert "s.gamma" in labels(ours.svc("s", kernel="rbf"))
    assert labels(ours.svc("s", kernel="linear")) == {"s.C"}
    assert {made.kernel for made in drawn(ours.svc("s"))} == {"linear", "rbf", "poly", "sigmoid"}


def test_what_is_given_beside_a_fixed_value():
    """Nothing that is given is dropped where the parameter that it depends on is given, too."""
    made = draw(ours.svc("s", kernel="rbf", degree=7), 0)
    assert (made.kernel, made.degree) == ("rbf", 7)


def test_a_choice_in_place_of_it():
    """A choice of its values decides what is searched with each, with the choice's odds."""
    kernel = hp.pchoice("which", [(0.9, "linear"), (0.1, "poly")])
    space = ours.svc("s", kernel=kernel)
    assert labels(space) == {"which", "s.C", "s.gamma", "s.gamma.value", "s.degree", "s.coef0"}
    kernels = [made.kernel for made in drawn(space)]
    assert 0 < kernels.count("poly") < 20
    linear = [made for made in drawn(space) if made.kernel == "linear"]
    assert {made.degree for made in linear} == {SVC().degree}


def test_a_conditional_parameter():
    """A parameter that some values need replaces the range where it is needed, and only there."""
    space = ours.svc("s", gamma=0.25)
    assert "s.gamma" not in labels(space)
    for made in drawn(space):
        assert made.gamma == ("scale" if made.kernel == "linear" else 0.25)
    assert "g" in labels(ours.svr("s", C=1.0, gamma=hp.loguniform("g", -4, 1)))


@pytest.mark.parametrize(
    "kernel",
    ["precomputed", len, hp.choice("k", ["precomputed", "linear"]), ["a list"]],
    ids=["value", "function", "choice", "list"],
)
def test_values_that_the_table_does_not_have(kernel):
    """With another value than those of the table, what is given for it is taken."""
    for made in drawn(ours.svc("s", kernel=kernel, gamma=0.25, degree=7), 9):
        if made.kernel != "linear":
            assert (made.gamma, made.degree) == (0.25, 7)


def test_a_choice_of_nodes_in_place_of_it():
    """A choice whose options are nodes, too, keeps what is given beside it."""
    shape = hp.choice("solver", ["lbfgs", hp.choice("other", ["saga", "newton-cg"])])
    found = {
        made.solver for made in drawn(ours.logistic_regression("l", solver=shape, l1_ratio=0.5))
    }
    assert found == {"lbfgs", "saga", "newton-cg"}


def test_components_within_components():
    """A component may be a parameter of another one."""
    space = ours.one_vs_rest_classifier("o", estimator=ours.svc("inner", kernel="linear"))
    assert labels(space) == {"inner.C"}
    assert isinstance(draw(space, 0).estimator, SVC)


def test_each_draw_is_an_object_of_its_own():
    """Two candidates share no object, so that fitting one leaves the other alone."""
    space = ours.ada_boost_classifier("a")
    one, two = draw(space, 3), draw(space, 3)
    assert one is not two
    assert one.estimator is not two.estimator
    assert repr(one) == repr(two)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: ours.svc(3), r"svc takes a label first, a string .* but got 3"),
        (lambda: ours.svc("s", c=1), r"svc\('s'\) has no parameter 'c'; it has C, break_ties, ca"),
        (lambda: ours.pca("p", whitening=True), r"pca\('p'\) has no parameter 'whitening'; it has"),
        (lambda: ours.svc(), "label"),
        (lambda: ours.ts_lagselector("l", size=2), "no parameter 'size'; it has lag_size"),
    ],
)
def test_wrong_arguments(call, sentence):
    """A label that is none, or a parameter that the class does not have, is refused at once."""
    with pytest.raises(TypeError, match=sentence):
        call()


def test_what_a_component_shows():
    """Its repr is a call of the class, in which what is drawn as a whole has two stars."""
    shown = repr(ours.svc("s", C=2.0))
    assert shown == "SVC(C=2.0, max_iter=100000, **<'s.kernel': choice of 4>)"
    assert repr(ours.standard_scaler("s")) == "StandardScaler()"
    assert "estimator=DecisionTreeClassifier(max_depth=" in repr(ours.ada_boost_classifier("a"))
