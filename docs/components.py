"""Writes docs/components.md from the tables of components: python docs/components.py.

The page is that of scikit-learn 1.8 or newer, whose names of parameters it has.
"""

from pathlib import Path

import sparktune.hpsklearn as hpsklearn
from sparktune.hpsklearn.component import CLASSIFIER, OTHER, REGRESSOR, STEP, TEXT
from sparktune.hpsklearn.components import CHOICES, COMPONENTS
from sparktune.hpsklearn.suits import BY_PATH

ROLES = {
    CLASSIFIER: "Classifiers",
    REGRESSOR: "Regressors",
    STEP: "Preprocessing of numbers",
    TEXT: "Preprocessing of texts",
    OTHER: "Models without a target",
}
STEPS = ("any_preprocessing", "any_sparse_preprocessing", "any_text_preprocessing")
NEEDS = {
    "categories": "a KBinsDiscretizer before it makes categories of its columns",
    "numbers >= 0": "a MinMaxScaler comes before it where numbers are below 0",
    "labels from 0": "other labels than 0, 1, 2 ... are numbered for it",
    "labels as numbers": "labels that are no whole numbers are numbered for it",
    "targets > 0": "only for targets above 0",
    "targets >= 0": "only for targets of at least 0",
    "several targets": "only for several targets at once",
    "more rows than columns": "only for data with more rows than columns",
    "two rows of each class": "only where there are two rows of each class to learn from",
}
LIMITS = {
    "nu": "`nu` is at most what the shares of the classes allow",
    "reach": "`radius` is at least half as much again as the longest way from a row to its nearest "
    "neighbour",
}
HEAD = """# Components

What [HyperoptEstimator](estimator.md) chooses from: each function of `sparktune.hpsklearn` that
gives the space of a model or of a preprocessing step, its class, and what is searched. Overrides
(`svc("s", C=1.0)`) take the place of a range.

- *1e-3 to 1e3, log*: the logarithm is drawn uniformly, so that each order of magnitude is as
  likely. Without *log* the number itself is. Ranges of *whole numbers* include both ends.
- *for kernel "poly"*: the parameter is there for that value of the other alone.
- *at most the number of rows* and its like are set by the data: in the range, and again in each
  fold.
- What stands in no table has scikit-learn's own value. `random_state` is the search's seed,
  `n_jobs` that of the estimator.

`python docs/components.py` writes this page, in the parameter names of scikit-learn 1.8 and newer.
"""


def page():
    """The page."""
    parts = [HEAD, choices()]
    for role, title in ROLES.items():
        names = [name for name, each in COMPONENTS.items() if each.role == role]
        parts.append(f"## {title}\n\n{' · '.join(f'[{name}](#{name})' for name in names)}\n")
        parts.extend(section(COMPONENTS[name]) for name in names)
    return "\n".join(parts)


def choices():
    """The table of choices between components."""
    lines = ["## Choices\n", "| function | between |", "|---|---|"]
    lines += [f"| `{name}` | {linked(names)} |" for name, names in CHOICES.items()]
    for name in STEPS:
        options = [
            " and ".join(f"[{each}](#{each})" for each in map(named, option)) or "no step"
            for option in getattr(hpsklearn, name)("p").options
        ]
        lines.append(f"| `{name}` | {', '.join(options)} |")
    lines += [
        "| `all_classifiers` | all classifiers, but for those around another one |",
        "| `all_regressors` | all regressors |",
        "| `all_preprocessing` | no step, or any one step; texts take those for texts, numbers the "
        "others |",
        "",
        "Those of XGBoost, LightGBM and CatBoost are among them where they are installed.",
        "",
    ]
    return "\n".join(lines)


def named(step):
    """The name of the component of a step in a space."""
    return BY_PATH[step.args[0]].name


def linked(names):
    """Names of components with links to their sections."""
    return ", ".join(f"[{name}](#{name})" for name in names)


def section(component):
    """What the page says of a component."""
    says = [f"`{component.path}`"]
    if component.path.startswith("sparktune."):
        says = ["The first columns, as a ColumnTransformer"]
    if component.sparse:
        says.append("takes sparse matrices")
    says += [NEEDS[need] for need in sorted(component.needs)]
    says += [LIMITS[limit] for limit in component.limits.values() if limit in LIMITS]
    for name, value in component.for_sparse.items():
        says.append(f"with `{name}={value}` for sparse matrices")
    head = f"### {component.name}\n\n{'; '.join(says)}.\n"
    rows = component.rows()
    if not rows:
        return f"{head}\nNothing is searched.\n"
    lines = ["| parameter | searched over |", "|---|---|"]
    for name, condition, text in rows:
        where = f", for {condition}" if condition else ""
        lines.append(f"| `{name}`{where} | {text} |")
    return f"{head}\n" + "\n".join(lines) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("components.md").write_text(page())
