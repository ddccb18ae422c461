"""Journals that were damaged or made up: an error with its place, or fewer records and a word."""

import os
import random
import warnings

import pytest
from disks import NoAppend
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from journals import read_all, written
from properties import examples

from sparktune.exceptions import JournalError
from sparktune.storage.lines import Head, headed, signed
from sparktune.storage.segments import Segments, compact, read


def damaged(tmp_path, name, change):
    folder = written(tmp_path, *[4] * 3)
    path = folder / name
    path.write_bytes(change(path.read_bytes()))
    return folder


def swapped(data):
    lines = data.split(b"\n")
    lines[1], lines[2] = lines[2], lines[1]
    return b"\n".join(lines)


def relined(change):
    """A file whose lines were changed, with checksums that fit."""

    def changed(data):
        texts = [line[: line.rindex(b'"crc"')] for line in data.split(b"\n") if line]
        made, crc = b"", 0
        for text in change(texts):
            line, crc = signed(text, crc)
            made += line
        return made

    return changed


DAMAGES = {
    "a changed byte": (lambda data: data.replace(b":0.5", b":0.7"), "line 3: the checksum"),
    "lines swapped": (swapped, "line 2: the checksum"),
    "a line doubled": (lambda data: data.replace(b'{"kind', data[101:180] + b'{"kind', 1), "line"),
    "a line gone": (lambda data: b"\n".join(data.split(b"\n")[:2] + data.split(b"\n")[3:]), "line"),
    "a tail gone": (lambda data: data[:-1], "line 6: the line is cut off"),
    "a closing line gone": (lambda data: b"\n".join(data.split(b"\n")[:-2]) + b"\n",
                            "closing line is missing"),
    "nothing left": (lambda data: b"", "line 1: this is no journal"),
    "other text": (lambda data: b"Dear diary,\nhello\n", "line 1: this is no journal"),
    "UTF-16": (lambda data: data.decode().encode("utf-16"), "line 1: this is no journal"),
    "a pickle": (lambda data: b"\x80\x04\x95\x00", "sparktune import-hyperopt .* NEW"),
    "an old pickle": (lambda data: b"ccopy_reg\n_reconstructor", "sparktune import-hyperopt"),
    "another journal": (lambda data: data.replace(b'"id":"', b'"id":"ff'), "line 1: the checksum"),
    "records too few": (relined(lambda texts: [*texts[:3], *texts[4:]]), "says 'sealed' and 4"),
    "a newer version": (relined(lambda texts: [texts[0].replace(b"1", b"2", 1), *texts[1:]]),
                        "written by a newer sparktune .its format is 2"),
    "version 0": (relined(lambda texts: [texts[0].replace(b"1", b"0", 1), *texts[1:]]), "version"),
    "a huge first": (relined(lambda texts: [texts[0].replace(b'first":4', b'first":9' + b"9" * 99),
                     *texts[1:]]), "begins with record 9"),
    "a false first": (relined(lambda texts: [texts[0].replace(b'first":4', b'first":true'),
                      *texts[1:]]), "`first` must be a whole number"),
    "a through before it": (relined(lambda texts: [texts[0] + b'"through":1,', *texts[1:]]),
                            "`through`"),
    "a foreign id": (relined(lambda texts: [texts[0].replace(b'"id":"', b'"id":"ff'), *texts[1:]]),
                     "of another journal"),
    "an id of the wrong type": (relined(lambda texts: [texts[0].replace(b'"id":"', b'"id":1,"i":"'),
                                *texts[1:]]), "an id"),
    "no JSON": (relined(lambda texts: [texts[0], b"{a:1,", *texts[1:]]), "line 2: .*no JSON"),
    "NaN": (relined(lambda texts: [texts[0], b'{"a":NaN,', *texts[1:]]), "line 2: .* NaN"),
    "infinity": (relined(lambda texts: [texts[0], b'{"a":-Infinity,', *texts[1:]]), "-Infinity"),
    "no UTF-8": (relined(lambda texts: [texts[0], b'{"a":"\xff",', *texts[1:]]), "line 2: .*UTF-8"),
    "deep": (relined(lambda texts: [texts[0], b'{"a":' + b"[" * 99_999 + b"]" * 99_999 + b",",
             *texts[1:]]), "line 2: .*over 100 lists"),
    "deep, not closed": (relined(lambda texts: [texts[0], b'{"a":' + b"[" * 99_999,
                         *texts[1:]]), "line 2: .*over 100 lists"),
    "a huge number": (relined(lambda texts: [texts[0], b'{"a":' + b"9" * 9_999 + b",", *texts[1:]]),
                      "line"),
    "a list": (relined(lambda texts: [texts[0], b'["a",', *texts[1:]]), "line 2: .*no JSON"),
    "a false end": (relined(lambda texts: [texts[0], b'{"$end":[],', *texts[1:]]), "line 2: its"),
    "a second head": (relined(lambda texts: [*texts[:2], texts[0], *texts[2:]]), "says 'sealed'"),
}  # fmt: skip


