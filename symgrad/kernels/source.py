"""A kernel's step as a plain NumPy/SciPy module that runs without symgrad."""

import inspect
from collections.abc import Iterable, Sequence
from typing import Any

import sympy
from sympy import Expr, Symbol
from sympy.printing.numpy import SciPyPrinter

from symgrad.errors import InputError
from symgrad.kernels.floats import giants
from symgrad.kernels.stable import STABLE
from symgrad.kernels.steps import Step, Steps, exact_form, opaque_calls
from symgrad.maps import to_text

HEADER = '''"""{title}

Written by symgrad; needs NumPy and SciPy only. ``evaluate(start, parameters, depth)`` folds the layers over depth.
start: a list of {d} number(s) or arrays; parameters: name -> number or array, for {layered} the layer as first axis.
The chain product is returned as (sign, natural logarithm of its absolute value), or as (matrix, power of two) for
several components; a factor below the smallest float counts as zero.
"""

import functools

import numpy
import numpy as np
import scipy.special
from scipy import special
'''

FOLD = '''

def evaluate(start, parameters, depth=None):
    """Return state, product, loss and gradient of the loss (of the last state without a loss) as a dictionary."""
    size, names = {d}, {wrt!r}
    state = [np.asarray(s, dtype=float) for s in start]
    sensitivities = {{name: [0.0] * size for name in names}}
    matrix = [[float(i == j) for j in range(size)] for i in range(size)]
    power = np.zeros(np.shape(state[0]))
    steps, records = [], []
    for body, times in {blocks!r}:
        steps += [(layer, k) for k in range(depth if times is None else times) for layer in body]
    for layer, k in steps:
        function, arguments = LAYERS[layer]
        values = [parameters[n][k] if n in {layered!r} else parameters[n] for n in arguments]
        new, jacobian, local = function(*state, *values)
        records.append((layer, k, jacobian, local))
        for a, name in enumerate(names):
            old = sensitivities[name]
            sensitivities[name] = [
                sum(jacobian[i][j] * old[j] for j in range(size)) + local[i][a] for i in range(size)
            ]
        matrix = [
            [sum(jacobian[i][m] * matrix[m][j] for m in range(size)) for j in range(size)] for i in range(size)
        ]
        largest = np.max([np.abs(e) * np.ones_like(power) for row in matrix for e in row], axis=0)
        shift = np.where(np.isfinite(largest) & (largest > 0), np.frexp(largest)[1], 0)
        matrix, power = [[np.ldexp(e, -shift) for e in row] for row in matrix], power + shift
        state = new
    result = {{"state": state}}
    if size == 1:
        with np.errstate(divide="ignore"):
            result["product"] = np.sign(matrix[0][0]), np.log(np.abs(matrix[0][0])) + power * np.log(2.0)
    else:
        result["product"] = np.array(matrix), power
    outer, own = None, [0.0] * len(names)
    if LOSS is not None:
        function, arguments = LOSS
        (loss,), (outer,), (own,) = function(*state, *[parameters[n] for n in arguments])
        result["loss"] = loss
    gradient = {{}}
    for a, name in enumerate(names):
        if name in {layered!r}:
            units = [[float(i == j) for j in range(size)] for i in range(size)] if outer is None else [outer]
            columns = [backwards(records, a, name, unit) for unit in units]
            gradient[name] = columns[0] if len(columns) == 1 else np.stack(np.broadcast_arrays(*columns), axis=1)
        elif outer is None:
            gradient[name] = sensitivities[name] if size > 1 else sensitivities[name][0]
        else:
            gradient[name] = sum(outer[i] * sensitivities[name][i] for i in range(size)) + own[a]
    return result | {{"gradient": gradient}}


def backwards(records, a, name, costate):
    """Return the derivative in the value of every layer, carrying the outer derivative backwards."""
    size, found = len(costate), {{}}
    for layer, k, jacobian, local in reversed(records):
        if name in LAYERS[layer][1]:
            found[k] = found.get(k, 0.0) + sum(costate[i] * local[i][a] for i in range(size))
        costate = [sum(jacobian[i][j] * costate[i] for i in range(size)) for j in range(size)]
    return np.array([found[k] for k in sorted(found)])
'''


