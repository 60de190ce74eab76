"""Analyses are found where they should be, and read without being run."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from symgrad.catalogue import describe, entries, find, home, load, registered
from symgrad.errors import InputError, RegistryError

ROOT = Path(__file__).resolve().parents[2]


def test_a_file_is_described_without_being_run(write: Any) -> None:
    path = write("loud", finding="Two\n    lines.", body="pass")
    path.write_text("raise SystemExit('ran')\n" + path.read_text())
    entry = describe(path)
    assert (entry.name, entry.question, entry.finding) == ("loud", "What does loud do?", "Two\nlines.")
    assert entry.reference == "Nobody (1900), sec. 1"


def test_listing_imports_nothing_heavy() -> None:
    code = (
        "import sys; from symgrad.catalogue import entries; entries(); "
        "print([name for name in ('numpy', 'sympy', 'scipy', 'matplotlib', 'symgrad.report') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_own_analyses_come_from_the_checkout_or_the_wheel(own: Path) -> None:
    assert home() == own / "analyses"
    assert [entry.name for entry in entries()] == ["alpha", "beta"]
    (own / "symgrad").mkdir()
    (own / "analyses").rename(own / "symgrad" / "_analyses")
    assert home() == own / "symgrad" / "_analyses"
    assert [entry.name for entry in entries()] == ["alpha", "beta"]
    (own / "symgrad" / "_analyses").rename(own / "elsewhere")
    assert home() is None
    assert entries() == ()


def test_a_foreign_folder_called_analyses_is_not_ours(own: Path) -> None:
    (own / "pyproject.toml").unlink()
    assert home() is None


def test_code_in_the_current_folder_never_runs_by_itself(
    own: Path, write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("stranger", folder="here", body="raise SystemExit")
    monkeypatch.chdir(own / "here")
    assert [entry.name for entry in entries()] == ["alpha", "beta"]
    with pytest.raises(InputError, match="no analysis is called 'stranger'"):
        entries(("stranger",))
    assert [entry.name for entry in entries(("stranger.py",))] == ["stranger"]
    assert [entry.name for entry in entries((".",))] == ["stranger"]


def test_names_files_and_folders_can_be_mixed(own: Path, write: Any) -> None:
    gamma = write("gamma")
    (gamma.parent / "_private.py").write_text("raise SystemExit")
    (gamma.parent / "plain.py").write_text("raise SystemExit")
    assert [entry.name for entry in entries(("beta", gamma.parent, gamma))] == ["beta", "gamma"]
    assert [analysis.name for analysis in load(("beta", gamma))] == ["beta", "gamma"]


def test_an_unknown_name_lists_the_known_ones_and_the_nearest(own: Path) -> None:
    for look in (find, lambda name: entries((name,))):
        with pytest.raises(
            InputError, match=r"no analysis is called 'alpah'; did you mean 'alpha'\? known: .*alpha, beta"
        ):
            look("alpah")
    assert find("alpha").finding == "Nothing but alpha."


def test_a_broken_file_is_listed_with_its_problem_and_hides_no_other(own: Path) -> None:
    (own / "analyses" / "broken.py").write_text("x = (1,\ny = 2 2\n")
    (own / "analyses" / "empty.py").write_text("")
    problems = {entry.name: entry.problem for entry in entries()}
    assert problems["alpha"] == problems["beta"] == ""
    assert "broken.py:" in problems["broken"]
    assert "SyntaxError" in problems["broken"]
    assert "holds no @analysis" in problems["empty"]
    assert all("\n" not in problem for problem in problems.values())


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (lambda text: text.replace('"""Nothing but odd."""', "pass"), RegistryError, "no docstring"),
        (lambda text: text.replace('"What does odd do?"', '" "'), RegistryError, "empty question"),
        (lambda text: text.replace('"What does odd do?"', 'f"{1}"'), InputError, "plain texts"),
        (lambda text: text + text.replace("def run", "def again"), InputError, "holds 2 @analysis"),
        (lambda text: text.replace("def run", "def run run"), InputError, r"odd.py:10: SyntaxError"),
    ],
)
def test_a_faulty_file_is_refused_before_it_runs(write: Any, change: Any, error: type[Exception], says: str) -> None:
    path = write("odd")
    path.write_text(change(path.read_text()))
    with pytest.raises(error, match=says):
        describe(path)


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (lambda text: "import absent_module\n" + text, InputError, r"odd.py:1: ModuleNotFoundError: No module"),
        (lambda text: text + "\nraise SystemExit(3)\n", InputError, r"odd.py:\d+: SystemExit: 3"),
        (
            lambda text: text + text.replace("def run", "def again"),
            RegistryError,
            r"odd.py:\d+: two analyses are called 'odd'",
        ),
        (lambda text: text.replace('"""Nothing but odd."""', "pass"), RegistryError, r"odd.py:\d+: .*no docstring"),
    ],
)
def test_a_faulty_file_is_refused_when_it_is_imported(
    write: Any, change: Any, error: type[Exception], says: str
) -> None:
    from symgrad.catalogue.loading import load_file

    path = write("odd")
    path.write_text(change(path.read_text()))
    with pytest.raises(error, match=says) as caught:
        load_file(path)
    assert "\n" not in str(caught.value)
    assert "odd" not in registered()


def test_two_files_of_one_name_are_refused(write: Any) -> None:
    first, second = write("same", folder="one"), write("same", folder="two")
    with pytest.raises(InputError, match="two analyses are called 'same'"):
        entries((first, second))
    load((first,))
    with pytest.raises(RegistryError, match="two analyses are called 'same'"):
        load((second,))


def test_a_changed_file_is_loaded_anew(write: Any) -> None:
    path = write("growing")
    assert load((path,))[0].finding == "Nothing but growing."
    path.write_text(path.read_text().replace("Nothing but growing.", "Something else entirely."))
    assert load((path,))[0].finding == "Something else entirely."


@pytest.mark.parametrize(
    ("name", "says"),
    [("absent.py", "there is no file"), ("absent/one.py", "there is no file"), ("bare", "holds no analyses")],
)
def test_what_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, says: str) -> None:
    (tmp_path / "bare").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=says):
        entries((name,))
