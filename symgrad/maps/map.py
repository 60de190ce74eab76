"""A Map: one step x ↦ f(x; θ) of a network, a recurrence or an update rule, with a state of one or more components."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy
from sympy import Derivative, Expr, I, Indexed, IndexedBase, Symbol
from sympy.concrete.expr_with_limits import ExprWithLimits
from sympy.core.function import AppliedUndef

from symgrad.errors import InputError
from symgrad.maps.calculus import differentiate, recognise
from symgrad.maps.text import checked_name, expression, to_text
from symgrad.parsing import parse_layers
from symgrad.symbols import k, real

Domain = str
DOMAINS = ("real", "complex")
SETTLING = 5
NOT_A_STEP = (sympy.nan, sympy.zoo, sympy.oo, -sympy.oo, AppliedUndef, Derivative, ExprWithLimits, sympy.MatrixExpr)


def _symbol(name: str, domain: Domain) -> Symbol:
    return real(name) if domain == "real" else Symbol(name)


def layer_value(name: str, domain: Domain = "real") -> Expr:
    """Return ``name[k]``, the value that the parameter or input ``name`` has in layer k.

    >>> layer_value("w")
    w[k]
    """
    return Indexed(IndexedBase(_symbol(name, domain)), k)


def _exact(expr: Expr) -> Expr:
    """Read every floating-point number as the decimal its shortest text states."""
    floats = {f: sympy.Rational(repr(float(f)) if 1e-300 < abs(f) < 1e300 else f) for f in expr.atoms(sympy.Float)}
    return expr.xreplace(floats) if floats else expr


def _rebuilt(expr: Expr) -> Expr:
    """Evaluate whatever was built without evaluation, as reading its text would."""
    return expr.func(*map(_rebuilt, expr.args)) if expr.args and not isinstance(expr, Indexed) else expr


def _own_symbols(exprs: Sequence[Expr], domain: Domain) -> tuple[Expr, ...]:
    """Replace the user's symbols by the ones of the alphabet, refusing two symbols of one name."""
    layered = {i: layer_value(i.base.label.name, domain) for e in exprs for i in e.atoms(Indexed)}
    for indexed in layered:
        if len(indexed.indices) != 1 or str(indexed.indices[0]) != "k":
            raise InputError(f"{indexed} has an index other than k; write the value of layer k as {indexed.base}[k]")
    stand_ins = {indexed: sympy.Dummy() for indexed in layered}
    plain = [e.xreplace(stand_ins) for e in exprs]
    symbols = {s for e in plain for s in e.free_symbols if s not in set(stand_ins.values())}
    names = [s.name for s in symbols] + [i.base.label.name for i in dict.fromkeys(layered.values())]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"two different symbols are named {name!r}; give each its own name")
        checked_name(name)
    renaming: dict[Any, Any] = {s: _symbol(s.name, domain) for s in symbols}
    renaming |= {stand_ins[i]: new for i, new in layered.items()}
    return tuple(e.xreplace(renaming) for e in plain)


def _settled(expr: Expr, domain: Domain) -> Expr:
    """Return the form that the expression's text reads back as, so that text and expression are one."""
    try:
        for _ in range(SETTLING):
            text = to_text(expr)
            if (read := expression(text, domain)) == expr:
                break
            expr = read
    except InputError:
        return expr
    return expr


def _several(given: Any) -> Sequence[Any]:
    return given if isinstance(given, Sequence | sympy.Tuple) and not isinstance(given, str) else [given]


def entered(expr: Any, domain: Domain = "real") -> Expr:
    """Read text, a number or a SymPy expression as one step, refusing what has no value or cannot be differentiated.

    >>> entered(0.1)
    1/10
    """
    if isinstance(expr, str):
        result = expression(expr, domain)
    else:
        try:
            given = sympy.sympify(expr, strict=True)
        except sympy.SympifyError:
            given = None
        if not isinstance(given, Expr) or given.is_Matrix:
            raise InputError(
                f"an expression is needed, got {str(expr)[:60]!r}; give text, a number or a SymPy expression"
            )
        result = recognise(_rebuilt(_exact(given)))
    if result.has(*NOT_A_STEP) or (domain == "real" and result.has(I)):
        raise InputError(
            f"{str(result)[:60]} is no expression of finite {domain} numbers, symbols and known functions; rewrite it"
        )
    return result


def _state_name(given: Any) -> str:
    if not isinstance(given, str | Symbol):
        raise InputError(f"the state must be a symbol or a name, got {str(given)[:60]!r}; give e.g. 'x'")
    return checked_name(str(given))