@pytest.mark.parametrize("what", DAMAGES)
def test_damage_of_a_sealed_segment_is_an_error(tmp_path, what):
    """Whatever is wrong in a file, the error names the file, mostly the line, and the rule."""
    change, words = DAMAGES[what]
    folder = damaged(tmp_path, "000002.jsonl", change)
    with pytest.raises(JournalError, match=f"000002.jsonl.*{words}"):
        list(read(folder))


@pytest.mark.parametrize(
    "what", ["a changed byte", "a pickle", "other text", "a newer version", "lines swapped", "deep"]
)
def test_damage_of_the_last_segment_is_an_error(tmp_path, what):
    """Neither reader nor writer takes damage in the midst of the last file for a torn record."""
    change, _ = DAMAGES[what]
    folder = damaged(tmp_path, "000003.jsonl", change)
    before = (folder / "000003.jsonl").read_bytes()
    for act in (lambda: list(read(folder)), Segments(folder).open):
        with pytest.raises(JournalError, match=r"000003.jsonl"):
            act()
    assert (folder / "000003.jsonl").read_bytes() == before


def test_a_line_of_over_64_mb_is_not_read(tmp_path):
    """A file without an end of line is not read into memory as a whole."""
    folder = written(tmp_path, 4, 4)
    with (folder / "000001.jsonl").open("ab") as file:
        file.truncate(2**40)
    with pytest.raises(JournalError, match="longer than 67,108,864 bytes"):
        list(read(folder))


def test_a_missing_segment_is_an_error(tmp_path):
    """A segment that is missing is named."""
    folder = written(tmp_path, *[4] * 4)
    data = (folder / "000003.jsonl").read_bytes()
    (folder / "000003.jsonl").unlink()
    with pytest.raises(JournalError, match=r"000003.jsonl: this file is missing, but 000004"):
        list(read(folder))
    (folder / "000003.jsonl").write_bytes(data)
    (folder / "000001.jsonl").unlink()
    with pytest.raises(JournalError, match=r"000001.jsonl: this file is missing"):
        list(read(folder))


def test_what_is_lost_is_said_with_what_to_do(tmp_path):
    """A first file that is missing or empty is named, with what to do, where later ones are."""
    folder = written(tmp_path, 4, 4)
    first = folder / "000001.jsonl"
    remedy = "put it back from a copy of the journal, or take another folder for a new search"
    for act in (lambda: list(read(folder)), Segments(folder).open, lambda: compact(folder)):
        first.write_bytes(b"")
        with pytest.raises(JournalError, match=f"000001.jsonl, .* but an empty file: {remedy}"):
            act()
        first.unlink()
        with pytest.raises(JournalError, match=f"000001.jsonl: .* 000002.jsonl is there: {remedy}"):
            act()


def test_what_is_no_journal_is_refused(tmp_path):
    """A folder without a journal, a file and a pickle are refused with a sentence each."""
    with pytest.raises(JournalError, match="there is no journal at"):
        list(read(tmp_path / "nowhere"))
    with pytest.raises(JournalError, match="holds no journal"):
        list(read(tmp_path))
    path = tmp_path / "trials.pkl"
    path.write_bytes(b"\x80\x04\x95")
    sentence = f"sparktune import-hyperopt {path} NEW"
    for act in (lambda: list(read(path)), Segments(path).open, lambda: compact(path)):
        with pytest.raises(JournalError, match=sentence):
            act()
    path.write_bytes(b"hello")
    for act in (lambda: list(read(path)), Segments(path).open, Segments(path / "below").open):
        with pytest.raises(JournalError, match=r"a journal is a folder|Not a directory"):
            act()
    assert path.read_bytes() == b"hello"


def test_a_foreign_file_is_not_deleted(tmp_path):
    """A file that has a journal's name but is none is neither read nor touched."""
    path = tmp_path / "000001.jsonl"
    for text in ('{"a": 1}\n', "", "{", "x" * 100):
        path.write_text(text)
        if text not in ("", "{"):
            with pytest.raises(JournalError, match="this is no journal of sparktune"):
                Segments(tmp_path).open()
            assert path.read_text() == text


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_links_and_pipes_are_not_read(tmp_path, kind):
    """What leads out of the folder, or is no file, is refused, and does not keep the reader."""
    folder = written(tmp_path / "journal", 4, 4)
    path = folder / "000001.jsonl"
    other = path.rename(tmp_path / "other")
    if kind == "link":
        path.symlink_to(other)
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(JournalError, match=r"000001.jsonl cannot be read: it is (a link|no reg)"):
        list(read(folder))
    with pytest.raises(JournalError, match=r"it is (a link|no regular)"):
        compact(folder)


