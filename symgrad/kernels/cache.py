"""A folder of small JSON files, one for each formula met before: data only, safe to lose, shared by any processes.

The folder is that of the platform (XDG_CACHE_HOME or ~/.cache, ~/Library/Caches, %LOCALAPPDATA%), under ``symgrad``;
SYMGRAD_CACHE names another, or switches the cache off by the word ``off``. An entry is found by the SHA-256 of the
question it answers and of the versions that answered it; one that is damaged, or that answers another question, counts
as absent and is written anew. A folder that cannot be written is no error: then nothing is kept.
"""

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

FORMAT = 1
MOST_ENTRIES, MOST_BYTES = 1000, 20_000_000
LARGEST_ENTRY = 2_000_000
SWITCHED_OFF = frozenset({"off", "0", "no", "none", "false"})
SOURCES = ("errors.py", "evidence.py", "symbols.py", "parsing", "maps", "derivation", "kernels", "phenomena")


def cache_folder() -> Path | None:
    """Return the folder of the cache, which need not exist; None where it is switched off or there is no home."""
    given = os.environ.get("SYMGRAD_CACHE", "")
    if given.strip().lower() in SWITCHED_OFF:
        return None
    try:
        return Path(given).expanduser() if given.strip() else _platform_folder() / "symgrad"
    except RuntimeError:
        return None


def _platform_folder() -> Path:
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return Path(local) if local else Path.home() / "AppData" / "Local"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    given = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return given if given.is_absolute() else Path.home() / ".cache"


def recall(question: Mapping[str, Any]) -> Any:
    """Return what was remembered for a question, None where nothing (or nothing whole) is there.

    Parameters
    ----------
    question : plain data; what JSON makes of it is the key, together with the versions of symgrad and its libraries
    """
    place = _place(question)
    if place is None:
        return None
    try:
        with place.open("rb") as file:
            raw = file.read(LARGEST_ENTRY + 1)
        if len(raw) > LARGEST_ENTRY:
            return None
        entry = json.loads(raw)
        whole = entry["format"] == FORMAT and entry["question"] == _described(question)
        return entry["answer"] if whole and entry["digest"] == _digest(entry["answer"]) else None
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def remember(question: Mapping[str, Any], answer: Any) -> bool:
    """Keep an answer (plain data) for a question; return whether it was kept."""
    place = _place(question)
    if place is None:
        return False
    entry = {"format": FORMAT, "question": _described(question), "digest": _digest(answer), "answer": answer}
    raw = json.dumps(entry, allow_nan=False).encode()
    if len(raw) > LARGEST_ENTRY:
        return False
    # A name of its own for each process, and one rename: a reader sees a whole entry or none.
    draft = place.with_name(f".{place.stem[:16]}-{os.getpid()}-{os.urandom(4).hex()}.part")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("xb") as file:
            file.write(raw)
        os.replace(draft, place)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()
        return False
    _drop_old(place.parent)
    return True


def _place(question: Mapping[str, Any]) -> Path | None:
    folder = cache_folder()
    try:
        return None if folder is None else folder / "kernels" / f"{_digest(_described(question))}.json"
    except OSError:
        return None


def _digest(data: Any) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _described(question: Mapping[str, Any]) -> dict[str, Any]:
    return {**question, "versions": versions()}


@cache
def versions() -> dict[str, str]:
    """Return what an entry depends on beside its question: Python, SymPy, NumPy, and symgrad's own files."""
    import numpy

    package = sys.modules[__name__.partition(".")[0]]
    return {
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "numpy": numpy.__version__,
        "sympy": _sympy_release(),
        "symgrad": package.__version__,
        "sources": _sources(),
    }


def _sympy_release() -> str:
    """Return the text that states SymPy's version, without importing SymPy."""
    from importlib.machinery import PathFinder

    found = PathFinder.find_spec("sympy")
    if found is None or found.origin is None:
        return ""
    try:
        return (Path(found.origin).parent / "release.py").read_text()
    except OSError:
        return ""


def _sources() -> str:
    """Return a digest of sizes and times of the files an entry is made by, so that changed code finds no old entry."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    rows: list[str] = []
    for name in SOURCES:
        rows += _stamps(os.path.join(root, name))
    return hashlib.sha256("\n".join(sorted(rows)).encode()).hexdigest()


def _stamps(path: str) -> Iterator[str]:
    """Yield name, size and time of a Python file, or of those below a folder."""
    if path.endswith(".py"):
        found = os.stat(path)
        yield f"{path} {found.st_size} {found.st_mtime_ns}"
        return
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.name.endswith(".py"):
                found = entry.stat()
                yield f"{entry.path} {found.st_size} {found.st_mtime_ns}"
            elif entry.name != "__pycache__" and entry.is_dir():
                yield from _stamps(entry.path)


def _drop_old(folder: Path) -> None:
    """Remove the entries written longest ago where there are too many, or too large ones together."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        known = []
        for entry in entries:
            with contextlib.suppress(OSError):
                found = entry.stat(follow_symlinks=False)
                known.append((found.st_mtime_ns, entry.path, found.st_size))
        count, size = len(known), sum(row[2] for row in known)
        for _, path, own in sorted(known):
            if count <= MOST_ENTRIES and size <= MOST_BYTES:
                break
            with contextlib.suppress(OSError):
                os.unlink(path)
            count, size = count - 1, size - own
