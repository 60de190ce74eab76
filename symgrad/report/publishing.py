"""Reports reach the disk whole or not at all.

A page is written out beside its destination first, in OUT/.symgrad-writing. When every byte is there, that folder is
renamed OUT/.symgrad-complete; only from then on are files moved into place, the Markdown last. A run cut off before the
rename leaves the previous report as it was; one cut off after it is finished by the next run. A lock on the
folder keeps two runs apart.
"""

import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from symgrad.errors import InputError
from symgrad.report.markdown import MARK, Page

_WRITING = ".symgrad-writing"
_COMPLETE = ".symgrad-complete"
_LIST = "files"


def publish(page: Page, out: Path) -> Path:
    """Write NAME.md and its figures into the folder in place of the previous report; return the path of NAME.md.

    Raises
    ------
    InputError : the folder cannot be written, or NAME.md is there and was not written by symgrad
    """
    files = {f"figures/{picture.name}": picture.content for picture in page.pictures}
    files[f"{page.name}.md"] = page.markdown.encode()
    with _held(out):
        _recover(out)
        _refuse_foreign(out, (page.name,))
        try:
            _stage(out, files)
        except BaseException:
            shutil.rmtree(out / _WRITING, ignore_errors=True)
            raise
        try:
            _settle(out)
        except KeyboardInterrupt:
            _settle(out)
            raise
    return out / f"{page.name}.md"


def _refuse_foreign(out: Path, names: Iterable[str]) -> None:
    """Refuse to replace a NAME.md that symgrad did not write."""
    for name in names:
        target = out / f"{name}.md"
        if target.exists() and not (target.is_file() and target.read_bytes().startswith(MARK.encode())):
            raise InputError(f"{target} was not written by symgrad; move it away or choose another --out folder")


def prepare(out: Path, names: Iterable[str]) -> None:
    """Make the folder and sure that reports of these names can be written, before any work is done for them.

    What a run that was cut off left in the folder is finished or cleared away.

    Raises
    ------
    InputError : the folder cannot be written, or a NAME.md is there and was not written by symgrad
    """
    with _held(out):
        _recover(out)
        _refuse_foreign(out, names)


@contextmanager
def _held(out: Path) -> Iterator[None]:
    """Make the folder if need be, and hold it alone; the lock goes with the process, however it ends."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        if sys.platform == "win32":
            yield
            return
        import fcntl

        handle = os.open(out, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"cannot write reports to {out}: {reason}; choose another --out folder") from error


def _recover(out: Path) -> None:
    shutil.rmtree(out / _WRITING, ignore_errors=True)
    if (out / _COMPLETE).is_dir():
        _settle(out)


def _stage(out: Path, files: Mapping[str, bytes]) -> None:
    """Write every file beside its destination, then declare the set complete by one rename."""
    writing = out / _WRITING
    for name, content in files.items():
        path = writing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (writing / _LIST).write_text("\n".join(files))
    os.replace(writing, out / _COMPLETE)


def _settle(out: Path) -> None:
    """Move a complete set into place and remove the figures it no longer has; may be cut off and run again anywhere."""
    complete = out / _COMPLETE
    listing = complete / _LIST
    if listing.exists():
        names = listing.read_text().split("\n")
        for name in names:
            (out / name).parent.mkdir(exist_ok=True)
            if (complete / name).exists():
                os.replace(complete / name, out / name)
        stem = names[-1].removesuffix(".md")
        for path in figure_files(out, stem):
            if f"figures/{path.name}" not in names:
                path.unlink(missing_ok=True)
        listing.unlink()
    shutil.rmtree(complete, ignore_errors=True)


def figure_files(out: Path, name: str) -> list[Path]:
    """Return the figures of the report of that name in the folder, in their order."""
    pattern = re.compile(re.escape(name) + r"-(\d+)\.(svg|png)")
    found = [(match, path) for path in (out / "figures").glob(f"{name}-*") if (match := pattern.fullmatch(path.name))]
    return [path for _, path in sorted((int(match.group(1)), path) for match, path in found)]