def _printer() -> Any:
    return SciPyPrinter({"fully_qualified_modules": True, "allow_unknown_functions": True})


def _assignments(exprs: Sequence[Expr]) -> tuple[list[str], list[str]]:
    shared, reduced = sympy.cse(list(exprs), symbols=(Symbol(f"t{i}") for i in range(10**6)))
    printer = _printer()
    return [f"    {s} = {printer.doprint(e)}" for s, e in shared], [printer.doprint(e) for e in reduced]


def _rows(texts: Sequence[str], width: int) -> str:
    return "[" + ", ".join("[" + ", ".join(texts[i : i + width]) + "]" for i in range(0, len(texts), width)) + "]"


def _function(name: str, step: Step) -> str:
    """Write one step as a function: new values, rows of the Jacobian, rows of parameter derivatives."""
    outputs = step.values + step.jacobian + step.local
    lines, texts = _assignments(outputs)
    values, jacobian, local, _ = step.split([*texts, *[""] * len(step.second)])
    d, p = len(step.state), len(step.wrt)
    local_rows = _rows(local, p) if p else "[" + ", ".join(["[]"] * len(values)) + "]"
    head = f"\n\ndef {name}({', '.join(map(str, step.state + step.arguments))}):"
    return "\n".join([head, *lines, f"    return [{', '.join(values)}], {_rows(jacobian, d)}, {local_rows}"])


def _activation(call: Any) -> Iterable[str]:
    """Yield the sources one opaque function needs."""
    row, order = STABLE.get(call.activation), call.order
    if row is not None and order < len(row.numpy):
        for function in (*row.needs, row.numpy[order]):
            yield "\n\n" + inspect.getsource(function).rstrip()
        yield f"\n\n{call.__name__} = {row.numpy[order].__name__}"
    else:
        lines, (text,) = _assignments([exact_form(call.activation, order)])
        yield "\n".join([f"\n\ndef {call.__name__}(x):", *lines, f"    return {text}"])


def stand_alone(steps: Steps) -> str:
    """Return the text of a module with one function, ``evaluate(start, parameters, depth)``."""
    target, chain = steps.gradient, steps.gradient.composition
    every = [*steps.layers.values(), *([] if steps.loss is None else [steps.loss])]
    if any(giants(e) for step in every for e in step.outputs):
        raise InputError(
            "a number of the formula lies outside float64, which a plain module needs; rescale the formula"
        )
    layered = tuple(chain.layered)
    title = chain.canonical if target.loss is None else f"{chain.canonical}, with the loss {to_text(target.loss)}"
    parts = [HEADER.format(title=title, d=chain.dimension, layered=" and ".join(layered) or "no name")]
    calls = opaque_calls([e for step in every for e in step.values + step.jacobian + step.local])
    parts += dict.fromkeys(text for call in calls for text in _activation(call))
    if any(e.has(sympy.Function("step")) or "step(" in str(e) for step in every for e in step.outputs):
        parts.append("\n\ndef step(x):\n    return np.where(np.asarray(x) > 0, 1.0, 0.0)")
    names = {layer: f"layer_{i}" for i, layer in enumerate(steps.layers)}
    parts += [_function(names[layer], step) for layer, step in steps.layers.items()]
    if steps.loss is not None:
        parts.append(_function("loss_and_slopes", steps.loss))
    rows = ", ".join(f"({names[layer]}, {step.names!r})" for layer, step in steps.layers.items())
    loss = "None" if steps.loss is None else f"(loss_and_slopes, {steps.loss.names!r})"
    parts.append(f"\n\nLAYERS = [{rows}]\nLOSS = {loss}")
    order = {layer: i for i, layer in enumerate(steps.layers)}
    blocks = [
        (tuple(order[layer] for layer in b.body), int(b.depth) if b.depth.is_Integer else None) for b in chain.blocks
    ]
    parts.append(FOLD.format(d=chain.dimension, wrt=target.wrt, blocks=blocks, layered=layered))
    return "\n".join(parts)
