"""The public names: one table, each importable, none shadowed by a module."""

import ast
import importlib
import inspect
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

import symgrad
from symgrad import derivation, phenomena

ROOT = Path(__file__).parents[2]
SOURCE = (ROOT / "symgrad" / "__init__.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", symgrad.__all__)
def test_each_public_name_can_be_imported(name: str) -> None:
    assert getattr(symgrad, name) is not None
    assert name in dir(symgrad)


@pytest.mark.parametrize("name", sorted(symgrad.ROOM_OF))
def test_each_public_name_is_the_one_of_its_room(name: str) -> None:
    room = importlib.import_module(f"symgrad.{symgrad.ROOM_OF[name]}")
    assert getattr(symgrad, name) is getattr(room, name)


@pytest.mark.parametrize("name", sorted(set(symgrad.ROOM_OF) - {"ACTIVATIONS", "CELLS", "UPDATE_RULES"}))
def test_each_public_name_is_documented(name: str) -> None:
    assert inspect.getdoc(getattr(symgrad, name))


def names_for_type_checkers(source: str) -> dict[str, str]:
    """Return name → room as the block for type checkers states it."""
    (block,) = [node for node in ast.parse(source).body if isinstance(node, ast.If)]
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.asname or "": str(node.module).removeprefix("symgrad.") for node in imports for alias in node.names}


def test_type_checkers_see_the_same_table() -> None:
    assert names_for_type_checkers(SOURCE) == symgrad.ROOM_OF


@pytest.mark.parametrize("room", [derivation, phenomena])
def test_type_checkers_see_the_same_table_of_a_lazy_room(room: ModuleType) -> None:
    source = Path(str(room.__file__)).read_text(encoding="utf-8")
    own = room.__name__.removeprefix("symgrad.")
    assert {name: module.removeprefix(f"{own}.") for name, module in names_for_type_checkers(source).items()} == {
        name: module.removeprefix(f"{own}.") for name, module in room.MODULE_OF.items()
    }
    assert all(getattr(room, name) is not None for name in room.MODULE_OF)


def test_a_name_missing_for_type_checkers_would_be_noticed() -> None:
    line = "    from symgrad.maps import Map as Map\n"
    assert line in SOURCE
    assert names_for_type_checkers(SOURCE.replace(line, "")) != symgrad.ROOM_OF


def shadowed(package: Path, names: list[str]) -> list[str]:
    """Return the modules and folders directly in a package that share their name with a public name."""
    return sorted({path.stem for path in package.iterdir()} & set(names))


def test_no_module_shares_its_name_with_a_public_name() -> None:
    assert shadowed(ROOT / "symgrad", symgrad.__all__) == []


def test_a_shadowing_module_would_be_noticed(tmp_path: Path) -> None:
    (tmp_path / "sweep.py").touch()
    assert shadowed(tmp_path, symgrad.__all__) == ["sweep"]


def test_every_activation_is_a_public_name() -> None:
    assert set(symgrad.ACTIVATIONS) <= set(symgrad.__all__)


def test_an_unknown_name_is_refused_as_of_any_module() -> None:
    with pytest.raises(AttributeError, match="symgrad has no 'nothing'"):
        symgrad.nothing  # noqa: B018


def test_importing_symgrad_imports_nothing_heavy() -> None:
    code = "import sys, symgrad; sys.exit(bool({'sympy', 'numpy', 'matplotlib'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert symgrad.__version__ == project["version"]
