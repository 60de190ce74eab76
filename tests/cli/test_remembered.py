"""A formula met before: the same answer, byte for byte, with neither SymPy nor SciPy loaded."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import symgrad.cli.commands.evaluate as command
from symgrad.cli import main
from symgrad.maps import ACTIVATIONS, activation, unregister

SIMPLE = ["tanh(w*x+b)", "--state", "x", "--start", "0.3", "--set", "w=0.9", "--set", "b=0.1", "--depth", "1000000000"]
SHAPES = ["{f}(w*x + b)", "w*{f}(x) + b", "x + w*{f}(x) + b", "{f}(w*x) | {f}(v*x + b)", "w*{f}(b - x**2/2)"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv("SYMGRAD_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "kernels"


@pytest.fixture
def derivations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts whose kernels were derived, in order."""
    seen: list[str] = []
    derive = command._derived

    def noting(problem: Any, *rest: Any, **options: Any) -> Any:
        seen.append(problem.text)
        return derive(problem, *rest, **options)

    monkeypatch.setattr(command, "_derived", noting)
    return seen


def answer(capsys: pytest.CaptureFixture[str], *tokens: str) -> str:
    code = main(["evaluate", *tokens, "--json"])
    out, err = capsys.readouterr()
    return f"{code} {out} {err}"


