"""Programs: what is derived is what is run, equal work is done once, and data that is no program is refused."""

import json
from typing import Any

import numpy as np
import pytest
import sympy

from symgrad.derivation import gradient
from symgrad.errors import InputError
from symgrad.kernels.floats import compile_step
from symgrad.kernels.program import Program, Unsupported, program_of
from symgrad.kernels.steps import Step, derive_steps
from symgrad.kernels.ufuncs import run_program
from symgrad.maps import Map


def step_of(text: Any, wrt: str = "w", state: Any = "x") -> Step:
    (step,) = derive_steps(gradient(Map(text, state), wrt=wrt)).layers.values()
    return step


TEXTS = [
    "w*sigmoid(x) + b",
    "x/(x - w) + b*x**3 - 2/(1 + x**2)",
    "Mod(w*x, 2) + floor(3*x)*b + abs(x)*sign(x)",
    "Max(w*x, -x, b) + Min(x, 1/3)",
    "asinh(w*x) + atanh(x/9) + acosh(2 + x**2)/4 - b*acos(x/9) + asin(x/7)",
    "abs(x)**w + sqrt(2 + x) - 2**(b*x) + (2 + x)**(-3/2) + log(3 + x)",
    "tan(x/3) + cos(w*x) - sinh(b*x)/cosh(x)",
    "step(x - w)*x + relu(w*x) + gelu(b*x) + selu(x) - atan(w/3)*mish(x)",
    "3 - x - w - b",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_program_computes_what_lambdify_computes(text: str) -> None:
    step = step_of(text, "w,b")
    state, arguments = np.linspace(-1.3, 1.69, 41), {"w": 0.83, "b": np.linspace(0.2, 1.1, 41)}
    given = [arguments[name] for name in step.names]
    found = run_program(program_of(step), [state, *given])
    with np.errstate(all="ignore"):
        expected = compile_step(step)([state], given)
    for one, other in zip(found, expected, strict=True):
        assert np.broadcast_to(one, 41) == pytest.approx(np.broadcast_to(other, 41), rel=1e-13, abs=1e-14, nan_ok=True)


def test_structural_constants_are_constants() -> None:
    program = program_of(step_of("w*x + b", "w,b"))
    assert [program.constant(slot) for slot in program.jacobian + program.local] == [None, None, 1.0]
    assert program.inputs[program.jacobian[0]].name == "w"


def test_what_depends_on_parameters_only_is_known() -> None:
    program = program_of(step_of("3*w**2*tanh(x)*b + exp(w)", "w"), layered=())
    hoisted = [i for i, one in enumerate(program.instructions) if program.uniform[program.first_instruction + i]]
    assert [program.instructions[i].op for i in hoisted].count("exp") == 1
    driven = program_of(step_of("tanh(w*x) + u[k]"), layered=("u",))
    assert [given.kind for given in driven.inputs] == ["state", "layer", "parameter"]
    assert not driven.uniform[1]


@pytest.mark.parametrize("text", TEXTS)
def test_a_program_survives_json(text: str) -> None:
    program = program_of(step_of(text, "w,b"))
    assert Program.from_data(json.loads(json.dumps(program.to_data()))) == program


@pytest.mark.parametrize(
    "fault",
    [
        {"instructions": [["mul", 0, 99]]},
        {"instructions": [["system", 0, 0]]},
        {"instructions": [["mul", 0]]},
        {"values": [99]},
        {"constants": ["one"]},
        {"inputs": [["file", "x"]]},
        {"wrt": 3},
    ],
)
def test_data_that_is_no_program_is_refused(fault: dict[str, Any]) -> None:
    data = program_of(step_of("w*x", "w")).to_data()
    with pytest.raises(InputError, match="this is no program"):
        Program.from_data(data | fault)


def test_what_programs_lack_is_named() -> None:
    with pytest.raises(Unsupported, match="the number"):
        program_of(step_of("1e400*x*w"))
    with pytest.raises(Unsupported, match="the function gamma"):
        program_of(step_of(sympy.gamma(sympy.Symbol("x")) * sympy.Symbol("w")))
