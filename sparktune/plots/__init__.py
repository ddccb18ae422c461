"""Pictures of a search, drawn by matplotlib: functions of trials that return Axes.

>>> from sparktune.plots import plot_optimization_history
>>> plot_optimization_history(trials)  # doctest: +SKIP

``trials`` are Trials, SparkTrials or StoreTrials, also while a run goes on and where they were
loaded to be read, a Tuner, or a History. Nothing here shows a figure, chooses a backend or changes
a setting of matplotlib, and matplotlib is imported when the first picture is drawn. What is drawn
is to be had as plain arrays from ``sparktune.plots.arrays``.
"""

from .course import (
    plot_edf,
    plot_intermediate_values,
    plot_optimization_history,
    plot_over_trials,
)
from .labels import plot_parallel_coordinate, plot_param_importances, plot_slice
from .models import plot_densities, plot_space, plot_surrogate
from .pairs import plot_contour, plot_rank
from .timeline import plot_timeline

__all__ = [
    "plot_contour",
    "plot_densities",
    "plot_edf",
    "plot_intermediate_values",
    "plot_optimization_history",
    "plot_over_trials",
    "plot_parallel_coordinate",
    "plot_param_importances",
    "plot_rank",
    "plot_slice",
    "plot_space",
    "plot_surrogate",
    "plot_timeline",
]
