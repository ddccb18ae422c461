"""Tuners on a problem: sparktune and its peers, with the same space and in batches.

A contender is a function of (problem, batch, rounds, seed) that returns its evaluations, and the
seconds of suggesting.
"""

import functools
import math
import time
import warnings
from dataclasses import dataclass

import numpy as np

from sparktune import hp as our_hp
from sparktune.history import History, Outcome, Status
from sparktune.space.discrete import Categorical, Integers
from sparktune.space.distributions import Normal
from sparktune.space.tree import Space
from sparktune.suggest.adaptive import AdaptiveTPE
from sparktune.suggest.anneal import Anneal
from sparktune.suggest.auto import Auto
from sparktune.suggest.bayes import Bayes
from sparktune.suggest.cma import CMA
from sparktune.suggest.random import Random
from sparktune.suggest.recommended import recommended
from sparktune.suggest.tpe import TPE


class Evaluations:
    """The losses of one run, and what the configurations are worth that it would return.

    Attributes:
        observed: the lowest loss seen after each evaluation.
        returned: (number of the evaluation, configuration) wherever the run's best changed.
        recommended: the configuration that the contender believes to be best in the end, if any.
    """

    def __init__(self, problem, seed):
        self.problem, self.seed = problem, seed
        self.observed, self.returned, self.recommended = [], [], None

    def __call__(self, config):
        loss = self.problem.observed(config, self.seed, len(self.observed))
        if not self.observed or loss < self.observed[-1]:
            self.returned.append((len(self.observed), config))
            self.observed.append(loss)
        else:
            self.observed.append(self.observed[-1])
        return loss

    def trajectory(self):
        """What the best is worth after each evaluation; where that is costly, at the end alone."""
        if self.problem.costly:
            return [self.problem.worth(self.returned[-1][1])]
        begins, configs = zip(*self.returned, strict=True)
        lasts = np.diff([*begins, len(self.observed)])
        return np.repeat([self.problem.worth(config) for config in configs], lasts).tolist()


def run_ours(problem, suggester, batch, rounds, seed):
    """(evaluations, seconds of suggesting) of a suggester of sparktune, without an engine."""
    evaluate = Evaluations(problem, seed)
    history, seconds = searched(evaluate, suggester, batch, rounds, [seed])
    number = recommended(history).number
    evaluate.recommended = history.space.build(history[number].values)
    return evaluate, seconds


def searched(evaluate, suggester, batch, rounds, seeds):
    """(history, seconds of suggesting) of a suggester on what ``evaluate`` gives losses of."""
    space = Space(evaluate.problem.space(our_hp))
    history = History(space)
    seconds = 0.0
    for _ in range(rounds):
        rng = np.random.default_rng([*seeds, len(history)])
        began = time.perf_counter()
        every = suggester.suggest(space, history, rng, batch, batch * rounds)
        trials = [history.start([values], 0.0)[0] for values in every]
        seconds += time.perf_counter() - began
        for trial in trials:
            loss = evaluate(space.build(trial.values))
            history.finish(trial.number, 0, Outcome(Status.OK, loss=loss))
    return history, seconds


def run_hyperopt(problem, batch, rounds, seed):
    """Hyperopt's tpe.suggest; as with SparkTrials, a batch is suggested one by one.

    The earlier candidates of the batch are in the trials already, without a loss.
    """
    from hyperopt import hp, tpe
    from hyperopt.base import JOB_STATE_DONE, JOB_STATE_RUNNING, Domain, Trials, spec_from_misc
    from hyperopt.pyll import rec_eval

    evaluate = Evaluations(problem, seed)
    domain = Domain(evaluate, problem.space(hp))
    trials = Trials()
    rng = np.random.default_rng(seed)
    seconds = 0.0
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(batch):
            ids = trials.new_trial_ids(1)
            trials.refresh()
            suggested = tpe.suggest(ids, domain, trials, rng.integers(2**31 - 1), verbose=False)
            trials.insert_trial_docs(suggested)
            trials.refresh()
            trials._dynamic_trials[-1]["state"] = JOB_STATE_RUNNING
        seconds += time.perf_counter() - began
        for trial in trials._dynamic_trials[-batch:]:
            memo = domain.memo_from_config(spec_from_misc(trial["misc"]))
            loss = evaluate(rec_eval(domain.expr, memo=memo))
            trial["result"] = {"loss": loss, "status": "ok"}
            trial["state"] = JOB_STATE_DONE
        trials.refresh()
    return evaluate, seconds


