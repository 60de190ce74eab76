"""The operations of programs as NumPy calls that write into a given array."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.kernels.program import TRUTHS, Program
from symgrad.kernels.special_functions import special

Array = NDArray[np.float64]
Call = Callable[..., Any]

NEAR_ZERO = 0.25


def tanh_given(a: Any, q: Any, out: Array) -> None:
    """Write tanh(a) from q = 2/(1 + exp(2a)): 1 - q, or tanh itself where |a| < 1/4 and that cancels."""
    np.abs(a, out)
    near = (out < NEAR_ZERO).nonzero()
    np.subtract(1.0, q, out)
    if near[0].size:
        out[near] = np.tanh((a if np.shape(a) == out.shape else np.broadcast_to(a, out.shape))[near])


def select(condition: Any, yes: Any, no: Any, out: Array) -> None:
    """Write ``yes`` where the condition holds, else ``no``."""
    np.copyto(out, no)
    np.copyto(out, yes, where=condition)


CALLS: Mapping[str, Call] = MappingProxyType(
    {
        "add": np.add,
        "sub": np.subtract,
        "mul": np.multiply,
        "div": np.divide,
        "neg": np.negative,
        "abs": np.abs,
        "min": np.minimum,
        "max": np.maximum,
        "sqrt": np.sqrt,
        "pow": np.power,
        "sign": np.sign,
        "floor": np.floor,
        "ceil": np.ceil,
        "rint": np.rint,
        "mod": np.mod,
        "exp": np.exp,
        "expm1": np.expm1,
        "log": np.log,
        "log1p": np.log1p,
        "sin": np.sin,
        "cos": np.cos,
        "tan": np.tan,
        "asin": np.arcsin,
        "acos": np.arccos,
        "atan": np.arctan,
        "sinh": np.sinh,
        "cosh": np.cosh,
        "asinh": np.arcsinh,
        "acosh": np.arccosh,
        "atanh": np.arctanh,
        "tanh_given": tanh_given,
        "erf": lambda a, out: special.erf(a, out=out),
        "erfc": lambda a, out: special.erfc(a, out=out),
        "erfcx": lambda a, out: special.erfcx(a, out=out),
        "lt": np.less,
        "le": np.less_equal,
        "eq": np.equal,
        "and": np.logical_and,
        "or": np.logical_or,
        "not": np.logical_not,
        "select": select,
    }
)
SEVERAL_PASSES = frozenset({"tanh_given", "select"})  # these write before they have read everything


def run_program(program: Program, inputs: Sequence[Any]) -> list[Any]:
    """Run a program once on arrays (or numbers) that broadcast; return values, jacobian and local in one row.

    >>> from symgrad.kernels.program import Builder, Input, Term
    >>> builder = Builder([Input("state", "x")])
    >>> square = Term(builder, 0) * Term(builder, 0)
    >>> run_program(builder.program([square.slot], [], []), [np.array([1.0, 3.0])])
    [array([1., 9.])]
    """
    slots: list[Any] = [*inputs, *program.constants]
    shape = np.broadcast_shapes(*(np.shape(given) for given in inputs))
    with np.errstate(all="ignore"):
        for one in program.instructions:
            out = np.empty(shape, dtype=bool if one.op in TRUTHS else np.float64)
            CALLS[one.op](*(slots[a] for a in one.arguments), out=out)
            slots.append(out)
    return [slots[slot] for slot in program.outputs]
