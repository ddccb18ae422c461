"""Pictures of trials that ran on Spark."""

import pytest

from sparktune import SparkTrials, fmin, hp, plots, rand


@pytest.fixture
def pyplot():
    """Pyplot without a screen, whose figures are closed in the end."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


@pytest.mark.deployments("local")
def test_a_run_on_spark_is_drawn(spark, pyplot):
    """Losses stand over all trials, and each trial is a bar, at most two of them at a time."""
    trials = SparkTrials(parallelism=2)
    fmin(
        lambda x: {"loss": x, "twice": 2 * x}, hp.uniform("x", 0, 1), algo=rand.suggest,
        max_evals=8, trials=trials, rstate=0, show_progressbar=False,
    )  # fmt: skip
    ax = plots.plot_optimization_history(trials, target="twice")
    assert ax.collections[0].get_offsets()[:, 1].tolist() == [2 * loss for loss in trials.losses()]
    bars, busy = plots.plot_timeline(trials), plots.plot_timeline(trials, clock=True)
    for ax in (bars, busy):
        assert ax.get_title().startswith(("8 trials in 1 slot", "8 trials in 2 slots"))
        ax.figure.canvas.draw()
