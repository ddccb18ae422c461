"""An engine for tests: everything that would leave the process is pickled, without a process."""

import cloudpickle

from sparktune.engines import travels
from sparktune.engines.answers import hand_on_reports, unpacked
from sparktune.engines.local import Threads
from sparktune.engines.shipping import Shipment
from sparktune.engines.travels.task import Store, answer_to


class Pickling(Threads):
    """Threads whose objective, configurations and results travel as bytes."""

    def open(self, spec, on_report=None):
        self._shipment = Shipment(spec, cloudpickle)
        super().open(spec, on_report)

    def _evaluate(self, task):
        answer = self._answer(self._shipment.pack(task))
        if answer.get("apart"):
            answer = self._answer(self._shipment.pack(task, apart=True))
        hand_on_reports(answer, task, self._on_report)
        return answer

    def _answer(self, blob):
        places = {digest: ("bytes", thing) for digest, thing in self._shipment.blobs.items()}
        head, result = answer_to(self._shipment.message(blob, places), Store(), lambda: None)
        if travels.__name__ in cloudpickle.list_registry_pickle_by_value():
            cloudpickle.unregister_pickle_by_value(travels)  # this is no process for trials
        return unpacked(head + result)
