"""Every activation with its first two derivatives as one bundle that shares its exponential, in one table.

The formulas neither overflow nor cancel for any float: e = exp(u) is cut off at exp(709), r = 1/(1 + e) is the
logistic function of -u, and e·r that of u. What a program does not use of a bundle is dropped from it.
"""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

from symgrad.kernels.program.terms import Term, exp, lower, upper, where

Bundle = tuple[Term, Term, Term]

HIGHEST = 709.0
SELU_SCALE, SELU_LEFT = 1.0507009873554805, 1.7580993408473768
DENSITY = 1 / math.sqrt(2 * math.pi)
BELL = 2 / math.sqrt(math.pi)
ROOT_HALF = math.sqrt(0.5)
FURTHEST = 64.0


def _zero(u: Term) -> Term:
    return Term(u.builder, u.builder.constant(0.0))


def _logistic(u: Term) -> tuple[Term, Term, Term]:
    """Return e, 1/(1 + e) and e/(1 + e)."""
    e = exp(lower(u, HIGHEST))
    r = 1 / (1 + e)
    return e, r, e * r


def _half_tanh(u: Term) -> Term:
    """Return tanh(u/2) from the exponential of the logistic function."""
    e = exp(lower(u, HIGHEST))
    return (0.5 * u).call("tanh_given", 2 / (1 + e))


def _identity(u: Term) -> Bundle:
    return u, Term(u.builder, u.builder.constant(1.0)), _zero(u)


def _tanh(u: Term) -> Bundle:
    e = exp(lower(2 * u, HIGHEST))
    q = 2 / (1 + e)
    value, slope = u.call("tanh_given", q), e * q * q
    return value, slope, -2 * value * slope


def _sigmoid(u: Term) -> Bundle:
    """With d = 1 + e: e/d and e/d², each rounded as seldom as can be."""
    e = exp(lower(u, HIGHEST))
    d = 1 + e
    value = e / d
    slope = value / d
    return value, slope, -(_half_tanh(u) * slope)


def _softplus(u: Term) -> Bundle:
    e, r, s = _logistic(u)
    return upper(u, e.call("log1p")), s, s * r


def _silu(u: Term) -> Bundle:
    _, r, s = _logistic(u)
    a = lower(u, 2 * HIGHEST)
    return u * s, s * (1 + a * r), (2 - a * _half_tanh(u)) * (s * r)


def _mish(u: Term) -> Bundle:
    """With q = 1 + r²: u s (1 + r)/q and its derivatives, as in the table of stable forms."""
    _, r, s = _logistic(u)
    q = 1 + r * r
    ratio, t, a = (1 + r) / q, r / q, lower(u, 2 * HIGHEST)
    return (
        u * s * ratio,
        s * (ratio + 4 * (a * t * t)),
        4 * (s * t * t) * (2 + a * (r - 2 * s + 4 * (s * r * t))),
    )


def _relu(u: Term) -> Bundle:
    return upper(u, 0.0), where(_zero(u).call("lt", u), 1.0, 0.0), _zero(u)


def _leaky_relu(u: Term) -> Bundle:
    return upper(u, u / 100.0), where(_zero(u).call("lt", u), 1.0, 0.01), _zero(u)


def _elu(u: Term) -> Bundle:
    left = lower(u, 0.0)
    slope = exp(left)
    return upper(u, 0.0) + left.call("expm1"), slope, where(u.call("le", 0.0), slope, 0.0)


def _selu(u: Term) -> Bundle:
    left = lower(u, 0.0)
    slope, below = SELU_LEFT * exp(left), u.call("le", 0.0)
    value = SELU_SCALE * upper(u, 0.0) + SELU_LEFT * left.call("expm1")
    return value, where(below, slope, SELU_SCALE), where(below, slope, 0.0)


def _softsign(u: Term) -> Bundle:
    d = 1 + abs(u)
    r = 1 / d
    return u / d, r * r, -2 * (u.call("sign") * r * r * r)


def _gaussian(u: Term, rate: float) -> Term:
    """Return exp(-rate u²) for a rate of 1 or 1/2 and |u| <= 64, with a head of u whose square is exact."""
    head = 0.0625 * (16 * u).call("rint")
    return exp(-rate * (head * head)) * exp(-rate * ((u - head) * (u + head)))


def _gelu(u: Term) -> Bundle:
    """Phi(-a) = erfcx(a/√2) exp(-a²/2)/2 for a = |u| gives both sides."""
    a = lower(abs(u), FURTHEST)
    g = _gaussian(a, 0.5)
    tail = 0.5 * (a * ROOT_HALF).call("erfcx")
    left = (tail - DENSITY * a) * g
    return (
        upper(u, 0.0) - a * tail * g,
        where(u.call("lt", 0.0), left, 1 - left),
        DENSITY * ((2 - a * a) * g),
    )


def _erf(u: Term) -> Bundle:
    a = upper(lower(u, FURTHEST), -FURTHEST)
    g = BELL * _gaussian(a, 1.0)
    return u.call("erf"), g, -2 * (a * g)


def _sin(u: Term) -> Bundle:
    value = u.call("sin")
    return value, u.call("cos"), -value


def _atan(u: Term) -> Bundle:
    r = 1 / (1 + u * u)
    return u.call("atan"), r, -2 * (u * r * r)


def _exp(u: Term) -> Bundle:
    value = exp(u)
    return value, value, value


BUNDLES: Mapping[str, Callable[[Term], Bundle]] = MappingProxyType(
    {
        "identity": _identity,
        "tanh": _tanh,
        "sigmoid": _sigmoid,
        "relu": _relu,
        "leaky_relu": _leaky_relu,
        "elu": _elu,
        "selu": _selu,
        "softplus": _softplus,
        "softsign": _softsign,
        "gelu": _gelu,
        "silu": _silu,
        "mish": _mish,
        "erf": _erf,
        "sin": _sin,
        "atan": _atan,
        "exp": _exp,
    }
)
