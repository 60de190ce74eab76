"""The mpmath backend: every point in a context of its own, precision raised until the digits agree."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from symgrad.errors import InputError
from symgrad.kernels import multiprecision
from symgrad.kernels.fold import fold
from symgrad.kernels.outcome import Outcome
from symgrad.kernels.points import Points
from symgrad.kernels.results import Results, finish
from symgrad.kernels.signed_log import SignedLog
from symgrad.kernels.stacking import Stacked, joined, to_outcome
from symgrad.kernels.steps import Steps
from symgrad.maps import Composition


def _mpf_to_parts(value: Any, ctx: Any) -> tuple[float, float]:
    if not ctx.isfinite(value):
        return float(value), 0.0
    mantissa, exponent = ctx.frexp(value)
    return float(mantissa), float(ctx.mpf(int(exponent)))


def _signed(values: Sequence[Any], ctx: Any) -> SignedLog:
    parts = [_mpf_to_parts(v, ctx) for v in values]
    return SignedLog.from_parts(np.array([[m] for m, _ in parts]), np.array([[e] for _, e in parts]))


def _mp_results(
    kernel: Any, chain: Composition, points: Points, index: int, trace: bool, bits: int
) -> tuple[Results, Any]:
    ctx = multiprecision.context(bits)
    arithmetic = multiprecision.arithmetic(ctx)
    start, exact = points.exact_at(index)
    steps: Steps = kernel.steps

    def value(name: str, k: int | None) -> Any:
        return multiprecision.to_mpf(exact(name, k), ctx)

    first = [multiprecision.to_mpf(s, ctx) for s in start]
    carried = fold(steps, first, value, arithmetic, schedule=chain.schedule(), trace=trace)
    loss = None
    if steps.loss is not None:
        known = dict(zip(steps.loss.state, carried.state, strict=True))
        known |= {s: value(name, None) for name, s in zip(steps.loss.names, steps.loss.arguments, strict=True)}
        loss = arithmetic.evaluate(steps.loss, known)
    return finish(carried, steps, arithmetic, loss), ctx


def _numbers(results: Results) -> list[Any]:
    groups = [results.state, [] if results.loss is None else [results.loss], results.factors]
    groups += [*results.compounds.values(), *results.gradient.values(), *results.hessian.values()]
    return [number for group in groups for number in group]


def _vanishing(a: Results, b: Results, ctx: Any, bits: int, digits: int) -> bool:
    """Whether everything that does not agree shrinks with the precision, as rounding errors of a zero do."""
    tolerance, size = ctx.mpf(10) ** (-digits), ctx.mpf(2) ** (-bits // 4)
    pairs = [(ctx.mpf(x), y) for x, y in zip(_numbers(a), _numbers(b), strict=True) if ctx.isfinite(y)]
    return all(abs(x - y) <= abs(y) * tolerance or (abs(x) < size and abs(y) < size**2) for x, y in pairs)


def _agree(a: Results, b: Results, ctx: Any, digits: int) -> bool:
    for x, y in zip(_numbers(a), _numbers(b), strict=True):
        if ctx.isfinite(x) != ctx.isfinite(y):
            return False
        if ctx.isfinite(y) and abs(ctx.mpf(x) - y) > abs(y) * ctx.mpf(10) ** (-digits):
            return False
    return True


MOST_BITS = 1 << 17
ZERO_BITS = 1 << 13  # what shrinks with the precision up to here is taken to be zero


def _mp_point(kernel: Any, chain: Composition, points: Points, index: int, trace: bool) -> tuple[Results, Any]:
    """Raise the working precision until two runs agree to the digits asked for."""
    digits: int = kernel.digits
    bits = int(digits * 3.33) + 32
    results, _ = _mp_results(kernel, chain, points, index, trace, bits)
    while bits < MOST_BITS:
        bits *= 2
        finer, ctx = _mp_results(kernel, chain, points, index, trace, bits)
        if _agree(results, finer, ctx, digits):
            return finer, ctx
        if bits >= ZERO_BITS and _vanishing(results, finer, ctx, bits, digits):
            raise InputError(
                f"a result is 0 to within 2**-{bits // 2}, so that it has no {digits} digits; ask for no digits, "
                "or for points where it is not 0"
            )
        results = finer
    raise InputError(
        f"{digits} digits are not reached with {MOST_BITS} bits of working precision; the orbit is too sensitive: "
        "ask for fewer layers or digits"
    )


def _text(value: Any, ctx: Any, digits: int) -> str:
    return str(ctx.nstr(value, digits, strip_zeros=False)) if ctx.isfinite(value) else "undefined"


def _digit_texts(results: Results, ctx: Any, digits: int) -> dict[str, str | list[str]]:
    def write(values: Sequence[Any]) -> list[str]:
        return [_text(v, ctx, digits) for v in values]

    texts: dict[str, str | list[str]] = {"state": write(results.state)}
    if len(results.state) == 1:
        texts["chain_product"] = write(results.compounds[1])[0]
    if results.loss is not None:
        texts["loss"] = write([results.loss])[0]
    for name, values in results.gradient.items():
        listed = write(values)
        texts[f"gradient {name}"] = listed[0] if len(listed) == 1 else listed
    return texts


def run_mpmath(kernel: Any, chain: Composition, points: Points, trace: bool, runner: Any) -> Outcome:
    """Evaluate every point with as many digits as asked for, each in a context of its own."""
    pieces, texts = [], None
    for index in range(points.size):
        results, ctx = _mp_point(kernel, chain, points, index, trace)
        parts: dict[Any, SignedLog] = {"state": _signed(results.state, ctx)}
        if results.loss is not None:
            parts["loss"] = _signed([results.loss], ctx)
        parts |= {("compound", order): _signed(v, ctx) for order, v in results.compounds.items()}
        parts |= {("gradient", name): _signed(v, ctx) for name, v in results.gradient.items() if v}
        parts |= {("hessian", pair): _signed(v, ctx) for pair, v in results.hessian.items()}
        if results.factors:
            parts["trace"] = _signed(results.factors, ctx)
        pieces.append(Stacked(parts))
        texts = _digit_texts(results, ctx, kernel.digits) if points.size == 1 else None
    return to_outcome(joined(pieces), chain, points, "mpmath", texts)
