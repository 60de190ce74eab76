"""Where analyses are, and what they say about themselves, read without running a line of them.

In a checkout they are the files of ``analyses/`` beside the package, in an installed wheel those shipped with it.
Other files and folders are taken when they are named; what lies in the current folder is never run by itself.
"""

import ast
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from symgrad.catalogue.registry import check_definition
from symgrad.errors import InputError, RegistryError

_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Entry:
    """What the file of an analysis says about itself.

    Parameters
    ----------
    name : the name of the file
    path : the file
    question, reference, finding : as its decorator and docstring state them
    problem : why the file cannot be used, in one line; empty when it can
    """

    name: str
    path: Path
    question: str = ""
    reference: str = ""
    finding: str = ""
    problem: str = ""


def home() -> Path | None:
    """Return the folder of symgrad's own analyses: shipped in the package, or beside it in a checkout."""
    shipped = _PACKAGE / "_analyses"
    checkout = _PACKAGE.parent
    if shipped.is_dir():
        return shipped
    if (checkout / "analyses").is_dir() and (checkout / "pyproject.toml").is_file():
        return checkout / "analyses"
    return None


def entries(names: Sequence[str | Path] = ()) -> tuple[Entry, ...]:
    """Return the entries named, or all of symgrad's own; sorted within a folder, none of them imported.

    Parameters
    ----------
    names : names of symgrad's own analyses, Python files, or folders of them

    Raises
    ------
    InputError : an unknown name, a missing file, a folder without analyses, or two of one name
    """
    folder = home()
    own = {entry.name: entry for entry in _in_folder(folder)} if folder else {}
    if not names:
        return tuple(own.values())
    found: dict[str, Entry] = {}
    for name in names:
        for entry in _resolved(name, own):
            known = found.setdefault(entry.name, entry)
            if known.path != entry.path:
                raise InputError(f"two analyses are called {entry.name!r}: {known.path} and {entry.path}; name one")
    return tuple(found.values())


def describe(path: Path) -> Entry:
    """Read question, reference and finding from a file's syntax tree, without importing it.

    Raises
    ------
    InputError : the file cannot be read, is not Python, or holds no analysis or several
    RegistryError : the definition is incomplete
    """
    functions = list(_definitions(_parsed(path)))
    if len(functions) != 1:
        count = "no" if not functions else str(len(functions))
        raise InputError(f"{shown(path)} holds {count} @analysis function; a file holds exactly one")
    function, call = functions[0]
    try:
        said = {word.arg: str(ast.literal_eval(word.value)) for word in call.keywords}
    except ValueError as error:
        where = f"{shown(path)}:{call.lineno}"
        raise InputError(f"{where}: question and reference must be plain texts; write them as literals") from error
    finding = inspect.cleandoc(ast.get_docstring(function) or "")
    question, reference = said.get("question", ""), said.get("reference", "")
    check_definition(path.stem, question, reference, finding)
    return Entry(path.stem, path.resolve(), question, reference, finding)


def shown(path: Path) -> str:
    """Return the path as a person knows it: from the current folder where it lies below it."""
    here, there = Path.cwd(), path.resolve()
    return str(there.relative_to(here)) if there.is_relative_to(here) else str(path)


def unknown(name: str, known: Sequence[str]) -> InputError:
    """Return the refusal of an unknown name, with the nearest known one and the whole list."""
    nearest = get_close_matches(name, known, n=1)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    return InputError(f"no analysis is called {name!r}; {hint}known: {', '.join(sorted(known)) or 'none'}")


def _resolved(name: str | Path, own: dict[str, Entry]) -> list[Entry]:
    """Return the entries one word names: an own analysis first, then a folder, then a file."""
    if str(name) in own:
        return [own[str(name)]]
    path = Path(name)
    if path.is_dir():
        inside = [entry for entry in _in_folder(path) if entry.question or "no @analysis" not in entry.problem]
        if not inside:
            raise InputError(f"the folder {path} holds no analyses; name one with files that use @analysis")
        return inside
    if path.suffix != ".py" and len(path.parts) == 1:
        raise unknown(str(name), list(own))
    if not path.is_file():
        raise InputError(f"there is no file {path}; name a Python file that holds an @analysis function")
    return [describe(path)]


def _in_folder(folder: Path) -> list[Entry]:
    """Return an entry for every Python file of the folder whose name does not begin with _; a broken one says why."""
    found = []
    for path in sorted(folder.glob("*.py")):
        if path.name.startswith("_"):
            continue
        try:
            found.append(describe(path))
        except (InputError, RegistryError) as error:
            found.append(Entry(path.stem, path.resolve(), problem=str(error)))
    return found


def _parsed(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_bytes(), filename=str(path))
    except SyntaxError as error:
        raise InputError(f"{shown(path)}:{error.lineno or 1}: SyntaxError: {error.msg}; mend the file") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{shown(path)} cannot be read as Python ({error}); mend or rename the file") from error


def _definitions(tree: ast.Module) -> Iterator[tuple[ast.FunctionDef, ast.Call]]:
    """Yield the top-level functions decorated with ``@analysis(...)``, under whatever module's name."""
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef):
            continue
        for decorator in node.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else None
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", None)
            if isinstance(decorator, ast.Call) and name == "analysis":
                yield node, decorator
