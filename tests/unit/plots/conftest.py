"""Pyplot without a screen."""

import pytest


@pytest.fixture
def pyplot(request):
    """Pyplot, whose figures are drawn in the end in the full tests, and else where a test asks."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    pyplot.close("all")
    yield pyplot
    if request.config.option.full:
        draw_all(pyplot)
    pyplot.close("all")


@pytest.fixture
def drawn(pyplot):
    """A function that draws all figures, small, and closes them; called at the end as well."""
    yield lambda: draw_all(pyplot)
    draw_all(pyplot)


def draw_all(pyplot):
    """Draw every figure, and close it."""
    for number in pyplot.get_fignums():
        figure = pyplot.figure(number)
        figure.set_size_inches(3, 2)
        figure.set_dpi(40)
        figure.set_layout_engine("none")  # which takes most of the time
        figure.canvas.draw()
    pyplot.close("all")
