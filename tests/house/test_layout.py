"""The house is as the design says: its rooms at the top, sizes that fit on a screen, tests that assert."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOP = {"symgrad", "analyses", "tests", "reports", "pyproject.toml", "README.md", "LICENSE"}
LONGEST_MODULE, LONGEST_FUNCTION = 450, 70
DRAWERS = {"utils", "misc", "helpers", "common"}
# In pieces, so that this file does not hold what it looks for.
UNWANTED = ["/wo" + "rk/", "/ro" + "ot/", "/op" + "t/", "/ho" + "me/", "py" + "pi.org", "TO" + "DO", "FIX" + "ME"]
NOTHING_TO_SCAN = {".png", ".svg", ".npz"}


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / line for line in listed.splitlines() if (ROOT / line).exists()]


def in_a_checkout() -> bool:
    return (ROOT / ".git").exists()


pytestmark = pytest.mark.skipif(not in_a_checkout(), reason="the layout is that of a checkout")


def strangers(files: list[Path]) -> set[str]:
    """Return what lies at the top and does not belong there."""
    tops = {file.relative_to(ROOT).parts[0] for file in files}
    return {top for top in tops if top not in TOP and not top.startswith(".")}


def test_the_top_level_is_as_designed() -> None:
    assert strangers(tracked()) == set()


def test_a_stranger_at_the_top_would_be_noticed() -> None:
    assert strangers([ROOT / "setup.cfg", ROOT / ".gitignore"]) == {"setup.cfg"}


def unwanted(text: str) -> list[str]:
    return [word for word in UNWANTED if re.search(rf"{re.escape(word)}", text)]


def test_no_file_names_a_machine_or_leaves_work_undone() -> None:
    texts = {f: f.read_text(encoding="utf-8") for f in tracked() if f.suffix not in NOTHING_TO_SCAN}
    assert {str(f.relative_to(ROOT)): unwanted(text) for f, text in texts.items() if unwanted(text)} == {}


def test_an_unwanted_word_would_be_noticed() -> None:
    assert unwanted(f"# {UNWANTED[-2]}: later") == [UNWANTED[-2]]


def long_parts(path: str, source: str) -> Iterator[str]:
    """Yield what is longer than fits: modules and functions."""
    if source.count("\n") > LONGEST_MODULE:
        yield f"{path} has {source.count(chr(10))} lines"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION:
            yield f"{path}:{node.lineno} {node.name}"


def test_modules_and_functions_fit_on_a_few_screens() -> None:
    sources = {f: f.read_text(encoding="utf-8") for f in (ROOT / "symgrad").rglob("*.py")}
    assert [part for f, text in sources.items() for part in long_parts(str(f.relative_to(ROOT)), text)] == []


def test_what_is_too_long_would_be_noticed() -> None:
    function = "def f():\n" + "    pass\n" * LONGEST_FUNCTION
    assert list(long_parts("a.py", function)) == ["a.py:1 f"]
    assert list(long_parts("a.py", "\n" * 500)) == ["a.py has 500 lines"]


def test_there_is_no_drawer_for_odds_and_ends() -> None:
    assert [f for f in (ROOT / "symgrad").rglob("*") if f.stem in DRAWERS] == []


CHECKS = re.compile(r"\bassert\b|pytest\.(raises|warns)|\.examine\(|check_\w+\(")


def asserting(source: str) -> set[str]:
    """Return the functions of a file that assert something, themselves or through one another."""
    functions, lines = [n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef)], source.splitlines()
    found = {f.name for f in functions if CHECKS.search("\n".join(lines[f.lineno - 1 : f.end_lineno]))}
    size = -1
    while size < len(found):
        size = len(found)
        found |= {f.name for f in functions if called(f) & found}
    return found


def called(function: ast.FunctionDef) -> set[str]:
    """Return the plain names a function calls."""
    calls = [n.func for n in ast.walk(function) if isinstance(n, ast.Call)]
    return {c.id for c in calls if isinstance(c, ast.Name)}


def without_assert(source: str) -> list[str]:
    """Return the tests that assert nothing, and those a later one of the same name replaces."""
    names = [n.name for n in ast.parse(source).body if isinstance(n, ast.FunctionDef) and n.name.startswith("test")]
    loud = asserting(source)
    silent = [name for name in names if name not in loud]
    return silent + [name for name in dict.fromkeys(names) if names.count(name) > 1]


def test_every_test_asserts_and_none_hides_another() -> None:
    found = {f.name: without_assert(f.read_text(encoding="utf-8")) for f in (ROOT / "tests").rglob("test_*.py")}
    assert {name: tests for name, tests in found.items() if tests} == {}


def test_a_silent_test_and_a_hidden_one_would_be_noticed() -> None:
    silent = "def test_a():\n    pass\n"
    twice = "def test_b():\n    assert True\n" * 2
    assert without_assert(silent + twice) == ["test_a", "test_b"]
    through = "def _same():\n    assert True\n\n\ndef _look():\n    print()\n\n\n"
    assert without_assert(through + "def test_c():\n    _same()\n\n\ndef test_d():\n    _look()\n") == ["test_d"]


def test_every_file_of_tests_is_collected() -> None:
    stray = [f for f in (ROOT / "tests").rglob("*.py") if not f.name.startswith("test_") and f.name != "conftest.py"]
    assert [f for f in stray if "benchmarks" not in f.parts] == []


def test_each_command_of_the_house_is_executable() -> None:
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def lenient_readers(source: str) -> list[int]:
    """Return the lines on which SymPy may read text, which it would run: sympify without strict, or parse_expr."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            strict = any(k.arg == "strict" and getattr(k.value, "value", None) is True for k in node.keywords)
            if name == "parse_expr" or (name in ("sympify", "S") and not strict):
                lines.append(node.lineno)
    return lines


def test_text_enters_through_the_parser_alone() -> None:
    sources = {f.name: f.read_text(encoding="utf-8") for f in (ROOT / "symgrad").rglob("*.py")}
    assert {name: found for name, text in sources.items() if (found := lenient_readers(text))} == {}


def test_a_lenient_reader_would_be_noticed() -> None:
    assert lenient_readers("import sympy\nsympy.sympify(x)\nsympy.parse_expr(x)\nsympy.sympify(x, strict=True)") == [
        2,
        3,
    ]
