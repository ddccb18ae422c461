# Databricks notebook source
# MAGIC %md # Trials as a table

# COMMAND ----------

import json

import numpy as np
import pandas as pd
from hyperopt import STATUS_OK, Trials, fmin, hp, space_eval, tpe
from hyperopt.pyll.base import scope

pd.set_option("display.width", 200)

# COMMAND ----------

space = {
    "rate": hp.loguniform("rate", np.log(0.001), np.log(0.3)),
    "units": scope.int(hp.quniform("units", 8, 64, 8)),
    "batch": hp.choice("batch", [16, 32, 64]),
    "dropout": hp.choice("dropout", [None, hp.uniform("share", 0.1, 0.5)]),
}


def objective(p):
    loss = abs(np.log(p["rate"] / 0.03)) + abs(p["units"] - 40) / 40 + p["batch"] / 640
    loss += 0.2 if p["dropout"] is None else p["dropout"] - 0.1
    return {"loss": loss, "status": STATUS_OK, "epochs": 10 + p["units"] // 8, "model": "mlp"}


trials = Trials()
fmin(
    objective,
    space,
    algo=tpe.suggest,
    max_evals=30,
    trials=trials,
    rstate=np.random.default_rng(21),
    verbose=False,
)

# COMMAND ----------


def unpack(doc):
    """Lists of one value, or of none."""
    return {k: (v[0] if v else np.nan) for k, v in doc["misc"]["vals"].items()}


rows = pd.DataFrame([unpack(t) for t in trials.trials])
results = pd.DataFrame(trials.results)
table = pd.concat([rows, results], axis=1).assign(tid=trials.tids)
table["seconds"] = [(t["refresh_time"] - t["book_time"]).total_seconds() for t in trials.trials]
table["started"] = pd.to_datetime([t["book_time"] for t in trials.trials])
points = [{k: v for k, v in unpack(t).items() if v == v} for t in trials]
configs = pd.DataFrame([space_eval(space, point) for point in points])
table = table.sort_values("loss").reset_index(drop=True)
print(table[["tid", "loss", "units", "batch"]].head())
table.drop(columns=["started", "seconds"]).fillna(-1).to_csv("trials.csv", index=False)
configs.fillna(0.0).to_csv("configs.csv", index_label="trial")

# COMMAND ----------

summary = {
    "columns": list(table.columns),
    "dtypes": {c: str(d) for c, d in table.dtypes.items() if c != "started"},
    "is_time": bool(pd.api.types.is_datetime64_dtype(table["started"])),
    "configs": {c: str(d) for c, d in configs.dtypes.items()},
    "shape": table.shape,
    "missing": bool(table["share"].isna().sum() == trials.vals["dropout"].count(0)),
    "batches": sorted(configs["batch"].unique().tolist()),
    "flat": pd.json_normalize(trials.trials).columns.tolist(),
    "found": json.loads(table.iloc[0][["loss", "rate", "units", "epochs"]].to_json()),
    "good": bool(table["loss"].iloc[0] < 1),
}
print(json.dumps(summary))
