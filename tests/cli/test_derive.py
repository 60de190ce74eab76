"""``symgrad derive``: the formulas, their order, and the second way they are checked."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from symgrad.cli import main

KEYS = ["factors", "chain_product", "chain_product_latex", "closed_form", "proof", "gradient", "evidence"]


def derive(capsys: pytest.CaptureFixture[str], *tokens: str) -> dict[str, object]:
    assert main(["derive", *tokens, "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    content: dict[str, object] = json.loads(out)
    assert [key for key in content if key in KEYS] == KEYS
    assert isinstance(content["evidence"], list)
    assert {row["verdict"] for row in content["evidence"]} == {"proved"}
    return content


def test_a_residual_layer_at_any_depth(capsys: pytest.CaptureFixture[str]) -> None:
    content = derive(capsys, "x + tanh(w*x+b)", "--state", "x", "--depth", "n", "--wrt", "w,b")
    factor = "w*(1 - tanh(b + w*x[k - 1])**2) + 1"
    assert content["factors"] == [factor]
    assert content["chain_product"] == f"Product({factor}, (k, 1, n))"
    assert content["closed_form"] is None
    assert content["proof"] is None
    assert content["gradient"] == {
        "w": f"Sum((1 - tanh(b + w*x[t - 1])**2)*x[t - 1]*Product({factor}, (k, t + 1, n)), (t, 1, n))",
        "b": f"Sum((1 - tanh(b + w*x[t - 1])**2)*Product({factor}, (k, t + 1, n)), (t, 1, n))",
    }


def test_different_layers_keep_their_order(capsys: pytest.CaptureFixture[str]) -> None:
    content = derive(capsys, "tanh(w*x+b) | v*x + c", "--state", "x")
    assert content["factors"] == ["w*(1 - tanh(b + w*x[0])**2)", "v"]
    assert content["chain_product_latex"] == r"v\,w\,(1 - x_{1}^{2})"


def test_untied_layers_have_the_product_over_their_own_weights(capsys: pytest.CaptureFixture[str]) -> None:
    content = derive(capsys, "w*x", "--untied", "w", "--depth", "n")
    assert content["chain_product"] == "Product(w[k], (k, 1, n))"
    assert content["closed_form"] is None


def test_a_constant_factor_has_a_closed_form_proved_by_induction(capsys: pytest.CaptureFixture[str]) -> None:
    content = derive(capsys, "-(w*x)")
    assert (content["closed_form"], content["proof"]) == ("(-w)**n", "induction")


def test_several_components_have_a_product_of_matrices(capsys: pytest.CaptureFixture[str]) -> None:
    content = derive(capsys, "1 - a*x**2 + y; b*x", "--state", "x,y", "--depth", "3")
    assert content["factors"] == ["[[-2*a*x[k - 1], 1], [b, 0]]"]
    assert content["chain_product"] == "Product([[-2*a*x[k - 1], 1], [b, 0]], (k, 1, 3))"


def test_different_matrices_stand_in_the_order_of_the_chain_rule(capsys: pytest.CaptureFixture[str]) -> None:
    content = derive(capsys, "a*x + y; x | x; c*y", "--state", "x,y")
    assert content["chain_product"] == "[[1, 0], [0, c]] * [[a, 1], [1, 0]]"


def test_a_start_is_written_into_the_first_factor(capsys: pytest.CaptureFixture[str]) -> None:
    content = derive(capsys, "tanh(w*x) | v*x", "--start", "-0.3")
    assert content["factors"] == ["w*(1 - tanh(3*w/10)**2)", "v"]


def test_a_start_is_written_wherever_the_first_state_stands(capsys: pytest.CaptureFixture[str]) -> None:
    content = derive(capsys, "tanh(w*x) | v*x", "--start", "pi/2", "--wrt", "w")
    assert str(content["status"]).startswith("Derived exactly from x[0] = pi/2: ")
    assert content["gradient"] == {"w": "pi*v*(1 - tanh(pi*w/2)**2)/2"}
    assert content["chain_product"] == "v*w*(1 - tanh(pi*w/2)**2)"
    assert main(["derive", "tanh(w*x) | v*x", "--start", "pi/2", "--format", "latex"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == r"x_{0} = \frac{\pi}{2}"


def test_any_literal_depth_costs_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    content = derive(capsys, "x + tanh(w*x + b)", "--depth", "1000000000")
    assert content["chain_product"] == "Product(w*(1 - tanh(b + w*x[k - 1])**2) + 1, (k, 1, 1000000000))"


def test_a_loss_stands_outside_the_sum(capsys: pytest.CaptureFixture[str]) -> None:
    content = derive(capsys, "w*x | v*x", "--loss", "(x - 1)**2", "--wrt", "v")
    assert content["gradient"] == {"v": "(2*x[2] - 2)*x[1]"}


def test_formulas_are_printed_for_a_text_book(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["derive", "tanh(w*x + b)", "--wrt", "b", "--format", "latex"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        r"\prod_{k=1}^{n} w\,(1 - x_{k}^{2})",
        r"\sum_{t=1}^{n} \left[\prod_{k=t+1}^{n} w\,(1 - x_{k}^{2})\right] (1 - x_{t}^{2})",
    ]
    assert main(["derive", "tanh(w*x + b)", "--wrt", "b", "--format", "markdown"]) == 0
    assert capsys.readouterr().out.count("```math\n") == 2


PYTHON = [
    ("w*sigmoid(x) + b", ["--depth", "50"], ["--depth", "50"], {"w": 5.0, "b": -2.5}),
    ("w*sigmoid(x) + b", [], ["--depth", "7"], {"w": 5.0, "b": -2.5}),
    ("tanh(w*x)", ["--untied", "w", "--depth", "3"], ["--untied", "w", "--depth", "3"], {"w": [2.0, 0.5, -3.0]}),
]
ASK = """
import json, sys
found = evaluate([0.5], {parameters}, depth={depth})
flat = [found["loss"], found["product"][1], *(found["gradient"][name] for name in {names})]
print(json.dumps([np.ravel(value).tolist() for value in flat]))
sys.exit("symgrad" in sys.modules)
"""


@pytest.mark.parametrize(("text", "derived", "evaluated", "parameters"), PYTHON)
def test_the_python_function_runs_without_symgrad(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    text: str,
    derived: list[str],
    evaluated: list[str],
    parameters: dict[str, object],
) -> None:
    names = list(parameters)
    wanted = ["--loss", "(sigmoid(x) - 0.7)**2", "--wrt", ",".join(names)]
    assert main(["derive", text, *derived, *wanted, "--format", "python"]) == 0
    ask = ASK.format(parameters=parameters, depth=evaluated[-1], names=names)
    file = tmp_path / "alone.py"
    file.write_text(capsys.readouterr().out + ask, encoding="utf-8")
    done = subprocess.run([sys.executable, "-I", "-W", "error", str(file)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    sets = [part for name, value in parameters.items() for part in ("--set", f"{name}={value}")]
    assert main(["evaluate", text, *evaluated, "--start", "0.5", *sets, *wanted, "--json"]) == 0
    expected = json.loads(capsys.readouterr().out)
    (loss,), (log_abs,), *slopes = json.loads(done.stdout)
    assert loss == pytest.approx(expected["loss"], rel=1e-12)
    assert log_abs == pytest.approx(expected["chain_product"]["log_abs"], rel=1e-12)
    for name, slope in zip(names, slopes, strict=True):
        own = expected["gradient"][name]
        logs = [(g["sign"], g["log_abs"]) for g in (own if isinstance(own, list) else [own])]
        assert slope == pytest.approx([sign * math.exp(log) for sign, log in logs], rel=1e-11)


def test_a_user_s_own_activation(capsys: pytest.CaptureFixture[str], tmp_path: pytest.TempPathFactory) -> None:
    from symgrad.maps import unregister

    file = tmp_path / "mine.py"
    file.write_text(
        "import symgrad as sg\n\n\n"
        '@sg.activation(latex=r"\\operatorname{cube}", lipschitz=3)\n'
        "def cubed(x):\n"
        '    """x ↦ x³ on [-1, 1]."""\n'
        "    return x**3\n",
        encoding="utf-8",
    )
    content = derive(capsys, "cubed(w*x)", "--extend", str(file), "--depth", "1")
    unregister("cubed")
    assert content["factors"] == ["3*w**3*x[0]**2"]
