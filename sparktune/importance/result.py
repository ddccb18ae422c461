"""What an analysis of importance answers: a share for each label, and what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from .. import markup
from ..cutting import cut
from ..extras import lacking
from ..history.failures import reason_in

__all__ = ["Importance", "Share", "Step", "shared"]

_LONGEST = 40  # characters of a label
_VALUE = 24  # of a value of a step
_BAR = 20  # characters of a share of 1


@dataclass(frozen=True)
class Share:
    """How much one label matters.

    Attributes:
        label: the label.
        share: of what all labels explain, 0 to 1.
        explained: before shares were made of it; what of, depends on the method.
        active: share of the candidates in which the label is active, 0 to 1.
        where_active: ``explained``, among the candidates in which the label is active.
    """

    label: str
    share: float
    explained: float
    active: float
    where_active: float


@dataclass(frozen=True)
class Step:
    """One change on the way from a default to the best configuration.

    Attributes:
        label: that was set to its value in the best configuration.
        old, new: its values before and after, as short texts.
        with_it: labels that became active by it, set to their values in the best configuration.
        loss: after the change; nan where the objective failed.
        gain: by how much the change lowered the loss; below 0 where it raised it.
        error: why the objective failed there; None where it did not.
    """

    label: str
    old: str
    new: str
    with_it: tuple[str, ...]
    loss: float
    gain: float
    error: str | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Importance(Mapping[str, float]):
    """A mapping of labels to shares, the largest first; they sum to 1, or all are 0.

    Attributes:
        method: "ped-anova", "sobol" or "ablation".
        words: what the shares are of, in a sentence.
        labels: what is known of each label, the most important first.
        steps: of an ablation, in the order of the path; else empty.
        start: of an ablation, the loss of the default; else None.
        notes: what to bear in mind, a sentence each.
    """

    method: str
    words: str
    labels: tuple[Share, ...]
    steps: tuple[Step, ...] = ()
    start: float | None = None
    notes: tuple[str, ...] = ()

    def __getitem__(self, label: str) -> float:
        for each in self.labels:
            if each.label == label:
                return each.share
        raise KeyError(label)

    def __iter__(self) -> Iterator[str]:
        return iter([each.label for each in self.labels])

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        headers, rows = self._table
        widths = [max(map(len, column)) for column in zip(headers, *rows, strict=True)]
        lines = [self._heading]
        for cells in (headers, *rows):
            padded = [
                cell.ljust(width) if header in _LEFT else cell.rjust(width)
                for header, cell, width in zip(headers, cells, widths, strict=True)
            ]
            lines.append("  ".join(padded).rstrip())
        return "\n".join([*lines, *self.notes])

    def _repr_html_(self) -> str:
        headers, rows = self._table
        return markup.block(
            markup.bold(self._heading),
            markup.table(headers, rows, _LEFT),
            *(markup.faint(note) for note in self.notes),
        )

    @property
    def _heading(self) -> str:
        return f"Importance ({self.method}): {self.words}"

    @property
    def _table(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Headers and rows of texts."""
        if self.steps:
            start = () if self.start is None else (("default", "", f"{self.start:.5g}", "", ""),)
            return ("change", "", "loss", "gain", "share"), [*start, *map(self._step, self.steps)]
        rows: list[tuple[str, ...]] = [
            (
                _short(each.label),
                f"{each.share:.1%}",
                "▇" * round(_BAR * each.share),
                f"{each.active:.0%}",
                f"{each.where_active:.1%}",
            )
            for each in self.labels
        ]
        return ("label", "share", "", "active", "where active"), rows

    def _step(self, step: Step) -> tuple[str, ...]:
        more = f" (with {', '.join(step.with_it)})" if step.with_it else ""
        change = f"{_short(step.old, _VALUE)} → {_short(step.new, _VALUE)}{more}"
        share = f"{self.get(step.label, 0.0):.1%}"
        if step.error is not None:
            change += f"; failed: {reason_in(step.error)}"
        return _short(step.label), change, f"{step.loss:.5g}", f"{step.gain:.5g}", share

    def to_pandas(self) -> Any:
        """The shares as a pandas DataFrame indexed by label; of an ablation, its steps.

        Raises:
            ImportError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError:
            raise lacking("to_pandas", "pandas", "pandas") from None
        rows: tuple[Any, ...] = self.steps or self.labels
        kind = Step if self.steps else Share
        names = [field.name for field in fields(kind)]
        frame = pd.DataFrame([[getattr(row, name) for name in names] for row in rows])
        frame.columns = names
        if self.steps:
            frame.insert(1, "share", [self.get(step.label, 0.0) for step in self.steps])
        return frame.set_index("label")


_LEFT = ("label", "change", "")


def shared(found: Mapping[str, tuple[float, float, float]]) -> tuple[Share, ...]:
    """Shares of what each label explains, the largest first, and in the given order among equals.

    Args:
        found: label to what it explains (not negative), how often it is active, and what it
            explains where it is.
    """
    total = sum(explained for explained, _, _ in found.values())
    rows = [
        Share(label, explained / total if total > 0 else 0.0, explained, active, where_active)
        for label, (explained, active, where_active) in found.items()
    ]
    return tuple(sorted(rows, key=lambda row: -row.share))


def _short(text: str, longest: int = _LONGEST) -> str:
    """A text in one line that no terminal takes for a command, cut where it is long."""
    return cut(" ".join(markup.clean(text).split()), longest)
