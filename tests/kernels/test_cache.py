"""The cache on disk: found again, never trusted, safe among processes, bounded, and off where it is told to be."""

import json
import multiprocessing
import os
from pathlib import Path
from typing import Any

import pytest

from symgrad.kernels import cache
from symgrad.kernels.cache import cache_folder, recall, remember

QUESTION = {"asked": "anything", "text": "tanh(w*x)"}
ANSWER = {"numbers": [1, 2, "0x1.8p+1"], "nothing": None}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own; the folder itself is not there yet."""
    monkeypatch.setenv("SYMGRAD_CACHE", str(tmp_path / "own"))
    return tmp_path / "own" / "kernels"


def entry(folder: Path) -> Path:
    (found,) = folder.iterdir()
    return found


def test_what_was_remembered_is_recalled_for_the_same_question_alone(folder: Path) -> None:
    assert recall(QUESTION) is None
    assert remember(QUESTION, ANSWER)
    assert recall(QUESTION) == ANSWER
    assert recall({**QUESTION, "text": "tanh(v*x)"}) is None
    assert entry(folder).suffix == ".json"
    assert json.loads(entry(folder).read_text())["answer"] == ANSWER


@pytest.mark.parametrize("part", ["python", "numpy", "sympy", "symgrad", "sources"])
def test_an_entry_of_other_versions_is_not_found(folder: Path, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    assert remember(QUESTION, ANSWER)
    other = {**cache.versions(), part: "another"}
    monkeypatch.setattr(cache, "versions", lambda: other)
    assert recall(QUESTION) is None


def test_the_versions_see_a_changed_file(tmp_path: Path) -> None:
    """Size and time of every file that an entry is made by are part of the key."""
    (tmp_path / "deep").mkdir()
    file = tmp_path / "deep" / "one.py"
    file.write_text("a = 1\n")
    before = list(cache._stamps(str(tmp_path)))
    os.utime(file, ns=(1, 1))
    assert list(cache._stamps(str(tmp_path))) != before
    assert len(cache.versions()["sources"]) == 64


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: b"",
        lambda raw: raw[: len(raw) // 2],
        lambda raw: raw.replace(b"0x1.8p+1", b"0x1.9p+1"),
        lambda raw: raw.replace(b"tanh(w*x)", b"tanh(w+x)"),
        lambda raw: raw.replace(b'"format": 1', b'"format": 2'),
        lambda raw: b"[" * 100_000,
        lambda raw: b"\xff\xfe\x00",
        lambda raw: b"[1, 2]",
        lambda raw: b"null",
        lambda raw: b"{}",
        lambda raw: raw + b" " * cache.LARGEST_ENTRY,
    ],
)
def test_a_damaged_entry_counts_as_absent_and_is_written_anew(folder: Path, damage: Any) -> None:
    assert remember(QUESTION, ANSWER)
    place = entry(folder)
    place.write_bytes(damage(place.read_bytes()))
    assert recall(QUESTION) is None
    assert remember(QUESTION, ANSWER)
    assert recall(QUESTION) == ANSWER


def test_an_entry_of_another_question_under_this_name_is_not_believed(folder: Path) -> None:
    assert remember(QUESTION, ANSWER)
    place = entry(folder)
    assert remember({**QUESTION, "text": "x"}, {"other": True})
    (other,) = set(folder.iterdir()) - {place}
    os.replace(other, place)
    assert recall(QUESTION) is None


def write_and_read(folder: str, rounds: int) -> int:
    """Write and read one entry again and again; return how often what was read was not whole."""
    os.environ["SYMGRAD_CACHE"] = folder
    long = {**ANSWER, "long": ["0x1.0p+0"] * 2000}
    wrong = 0
    for _ in range(rounds):
        remember(QUESTION, long)
        wrong += recall(QUESTION) != long
    return wrong


def test_processes_that_write_the_same_entry_never_read_a_half_written_one(folder: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        assert pool.starmap(write_and_read, [(str(folder.parent), 40)] * 2) == [0, 0]
    assert [place.suffix for place in folder.iterdir()] == [".json"]


def test_old_entries_are_dropped_when_there_are_too_many(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MOST_ENTRIES", 3)
    for i in range(6):
        assert remember({**QUESTION, "i": i}, ANSWER)
        for place in folder.iterdir():
            os.utime(place, ns=(place.stat().st_mtime_ns - 10**9,) * 2)
    assert [recall({**QUESTION, "i": i}) is None for i in range(6)] == [True, True, True, False, False, False]


def test_old_entries_are_dropped_when_they_are_too_large(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MOST_BYTES", 4000)
    for i in range(10):
        assert remember({**QUESTION, "i": i}, ANSWER)
    assert sum(place.stat().st_size for place in folder.iterdir()) <= 4000


def test_an_answer_that_is_too_large_is_not_kept(folder: Path) -> None:
    assert not remember(QUESTION, ["x" * cache.LARGEST_ENTRY])
    assert not folder.exists()


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("a file where the folder should be")
    monkeypatch.setenv("SYMGRAD_CACHE", str(blocked / "below"))
    assert not remember(QUESTION, ANSWER)
    assert recall(QUESTION) is None
    assert blocked.read_text().startswith("a file")


@pytest.mark.parametrize("word", ["off", "OFF", "0", "no", "none"])
def test_a_word_switches_the_cache_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SYMGRAD_CACHE", word)
    assert cache_folder() is None
    assert not remember(QUESTION, ANSWER)
    assert recall(QUESTION) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("platform", "variables", "place"),
    [
        ("linux", {"XDG_CACHE_HOME": "/x/cache"}, "/x/cache/symgrad"),
        ("linux", {"XDG_CACHE_HOME": "relative", "HOME": "/people/me"}, "/people/me/.cache/symgrad"),
        ("linux", {"HOME": "/people/me"}, "/people/me/.cache/symgrad"),
        ("darwin", {"HOME": "/Users/me"}, "/Users/me/Library/Caches/symgrad"),
        ("win32", {"LOCALAPPDATA": "/c/local"}, "/c/local/symgrad"),
    ],
)
def test_the_folder_is_that_of_the_platform(
    monkeypatch: pytest.MonkeyPatch, platform: str, variables: dict[str, str], place: str
) -> None:
    for name in ("SYMGRAD_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.platform", platform)
    assert cache_folder() == Path(place)