def words_of(distribution):
    """(kind, low, high) of a label for peers: "category", "whole", "log" or "real", and its ends.

    The values are exactly those of the space. Steps are suggested as their number, so that the
    outermost ones get a whole share of the prior, not half of one; with logs, where that would
    change the prior much, a real number is suggested and rounded. Peers have no normal
    distributions: they suggest the quantile, between 0.0001 and 0.9999.
    """
    if isinstance(distribution, Categorical):
        return "category", 0, len(distribution.p) - 1
    if isinstance(distribution, Integers):
        return "whole", distribution.low, distribution.high
    if isinstance(distribution, Normal):
        return "real", 1e-4, 0.9999
    low, high = distribution.low, distribution.high
    if distribution.log:
        return "log", math.exp(low), math.exp(high)
    if distribution.q is not None:
        return "whole", *(round(distribution.value(z) / distribution.q) for z in (low, high))
    return "real", low, high


def value_of(distribution, given):
    """The value of a label that a peer has given in the words of ``words_of``."""
    if isinstance(distribution, (Categorical, Integers)):
        return int(given)
    if isinstance(distribution, Normal):
        from scipy.special import ndtri

        return distribution.value(distribution.mu + distribution.sigma * float(ndtri(given)))
    low, high = distribution.low, distribution.high  # which 32 bits may have rounded beyond
    if distribution.log:
        return distribution.value(min(max(math.log(given), low), high))
    if distribution.q is not None:
        return float(given) * distribution.q
    return min(max(float(given), low), high)


def values_of(given, space):
    """The values of a configuration that a peer has given, label by label."""
    labels = zip(space.labels, space.distributions, strict=True)
    return {label: value_of(each, given[label]) for label, each in labels if label in given}


def suggest_optuna(trial, label, distribution):
    """The value of one label, suggested by Optuna."""
    kind, low, high = words_of(distribution)
    if kind == "category":
        given = trial.suggest_categorical(label, range(high + 1))
    elif kind == "whole":
        given = trial.suggest_int(label, low, high)
    else:
        given = trial.suggest_float(label, low, high, log=kind == "log")
    return value_of(distribution, given)


def run_optuna(problem, batch, rounds, seed, sampler="TPESampler", **settings):
    """A sampler of Optuna: a batch is asked for at once, then told."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    evaluate = Evaluations(problem, seed)
    space = Space(problem.space(our_hp))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = getattr(optuna.samplers, sampler)(seed=seed, **settings)
        study = optuna.create_study(sampler=made)
        seconds = 0.0
        for _ in range(rounds):
            began = time.perf_counter()
            asked = []
            for _ in range(batch):
                trial = study.ask()
                values = {}
                for j, label in enumerate(space.labels):
                    parents = [(space.labels[p], option) for p, option in space.parents[j]]
                    if not parents or any(values.get(p) == option for p, option in parents):
                        values[label] = suggest_optuna(trial, label, space.distributions[j])
                asked.append((trial, values))
            seconds += time.perf_counter() - began
            losses = [evaluate(space.build(values)) for _, values in asked]
            began = time.perf_counter()
            for (trial, _), loss in zip(asked, losses, strict=True):
                study.tell(trial, loss)
            seconds += time.perf_counter() - began
    return evaluate, seconds


@functools.lru_cache(maxsize=16)
def run_optuna_default(problem, batch, rounds, seed):
    """TPESampler as it is: multivariate; labels that not all trials have are sampled alone."""
    return run_optuna(problem, batch, rounds, seed)


def run_optuna_group(problem, batch, rounds, seed):
    """TPESampler(group=True); the same as the default where no label is conditional."""
    if not problem.tree:
        return run_optuna_default(problem, batch, rounds, seed)
    return run_optuna(problem, batch, rounds, seed, multivariate=True, group=True)


def run_optuna_gp(problem, batch, rounds, seed):
    """Optuna's GPSampler, for flat spaces: it draws conditional labels at random. Needs torch."""
    import torch

    torch.set_num_threads(1)
    return run_optuna(problem, batch, rounds, seed, sampler="GPSampler")


