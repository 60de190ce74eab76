"""Every activation with its first two derivatives in forms that neither cancel nor overflow, in one table.

A row gives NumPy functions for float64 and SymPy expressions for arithmetic whose exponent has no limit. The usual
formulas fail in saturation: 1 - tanh(x)**2 is 0 from x = 19 on, where the truth is 1.3e-16. Derivatives of order 3
and up come from ``StableRow.derivative``.

The functions are written into generated modules word for word: apart from ``needs`` their source uses only
``numpy as np`` and ``scipy.special``. Throughout, e = exp(-abs(x)) is at most 1, and a factor that would underflow
before the result does is multiplied in as two square roots.
"""

# Generated modules know no type but np.ndarray, whose arithmetic is Any to mypy.
# mypy: disable-error-code="no-any-return"

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import sympy
from sympy import Abs, Expr, Integer, Max, Piecewise, Rational, cosh, pi, sign, sqrt
from sympy.codegen.cfunctions import expm1, log1p

from symgrad.errors import InputError
from symgrad.kernels.special_functions import special
from symgrad.maps import differentiate
from symgrad.symbols import x as X

SELU_SCALE = Rational("1.0507009873554804934193349852946")
SELU_ALPHA = Rational("1.6732632423543772848170429916717")

ArrayFunction = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class StableRow:
    """One activation in forms that lose no digits.

    Parameters
    ----------
    numpy : value, first and second derivative: float64 array, shape (…) → float64 array, shape (…)
    exact : value, first and second derivative as expressions in the real symbol x
    needs : other functions of this module that the NumPy functions call

    Examples
    --------
    >>> STABLE["tanh"].exact[1]
    cosh(x)**(-2)
    >>> float(STABLE["tanh"].numpy[1](np.array(300.0)))
    1.0601586212017241e-260
    """

    numpy: tuple[ArrayFunction, ArrayFunction, ArrayFunction]
    exact: tuple[Expr, Expr, Expr]
    needs: tuple[Callable[..., np.ndarray], ...] = ()

    def derivative(self, order: int) -> Expr:
        """Return the derivative of that order in x, exactly; those above 2 are derived from the second.

        >>> STABLE["atan"].derivative(3).subs(X, 1)
        1/2
        """
        if order < 0:
            raise InputError(f"the order of a derivative is 0 or more, got {order}; 0 is the value itself")
        expr = self.exact[min(order, 2)]
        for _ in range(order - 2):
            expr = differentiate(expr, X)
        return expr


def identity_value(x: np.ndarray) -> np.ndarray:
    """Return a copy of x."""
    return np.positive(x)


def one(x: np.ndarray) -> np.ndarray:
    """Return 1."""
    return np.where(np.isnan(x), x, 1.0)


def zero(x: np.ndarray) -> np.ndarray:
    """Return 0."""
    return np.where(np.isnan(x), x, 0.0)


def tanh_value(x: np.ndarray) -> np.ndarray:
    """Return tanh(x)."""
    return np.tanh(x)


def tanh_first(x: np.ndarray) -> np.ndarray:
    """Return 1/cosh(x)**2 as 4e**2/(1 + e**2)**2."""
    e = np.exp(-np.abs(x))
    e = e * e
    d = 1.0 + e
    return 4.0 * e / (d * d)


def tanh_second(x: np.ndarray) -> np.ndarray:
    """Return -2 tanh(x)/cosh(x)**2."""
    e = np.exp(-np.abs(x))
    e = e * e
    d = 1.0 + e
    return -8.0 * np.tanh(x) * e / (d * d)


def sigmoid_value(x: np.ndarray) -> np.ndarray:
    """Return 1/(1 + exp(-x))."""
    e = np.exp(-np.abs(x))
    return np.where(x < 0.0, e, 1.0) / (1.0 + e)


def sigmoid_first(x: np.ndarray) -> np.ndarray:
    """Return e/(1 + e)**2."""
    e = np.exp(-np.abs(x))
    d = 1.0 + e
    return e / (d * d)


def sigmoid_second(x: np.ndarray) -> np.ndarray:
    """Return -tanh(x/2) e/(1 + e)**2."""
    e = np.exp(-np.abs(x))
    d = 1.0 + e
    return -np.tanh(0.5 * x) * e / (d * d)


def relu_value(x: np.ndarray) -> np.ndarray:
    """Return max(0, x)."""
    return np.maximum(x, 0.0)


def relu_first(x: np.ndarray) -> np.ndarray:
    """Return 1 for x > 0, else 0; 0 at the kink."""
    return np.heaviside(x, 0.0)


