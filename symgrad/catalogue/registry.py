"""The registry of analyses: a decorated function in a file is enough to appear in it."""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from symgrad.catalogue.scales import Scale
from symgrad.errors import RegistryError

if TYPE_CHECKING:
    from symgrad.report import Report

Function = Callable[[Scale], "Report"]


@dataclass(frozen=True)
class Analysis:
    """A question with the function that answers it.

    Parameters
    ----------
    name : its identity, the name of its file
    question : the title of its report
    reference : the literature it rests on
    finding : the answer in words, from the function's docstring
    run : the function itself
    path : the file that defines it; None for one typed into a session
    """

    name: str
    question: str
    reference: str
    finding: str
    run: Function
    path: Path | None


_registered: dict[str, Analysis] = {}


def registered() -> Mapping[str, Analysis]:
    """Return the analyses imported so far, by name."""
    return MappingProxyType(_registered)


def analysis(*, question: str, reference: str) -> Callable[[Function], Function]:
    """Register the decorated function as the analysis of its file; the docstring states what it found.

    Parameters
    ----------
    question : one sentence, the title of the report
    reference : author, year and section the analysis rests on

    Raises
    ------
    RegistryError : an empty question or reference, a missing docstring, or a name that is taken

    Examples
    --------
    >>> @analysis(question="Does it?", reference="Nobody (1900)")
    ... def undocumented(scale): ...
    Traceback (most recent call last):
    ...
    symgrad.errors.RegistryError: the analysis 'undocumented' has no docstring; its docstring is the finding, write it
    """

    def register(function: Function) -> Function:
        path = _file_of(function)
        name = path.stem if path else function.__name__
        finding = inspect.cleandoc(function.__doc__ or "")
        check_definition(name, question, reference, finding)
        if len(inspect.signature(function).parameters) != 1:
            raise RegistryError(f"the analysis {name!r} must take one argument, the scale; write def {name}(scale)")
        known = _registered.get(name)
        if known is not None and not _same_definition(known.run, function):
            where = ", ".join(str(place or "this session") for place in (known.path, path))
            raise RegistryError(f"two analyses are called {name!r} ({where}); one file holds one, rename the other")
        _registered[name] = Analysis(name, question, reference, finding, function, path)
        return function

    return register


def check_definition(name: str, question: str, reference: str, finding: str) -> None:
    """Refuse an analysis that does not say what it asks, what it found and what it rests on."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) or name.lower() == "readme":
        raise RegistryError(f"an analysis is named by its file in letters, digits and _, got {name!r}; rename the file")
    if not finding.strip():
        raise RegistryError(f"the analysis {name!r} has no docstring; its docstring is the finding, write it")
    for what, text in (("question", question), ("reference", reference)):
        if not text.strip():
            raise RegistryError(f"the analysis {name!r} has an empty {what}; write @analysis({what}='...')")


def forget(path: Path) -> None:
    """Drop what the file registered, so that it can be loaded anew."""
    for name in [name for name, known in _registered.items() if known.path == path]:
        del _registered[name]


def _file_of(function: Function) -> Path | None:
    """Return the file a function was written in, None when it was typed into a session."""
    path = Path(function.__code__.co_filename)
    return path.resolve() if path.suffix == ".py" and path.is_file() else None


def _same_definition(known: Function, function: Function) -> bool:
    """Whether one definition was executed twice; in a session the later one replaces the earlier."""
    if _file_of(known) is None and _file_of(function) is None:
        return True
    first, second = known.__code__, function.__code__
    return (first.co_filename, first.co_firstlineno) == (second.co_filename, second.co_firstlineno)