def test_other_names_in_the_folder_do_not_count(tmp_path):
    """Only names that a journal gives are looked at."""
    folder = written(tmp_path, 4, 1)
    others = (
        "lock",
        "1.jsonl",
        "0000003.jsonl",
        "000003.g0001.jsonl",
        "000003.g2.jsonl",
        "x.jsonl",
    )
    for name in (*others, "000003.jsonl~", "000003.jsonl.gz", "٠٠٠٠٠٣.jsonl"):
        (folder / name).write_text("other")
    assert read_all(folder) == (list(range(5)), True)


# -- damage at random


def mutate(folder, draw):
    """Change one thing in a journal, as ``draw`` (a function from a range to a number) says."""
    paths = sorted(folder.glob("*.jsonl"))
    path = paths[draw(len(paths))]
    data = bytearray(path.read_bytes())
    kind = draw(12)
    at = draw(len(data)) if data else 0
    if kind == 0:
        data[at : at + 1] = bytes([draw(256)])
    elif kind == 1:
        del data[at : at + 1 + draw(40)]
    elif kind == 2:
        data[at:at] = bytes([draw(256)]) * (1 + draw(3))
    elif kind == 3:
        del data[at:]
    elif kind == 4:
        data += bytes(data[at : at + draw(200)])
    elif kind == 5:
        data[at : at + 8] = bytes(8)
    elif kind in (6, 7, 8):
        lines = data.split(b"\n")
        one, two = draw(len(lines)), draw(len(lines))
        if kind == 6:
            lines[one], lines[two] = lines[two], lines[one]
        elif kind == 7:
            del lines[one]
        else:
            lines.insert(two, lines[one])
        data = b"\n".join(lines)
    elif kind == 9:
        path.unlink()
        return
    elif kind == 10:
        path.rename(folder / f"{1 + draw(6):06}.jsonl")
        return
    else:
        bits = bytearray(data)
        if bits:
            bits[at] ^= 1 << draw(8)
        data = bits
    path.write_bytes(data)


def originals(folder):
    """Three journals: of several segments, without append, and merged."""
    made = [folder / name for name in ("plain", "anew", "merged")]
    written(made[0], 1, 2, 3, 1, 3)
    written(made[1], 1, 2, 3, 1, 3, files=NoAppend())
    written(made[2], *[2] * 9)
    compact(made[2])
    return [{path.name: path.read_bytes() for path in each.iterdir()} for each in made]


@pytest.mark.parametrize("times", [500, pytest.param(10_000, marks=pytest.mark.full)])
def test_mutated_journals(tmp_path, times):
    """A changed journal gives its records, or fewer and says so, or an error: never others."""
    journals = originals(tmp_path)
    folder = tmp_path / "mutated"
    folder.mkdir()
    ends, sentences = {"exact": 0, "fewer": 0, "error": 0}, []
    for seed in range(times):
        files = journals[seed % 3]
        count = 18 if seed % 3 == 2 else 10
        for path in folder.iterdir():
            path.unlink()
        for name, data in files.items():
            (folder / name).write_bytes(data)
        random_ = random.Random(seed)
        for _ in range(random_.choice((1, 1, 1, 2, 3))):
            if any(folder.glob("*.jsonl")):
                mutate(folder, random_.randrange)
        reading = read(folder)
        found = []
        try:
            found += [each["n"] for each in reading]
        except JournalError as error:
            ends["error"] += 1
            sentences.append(str(error))
            assert found == list(range(len(found)))
            continue
        assert found == list(range(len(found))), seed
        if len(found) < count:
            assert reading.torn or not reading.closed, seed
            ends["fewer"] += 1
        else:
            assert len(found) == count
            ends["exact"] += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            journal = Segments(folder, 4)
            journal.open()  # the writer finds the same end
        assert journal.count == len(found), seed
        journal.close()
    assert min(ends.values()) > times / 50, ends
    assert all(str(folder) in each for each in sentences)


@given(st.binary(max_size=300), st.booleans())
@examples(150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_as_a_journal(tmp_path, data, headed_):
    """Whatever bytes stand in a file, reading ends with no records, said, or with a sentence."""
    head = headed(Head("0" * 16, 0))[0] if headed_ else b""
    (tmp_path / "000001.jsonl").write_bytes(head + data)
    reading = read(tmp_path)
    try:
        assert list(reading) == []
        assert not reading.closed
    except JournalError:
        pass
