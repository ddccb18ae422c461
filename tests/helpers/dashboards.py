"""A dashboard in a thread, and a browser's part in asking it."""

import contextlib
import gzip
import http.client
import json
import threading
from urllib.parse import urlsplit

from sparktune.cli.places import place_of
from sparktune.dashboard import Dashboard
from sparktune.storage.replaying import Recorded
from sparktune.views.standing import Standing

SECONDS = 60


class Shelf:
    """A place with runs in memory: histories by name."""

    def __init__(self, **histories):
        self.histories = histories

    def sources(self):
        return {name: lambda name=name: Held(name, self) for name in self.histories}


class Held:
    """A run of a shelf; a history that is put there in place of the old one is a newer state."""

    def __init__(self, name, shelf):
        self.name, self._shelf = name, shelf

    def replay(self, known=None):
        history = self._shelf.histories[self.name]
        return Recorded(history, 0, len(history), id=str(id(history)))

    def summary(self, recorded):
        return Standing(recorded.history)


@contextlib.contextmanager
def dashboard(*paths, exp_key=None, shelf=None):
    """A client of a dashboard of these paths or a shelf, which has not used the token yet."""
    places = [place_of(str(path), exp_key) for path in paths]
    served = Dashboard(places if shelf is None else [shelf], 0)
    thread = threading.Thread(target=served.run, daemon=True)
    thread.start()
    try:
        yield Client(served.address, served.stop)
    finally:
        served.stop()
        thread.join(SECONDS)
        assert not thread.is_alive()


class Client:
    """Asks a dashboard; ``cookie`` is sent along once there is one."""

    def __init__(self, address, stop=lambda: None):
        self.address, self.stop = address, stop
        parts = urlsplit(address)
        self.host, self.port = parts.hostname, parts.port
        self.path, self.cookie = f"{parts.path}?{parts.query}", None

    def enter(self):
        """Exchange the token for the cookie."""
        answer = self.ask(self.path)
        self.cookie = answer.headers["Set-Cookie"].partition(";")[0]
        return self

    def ask(self, path, method="GET", **headers):
        """An answer, with its body read."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=SECONDS)
        headers = {name.replace("_", "-"): text for name, text in headers.items()}
        if self.cookie:
            headers.setdefault("Cookie", self.cookie)
        with contextlib.closing(connection):
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            answer.body = answer.read()
        if answer.headers.get("Content-Encoding") == "gzip":
            answer.body = gzip.decompress(answer.body)
        return answer

    def json(self, path):
        """The JSON at a path."""
        return json.loads(self.ask(path).body)

    @contextlib.contextmanager
    def events(self):
        """The lists of runs that the server sends, one after the other."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=SECONDS)
        with contextlib.closing(connection):
            connection.request("GET", "/api/events", headers={"Cookie": self.cookie})
            yield self._lists(connection.getresponse())

    @staticmethod
    def _lists(answer):
        silent = 0
        for line in answer:
            silent += line.startswith(b": still here")  # each 15 seconds
            assert silent < 4, "the server sends signs of life alone"
            if line.startswith(b"data: "):
                silent = 0
                yield json.loads(line[6:])["runs"]