def leaky_relu_value(x: np.ndarray) -> np.ndarray:
    """Return x for x > 0, else x/100."""
    return np.maximum(x, x / 100.0)


def leaky_relu_first(x: np.ndarray) -> np.ndarray:
    """Return 1 for x > 0, else 1/100; 1/100 at the kink."""
    return np.maximum(np.heaviside(x, 0.0), 0.01)


def elu_value(x: np.ndarray) -> np.ndarray:
    """Return x for x > 0, else exp(x) - 1."""
    return np.maximum(x, 0.0) + np.expm1(np.minimum(x, 0.0))


def elu_first(x: np.ndarray) -> np.ndarray:
    """Return 1 for x > 0, else exp(x)."""
    return np.exp(np.minimum(x, 0.0))


def elu_second(x: np.ndarray) -> np.ndarray:
    """Return 0 for x > 0, else exp(x); 1 at the kink, from the left."""
    return np.exp(np.minimum(x, 0.0)) * (x <= 0.0)


def selu_value(x: np.ndarray) -> np.ndarray:
    """Return lambda x for x > 0, else lambda alpha (exp(x) - 1)."""
    with np.errstate(over="ignore"):
        return 1.0507009873554805 * np.maximum(x, 0.0) + 1.7580993408473768 * np.expm1(np.minimum(x, 0.0))


def selu_first(x: np.ndarray) -> np.ndarray:
    """Return lambda for x > 0, else lambda alpha exp(x); lambda alpha at the kink, from the left."""
    return np.where(x > 0.0, 1.0507009873554805, 1.7580993408473768 * np.exp(np.minimum(x, 0.0)))


def selu_second(x: np.ndarray) -> np.ndarray:
    """Return 0 for x > 0, else lambda alpha exp(x); lambda alpha at the kink, from the left."""
    return 1.7580993408473768 * np.exp(np.minimum(x, 0.0)) * (x <= 0.0)


def softplus_value(x: np.ndarray) -> np.ndarray:
    """Return log(1 + exp(x)) as max(0, x) + log(1 + e)."""
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def softsign_value(x: np.ndarray) -> np.ndarray:
    """Return x/(1 + |x|)."""
    x = np.clip(x, -1e300, 1e300)
    return x / (1.0 + np.abs(x))


def softsign_first(x: np.ndarray) -> np.ndarray:
    """Return 1/(1 + |x|)**2."""
    r = 1.0 / (1.0 + np.abs(x))
    return r * r


def softsign_second(x: np.ndarray) -> np.ndarray:
    """Return -2 sign(x)/(1 + |x|)**3; 0 at the kink."""
    r = 1.0 / (1.0 + np.abs(x))
    return -2.0 * np.sign(x) * r * r * r


def gaussian(x: np.ndarray, rate: float) -> np.ndarray:
    """Return exp(-rate x**2) for a rate of 1, 1/2 or 1/4, with a head of x whose square is exact."""
    x = np.clip(x, -64.0, 64.0)
    head = np.rint(16.0 * x) * 0.0625
    return np.exp(-rate * head * head) * np.exp(-rate * (x - head) * (x + head))


def gelu_value(x: np.ndarray) -> np.ndarray:
    """Return x Phi(x) as max(0, x) - |x| Phi(-|x|)."""
    a = np.minimum(np.abs(x), 64.0)
    g = gaussian(a, 0.25)
    return np.maximum(x, 0.0) - 0.5 * a * special.erfcx(0.7071067811865476 * a) * g * g


def gelu_first(x: np.ndarray) -> np.ndarray:
    """Return Phi(x) + x phi(x), from its value at -|x|."""
    a = np.minimum(np.abs(x), 64.0)
    g = gaussian(a, 0.25)
    left = (0.5 * special.erfcx(0.7071067811865476 * a) - 0.3989422804014327 * a) * g * g
    return np.where(x < 0.0, left, 1.0 - left)


def gelu_second(x: np.ndarray) -> np.ndarray:
    """Return (2 - x**2) phi(x)."""
    a = np.minimum(np.abs(x), 64.0)
    g = gaussian(a, 0.25)
    return 0.3989422804014327 * (2.0 - a * a) * g * g


def silu_value(x: np.ndarray) -> np.ndarray:
    """Return x/(1 + exp(-x))."""
    h = np.exp(-0.5 * np.abs(x))
    s = np.where(x < 0.0, h, 1.0)
    return np.maximum(x, -1500.0) * s * s / (1.0 + h * h)


