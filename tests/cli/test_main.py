"""The exit codes, and the one line that goes with each."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import symgrad.cli
from symgrad.cli.answers import Answer
from symgrad.cli.arguments import Command
from symgrad.errors import InputError, RegistryError

Run = Callable[[argparse.Namespace], Answer]
HINT = "(SYMGRAD_DEBUG=1 shows where)"


def _raising(error: BaseException) -> Run:
    def run(arguments: argparse.Namespace) -> Answer:
        raise error

    return run


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[Run], None]:
    """Replace whatever command is asked for by one that runs the given function."""

    def use(run: Run) -> None:
        planted = Command("planted", "a planted command", (), run)
        monkeypatch.setattr("symgrad.cli.arguments.find_command", lambda tokens: (planted, tokens))

    return use


@pytest.mark.parametrize("code", [0, 1, 3])
def test_the_exit_code_is_that_of_the_answer(
    command: Callable[[Run], None], capsys: pytest.CaptureFixture[str], code: int
) -> None:
    command(lambda arguments: Answer({"status": "answered"}, code=code))
    assert symgrad.cli.main(["--json"]) == code
    assert capsys.readouterr() == ('{"status": "answered"}\n', "")


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (InputError("low\nis  high"), 2, "symgrad: low is high"),
        (RegistryError("twice"), 2, "symgrad: twice"),
        (KeyboardInterrupt(), 130, "symgrad: interrupted"),
        (
            ZeroDivisionError("a\nb"),
            70,
            "symgrad: a defect in symgrad: ZeroDivisionError: a b (SYMGRAD_DEBUG=1 shows where)",
        ),
        (
            RecursionError("deep"),
            70,
            "symgrad: a defect in symgrad: RecursionError: deep (SYMGRAD_DEBUG=1 shows where)",
        ),
    ],
)
def test_an_error_is_one_line_on_standard_error(
    command: Callable[[Run], None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
    line: str,
) -> None:
    monkeypatch.delenv("SYMGRAD_DEBUG", raising=False)
    command(_raising(error))
    assert symgrad.cli.main([]) == code
    assert capsys.readouterr() == ("", line + "\n")


def test_the_traceback_of_a_defect_is_shown_on_request(
    command: Callable[[Run], None], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYMGRAD_DEBUG", "1")
    command(_raising(ZeroDivisionError("planted")))
    assert symgrad.cli.main([]) == 70
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_help_and_version_are_answers(capsys: pytest.CaptureFixture[str]) -> None:
    for tokens in (["--help"], ["-h"], ["doctor", "--help"], ["--version"]):
        assert symgrad.cli.main(tokens) == 0
        out, err = capsys.readouterr()
        assert out
        assert not err


def test_a_reader_that_stops_reading_is_no_error() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run([sys.executable, "-m", "symgrad", "--help"], stdout=write_end, stderr=subprocess.PIPE)
    os.close(write_end)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("module", ["sympy", "numpy", "scipy", "matplotlib", "symgrad.maps", "symgrad.parsing"])
def test_help_imports_nothing_heavy(module: str) -> None:
    code = f"import sys; from symgrad.cli import main; main(['--help']); sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_an_import_at_the_start_would_be_noticed() -> None:
    code = "import sys; import sympy; from symgrad.cli import main; main(['--help']); sys.exit('sympy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 1


def test_doctor_says_what_is_installed_and_whether_it_works(capsys: pytest.CaptureFixture[str]) -> None:
    code = symgrad.cli.main(["doctor", "--json"])
    content = json.loads(capsys.readouterr().out)
    assert {row["outcome"] for row in content["self_test"]} == {"right"}
    assert content["status"] == "Everything works."
    assert content["versions"]["sympy"]
    assert set(content["extras"]) == {"llvmlite", "torch", "jax"}
    absent = {name for name, version in content["extras"].items() if version is None}
    assert set(content["missing_extras"]) == absent
    assert all("pip install" in brings for brings in content["missing_extras"].values())
    assert content["seconds"] < 10
    assert code == 0


def test_doctor_says_where_the_cache_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from symgrad.cli.commands import doctor

    monkeypatch.setattr(doctor, "SELF_TEST", ())
    for given, said in (("off", "switched off by SYMGRAD_CACHE"), (str(tmp_path / "here"), str(tmp_path / "here"))):
        monkeypatch.setenv("SYMGRAD_CACHE", given)
        assert symgrad.cli.main(["doctor", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["cache"] == said
    assert list(tmp_path.iterdir()) == []


def test_doctor_notices_a_wrong_answer(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from symgrad.cli.commands import doctor

    planted = (("planted", lambda: False), ("broken", lambda: bool(1 / 0)))
    monkeypatch.setattr(doctor, "SELF_TEST", planted)
    assert symgrad.cli.main(["doctor"]) == 70
    assert capsys.readouterr().out.startswith("this went wrong: planted; this went wrong: broken.")
