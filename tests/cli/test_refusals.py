"""Every bad input is one line on standard error, exit code 2, and nothing on standard output."""

import subprocess
import sys
from pathlib import Path

import pytest

from symgrad.cli import main

BOMB = "9**9**9**9"
DERIVE = [
    (["foo(x)"], "foo"),
    (["tanh(w*x"], "("),
    (["__import__('os').system('x')"], "column"),
    (["x.__class__"], "column"),
    (["lambda x: x"], "column"),
    (["f'{x}'"], "column"),
    (["[x for x in y]"], "column"),
    ([f"x + {BOMB}"], "column"),
    (["-" * 100_000 + "x"], ""),
    (["+".join(["x"] * 500_000)], ""),
    ([""], ""),
    (["w*y"], "the state x does not occur among w, y; name the state with --state"),
    (["w*x", "--state", "x,y"], "--state"),
    (["w*x", "--state", "x,x"], "'x' is given twice"),
    (["w*x", "--state", "2x"], "a name is needed here"),
    (["w*x", "--depth", "-1"], "depth must be a positive whole number"),
    (["w*x", "--depth", "nan"], "depth must be a positive whole number"),
    (["w*x", "--wrt", "v"], "--wrt names v, which is no parameter; the parameters are w"),
    (["w*x", "--untied", "v"], "--untied names v, which is no parameter; the parameters are w"),
    (["w*x", "--start", "nan"], "finite number"),
    (["w*x", "--start", "1,2"], "--start has 2 numbers for a state of 1 (x)"),
    (["w*x", "--loss", "(x - 1"], ""),
    (["w*x", "--extend", "/nowhere/at/all.py"], "No such file"),
    (["w*x", "--" + "z" * 1000], "derive has no option --zz"),
    (["w*x", "--wrt", "w" * 100_000], "--wrt: the text"),
    (["w*x", "v*x"], "put an expression in quotes"),
]


def refusal(capsys: pytest.CaptureFixture[str], tokens: list[str]) -> str:
    assert main(tokens) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("symgrad: ")
    assert err.count("\n") == 1
    assert len(err) < 420
    return err


@pytest.mark.parametrize(("tokens", "part"), DERIVE, ids=[repr(tokens)[:40] for tokens, _ in DERIVE])
def test_derive_refuses_in_one_line(capsys: pytest.CaptureFixture[str], tokens: list[str], part: str) -> None:
    assert part in refusal(capsys, ["derive", *tokens])


def test_a_file_that_fails_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "broken.py"
    for source, part in (("1/0", "ZeroDivisionError"), ("def", "SyntaxError"), ("raise SystemExit(5)", "SystemExit")):
        file.write_text(source, encoding="utf-8")
        line = refusal(capsys, ["derive", "w*x", "--extend", str(file)])
        assert part in line
        assert str(file) in line


@pytest.mark.parametrize("tokens", [["derive", "tanh(w*x"], ["derive", "w*x", "--wrt", "v"], ["derive", "w*y"]])
def test_a_bad_text_is_refused_before_sympy_is_imported(tokens: list[str]) -> None:
    code = (
        f"import sys; from symgrad.cli import main; code = main({tokens!r}); sys.exit(code + ('sympy' in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 2
