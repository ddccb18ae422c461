"""Single values as JSON and back: numbers, bytes, times, and arrays of numpy by what they hold.

A value that JSON does not have is a dict with the key ``"$"``, which says what it is; described.py
has the table. Beside what writes a kind stands what reads it.
"""

from __future__ import annotations

import binascii
import datetime
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np

from ..plurals import plural

__all__ = ["READERS", "TAG", "DamagedError", "Fields", "has_value", "items_of", "number_of"]
__all__ += ["shown", "string_of", "value_of", "whole_of", "written"]

TAG = "$"
_ITEMS = 10_000  # of an array
_BYTES = 2**24  # of an array
_WIDE = 4096  # bytes of a text in an array, unless its longest text is nearly as long
_DTYPES = re.compile(r"[<>|=](b1|[iu][1248]|f[248]|c(8|16)|[US]\d{1,8}|[mM]8(\[\d*[a-zA-Z]+\])?)")
_OF_ARRAYS: dict[str, set[type]] = {
    "b": {bool}, "i": {int}, "u": {int}, "m": {int}, "M": {int}, "f": {float}, "c": {complex},
    "U": {str}, "S": {bytes},
}  # fmt: skip
_IN_ARRAYS = ("int", "float", "complex", "bytes")
_AS_IT_IS = frozenset({str, bool, type(None)})

Fields: TypeAlias = tuple[str, ...]
Data: TypeAlias = Mapping[str, Any]


class DamagedError(Exception):
    """What is wrong with data that were read, in words."""


def shown(data: Any) -> str:
    """Data for a sentence, whatever they are."""
    if data is None or type(data) in (bool, float) or (type(data) is int and abs(data) < 2**64):
        return repr(data)
    if type(data) is int:
        return f"a number of {data.bit_length()} bits"
    return repr(data[:60]) if type(data) is str else f"a {type(data).__name__}"


def string_of(data: Data, field: str) -> str:
    """A field that is a string."""
    if type(data[field]) is not str:
        raise DamagedError(f"{field!r} must be a string, but is {shown(data[field])}")
    text: str = data[field]
    return text


def items_of(data: Data, field: str) -> list[Any]:
    """A field that is a list."""
    if type(data[field]) is not list:
        raise DamagedError(f"{field!r} must be a list, but is {shown(data[field])}")
    items: list[Any] = data[field]
    return items


def whole_of(data: Data, field: str) -> int:
    """A field that is a whole number of up to 64 bits."""
    if type(data[field]) is not int or not -(2**63) <= data[field] < 2**63:
        raise DamagedError(f"{field!r} must be a whole number, but is {shown(data[field])}")
    number: int = data[field]
    return number


def number_of(data: Data, field: str) -> Any:
    """A field that is a finite number."""
    if type(data[field]) not in (int, float) or not abs(data[field]) < 2**1024:
        raise DamagedError(f"{field!r} must be a finite number, but is {shown(data[field])}")
    return data[field]


def written(value: Any) -> Any:
    """A value as JSON: None, a bool, a string, a number, or what else ``has_value``."""
    kind = type(value)
    if kind in _AS_IT_IS:
        return value
    if kind is int:
        inside = -(2**63) <= value < 2**63
        return value if inside else {TAG: "int", "hex": hex(value)}
    if kind is float:
        return value if math.isfinite(value) else {TAG: "float", "text": repr(value)}
    if isinstance(value, (np.generic, np.ndarray)):
        return _write_numpy(value)
    return _WRITERS[kind](value)


def has_value(thing: Any) -> bool:
    """Whether ``written`` has words for all that makes a thing what it is."""
    kind = type(thing)
    if isinstance(thing, np.generic) or kind is np.ndarray:
        small = thing.size <= _ITEMS and thing.nbytes <= _BYTES
        known = small and _DTYPES.fullmatch(thing.dtype.str) is not None
        return known and not _is_too_wide(thing.dtype, np.asarray(thing).ravel())
    if kind is slice:
        parts = thing.start, thing.stop, thing.step
        return all(type(part) in (int, type(None)) for part in parts)
    if kind in (datetime.datetime, datetime.time):
        zone = type(thing.tzinfo)
        return zone in (type(None), datetime.timezone) and not thing.fold
    return kind in _WRITERS or kind in _AS_IT_IS or kind in (int, float)


def _is_too_wide(dtype: np.dtype[Any], items: Iterable[Any]) -> bool:
    """Whether an array of texts has much more room for each than any needs."""
    if dtype.kind not in "US" or dtype.itemsize <= _WIDE:
        return False
    return dtype.itemsize > 8 * max(map(len, items), default=0)


def value_of(data: Any) -> Any:
    """The value that data stand for, which are no list."""
    kind = type(data)
    if kind in _AS_IT_IS:
        return data
    if kind is int:
        if -(2**63) <= data < 2**63:
            return data
        raise DamagedError(f"{shown(data)} is too large")
    if kind is float:
        if math.isfinite(data):
            return data
        raise DamagedError(f"{data!r} is no number of JSON")
    if kind is dict and type(data.get(TAG)) is str and data[TAG] in READERS:
        fields, _, read = READERS[data[TAG]]
        if len(data) == 1 + len(fields) and all(field in data for field in fields):
            return read(data)
    raise DamagedError(f"{shown(data)} stands where a plain value belongs")


def _simple(data: Any, *tags: str) -> Any:
    """A value inside another, which is one of JSON's or of these few kinds; so nothing nests."""
    if type(data) is dict and data.get(TAG) not in tags:
        raise DamagedError(f"{shown(data)} stands where a plain value belongs")
    return value_of(data)