@dataclass(frozen=True, init=False, repr=False)
class Map:
    """One step x ↦ f(x): every symbol that is not the state is a parameter, ``name[k]`` a value per layer.

    Parameters
    ----------
    expr : Expr, text, or a sequence of them, one for each component of the state
    state : the state's symbol or symbols (or their names)
    domain : "real" or "complex"

    Raises
    ------
    InputError : as many expressions as components are needed; two symbols may not share a name

    Examples
    --------
    >>> from symgrad.maps import sigmoid
    >>> from symgrad.symbols import w, b, x
    >>> layer = Map(w * sigmoid(x) + b, x)
    >>> layer.parameters
    (b, w)
    >>> Map(("1 - a*x**2 + y", "b*x"), ("x", "y")).jacobian
    ((-2*a*x, 1), (b, 0))
    """

    exprs: tuple[Expr, ...]
    state: tuple[Symbol, ...]
    domain: Domain

    def __init__(self, expr: Any, state: Any, *, domain: Domain = "real") -> None:
        if domain not in DOMAINS:
            raise InputError(f"domain must be one of {', '.join(DOMAINS)}, got {domain!r}")
        exprs = tuple(entered(e, domain) for e in _several(expr))
        names = [_state_name(s) for s in _several(state)]
        if len(exprs) != len(names):
            raise InputError(
                f"{len(exprs)} expressions were given for a state of {len(names)} components ({', '.join(names)}); "
                "give one expression for each component, separated by ';' in text"
            )
        if not names:
            raise InputError("a map needs at least one component, got none; give e.g. Map('w*x', 'x')")
        if len(set(names)) < len(names):
            raise InputError(f"the state names {', '.join(names)} repeat; give each component its own name")
        exprs = tuple(_settled(e, domain) for e in _own_symbols(exprs, domain))
        if repeated := {i.base.label.name for e in exprs for i in e.atoms(Indexed)} & set(names):
            raise InputError(f"the state {repeated.pop()!r} cannot have a value per layer; index a parameter instead")
        object.__setattr__(self, "exprs", exprs)
        object.__setattr__(self, "state", tuple(_symbol(name, domain) for name in names))
        object.__setattr__(self, "domain", domain)

    @property
    def expr(self) -> Expr:
        """The expression of a scalar map."""
        if len(self.exprs) != 1:
            raise InputError(f"a map of {len(self.exprs)} components has no single expression; use .exprs")
        return self.exprs[0]

    @property
    def dimension(self) -> int:
        """The number of components of the state."""
        return len(self.state)

    @cached_property
    def parameters(self) -> tuple[Symbol, ...]:
        """The parameters every layer shares, sorted by name."""
        stand_ins = {i: sympy.Dummy() for e in self.exprs for i in e.atoms(Indexed)}
        plain = [e.xreplace(stand_ins) for e in self.exprs]
        found = {s for e in plain for s in e.free_symbols} - set(self.state) - set(stand_ins.values())
        return tuple(sorted(found, key=lambda s: s.name))

    @cached_property
    def layered(self) -> tuple[str, ...]:
        """The names with a value per layer, sorted."""
        return tuple(sorted({i.base.label.name for e in self.exprs for i in e.atoms(Indexed)}))

    @cached_property
    def jacobian(self) -> tuple[tuple[Expr, ...], ...]:
        """∂(new state)/∂(old state), rows = new."""
        return tuple(tuple(differentiate(e, s) for s in self.state) for e in self.exprs)

    def derivative(self, name: str) -> tuple[Expr, ...]:
        """Return ∂(new state)/∂(parameter), one expression for each component."""
        symbol = self.symbol(name)
        return tuple(differentiate(e, symbol) for e in self.exprs)

    def symbol(self, name: str) -> Expr:
        """Return the symbol (or ``name[k]``) that stands for ``name`` in this map."""
        return layer_value(name, self.domain) if name in self.layered else _symbol(name, self.domain)

    def untied(self, names: Iterable[str] | None = None) -> "Map":
        """Give the named parameters (all, if none are named) a value per layer: w becomes w[k].

        >>> Map("w*x + b", "x").untied(["w"])
        Map('x -> b + x*w[k]')
        """
        wanted = [p.name for p in self.parameters] if names is None else list(names)
        for name in wanted:
            if name not in {p.name for p in self.parameters}:
                known = ", ".join(p.name for p in self.parameters) or "none"
                raise InputError(f"untied parameter {name!r} is not a parameter of the map; it has {known}")
        layered = {_symbol(name, self.domain): layer_value(name, self.domain) for name in wanted}
        return Map([e.xreplace(layered) for e in self.exprs], self.state, domain=self.domain)

    def renamed(self, state: Sequence[Symbol]) -> "Map":
        """Return the same map in other state symbols."""
        if tuple(state) == self.state:
            return self
        if clash := {s.name for s in state} & ({p.name for p in self.parameters} | set(self.layered)):
            raise InputError(f"{clash.pop()!r} is a state in one map and a parameter in the other; rename one of them")
        exprs = [e.xreplace(dict(zip(self.state, state, strict=True))) for e in self.exprs]
        return Map(exprs, state, domain=self.domain)

    @property
    def canonical(self) -> str:
        """The text that parses back to an equal map."""
        names = ", ".join(s.name for s in self.state)
        prefix = "" if self.domain == "real" else "complex "
        return f"{prefix}{names} -> {'; '.join(map(to_text, self.exprs))}"

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the canonical text, in hexadecimal."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()

    @staticmethod
    def from_text(text: str, state: str | Sequence[str] = "x") -> "Map":
        """Read one layer: components separated by ';'.

        >>> Map.from_text("y; x + a", state=("x", "y"))
        Map('x, y -> y; a + x')
        """
        layers = parse_layers(text)
        if len(layers) != 1:
            raise InputError(f"one layer is needed, got {len(layers)}; read several with composition_from_text")
        names = (state,) if isinstance(state, str) else tuple(state)
        return Map([expression(node) for node in layers[0]], names)

    def __repr__(self) -> str:
        return f"Map({self.canonical!r})"

    def __reduce__(self) -> tuple[Callable[[str], Any], tuple[str]]:
        from symgrad.maps.composition import map_from_canonical  # pickled as its text; the reader lives one module on

        return map_from_canonical, (self.canonical,)

    def __matmul__(self, inner: Any) -> Any:
        """Return self ∘ inner: ``inner`` is applied first."""
        from symgrad.maps.composition import compose  # a Map is the smallest Composition; Composition is built of Maps

        return compose(inner, self)

    def __pow__(self, depth: Any) -> Any:
        """Return the map applied ``depth`` times, an int or a positive integer symbol."""
        from symgrad.maps.composition import repeat

        return repeat(self, depth)