def silu_first(x: np.ndarray) -> np.ndarray:
    """Return sigmoid(x) + x e/(1 + e)**2."""
    x = np.clip(x, -1500.0, 1500.0)
    h = np.exp(-0.5 * np.abs(x))
    s = np.where(x < 0.0, h, 1.0)
    d = 1.0 + h * h
    return (s * s * d + x * h * h) / (d * d)


def silu_second(x: np.ndarray) -> np.ndarray:
    """Return (2 - x tanh(x/2)) e/(1 + e)**2."""
    a = np.minimum(np.abs(x), 1500.0)
    h = np.exp(-0.5 * a)
    e = h * h
    d = 1.0 + e
    return (2.0 * d - a * (1.0 - e)) * h * h / (d * d * d)


def mish_value(x: np.ndarray) -> np.ndarray:
    """Return x tanh(softplus(x)) as x sigmoid(x) (1 + r)/(1 + r**2) with r = sigmoid(-x)."""
    h = np.exp(-0.5 * np.abs(x))
    e = h * h
    d = 1.0 + e
    r = np.where(x < 0.0, 1.0, e) / d
    s = np.where(x < 0.0, h, 1.0)
    return np.maximum(x, -1500.0) * s * s / d * ((1.0 + r) / (1.0 + r * r))


def mish_first(x: np.ndarray) -> np.ndarray:
    """Return sigmoid(x) ((1 + r)/q + 4x (r/q)**2) with r = sigmoid(-x), q = 1 + r**2."""
    x = np.clip(x, -1500.0, 1500.0)
    h = np.exp(-0.5 * np.abs(x))
    e = h * h
    d = 1.0 + e
    r = np.where(x < 0.0, 1.0, e) / d
    s = np.where(x < 0.0, h, 1.0)
    q = 1.0 + r * r
    t = r / q
    return ((1.0 + r) / q + 4.0 * x * t * t) * s * s / d


def mish_second(x: np.ndarray) -> np.ndarray:
    """Return 4 s (r/q)**2 (2 + x (r - 2s + 4 s r**2/q)) with r = sigmoid(-x), s = 1 - r, q = 1 + r**2."""
    x = np.clip(x, -1500.0, 1500.0)
    h = np.exp(-0.5 * np.abs(x))
    e = h * h
    d = 1.0 + e
    left = x < 0.0
    r = np.where(left, 1.0, e) / d
    s = np.where(left, e, 1.0) / d
    u = np.where(left, h, e)
    q = 1.0 + r * r
    return (2.0 + x * (r - 2.0 * s + 4.0 * s * r * r / q)) * (4.0 / (d * d * d * q * q)) * u * u


def erf_value(x: np.ndarray) -> np.ndarray:
    """Return the error function."""
    return special.erf(x)


def erf_first(x: np.ndarray) -> np.ndarray:
    """Return 2 exp(-x**2)/sqrt(pi)."""
    return 1.1283791670955126 * gaussian(x, 1.0)


def erf_second(x: np.ndarray) -> np.ndarray:
    """Return -4x exp(-x**2)/sqrt(pi)."""
    g = gaussian(x, 0.5)
    return -2.256758334191025 * np.clip(x, -64.0, 64.0) * g * g


def sin_value(x: np.ndarray) -> np.ndarray:
    """Return sin(x)."""
    with np.errstate(invalid="ignore"):
        return np.sin(x)


def sin_first(x: np.ndarray) -> np.ndarray:
    """Return cos(x)."""
    with np.errstate(invalid="ignore"):
        return np.cos(x)


def sin_second(x: np.ndarray) -> np.ndarray:
    """Return -sin(x)."""
    with np.errstate(invalid="ignore"):
        return -np.sin(x)


def atan_value(x: np.ndarray) -> np.ndarray:
    """Return arctan(x)."""
    return np.arctan(x)


def atan_first(x: np.ndarray) -> np.ndarray:
    """Return 1/(1 + x**2)."""
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + x * x)


def atan_second(x: np.ndarray) -> np.ndarray:
    """Return -2x/(1 + x**2)**2."""
    x = np.clip(x, -1e150, 1e150)
    r = 1.0 / (1.0 + x * x)
    return -2.0 * x * r * r


def exp_value(x: np.ndarray) -> np.ndarray:
    """Return exp(x)."""
    with np.errstate(over="ignore"):
        return np.exp(x)


