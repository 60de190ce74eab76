"""Products of different affine layers: f_k(x) = A(k) x + B(k), with weights, offsets or inputs of their own."""

from sympy import Expr, Indexed, Integer, Product, S, Sum, Symbol

from symgrad.derivation.closed_forms.families.affine import affine_parts
from symgrad.derivation.closed_forms.induction import Branch, proof_steps
from symgrad.derivation.identities.proofs import is_zero
from symgrad.evidence import Evidence, Verdict
from symgrad.maps import Map
from symgrad.symbols import k, n

CHECKED = 6

_p, _s, _a, _b = (Symbol(name, real=True) for name in "psab")


def _counter(*exprs: Expr) -> Symbol:
    """Return an index of layers that no symbol of the expressions shares its name with."""
    taken = {s.name for e in exprs for s in e.free_symbols if isinstance(s, Symbol)}
    return Symbol(next(name for name in "tjilmpqrs" if name not in taken), integer=True, positive=True)


def _written_out(slope: Expr, offset: Expr, x: Symbol) -> tuple[Expr, Expr]:
    """Return (x_n, dx_n/dx) as Product and Sum over the layers, or as powers where all slopes are the same."""
    tied = not slope.has(Indexed)
    product = slope**n if tied else Product(slope, (k, 1, n))
    t = _counter(slope, offset, x)
    later = slope ** (n - t) if tied else Product(slope, (k, t + 1, n))
    if not offset.has(Indexed):
        total = offset * Sum(later, (t, 1, n))
    else:
        total = Sum(offset.xreplace({k: t}) * later, (t, 1, n))
    return product * x + (S.Zero if offset == 0 else total), product


def _agrees(slope: Expr, offset: Expr, x: Symbol, branch: Branch) -> bool:
    """Say whether the form is that of one to six layers, written out."""
    state, product = x, S.One
    for depth in range(1, CHECKED + 1):
        at = {k: Integer(depth)}
        state = (slope.xreplace(at) * state + offset.xreplace(at)).expand()
        product *= slope.xreplace(at)
        here = {n: Integer(depth)}
        forms = (branch.iterate.xreplace(here).doit() - state, branch.derivative.xreplace(here).doit() - product)
        if not all(is_zero(e.expand()) for e in forms):
            return False
    return True


def untied_affine(f: Map) -> Branch | None:
    """Return x_n = ∏A(k)·x + Σ B(t)∏_{k>t}A(k) of affine layers with values of their own, None for other layers.

    >>> untied_affine(Map("w*x + b", "x").untied()).iterate
    x*Product(w[k], (k, 1, n)) + Sum(b[t]*Product(w[k], (k, t + 1, n)), (t, 1, n))
    """
    if f.dimension != 1:
        return None
    (x,) = f.state
    parts = affine_parts(f.expr, x)
    if parts is None:
        return None
    slope, offset = parts
    onward = _a * (_p * x + _s) + _b - ((_a * _p) * x + (_a * _s + _b))
    steps = proof_steps(
        [
            ("F(0) = x: the empty product is 1, the empty sum 0", S.One * x + S.Zero - x),
            ("with F(n) = P x + S: f_{n+1}(F(n)) = (A P) x + (A S + B), A and B of layer n + 1", onward),
        ]
    )
    if steps is None:
        return None
    split = Evidence(
        "P(n+1) = A(n+1) P(n) and S(n+1) = A(n+1) S(n) + B(n+1)", Verdict.PROVED, "the last term split off"
    )
    iterate, product = _written_out(slope, offset, x)
    found = Branch((), (iterate,), ((product,),), (*steps, split))
    return found if _agrees(slope, offset, x, found) else None