def _int(data: Data) -> int:
    text = string_of(data, "hex")
    if not re.fullmatch(r"-?0x[0-9a-f]+", text):
        raise DamagedError(f"{shown(text)} is no number in hex")
    return int(text, 16)


def _float(data: Data) -> float:
    known = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}
    text = string_of(data, "text")
    if text not in known:
        raise DamagedError(f"{shown(text)} is no float")
    return known[text]


def _write_complex(value: complex) -> Any:
    return {TAG: "complex", "real": written(value.real), "imag": written(value.imag)}


def _complex(data: Data) -> complex:
    real, imag = (_simple(data[name], "float") for name in ("real", "imag"))
    if not type(real) is type(imag) is float:
        raise DamagedError("a complex number has two floats")
    return complex(real, imag)


def _write_bytes(value: bytes | bytearray) -> Any:
    text = binascii.b2a_base64(value, newline=False).decode()
    return {TAG: type(value).__name__, "base64": text}


def _bytes(data: Data) -> bytes | bytearray:
    kind = bytes if data[TAG] == "bytes" else bytearray
    return kind(binascii.a2b_base64(string_of(data, "base64")))


_STEPS = ("start", "stop", "step")


def _write_steps(value: range | slice) -> Any:
    return {TAG: type(value).__name__} | {name: written(getattr(value, name)) for name in _STEPS}


def _steps(data: Data) -> range | slice:
    parts = [_simple(data[name], "int") for name in _STEPS]
    if not all(type(part) in (int, type(None)) for part in parts):
        raise DamagedError(f"a {data[TAG]} has whole numbers")
    return range(*parts) if data[TAG] == "range" else slice(*parts)


def _write_time(value: Any) -> Any:
    return {TAG: type(value).__name__, "text": value.isoformat()}


def _time(data: Data) -> Any:
    return getattr(datetime, data[TAG]).fromisoformat(string_of(data, "text"))


_OF_TIMEDELTA = ("days", "seconds", "microseconds")


def _write_timedelta(value: datetime.timedelta) -> Any:
    return {TAG: "timedelta"} | {name: getattr(value, name) for name in _OF_TIMEDELTA}


def _timedelta(data: Data) -> datetime.timedelta:
    return datetime.timedelta(**{name: whole_of(data, name) for name in _OF_TIMEDELTA})


def _write_numpy(value: Any) -> Any:
    dtype, array = value.dtype, np.asarray(value)
    native = array.astype(dtype.newbyteorder("="))
    flat = (native.astype(np.int64) if dtype.kind in "mM" else native).ravel().tolist()
    shape = {"shape": list(array.shape)} if type(value) is np.ndarray else {}
    tag = "array" if shape else "scalar"
    return {TAG: tag, "dtype": dtype.str, **shape, "values": list(map(written, flat))}


def _read_numpy(data: Data) -> Any:
    text = string_of(data, "dtype")
    values = [_simple(each, *_IN_ARRAYS) for each in items_of(data, "values")]
    shape = [] if data[TAG] == "scalar" else items_of(data, "shape")
    if not _DTYPES.fullmatch(text):
        raise DamagedError(f"an array has the unknown type {shown(text)}")
    dtype = np.dtype(text)
    if not all(type(n) is int and 0 <= n < 2**62 for n in shape) or len(shape) > 32:
        raise DamagedError("the shape of an array has up to 32 whole numbers from 0")
    if math.prod(shape) != len(values) or len(values) > _ITEMS:
        raise DamagedError(
            f"an array of {plural(len(values), 'item')} has another shape than it says"
        )
    if len(values) * dtype.itemsize > _BYTES:
        raise DamagedError("an array is too large")
    if not {type(value) for value in values} <= _OF_ARRAYS[dtype.kind]:
        raise DamagedError(f"an array of {text} has items of another kind")
    if _is_too_wide(dtype, values):
        raise DamagedError(f"an array of {text} has short texts only")
    made = _array(values, dtype).reshape(shape)
    return made[()] if data[TAG] == "scalar" else made


def _array(values: list[Any], dtype: np.dtype[Any]) -> Any:
    native = dtype.newbyteorder("=")
    if dtype.kind in "mM":
        return np.array(values, np.int64).astype(native).astype(dtype)
    if dtype.kind in "iu" and values:
        limits = np.iinfo(native)
        if min(values) < limits.min or max(values) > limits.max:
            raise DamagedError(f"an array of {dtype.str} has items that it cannot hold")
    with np.errstate(all="ignore"):
        return np.array(values, native).astype(dtype)


_WRITERS: dict[type, Callable[[Any], Any]] = {
    complex: _write_complex,
    bytes: _write_bytes,
    bytearray: _write_bytes,
    range: _write_steps,
    slice: _write_steps,
    type(...): lambda _: {TAG: "ellipsis"},
    datetime.datetime: _write_time,
    datetime.date: _write_time,
    datetime.time: _write_time,
    datetime.timedelta: _write_timedelta,
}

READERS: dict[str, tuple[Fields, Fields, Callable[[Data], Any]]] = {
    "int": (("hex",), (), _int),
    "float": (("text",), (), _float),
    "complex": (("real", "imag"), (), _complex),
    "bytes": (("base64",), (), _bytes),
    "bytearray": (("base64",), (), _bytes),
    "range": (_STEPS, (), _steps),
    "slice": (_STEPS, (), _steps),
    "ellipsis": ((), (), lambda _: ...),
    "datetime": (("text",), (), _time),
    "date": (("text",), (), _time),
    "time": (("text",), (), _time),
    "timedelta": (_OF_TIMEDELTA, (), _timedelta),
    "scalar": (("dtype", "values"), (), _read_numpy),
    "array": (("dtype", "shape", "values"), (), _read_numpy),
}
"""Of each kind the fields that it must have, those that it may have, and what reads it."""
