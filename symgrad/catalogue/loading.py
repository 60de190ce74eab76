"""Files of analyses are imported from their path, under a private module name, only when they are asked for."""

import sys
import traceback
from collections.abc import Sequence
from hashlib import sha256
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from symgrad.catalogue.registry import Analysis, forget, registered
from symgrad.catalogue.sources import entries, home, shown, unknown
from symgrad.errors import InputError, RegistryError


def load(names: Sequence[str | Path] = ()) -> tuple[Analysis, ...]:
    """Import the analyses named, or all of symgrad's own, and return them.

    Raises
    ------
    InputError : an unknown name, or a file that cannot be imported; the line names the file, its line and the error
    RegistryError : a definition that was refused
    """
    loaded = []
    for entry in entries(names):
        if entry.problem:
            raise InputError(entry.problem)
        loaded.append(load_file(entry.path))
    return tuple(loaded)


def find(name: str) -> Analysis:
    """Return the analysis of that name: one of symgrad's own, or one registered in this session.

    Examples
    --------
    >>> find("no_such_analysis")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    symgrad.errors.InputError: no analysis is called 'no_such_analysis'; known: ...
    """
    if name in registered():
        return registered()[name]
    own = {entry.name for entry in entries()} if home() else set()
    if name not in own:
        raise unknown(name, sorted({*own, *registered()}))
    return load((name,))[0]


def load_file(path: Path) -> Analysis:
    """Import one file anew and return the analysis it registers."""
    path = path.resolve()
    module_name = f"_symgrad_analysis_{path.stem}_{sha256(str(path).encode()).hexdigest()[:8]}"
    spec = spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{shown(path)} cannot be imported; name a Python file that holds an @analysis function")
    module = module_from_spec(spec)
    forget(path)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except RegistryError as error:
        forget(path)
        raise RegistryError(failure_line(error, path)) from error
    except (Exception, SystemExit) as error:
        forget(path)
        raise InputError(failure_line(error, path)) from error
    found = [known for known in registered().values() if known.path == path]
    if not found:
        raise InputError(f"{shown(path)} holds no @analysis function; a file holds exactly one")
    return found[0]


def failure_line(error: BaseException, path: Path | None) -> str:
    """Return an error as one line: the file, the line in it that failed, and the error in its own words."""
    message = " ".join(str(error).split())
    words = message if isinstance(error, InputError | RegistryError) else f"{type(error).__name__}: {message}"
    if path is None:
        return words.removesuffix(": ")
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    if isinstance(error, SyntaxError) and error.filename == str(path):
        words, lines = f"SyntaxError: {error.msg}", [error.lineno]
    place = f"{shown(path)}:{lines[-1]}" if lines else shown(path)
    return f"{place}: {words}".removesuffix(": ")
