"""The one alphabet: every symbol symgrad makes, with its assumptions.

``from symgrad.symbols import w, b, x`` gives real symbols. ``n`` is the depth, a positive integer, and ``k``
the index of a layer, which runs from 1 to ``n``.
"""

import re

from sympy import Symbol

GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lamda mu "
    "nu xi omicron rho sigma tau upsilon phi chi psi omega"
).split()

n = Symbol("n", integer=True, positive=True)
k = Symbol("k", integer=True, positive=True)


def real(name: str) -> Symbol:
    """Return the real symbol of that name.

    >>> real("w").is_real
    True
    """
    return Symbol(name, real=True)


def __getattr__(name: str) -> Symbol:
    """Make the real symbol of a single letter, a letter with digits, or a Greek name on first use."""
    if re.fullmatch(r"[A-Za-z][0-9]*", name) or name in GREEK:
        return real(name)
    raise AttributeError(f"symgrad.symbols has no {name!r}; make a real symbol with symgrad.symbols.real({name!r})")
