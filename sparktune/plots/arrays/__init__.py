"""What pictures of a search draw, as plain arrays: functions of trials, without matplotlib."""

from .axis import Axis, window
from .course import Course, OverTrials, Runs, course, over_trials, runs_of
from .labels import Contour, Parallel, Slice, contour, parallel_coordinates, ranks, slices
from .models import Densities, Surrogate, densities, surrogate
from .priors import Prior, priors
from .runs import Distribution, Edf, Line, Reports, edf, reports
from .target import Target, target_of
from .timeline import Timeline, timeline

__all__ = [
    "Axis", "Contour", "Course", "Densities", "Distribution", "Edf", "Line", "OverTrials",
    "Parallel", "Prior", "Reports", "Runs", "Slice", "Surrogate", "Target", "Timeline", "contour",
    "course", "densities", "edf", "over_trials", "parallel_coordinates", "priors", "ranks",
    "reports", "runs_of", "slices", "surrogate", "target_of", "timeline", "window",
]  # fmt: skip
