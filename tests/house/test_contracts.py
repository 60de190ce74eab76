"""The import contracts hold, and each of them is seen failing on a planted fault."""

import ast
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "symgrad"


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    environment = {**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"}
    return subprocess.run([*command, "--no-cache"], cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original")
    shutil.copytree(PACKAGE, folder / "symgrad", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


@pytest.fixture
def copy(original: Path, tmp_path: Path) -> Path:
    """Return a folder with a copy of the package and of its settings, to plant faults in."""
    return Path(shutil.copytree(original, tmp_path / "copy"))


def plant(copy: Path, room: str, line: str) -> None:
    file = copy / "symgrad" / f"{room}.py"
    if not file.exists():
        file = copy / "symgrad" / room / "__init__.py"
    assert file.exists()
    file.write_text(f"{file.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")


def test_the_contracts_are_kept(original: Path) -> None:
    done = lint(original)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("room", "line", "contract"),
    [
        ("errors", "import symgrad.evidence", "A room imports only rooms above it"),
        ("parsing", "import symgrad.maps", "A room imports only rooms above it"),
        ("derivation", "from symgrad.kernels import to_kernel", "A room imports only rooms above it"),
        ("sweeps", "import symgrad.phenomena", "A room imports only rooms above it"),
        ("report", "import symgrad.cli", "A room imports only rooms above it"),
        ("maps", "import numpy", "Floating point begins at kernels"),
        ("claims", "import numpy.linalg", "Floating point begins at kernels"),
        ("derivation", "from scipy import special", "Floating point begins at kernels"),
        ("claims", "import symgrad.kernels", "Claims need only derivation and certify"),
        ("kernels", "import flint", "Balls belong to certify"),
        ("catalogue", "from flint import arb", "Balls belong to certify"),
        ("phenomena", "import matplotlib", "Only report draws"),
        ("cli", "from matplotlib import figure", "Only report draws"),
    ],
)
def test_a_forbidden_import_breaks_its_contract(copy: Path, room: str, line: str, contract: str) -> None:
    plant(copy, room, line)
    done = lint(copy)
    broken = [text for text in done.stdout.splitlines() if text.endswith("BROKEN")]
    assert done.returncode == 1, done.stdout + done.stderr
    assert any(text.startswith(contract) for text in broken), done.stdout


def test_a_room_outside_the_order_is_refused(copy: Path) -> None:
    (copy / "symgrad" / "attic.py").write_text('"""A room nobody placed."""\n', encoding="utf-8")
    done = lint(copy)
    assert done.returncode == 1
    assert "attic" in done.stdout


@pytest.mark.parametrize(
    ("setting", "misspelt"),
    [
        ('    "kernels",\n', '    "kernel",\n'),
        ('containers = ["symgrad"]', 'container = ["symgrad"]'),
        ('type = "layers"', 'type = "layer"'),
        ('"symgrad.claims",\n]\nforbidden', '"symgrad.claim",\n]\nforbidden'),
    ],
)
def test_a_misspelt_setting_is_refused(copy: Path, setting: str, misspelt: str) -> None:
    file = copy / "pyproject.toml"
    text = file.read_text(encoding="utf-8")
    assert setting in text
    file.write_text(text.replace(setting, misspelt, 1), encoding="utf-8")
    done = lint(copy)
    assert done.returncode != 0, done.stdout


def rooms() -> list[str]:
    return sorted(p.stem for p in PACKAGE.iterdir() if p.suffix == ".py" or (p / "__init__.py").exists())


SETTINGS = (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def contracts(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads(text)["tool"]["importlinter"]["contracts"]
    return found


def forgotten(text: str, word: str, needed: set[str]) -> set[str]:
    """Return the rooms that the one contract with this word in its name should forbid a library to and does not."""
    (contract,) = [c for c in contracts(text) if word in c["name"]]
    return {f"symgrad.{room}" for room in needed} ^ set(contract["source_modules"])


def rooms_above_kernels() -> set[str]:
    layers = [layer.strip("()") for layer in contracts(SETTINGS)[0]["layers"]]
    return {*layers[layers.index("kernels") + 1 :], "claims"} & set(rooms())


NEEDED = {
    "Balls": set(rooms()) - {"__init__", "__main__", "certify"},
    "Matplotlib": set(rooms()) - {"__init__", "__main__", "report"},
    "Floating point": rooms_above_kernels(),
}


@pytest.mark.parametrize("word", NEEDED)
def test_a_library_is_forbidden_to_every_room_that_must_not_have_it(word: str) -> None:
    assert forgotten(SETTINGS, word, NEEDED[word]) == set()


@pytest.mark.parametrize("word", NEEDED)
def test_a_room_missing_in_a_contract_would_be_noticed(word: str) -> None:
    assert forgotten(SETTINGS.replace('    "symgrad.maps",\n', ""), word, NEEDED[word]) == {"symgrad.maps"}


def imports_of_the_whole(source: str) -> list[int]:
    """Return the lines that import ``symgrad`` itself instead of a room."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if (isinstance(node, ast.Import) and any(alias.name == "symgrad" for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and node.module == "symgrad" and _more_than_the_version(node))
    ]


def _more_than_the_version(node: ast.ImportFrom) -> bool:
    return any(alias.name != "__version__" for alias in node.names)


def test_rooms_import_rooms_never_the_package() -> None:
    found = {
        str(p.relative_to(ROOT)): imports_of_the_whole(p.read_text(encoding="utf-8")) for p in PACKAGE.rglob("*.py")
    }
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_an_import_of_the_package_would_be_noticed() -> None:
    assert imports_of_the_whole("import symgrad as sg\nfrom symgrad import Map\nfrom symgrad.maps import Map\n") == [
        1,
        2,
    ]