def settings(rng: random.Random, text: str) -> list[str]:
    """Return a random point: ordinary, exact, tiny or huge numbers, and a depth from 1 to 200."""
    special = ["0", "1", "-1", "1/3", "2", "-2.5", "pi/4", "sqrt(2)", "1e-30", "30", "exp(-3)"]
    tokens = ["--start", rng.choice([f"{rng.uniform(-3, 3):.3f}", "0", "1", "-0.5", "1e-9"])]
    for name in [name for name in "wbvc" if name in text.replace("sigmoid", "")]:
        drawn = rng.choice(special) if rng.random() < 0.5 else f"{rng.uniform(-3, 3):.4f}"
        tokens += ["--set", f"{name}={drawn}"]
    return [*tokens, "--depth", str(rng.choice([1, 2, 7, 50, 200]))]


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_the_cached_answer_is_the_derived_one_byte_for_byte(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    rng = random.Random(name)
    for shape in rng.sample(SHAPES, 2):
        text = shape.format(f=name)
        loss = ["--loss", f"({name}(x) - c)**2"] if rng.random() < 0.4 else []
        wrt = ["--wrt", "w,b"] if "b" in shape and rng.random() < 0.5 else []
        for _ in range(2):
            tokens = [text, *loss, *wrt, *settings(rng, text + " ".join(loss))]
            remembered = [answer(capsys, *tokens), answer(capsys, *tokens)]
            with monkeypatch.context() as patch:
                patch.setenv("SYMGRAD_CACHE", "off")
                assert remembered == [answer(capsys, *tokens)] * 2
    assert list(folder.iterdir())


CASES = [
    ["tanh(w*x)", "--start", "1", "--set", "w=30", "--depth", "200"],
    ["w*x+b", "--start", "1", "--set", "w=1", "--set", "b=0", "--depth", "1000"],
    ["w*x+b", "--start", "1", "--set", "w=-1", "--set", "b=1/3", "--depth", "7"],
    ["w*x", "--start", "1", "--set", "w=0", "--depth", "50"],
    ["w*x + b", "--start", "1", "--set", "w=0.5", "--set", "b=1", "--depth", "1000000000"],
    ["relu(w*x+b)", "--start", "0", "--set", "w=1", "--set", "b=0", "--depth", "9"],
    ["relu(w*x+b)", "--start", "1", "--set", "w=1", "--set", "b=0", "--depth", "9"],
    ["relu(w*x+b)", "--start", "1", "--set", "w=-1", "--set", "b=0", "--depth", "9"],
    ["abs(w*x)", "--start", "0", "--set", "w=3", "--depth", "4"],
    ["r*x*(1-x)", "--start", "0.3", "--set", "r=4", "--depth", "500"],
    ["r*x*(1-x)", "--start", "3/4", "--set", "r=4", "--depth", "5000", "--wrt", "r"],
    ["r*x*(1-x)", "--start", "0.4", "--set", "r=3.8481", "--depth", "100000", "--wrt", "r"],
    ["x**2", "--start", "1", "--depth", "30"],
    ["w*x", "--untied", "w", "--start", "1", "--set", "w=[2,0.5,-3]", "--depth", "3"],
    ["tanh(w*x + u[k])", "--start", "1", "--set", "w=2", "--set", "u=[2,0.5,-3]", "--depth", "3", "--wrt", "w"],
    ["floor(w*x) + b", "--start", "1", "--set", "w=1.5", "--set", "b=0.5", "--depth", "40"],
    ["tanh(w*x) | v*x + c | relu(x)", "--start", "1", "--set", "w=2", "--set", "v=3", "--set", "c=0.1", "--depth", "3"],
    ["y + w*x; x - y/5", "--state", "x,y", "--start", "1,2", "--set", "w=0.3", "--depth", "50", "--wrt", "w"],
    ["1-a*x**2+y; b*x", "--state", "x,y", "--start", "0,0", "--set", "a=1.4", "--set", "b=0.3", "--depth", "200"],
    [
        "tanh(y); w*x",
        "--state",
        "x,y",
        "--start",
        "1,1",
        "--set",
        "w=0.5",
        "--depth",
        "9",
        "--loss",
        "x*y",
        "--wrt",
        "w",
    ],
    ["w*x", "--start", "2", "--set", "w=3", "--depth", "7", "--loss", "(x - c)**2", "--set", "c=5", "--wrt", "w,c"],
]


@pytest.mark.parametrize("tokens", CASES, ids=lambda tokens: f"{tokens[0]} {' '.join(tokens[3:])}")
def test_special_points_are_answered_from_the_cache_and_alike(
    tokens: list[str], capsys: pytest.CaptureFixture[str], derivations: list[str]
) -> None:
    first, again = answer(capsys, *tokens), answer(capsys, *tokens)
    assert first.startswith("0 {")
    assert again == first
    assert derivations == [tokens[0]]


@pytest.mark.parametrize(
    "tokens",
    [
        ["w*x", "--start", "1", "--set", "w=0.5", "--depth", "1000000000"],  # a state below float64
        ["log(x)", "--start", "2", "--depth", "3"],  # undefined on the way
        ["log(x)", "--start", "-2", "--depth", "3"],  # undefined at once
        ["w*x**3", "--start", "2", "--set", "w=3", "--depth", "20"],  # beyond float64
        ["tanh(w*x)", "--start", "1", "--set", "w=1e300", "--depth", "5"],  # a parameter too large for float64's way
    ],
)
def test_what_the_cache_does_not_settle_is_derived_with_the_same_answer(
    tokens: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, again = answer(capsys, *tokens), answer(capsys, *tokens)
    monkeypatch.setenv("SYMGRAD_CACHE", "off")
    assert first == again == answer(capsys, *tokens)


def test_one_entry_serves_any_values_start_and_depth_however_the_text_is_spaced(
    capsys: pytest.CaptureFixture[str], derivations: list[str], folder: Path
) -> None:
    answer(capsys, *SIMPLE)
    other = ["tanh( w * x+b )", "--start", "pi", "--set", "w=-3", "--set", "b=1/7", "--depth", "12"]
    assert answer(capsys, *other).startswith("0 {")
    assert len(derivations) == len(list(folder.iterdir())) == 1


@pytest.mark.parametrize(
    "tokens",
    [
        [*SIMPLE, "--trace"],
        [*SIMPLE, "--digits", "20"],
        [*SIMPLE, "--backend", "lambdify"],
        [*SIMPLE, "--backend", "mpmath"],
    ],
    ids=lambda tokens: " ".join(tokens[12:]),
)
def test_what_needs_the_expressions_is_not_kept(
    tokens: list[str], capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    tokens = [*tokens[: tokens.index("--depth") + 1], "5", *tokens[tokens.index("--depth") + 2 :]]
    assert answer(capsys, *tokens).startswith("0 {")
    assert not folder.exists()


def test_a_layer_counted_by_k_is_refused_whether_or_not_one_layer_was_answered(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    """At depth 1 the name k is a parameter like others, beyond it counts the layers."""
    tokens = ["k*x", "--start", "1", "--set", "k=2", "--depth"]
    assert answer(capsys, *tokens, "1").startswith("0 {")
    assert answer(capsys, *tokens, "2").startswith("2 ")
    assert not folder.exists()


@pytest.fixture
def doubled() -> Iterator[None]:
    """An activation of the user's, registered in this process."""

    @activation(latex="d", lipschitz=2)
    def doubled(x: Any) -> Any:
        """Twice its argument."""
        return 2 * x

    yield
    unregister("doubled")


@pytest.mark.usefixtures("doubled")
def test_an_activation_of_the_users_is_never_kept(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    """Its definition may be another tomorrow."""
    assert answer(capsys, "doubled(x)", "--start", "1", "--depth", "3").startswith("0 {")
    assert not folder.exists()


PLANTED: list[tuple[str, Any]] = [
    ("an operation nobody knows", lambda kernel: kernel["layers"][0]["instructions"][0].__setitem__(0, "system")),
    ("a later slot", lambda kernel: kernel["layers"][0]["instructions"][0].__setitem__(1, 99)),
    ("a slot that is no number", lambda kernel: kernel["layers"][0]["instructions"][0].__setitem__(1, "0")),
    ("a truth as an output", lambda kernel: kernel["layers"][0]["instructions"].__setitem__(-1, ["lt", 0, 1])),
    ("a choice by a number", lambda kernel: kernel["layers"][0]["instructions"].__setitem__(-1, ["select", 0, 1, 2])),
    ("no output", lambda kernel: kernel["layers"][0].__setitem__("values", [])),
    ("an unknown name", lambda kernel: kernel["layers"][0]["inputs"][1].__setitem__(1, "other")),
    ("two states", lambda kernel: kernel["layers"][0]["inputs"][1].__setitem__(0, "state")),
    ("a constant that is no number", lambda kernel: kernel["layers"][0]["constants"].__setitem__(0, "one")),
    ("a layer that is not there", lambda kernel: kernel.__setitem__("body", [1])),
    ("a layer without a program", lambda kernel: kernel.__setitem__("layers", [])),
    ("another state", lambda kernel: kernel.__setitem__("state", ["y"])),
    ("a parameter more", lambda kernel: kernel["parameters"].append("z")),
    ("other names differentiated by", lambda kernel: kernel.__setitem__("wrt", ["w"])),
    ("no kernel", lambda kernel: kernel.clear()),
]


@pytest.mark.parametrize(("fault", "plant"), PLANTED, ids=[fault for fault, _ in PLANTED])
def test_an_entry_is_checked_whole_before_anything_of_it_runs(
    fault: str, plant: Any, capsys: pytest.CaptureFixture[str], derivations: list[str], folder: Path
) -> None:
    """The entry bears the right digest; its content is not what a kernel looks like."""
    from symgrad.kernels import cache

    first = answer(capsys, *SIMPLE)
    (place,) = folder.iterdir()
    entry = json.loads(place.read_text())
    plant(entry["answer"]["kernel"])
    entry["digest"] = cache._digest(entry["answer"])
    place.write_text(json.dumps(entry))
    assert answer(capsys, *SIMPLE) == first
    assert len(derivations) == 2, fault
    assert answer(capsys, *SIMPLE) == first
    assert len(derivations) == 2, "the entry was written anew"


@pytest.mark.parametrize("statements", [None, {}, {"factor": 1, "written": True}, {"factor": "tanh(", "written": True}])
def test_statements_that_state_nothing_are_derived_anew(
    statements: Any, capsys: pytest.CaptureFixture[str], derivations: list[str], folder: Path
) -> None:
    from symgrad.kernels import cache

    first = answer(capsys, *SIMPLE)
    (place,) = folder.iterdir()
    entry = json.loads(place.read_text())
    entry["answer"]["statements"] = statements
    entry["digest"] = cache._digest(entry["answer"])
    place.write_text(json.dumps(entry))
    assert answer(capsys, *SIMPLE) == first
    assert len(derivations) == 2


WATCHED = """
import sys
from symgrad.cli import main
code = main(sys.argv[1:])
print(" ".join(sorted({"sympy", "scipy", "mpmath", "matplotlib", "flint"} & set(sys.modules))), file=sys.stderr)
sys.exit(code)
"""


def test_a_second_run_imports_neither_sympy_nor_scipy(folder: Path) -> None:
    environment = {**os.environ, "SYMGRAD_CACHE": str(folder.parent)}

    def run(*tokens: str) -> tuple[str, str]:
        done = subprocess.run(
            [sys.executable, "-c", WATCHED, "evaluate", *tokens, "--json"],
            capture_output=True,
            text=True,
            check=True,
            env=environment,
        )
        return done.stdout, done.stderr.strip()

    tokens = [*SIMPLE, "--wrt", "w,b"]
    first, loaded = run(*tokens)
    assert "sympy" in loaded
    assert run(*tokens) == (first, "")
    other = ["tanh(w*x+b)", "--wrt", "w,b", "--start", "sqrt(2)", "--set", "w=30", "--set", "b=-2*pi", "--depth", "200"]
    assert run(*other)[1] == ""
    smooth = ["w*gelu(x) + erf(b)", "--start", "0.5", "--set", "w=2", "--set", "b=1/3", "--depth", "40"]
    first, _ = run(*smooth)
    assert run(*smooth) == (first, "")
