"""Equations and inequalities moved through a function that has an inverse: asinh, atanh, log and exp."""

from collections.abc import Callable

import sympy
from sympy import Add, Expr, S, Symbol

from symgrad.claims.conditions import Comparison
from symgrad.claims.statement import Statement
from symgrad.derivation.identities.proofs import sign_proof
from symgrad.maps import expand_activations

LARGEST = 60
MOST_TERMS = 6
# Each is onto the real line: f(inverse(v)) = v for every real v.
_INVERSES: dict[object, Callable[[Expr], Expr]] = {
    sympy.asinh: sympy.sinh,
    sympy.atanh: sympy.tanh,
    sympy.log: sympy.exp,
}
Prove = Callable[[Statement, Comparison, list[Symbol]], str | None]


def inverse_proof(statement: Statement, link: Comparison, variables: list[Symbol], prove: Prove) -> str | None:
    """Prove f(u) = v by u = g(v), where f(g(v)) = v for every real v."""
    if link.relation != "=" or sympy.count_ops(link.difference) > LARGEST:
        return None
    terms = Add.make_args(expand_activations(link.difference))
    if not 2 <= len(terms) <= MOST_TERMS:
        return None
    heads = [(term, *term.as_coeff_Mul()) for term in terms]
    heads = [head for head in heads if head[2].func in _INVERSES]
    for term, factor, function in sorted(heads, key=lambda head: -sympy.count_ops(head[2])):
        u = function.args[0]
        v = Add(*[-other / factor for other in terms if other is not term])
        method = prove(statement, Comparison(u, "=", _INVERSES[function.func](v), link.text), variables)
        if method is not None:
            return f"{function.func.__name__} undone on both sides, {method}"
    return None


def logarithmic_form(link: Comparison) -> Comparison | None:
    """Return g - log(a) >= 0 for c·exp(g) - a/c >= 0 with an a that is positive, and the same the other way round.

    >>> from symgrad.symbols import x
    >>> logarithmic_form(Comparison(sympy.cosh(x), "<=", sympy.exp(x**2), "")).difference
    x**2 - log(cosh(x))
    """
    if link.relation not in ("<", "<=", ">", ">=") or sympy.count_ops(link.difference) > LARGEST:
        return None
    relation = ">" if link.relation in ("<", ">") else ">="
    difference = expand_activations(link.difference)
    for term in Add.make_args(difference):
        factor, power = term.as_coeff_Mul()
        exponent = power.args[0] if isinstance(power, sympy.exp) else S.Zero
        if not exponent.is_polynomial() or sympy.total_degree(exponent) < 2:
            continue
        turn = 1 if factor > 0 else -1
        rest = Add(term, -difference) if turn > 0 else Add(difference, -term)
        if sign_proof(rest, strict=True) is not None:
            gap = turn * (exponent + sympy.log(abs(factor)) - sympy.log(rest))
            return Comparison(gap, relation, S.Zero, link.text)
    return None
