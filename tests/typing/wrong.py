"""Mistakes that a checker has to see, each on a line that says ``# refused``; never run."""

from sparktune import SparkTrials, Trials, Tuner, fmin, hp, prune, space_eval


def mistakes(trials: Trials) -> None:
    hp.uniform(1, 0, 1)  # refused
    hp.choice("a")  # refused
    hp.unifrom("a", 0, 1)  # refused
    Trials(parallelism="8")  # refused
    Trials(parallelsim=8)  # refused
    SparkTrials(trial_timeout="a minute")  # refused
    fmin(lambda x: x, hp.uniform("x", 0, 1), max_evals="20")  # refused
    fmin(lambda x: x, hp.uniform("x", 0, 1), max_eval=20)  # refused
    space_eval({"x": hp.uniform("x", 0, 1)})  # refused
    trials.best_loss.lower()  # refused
    print(trials.losses()[0] + 1)  # refused
    print(Tuner({"x": hp.uniform("x", 0, 1)}).ask(2).number)  # refused
    prune.asha(eta="2")  # refused
