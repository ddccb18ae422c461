"""Scripts that tests run as programs of their own."""

OF_MAIN = """
import enum, functools, multiprocessing, pickle, sys, typing, warnings
from concurrent.futures import ProcessPoolExecutor

import sparktune
from sparktune import SparkTrials, Status, Trials, fmin, hp, rand

warnings.simplefilter("ignore")
User = typing.NewType("User", int)

def helper(x: User) -> User:
    return 2 * x

@functools.lru_cache(maxsize=None)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)

@functools.singledispatch
def kind(x):
    return "other"

@kind.register
def _(x: int):
    return "int"

class Missing:
    def __reduce__(self):
        return "MISSING"

MISSING = Missing()

class Color(enum.Enum):
    RED = 1

class Report:
    seen = 0
    def __init__(self, of):
        self.of = of

def check(found, expected):
    if found != expected:
        raise AssertionError(f"{found!r}, not {expected!r}")

def objective(config):
    x, option = config
    options = {"fib": fib, "kind": kind, "missing": MISSING, "red": Color.RED, "helper": helper}
    check([option is each for each in options.values()].count(True), 1)
    with multiprocessing.Pool(1) as pool:
        check(pool.map(helper, [1, 2]), [2, 4])
        check(pool.map(fib, [10]), [55])
        check(pool.map(kind, [1, "a"]), ["int", "other"])
    with ProcessPoolExecutor(1) as pool:
        check(list(pool.map(helper, [3])), [6])
    for thing in (helper, fib, kind, MISSING, Color.RED, Report, User):
        check(pickle.loads(pickle.dumps(thing)) is thing, True)
    check(type(pickle.loads(pickle.dumps(Report(1)))) is Report, True)
    return {"loss": x, "status": sparktune.STATUS_OK, "report": Report(Status.OK), "red": Color.RED}

def session(remote):
    from pyspark.sql import SparkSession
    builder = SparkSession.builder
    builder = builder.remote("local[2]") if remote else builder.master("local[2]")
    return builder.config("spark.ui.enabled", "false").getOrCreate()

def count(trials, *_):
    Report.seen += 1
    return False, []

if __name__ == "__main__":
    where = sys.argv[1]
    if where == "processes":
        trials = Trials(parallelism=2)
    else:
        trials = SparkTrials(parallelism=2, spark_session=session(where == "connect"))
    space = (hp.uniform("x", 0, 1), hp.choice("o", [fib, kind, MISSING, Color.RED, helper]))
    fmin(objective, space, algo=rand.suggest, max_evals=8, trials=trials, rstate=0,
         early_stop_fn=count, show_progressbar=False)
    check(trials.errors(), {})
    for result in trials.results:
        check(type(result["report"]) is Report and result["report"].of is Status.OK, True)
        check(result["red"] is Color.RED, True)
    check(Report.seen, 8)
    print("all is well")
"""
