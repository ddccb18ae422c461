"""An engine for tests: everything that would leave the process is pickled, without a JVM."""

import hashlib

import cloudpickle

from sparktune.engines import worker
from sparktune.engines.base import outcome_of, serialize, unpacked
from sparktune.engines.local import Threads


class Pickling(Threads):
    """Threads whose objective, configurations and results travel as bytes."""

    def open(self, job, on_report=None):
        payload = (job.objective, job.wants_trial)
        self._payload = serialize("the objective", job.objective, payload, cloudpickle.dumps)
        self._digest = hashlib.sha256(self._payload).hexdigest()
        super().open(job)

    def _evaluate(self, task):
        sent = (task.config, task.full_context)
        blob = serialize("the configuration", task.config, sent, cloudpickle.dumps)
        return outcome_of(unpacked(worker.run(lambda: self._payload, self._digest, blob)))
