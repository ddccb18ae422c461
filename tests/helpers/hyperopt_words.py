"""What Hyperopt 0.3.0's words take, but for the generator and size that its graph sets.

tests/peers compares this with Hyperopt itself.
"""

OF_HYPEROPT = {
    "choice": "label options",
    "pchoice": "label p_options",
    "randint": "label low high",
    "uniformint": "label low high q",
    "uniform": "label low high",
    "quniform": "label low high q",
    "loguniform": "label low high",
    "qloguniform": "label low high q",
    "normal": "label mu sigma",
    "qnormal": "label mu sigma q",
    "lognormal": "label mu sigma",
    "qlognormal": "label mu sigma q",
}
