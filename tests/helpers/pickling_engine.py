"""An engine for tests: everything that would leave the process is pickled, without a process."""

import cloudpickle

from sparktune.engines import worker
from sparktune.engines.answers import answer_of, hand_on_reports, unpacked
from sparktune.engines.local import Threads
from sparktune.engines.shipping import Shipment


class Pickling(Threads):
    """Threads whose objective, configurations and results travel as bytes."""

    def open(self, spec, on_report=None):
        self._shipment = Shipment(spec, cloudpickle)
        super().open(spec, on_report)

    def _evaluate(self, task):
        settings = self._spec.settings
        message = {
            "job": self._shipment.digest,
            "places": {d: ("bytes", blob) for d, blob in self._shipment.blobs.items()},
            "task": self._shipment.pack(task),
            "limit": settings.timeout,
            "max_result": settings.max_result_mb * 2**20,
            "artifacts": settings.artifact_dir,
            "gpus": (),
            "env": settings.environment,
        }
        answer = unpacked(worker.answer_to(message, worker.Store(), lambda: None))
        hand_on_reports(answer, task, self._on_report)
        return answer_of(answer, settings)
