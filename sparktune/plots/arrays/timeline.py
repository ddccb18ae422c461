"""When trials ran, and where: bars in slots."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arithmetic import own_arithmetic
from ...checks import real, whole
from ...history import History
from ...space.distributions import Array
from .course import WORDS
from .door import best_number, drawable, numbers_of

__all__ = ["Timeline", "timeline"]

Ints = NDArray[np.intp]

_SEEN = tuple(WORDS)
_SAME = 1e-6  # seconds


@dataclass(frozen=True)
class Timeline:
    """n trials in s slots, by their begin.

    A record has when a trial was handed out, how long its objective ran, and on which host. A bar
    begins where the trial was handed out, so that on Spark the wait for a free slot is in front of
    what the bar leaves idle, unless ``slots`` lets trials wait; and a trial that was begun again
    after it was lost stands at its first begin.

    Attributes:
        numbers: (n,) of the trials.
        start, end: (n,) seconds since the first trial began. A trial that runs ends at ``now``; one
            that has no run time, at its start.
        slot: (n,) of each trial: no two in one slot overlap.
        status: (n,) how each stands: "ok", "failed", "running", ...
        retried: (n,) whether it was begun again after it was lost or cut off.
        hosts: (s,) host of each slot; "" where none is known. A trial that runs is in a slot of any
            host that was free, since its own is not known yet.
        now: seconds since the first trial began: the end of the last.
        began: of the first trial, in seconds since the epoch.
        busy: share of the slots' time in which a trial ran, from their first begin to the last end.
        best_trial: number of the best trial; None without one.
    """

    numbers: Ints
    start: Array
    end: Array
    slot: Ints
    status: tuple[str, ...]
    retried: NDArray[np.bool_]
    hosts: tuple[str, ...]
    now: float
    began: float
    busy: float
    best_trial: int | None


@own_arithmetic
def timeline(trials: Any, slots: int | None = None, now: float | None = None) -> Timeline:
    """Assign each trial to a slot of its host, from its start to its end.

    Args:
        trials: the trials.
        slots: how many trials each host ran at a time, where that is known: a trial that was handed
            out while all were busy then waits for the first that is free. None takes as many slots
            as there were trials at a time.
        now: until when trials that run have run, in seconds since the epoch; None for the last
            moment that the record knows of.

    Raises:
        TypeError, ValueError: no trials, or a wrong setting.
    """
    history = drawable(trials)
    whole("slots", slots, none=True)
    real("now", now, "a number of seconds since the epoch", finite=True, none=True)
    numbers = numbers_of(history, *_SEEN)
    if not len(numbers):
        raise ValueError("there is nothing to draw: no trial has begun yet")
    started = np.array([history[n].started for n in numbers.tolist()])
    numbers = numbers[np.argsort(started, kind="stable")]
    began = float(started.min())
    start = np.sort(started) - began
    took = np.array([_seconds(history, n) for n in numbers.tolist()])
    status = tuple(WORDS[history[n].status] for n in numbers.tolist())
    runs = np.array([word == "running" for word in status])
    ends = start + np.where(runs, 0.0, took)
    latest = float(ends.max()) if now is None else max(float(ends.max()), now - began)
    host = [_host(history, n) for n in numbers.tolist()]
    slot, hosts, start = _assigned(start, np.where(runs, np.inf, took), host, slots)
    latest = max(latest, float((start + np.where(runs, 0.0, took)).max()))
    ends = np.where(runs, latest, start + took)
    length = len(hosts) * latest
    busy = float((ends - start).sum()) / length if length > 0 else 0.0
    retried = np.array([history[n].attempt > 0 for n in numbers.tolist()])
    return Timeline(
        numbers, start, ends, slot, status, retried, hosts, latest, began, min(busy, 1.0),
        best_number(history),
    )  # fmt: skip


def _seconds(history: History, number: int) -> float:
    outcome = history[number].outcome
    seconds = outcome.seconds if outcome is not None else None
    return max(0.0, seconds) if seconds is not None and np.isfinite(seconds) else 0.0


def _host(history: History, number: int) -> str:
    outcome = history[number].outcome
    return (outcome.host if outcome is not None else None) or ""


def _assigned(
    start: Array, took: Array, host: list[str], most: int | None
) -> tuple[Ints, tuple[str, ...], Array]:
    """The slot of each trial, the host of each slot, and when the trials began in them.

    A trial that runs has no host yet: it is put where a slot of any host is free at its start, and
    where there is one host alone, on that.
    """
    known = list(dict.fromkeys(filter(None, host)))
    if len(known) == 1:
        host = [known[0]] * len(host)
    lanes: dict[str, int] = {}
    slot_of, begins = np.zeros(len(start), np.intp), start.copy()
    free: dict[str, list[int]] = {}  # lanes that nobody is in
    busy: dict[str, list[tuple[float, int]]] = {}
    guests = [i for i, name in enumerate(host) if not name and math.isinf(took[i])]
    for i, name in enumerate(host):
        if not name and math.isinf(took[i]):
            continue
        open_lanes, taken = free.setdefault(name, []), busy.setdefault(name, [])
        while taken and taken[0][0] <= start[i] + _SAME:
            heapq.heappush(open_lanes, heapq.heappop(taken)[1])
        if open_lanes:
            lane = heapq.heappop(open_lanes)
        elif most is not None and len(taken) >= most and np.isfinite(taken[0][0]):
            end, lane = heapq.heappop(taken)
            begins[i] = max(start[i], end)
        else:
            lane = lanes.get(name, 0)
            lanes[name] = lane + 1
        slot_of[i] = lane
        heapq.heappush(taken, (float(begins[i] + took[i]), lane))
    last = {(name, lane): 0.0 for name, count in lanes.items() for lane in range(count)}
    for i in set(range(len(host))) - set(guests):
        own = host[i], int(slot_of[i])
        last[own] = max(last[own], float(begins[i] + took[i]))
    for i in guests:
        fits = [each for each, end in last.items() if end <= start[i] + _SAME]
        own = max(fits, key=lambda each: last[each]) if fits else ("", lanes.get("", 0))
        if not fits:
            lanes[""] = own[1] + 1
        last[own] = math.inf
        host[i], slot_of[i] = own
    names = sorted(lanes, key=lambda name: (not name, name))
    first = dict(zip(names, np.cumsum([0, *(lanes[n] for n in names)]).tolist(), strict=False))
    slot_of += np.array([first[name] for name in host], np.intp)
    hosts = tuple(name for name in names for _ in range(lanes[name]))
    return slot_of, hosts, begins