def _exponential_unit(scale: Expr, alpha: Expr) -> tuple[Expr, Expr, Expr]:
    """Return scale·x for x > 0 and scale·alpha·(exp(x) - 1) for x <= 0, with the kink taken from the left."""
    left = scale * alpha
    return (
        Piecewise((scale * X, X > 0), (left * expm1(X), True)),
        Piecewise((scale, X > 0), (left * sympy.exp(X), True)),
        Piecewise((0, X > 0), (left * sympy.exp(X), True)),
    )


def _gelu_exact() -> tuple[Expr, Expr, Expr]:
    """Write gelu for x < 0 through erfc; its derivative is undefined below -1e154, where exp(-x**2/2) < 2**-1e308."""
    density = sympy.exp(-(X**2) / 2) / sqrt(2 * pi)
    left, right = sympy.erfc(Abs(X) / sqrt(2)) / 2, (1 + sympy.erf(X / sqrt(2))) / 2
    return (
        Piecewise((X * left, X < 0), (X * right, True)),
        Piecewise((left + X * density, X < 0), (right + X * density, True)),
        (2 - X**2) * density,
    )


def _mish_exact() -> tuple[Expr, Expr, Expr]:
    """Write mish through s = sigmoid(x) and r = 1 - s."""
    r, s = 1 / (1 + sympy.exp(X)), 1 / (1 + sympy.exp(-X))
    q = 1 + r**2
    return (
        X * s * (1 + r) / q,
        s * ((1 + r) / q + 4 * X * r**2 / q**2),
        4 * s * r**2 / q**2 * (2 + X * (r - 2 * s + 4 * s * r**2 / q)),
    )


def _rows() -> dict[str, StableRow]:
    logistic, slope = 1 / (1 + sympy.exp(-X)), 1 / (4 * cosh(X / 2) ** 2)
    bend = -sympy.tanh(X / 2) * slope
    bell = sympy.exp(-(X**2)) / sqrt(pi)
    return {
        "identity": StableRow((identity_value, one, zero), (X, Integer(1), Integer(0))),
        "tanh": StableRow(
            (tanh_value, tanh_first, tanh_second),
            (sympy.tanh(X), 1 / cosh(X) ** 2, -2 * sympy.tanh(X) / cosh(X) ** 2),
        ),
        "sigmoid": StableRow((sigmoid_value, sigmoid_first, sigmoid_second), (logistic, slope, bend)),
        "relu": StableRow(
            (relu_value, relu_first, zero),
            (Piecewise((X, X > 0), (0, True)), Piecewise((1, X > 0), (0, True)), Integer(0)),
        ),
        "leaky_relu": StableRow(
            (leaky_relu_value, leaky_relu_first, zero),
            (Piecewise((X, X > 0), (X / 100, True)), Piecewise((1, X > 0), (Rational(1, 100), True)), Integer(0)),
        ),
        "elu": StableRow((elu_value, elu_first, elu_second), _exponential_unit(Integer(1), Integer(1))),
        "selu": StableRow((selu_value, selu_first, selu_second), _exponential_unit(SELU_SCALE, SELU_ALPHA)),
        "softplus": StableRow(
            (softplus_value, sigmoid_value, sigmoid_first), (log1p(sympy.exp(-Abs(X))) + Max(X, 0), logistic, slope)
        ),
        "softsign": StableRow(
            (softsign_value, softsign_first, softsign_second),
            (X / (1 + Abs(X)), 1 / (1 + Abs(X)) ** 2, -2 * sign(X) / (1 + Abs(X)) ** 3),
        ),
        "gelu": StableRow((gelu_value, gelu_first, gelu_second), _gelu_exact(), (gaussian,)),
        "silu": StableRow(
            (silu_value, silu_first, silu_second),
            (X * logistic, logistic * (1 + X / (1 + sympy.exp(X))), slope * (2 - X * sympy.tanh(X / 2))),
        ),
        "mish": StableRow((mish_value, mish_first, mish_second), _mish_exact()),
        "erf": StableRow((erf_value, erf_first, erf_second), (sympy.erf(X), 2 * bell, -4 * X * bell), (gaussian,)),
        "sin": StableRow((sin_value, sin_first, sin_second), (sympy.sin(X), sympy.cos(X), -sympy.sin(X))),
        "atan": StableRow(
            (atan_value, atan_first, atan_second),
            (sympy.atan(X), 1 / (1 + X**2), -2 * X / (1 + X**2) ** 2),
        ),
        "exp": StableRow((exp_value, exp_value, exp_value), (sympy.exp(X),) * 3),
    }


STABLE: Mapping[str, StableRow] = MappingProxyType(_rows())
