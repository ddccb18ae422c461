"""What pictures of a search draw, as plain arrays: functions of trials, without matplotlib."""

from .axis import Axis, window
from .course import Course, OverTrials, course, over_trials
from .labels import Contour, Parallel, Slice, contour, parallel_coordinates, ranks, slices
from .models import Densities, Surrogate, densities, surrogate
from .priors import Prior, priors
from .runs import Distribution, Edf, Line, Reports, edf, reports
from .timeline import Timeline, timeline

__all__ = [
    "Axis", "Contour", "Course", "Densities", "Distribution", "Edf", "Line", "OverTrials",
    "Parallel", "Prior", "Reports", "Slice", "Surrogate", "Timeline", "contour", "course",
    "densities", "edf", "over_trials", "parallel_coordinates", "priors", "ranks", "reports",
    "slices", "surrogate", "timeline", "window",
]  # fmt: skip
