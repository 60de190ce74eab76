"""The Schwarzian derivative Sf = f‴/f′ − (3/2)(f″/f′)², and the proof of its sign for each activation.

Where Sf < 0, 1/√|f′| is convex, every attracting cycle draws in a critical point or an end of the line, and an
increasing f has at most three fixed points (Singer 1978, *SIAM J. Appl. Math.* 35). S < 0 is closed under
composition, and affine layers only scale it: S(A·φ(αx+β)+B) = α²·Sφ.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

import sympy
from sympy import Dummy, Expr, Integer, Rational, Symbol

from symgrad.derivation.identities.proofs import is_zero, sign_proof, zero_proof
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.maps import ACTIVATIONS, Activation, differentiate, expand_activations, sigmoid, step, to_text
from symgrad.symbols import real

DIGITS = 40
SEARCHED = tuple(Rational(q, 2) for q in range(-16, 17))

# Short forms to be checked: where one is not equal to what is derived it is not used.
_SHORT: Mapping[str, Callable[[Expr], Expr]] = {
    "tanh": lambda x: Integer(-2),
    "sigmoid": lambda x: Rational(-1, 2),
    "exp": lambda x: Rational(-1, 2),
    "identity": lambda x: Integer(0),
    "atan": lambda x: -2 / (1 + x**2) ** 2,
    "erf": lambda x: -2 - 2 * x**2,
    "sin": lambda x: -1 - 3 * sympy.tan(x) ** 2 / 2,
    "softplus": lambda x: -(1 - sigmoid(x)) * (1 + sigmoid(x)) / 2,
}


class SchwarzianSign(Enum):
    """What is known of the sign of a Schwarzian derivative; the value is the sentence a report prints."""

    NEGATIVE = "negative wherever the derivative is not 0"
    ZERO = "zero: the function is a Möbius map"
    POSITIVE_SOMEWHERE = "positive at the point named, so the theorems for a negative one do not apply"
    NOT_SMOOTH = "not defined: the function has no third derivative at a kink"
    UNDECIDED = "undecided: neither a proof of its sign nor a point that refutes it was found"


@dataclass(frozen=True)
class SchwarzianFact:
    """The Schwarzian derivative of an activation and what is known of its sign.

    Parameters
    ----------
    name : the activation
    expr : Sφ(x) in the symbol x, None where there is none
    sign : what is known of it
    verdict : proved, refuted (that it is negative) or undecided
    proof : the argument, or the value at the point that refutes
    witness : the point that refutes, x → exact text
    """

    name: str
    expr: Expr | None
    sign: SchwarzianSign
    verdict: Verdict
    proof: str
    witness: Mapping[str, str] | None = None

    @property
    def is_negative(self) -> bool:
        """Whether it is proved to be negative."""
        return self.sign is SchwarzianSign.NEGATIVE and self.verdict is Verdict.PROVED


def schwarzian_derivative(expr: Expr, symbol: Symbol) -> Expr:
    """Return the Schwarzian derivative, through the logarithmic derivative N = f″/f′: Sf = N′ − N²/2.

    >>> from symgrad.symbols import a, b, x
    >>> is_zero(schwarzian_derivative((a * x + b) / (x + 1), x))
    True
    """
    slope = differentiate(expr, symbol)
    if is_zero(slope):
        raise InputError(f"the Schwarzian derivative of the constant {str(expr)[:40]} does not exist; give a function")
    ratio = differentiate(slope, symbol) / slope
    return differentiate(ratio, symbol) - ratio**2 / 2


def schwarzian_of(name: str) -> SchwarzianFact:
    """Return the Schwarzian derivative of an activation with its sign proved, or the point that refutes it.

    Examples
    --------
    >>> fact = schwarzian_of("tanh")
    >>> fact.expr, fact.sign.name, fact.verdict.word
    (-2, 'NEGATIVE', 'proved')
    >>> schwarzian_of("silu").sign.name
    'POSITIVE_SOMEWHERE'
    """
    if name not in ACTIVATIONS:
        raise InputError(f"no activation is named {name!r}; known: {', '.join(sorted(ACTIVATIONS))}")
    return _fact(name, ACTIVATIONS[name].function, ACTIVATIONS[name].formula)


@lru_cache
def _fact(name: str, function: Callable[[Expr], Expr], formula: Callable[[Expr], Expr]) -> SchwarzianFact:
    """Return the fact of the row of the table that has this function and formula."""
    row, x = ACTIVATIONS[name], real("x")
    if has_kink(row):
        reason = "its first or second derivative jumps at a kink"
        return SchwarzianFact(name, None, SchwarzianSign.NOT_SMOOTH, Verdict.PROVED, reason)
    derived = schwarzian_derivative(row.function(x), x)
    short = _SHORT[name](x) if name in _SHORT else derived
    equal = zero_proof(short - derived) if short is not derived else ""
    expr = short if equal is not None else derived
    if is_zero(expr):
        return SchwarzianFact(name, Integer(0), SchwarzianSign.ZERO, Verdict.PROVED, "it is identically 0")
    proof = _negative(expr)
    if proof is not None:
        shown = f"{to_text(expr)} < 0 by {proof}" + (f"; equal to the derived form by {equal}" if equal else "")
        return SchwarzianFact(name, expr, SchwarzianSign.NEGATIVE, Verdict.PROVED, shown)
    return _refuted(name, expr, x)


def has_kink(row: Activation) -> bool:
    """Say whether an activation has a jump in its first or second derivative."""
    x = real("x")
    forms = [row.formula(x)] + ([row.derivative_of_output(x)] if row.derivative_of_output is not None else [])
    return any(form.has(sympy.Abs, sympy.Max, sympy.Min, sympy.sign, sympy.floor, step) for form in forms)


def _negative(expr: Expr) -> str | None:
    """Prove an expression negative; a tangent is any real number as far as the proof is concerned."""
    free = expr.replace(sympy.tan, lambda u: Dummy(f"tan_{u}", real=True))
    return sign_proof(-free, strict=True)


def _refuted(name: str, expr: Expr, x: Symbol) -> SchwarzianFact:
    plain = expand_activations(expr)
    for point in SEARCHED:
        value = plain.xreplace({x: point}).evalf(DIGITS)
        if value.is_Float and value > sympy.Float(10) ** (-DIGITS // 2):
            shown = f"it is {value.evalf(8)} at x = {point}, evaluated to {DIGITS} digits"
            witness = {"x": str(point)}
            return SchwarzianFact(name, expr, SchwarzianSign.POSITIVE_SOMEWHERE, Verdict.REFUTED, shown, witness)
    return SchwarzianFact(name, expr, SchwarzianSign.UNDECIDED, Verdict.UNDECIDED, "no proof and no point found")