def smac_space(space, seed):
    """A space in ConfigSpace's words, and its conditions."""
    from ConfigSpace import Categorical as Choice
    from ConfigSpace import ConfigurationSpace, EqualsCondition, Float, OrConjunction
    from ConfigSpace import Integer as Whole

    found = {}
    for label, distribution in zip(space.labels, space.distributions, strict=True):
        kind, low, high = words_of(distribution)
        if kind == "category":
            options = list(range(high + 1))
            found[label] = Choice(label, options, weights=list(distribution.p))
        elif kind == "whole":
            found[label] = Whole(label, (low, high))
        else:
            found[label] = Float(label, (low, high), log=kind == "log")
    made = ConfigurationSpace(seed=seed)
    made.add(list(found.values()))
    for label, parents in zip(space.labels, space.parents, strict=True):
        conditions = [
            EqualsCondition(found[label], found[space.labels[parent]], option)
            for parent, option in parents
        ]
        if conditions:
            made.add(conditions[0] if len(conditions) == 1 else OrConjunction(*conditions))
    return made


def _asked_only(config, seed=0):
    raise NotImplementedError(f"losses are told: {config}, {seed}")


def run_smac(problem, batch, rounds, seed):
    """SMAC3's facade for hyperparameters (a random forest): a batch is asked for, then told."""
    import logging
    import tempfile
    from pathlib import Path

    from smac import HyperparameterOptimizationFacade, Scenario
    from smac.runhistory.dataclasses import TrialValue

    logging.disable(logging.WARNING)
    evaluate = Evaluations(problem, seed)
    space = Space(problem.space(our_hp))
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")
        scenario = Scenario(
            smac_space(space, seed), output_directory=Path(folder), deterministic=True,
            n_trials=batch * rounds, seed=seed,
        )  # fmt: skip
        smac = HyperparameterOptimizationFacade(scenario, _asked_only)
        seconds = 0.0
        for _ in range(rounds):
            began = time.perf_counter()
            asked = [smac.ask() for _ in range(batch)]
            seconds += time.perf_counter() - began
            losses = [evaluate(space.build(values_of(dict(a.config), space))) for a in asked]
            began = time.perf_counter()
            for info, loss in zip(asked, losses, strict=True):
                smac.tell(info, TrialValue(cost=loss))
            seconds += time.perf_counter() - began
    return evaluate, seconds


def hebo_parameters(space):
    """A space in HEBO's words, which has no conditions."""
    kinds = {"whole": "int", "log": "pow", "real": "num"}
    found = []
    for label, distribution in zip(space.labels, space.distributions, strict=True):
        kind, low, high = words_of(distribution)
        if kind == "category":
            found.append({"name": label, "type": "cat", "categories": list(range(high + 1))})
        else:
            found.append({"name": label, "type": kinds[kind], "lb": low, "ub": high})
    return found


def run_hebo(problem, batch, rounds, seed):
    """HEBO as it is. It has no conditional labels: all are suggested, and idle ones ignored."""
    import torch
    from hebo.design_space.design_space import DesignSpace
    from hebo.optimizers.hebo import HEBO

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (of HEBO and pymoo)
    evaluate = Evaluations(problem, seed)
    space = Space(problem.space(our_hp))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        hebo = HEBO(DesignSpace().parse(hebo_parameters(space)), scramble_seed=seed)
        seconds = 0.0
        for _ in range(rounds):
            began = time.perf_counter()
            asked = hebo.suggest(n_suggestions=batch)
            seconds += time.perf_counter() - began
            every = [values_of(given, space) for given in asked.to_dict("records")]
            losses = [evaluate(space.build(values)) for values in every]
            began = time.perf_counter()
            hebo.observe(asked, np.array(losses).reshape(-1, 1))
            seconds += time.perf_counter() - began
    return evaluate, seconds


@dataclass(frozen=True)
class Ours:
    """A suggester of sparktune as a contender."""

    suggester: object

    def __call__(self, problem, batch, rounds, seed):
        return run_ours(problem, self.suggester, batch, rounds, seed)


CONTENDERS = {
    "sparktune": Ours(TPE()),  # the default of fmin
    "auto": Ours(Auto()),
    "gp": Ours(Bayes()),
    "forest": Ours(Bayes("forest")),
    "atpe": Ours(AdaptiveTPE()),
    "cma": Ours(CMA()),
    "anneal": Ours(Anneal()),
    "random": Ours(Random()),
    "hyperopt": run_hyperopt,
    "optuna": run_optuna_default,
    "optuna-group": run_optuna_group,
    "optuna-gp": run_optuna_gp,
    "smac": run_smac,
    "hebo": run_hebo,
    "optuna-independent": functools.partial(run_optuna, multivariate=False),
}
DEFAULT = ("sparktune", "random", "hyperopt", "optuna", "optuna-group")
