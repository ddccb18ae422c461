"""What ablation.py changes in Bayes: settings, and parts exchanged for what others do."""

import math
from dataclasses import dataclass
from unittest import mock

import numpy as np

from sparktune.suggest import bayes, maximise
from sparktune.suggest.bayes import Bayes
from sparktune.suggest.regions import TrustRegion
from sparktune.suggest.surrogates import gp_kernel
from sparktune.suggest.surrogates.gp import GP

SIZES = (1.0, 0.25, 2.0, 0.5)  # of a trust region


@dataclass(frozen=True)
class Changed(Bayes):
    """Bayes with a part exchanged, by its name in PARTS, while it proposes a batch."""

    part: str = ""

    def suggest(self, space, history, rng, k, budget=None):
        with PARTS[self.part]():
            return super().suggest(space, history, rng, k, budget)


def replaced(target, name, value):
    """What puts a value in place of a module's or a class's own."""
    return lambda: mock.patch.object(target, name, value)


class OneReach(bayes._Batch):
    """The trust region is as wide in any number of labels."""

    def __init__(self, settings, space, history, rng, k):
        super().__init__(settings, space, history, rng, k)
        labels = np.count_nonzero(~np.isnan(self.region.centre))
        reach = self.region.reach * math.sqrt(max(1.0, labels / bayes._LABELS))
        self.region = TrustRegion(space, self.region.centre, min(1.0, reach))


class Sizes(bayes._Batch):
    """Each candidate of the region has its own width, four in turn."""

    def _choose(self, name, branch):
        region = self.region
        factor = SIZES[len(self.chosen.taken) % len(SIZES)]
        self.region = TrustRegion(self.space, region.centre, min(1.0, factor * region.reach))
        super()._choose(name, branch)
        self.region = region


class Drawn(bayes._Batch):
    """The region's centre is the best of the observations in a draw of the posterior."""

    def __init__(self, settings, space, history, rng, k):
        super().__init__(settings, space, history, rng, k)
        best = self.X[np.argsort(self.mean, kind="stable")[:40]]
        posterior, points = self.posterior, self.posterior.kernel.points(best)
        V = posterior.R @ posterior.kernel.covariance(posterior.seen, points)
        covariance = posterior.kernel.covariance(points, points) - V.T @ V
        w, Q = np.linalg.eigh(covariance)
        draw = posterior.mean(best) + Q @ (np.sqrt(np.maximum(w, 0.0)) * rng.normal(size=len(w)))
        self.region = TrustRegion(space, best[int(np.argmin(draw))], self.region.reach)


def with_noise(mean, deviation):
    """What gives the noise a lognormal prior."""
    usual = gp_kernel.log_prior

    def log_prior(features, h, z):
        value, by_z = usual(features, h, z)
        d = len(features.columns)
        apart = (math.log(h.noise) - mean) / deviation
        slope = (h.noise - gp_kernel._LEAST_NOISE) / h.noise
        value += -0.1 * math.log(h.noise) + 30 * h.noise - 0.5 * apart**2
        by_z[d + 1] = -apart / deviation * slope
        return value, by_z

    return replaced(gp_kernel, "log_prior", log_prior)


def with_lengths(mean, deviation):
    """What gives lengthscales an independent prior, longer by ``mean`` in the logarithm."""

    def log_prior(short):
        apart = (short + mean) / deviation
        return -0.5 * float(apart @ apart), -apart / deviation

    return replaced(gp_kernel, "_log_prior_of_lengths", log_prior)


def gaussian(r2):
    """A Gaussian function of squared distances, and its derivative by them."""
    value = np.exp(-0.5 * r2)
    return value, -0.5 * value


def rougher(r2):
    """The Matern 3/2 function of squared distances, and its derivative by them."""
    r = np.sqrt(3 * r2)
    value = np.exp(-r)
    return (1 + r) * value, -1.5 * value


PARTS = {
    "one reach": replaced(bayes, "_Batch", OneReach),
    "sizes": replaced(bayes, "_Batch", Sizes),
    "drawn": replaced(bayes, "_Batch", Drawn),
    "one width": replaced(bayes, "width_after", lambda *_: 1.0),
    "to bounds": replaced(maximise, "_short_of_bounds", lambda _axes, U, _region: U),
    "noise": with_noise(-4.0, 1.0),
    "alike: 0": replaced(gp_kernel, "_ALIKE", 0.0),
    "alike: 0.9": replaced(gp_kernel, "_ALIKE", 0.9),
    "length": with_lengths(math.sqrt(2), math.sqrt(3)),
    "gaussian": replaced(gp_kernel, "_matern", gaussian),
    "rougher": replaced(gp_kernel, "_matern", rougher),
}

CHANGES = {
    "acquisition: ei": Bayes(acquisition="ei"),
    "acquisition: lcb": Bayes(acquisition="lcb"),
    "acquisition: mes": Bayes(acquisition="mes"),
    "replicate_share: 0": Bayes(replicate_share=0.0),
    "local_share: 0": Bayes(local_share=0.0),
    "local_share: 0.5": Bayes(local_share=0.5),
    "reach: 0.1": Bayes(reach=0.1),
    "reach: 0.4": Bayes(reach=0.4),
    "reach: 0.2 in any dimension": Changed(part="one reach"),
    "region: four sizes in turn": Changed(part="sizes"),
    "region: around a draw of the best": Changed(part="drawn"),
    "region: of one width throughout": Changed(part="one width"),
    "bounds: reached at once": Changed(part="to bounds"),
    "trials conditioned on: 1,000": Bayes(GP(most=1000, most_fitted=256)),
    "losses never warped": Bayes(GP(warp=False)),
    "noise: lognormal(-4, 1)": Changed(part="noise"),
    "lengthscales: independent": Changed(part="alike: 0"),
    "lengthscales: correlated by 0.9": Changed(part="alike: 0.9"),
    "lengthscales: ln l of mean sqrt 2, deviation sqrt 3": Changed(part="length"),
    "kernel: gaussian": Changed(part="gaussian"),
    "kernel: Matern, 3/2": Changed(part="rougher"),
    "fantasies: 1": Bayes(fantasies=1),
    "initial design: 10": Bayes(n_startup_jobs=10),
}
