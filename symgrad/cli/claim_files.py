"""Files of claims: read with their bytes kept, written back in one step, watched for changes."""

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from symgrad.errors import InputError

MOST_BYTES = 1_000_000
BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True)
class Source:
    """The text of a file, or of standard input, with the bytes it came from."""

    name: str
    data: bytes

    @property
    def text(self) -> str:
        """The text without a byte order mark; bytes that are not UTF-8 stay in it as escapes."""
        return self.data.decode("utf-8", "surrogateescape").removeprefix(BYTE_ORDER_MARK)

    def with_text(self, text: str) -> bytes:
        """Return the bytes of another text in the same file."""
        whole = self.data.decode("utf-8", "surrogateescape")
        mark = BYTE_ORDER_MARK if whole.startswith(BYTE_ORDER_MARK) else ""
        return (mark + text).encode("utf-8", "surrogateescape")


def read_source(name: str) -> Source:
    """Read a file, or standard input for ``-``.

    Raises
    ------
    InputError : it cannot be read, is empty, too large, or no text
    """
    try:
        if name == "-":
            data = sys.stdin.buffer.read(MOST_BYTES + 1)
        else:
            with open(name, "rb") as stream:
                data = stream.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{name!r} cannot be read: {reason}; give a file of claims, or - for standard input") from None
    if len(data) > MOST_BYTES:
        raise InputError(f"{name!r} has more than {MOST_BYTES} bytes; split it into several files of claims")
    if b"\0" in data:
        before = data[: data.index(b"\0")]
        line, column = before.count(b"\n") + 1, len(before) - (before.rfind(b"\n") + 1) + 1
        raise InputError(
            f"{name!r} is a binary file: a zero byte at line {line}, column {column}; give a text file saved as UTF-8"
        )
    if not data.strip():
        raise InputError(f"{name!r} is empty, line 1 holds no claim; write e.g. diff(x**2, x) = 2*x")
    return Source(name, data)


def write_back(source: Source, data: bytes) -> None:
    """Replace a file by other bytes: they are written beside it first, so no reader ever sees half of them.

    Raises
    ------
    InputError : the file has changed since it was read, or cannot be written
    """
    path = Path(os.path.realpath(source.name))
    beside = None
    try:
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(beside, path.stat().st_mode & 0o7777)
        if path.read_bytes() != source.data:
            raise InputError(f"{source.name!r} changed while it was examined and was left as it is; run check again")
        os.replace(beside, path)
        beside = None
    except OSError as error:
        raise InputError(
            f"{source.name!r} cannot be written: {error.strerror}; check its folder's permissions"
        ) from None
    finally:
        if beside is not None:
            with contextlib.suppress(OSError):
                os.unlink(beside)


def watch(
    name: str,
    examine: Callable[[Source], bytes],
    refuse: Callable[[InputError], None],
    *,
    interval: float = 0.3,
    rounds: int | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Examine a file, and again whenever its content has changed, until interrupted.

    Parameters
    ----------
    name : the file; while it is absent, as during some editors' saving, nothing happens
    examine : what to do with its content; returns the bytes it leaves in the file
    refuse : what to do when the content cannot be used
    interval : seconds between two looks
    rounds : how many looks; without end if not given
    sleep : waits so many seconds
    """
    seen: bytes | None = None
    look = 0
    while rounds is None or look < rounds:
        if look:
            sleep(interval)
        look += 1
        try:
            with open(name, "rb") as stream:
                data = stream.read(MOST_BYTES + 1)
        except OSError:
            continue
        if data == seen:
            continue
        seen = data
        try:
            seen = examine(read_source(name))
        except InputError as error:
            refuse(error)
