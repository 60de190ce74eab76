"""The activation table: one decorated formula per activation, from which everything else follows.

A row states the formula, its LaTeX form, a Lipschitz bound, the derivative in terms of the output where that is
exact, and the value its derivative takes at a kink. The derivative itself is derived. An activation that SymPy
already has (tanh, erf, sin, atan, exp) keeps SymPy's function; every other becomes a ``sympy.Function``.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import sympy
from sympy import Expr, Function, Integer, Max, Min, Rational, Symbol

from symgrad.errors import InputError, RegistryError
from symgrad.parsing import CONSTANTS, GRAMMAR_ARITIES, Call, Name, parse

Formula = Callable[[Expr], Expr]


@dataclass(frozen=True)
class Activation:
    """One row of the activation table.

    Parameters
    ----------
    name : the name used in expressions
    function : the SymPy function class that stands for it
    formula : x ↦ the defining expression
    sentence : what it is, with its source
    latex : the operator's LaTeX form
    lipschitz : an upper bound of abs(φ'), oo where there is none
    derivative_of_output : y ↦ φ' written through y = φ(x), or None where that is not exact
    kinks : location of each kink → the value taken by the derivative there
    """

    name: str
    function: Any
    formula: Formula = field(repr=False)
    sentence: str = field(repr=False)
    latex: str
    lipschitz: Expr
    derivative_of_output: Formula | None = field(default=None, repr=False)
    kinks: Mapping[Expr, Expr] = field(default_factory=dict)


_TABLE: dict[str, Activation] = {}
ACTIVATIONS: Mapping[str, Activation] = MappingProxyType(_TABLE)


RESERVED = frozenset({"step", "diff"})
SIGN_PRESERVING = frozenset({"relu", "leaky_relu", "elu", "selu"})


class step(Function):
    """The indicator of x > 0, which derivatives of relu and its kin are made of: step(0) = 0.

    >>> step(-2), step(0), step(3)
    (0, 0, 1)
    """

    nargs = 1

    @classmethod
    def eval(cls, argument: Expr) -> Expr | None:
        if argument.is_positive:
            return Integer(1)
        if argument.func.__name__ in SIGN_PRESERVING:
            return cls(argument.args[0])
        return Integer(0) if argument.is_nonpositive else None

    def fdiff(self, argindex: int = 1) -> Expr:
        return Integer(0)

    def _eval_is_real(self) -> bool | None:
        return True

    def _eval_is_nonnegative(self) -> bool | None:
        return True

    def _eval_evalf(self, prec: int) -> Expr:
        return Max(0, sympy.sign(self.args[0]))._eval_evalf(prec)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        text = rf"\mathbf{{1}}[{printer._print(self.args[0])}>0]"
        return text if exp is None else rf"{text}^{{{exp}}}"


def _derivative_formula(row: Activation, argument: Expr) -> Expr:
    """Return φ'(argument): a known activation if the formula differentiates to one, else through the output."""
    from symgrad.maps.calculus import differentiate, recognise  # the table needs calculus only once it is complete

    z = Symbol("z", real=True)
    derived = recognise(differentiate(row.formula(z), z))
    if derived.func.__name__ in _TABLE or row.derivative_of_output is None:
        return derived.xreplace({z: argument})
    return row.derivative_of_output(row.function(argument))


def _function_class(name: str, formula: Formula, latex: str, module: str, positive: bool) -> Any:
    """Make the SymPy function class of one activation."""

    def evaluate(cls: Any, argument: Expr) -> Expr | None:
        return formula(argument) if argument.is_zero or name == "identity" else None

    def fdiff(self: Any, argindex: int = 1) -> Expr:
        return _derivative_formula(_TABLE[name], self.args[0])

    def to_latex(self: Any, printer: Any, exp: str | None = None) -> str:
        power = "" if exp is None else f"^{{{exp}}}"
        return rf"{latex}{power}\left({printer._print(self.args[0])}\right)"

    namespace = {
        "__module__": module,
        "__doc__": formula.__doc__,
        "nargs": 1,
        "eval": classmethod(evaluate),
        "fdiff": fdiff,
        "_eval_is_real": lambda self: self.args[0].is_real,
        "_eval_is_positive": lambda self: True if positive and self.args[0].is_real else None,
        "_eval_evalf": lambda self, prec: formula(self.args[0])._eval_evalf(prec),
        "_eval_rewrite_as_exp": lambda self, argument, **hints: formula(argument).rewrite(sympy.exp),
        "_latex": to_latex,
    }
    return type(name, (Function,), namespace)


def _check_name(name: str) -> None:
    """Refuse a name that expressions cannot call, or that means something else in them."""
    if name in GRAMMAR_ARITIES or name in CONSTANTS or name in RESERVED:
        raise RegistryError(f"{name!r} has a meaning in expressions already; choose another name")
    try:
        readable = parse(f"{name}(x)") == Call(name, (Name("x"),))
    except InputError:
        readable = False
    if not readable:
        raise RegistryError(f"{name!r} cannot be written in expressions; use letters, digits and _")


def _check_formula(name: str, formula: Formula) -> None:
    """Refuse a formula that does not turn one argument into an expression of that argument."""
    z = Symbol("z", real=True)
    if len(inspect.signature(formula).parameters) != 1:
        raise RegistryError(f"activation {name!r} must take one argument, x ↦ φ(x); make the others numbers")
    value = formula(z)
    if not isinstance(value, Expr) or value.free_symbols - {z}:
        raise RegistryError(f"activation {name!r} must be an expression of its argument alone, got {str(value)[:60]!r}")


def _check_derivative(row: Activation) -> None:
    """Refuse a derivative through the output that differs from the derived one, at points on both sides of 0."""
    from symgrad.maps.calculus import differentiate

    if row.derivative_of_output is None:
        return
    z = Symbol("z", real=True)
    value, derived = row.formula(z), differentiate(row.formula(z), z)
    for place in (Rational(-17, 10), Rational(-2, 7), Rational(3, 11), Rational(12, 7)):
        through = row.derivative_of_output(value.subs(z, place))
        if sympy.Abs(sympy.N(through - derived.subs(z, place), 30)) > Rational(1, 10**20):
            raise RegistryError(
                f"the derivative of {row.name!r} through its output is not its derivative at {place}; derive it again"
            )


def _number(given: Any, what: str) -> Expr:
    value = sympy.sympify(given, strict=True)
    if not (isinstance(value, Expr) and value.is_number and value.is_extended_real):
        raise RegistryError(f"{what} must be a real number, got {str(given)[:60]!r}; give e.g. 1")
    return value


def activation(
    *,
    latex: str,
    lipschitz: Expr | int,
    derivative_of_output: Formula | None = None,
    kinks: Mapping[Expr | int, Expr | int] | None = None,
    positive: bool = False,
    counterpart: Any = None,
) -> Callable[[Formula], Any]:
    """Register the decorated formula as an activation and return its SymPy function.

    Parameters
    ----------
    latex : the operator's LaTeX form, e.g. ``r"\\sigma"``
    lipschitz : an upper bound of abs(φ'), ``oo`` where there is none
    derivative_of_output : y ↦ φ' in terms of y = φ(x), where that is exact
    kinks : location → the value its derivative takes there
    positive : whether φ(x) > 0 for every real x
    counterpart : SymPy's own function, where there is one

    Raises
    ------
    RegistryError : a name that is taken or cannot be written, a formula without a docstring or of other than one
        argument, a bound or kink that is no number, a derivative through the output that is not the derivative

    Examples
    --------
    >>> @activation(latex=r"\\operatorname{bent}", lipschitz=2)
    ... def bent(x):
    ...     '''Bent identity, (sqrt(x**2 + 1) - 1)/2 + x.'''
    ...     return (sympy.sqrt(x**2 + 1) - 1) / 2 + x
    >>> bent(Symbol("x", real=True)).diff()
    x/(2*sqrt(x**2 + 1)) + 1
    >>> unregister("bent")
    """

    def register(formula: Formula) -> Any:
        name = formula.__name__
        if name in _TABLE:
            raise RegistryError(f"an activation named {name!r} exists already; choose another name")
        if counterpart is None:
            _check_name(name)
        sentence = (inspect.getdoc(formula) or "").strip()
        if not sentence:
            raise RegistryError(f"activation {name!r} has no docstring; write one sentence that says what it is")
        _check_formula(name, formula)
        function = counterpart or _function_class(name, formula, latex, formula.__module__, positive)
        bound = _number(lipschitz, f"the Lipschitz bound of {name!r}")
        points = {
            _number(p, f"a kink of {name!r}"): _number(v, f"a slope of {name!r}") for p, v in (kinks or {}).items()
        }
        row = Activation(name, function, formula, sentence, latex, bound, derivative_of_output, points)
        if formula.__module__ != __name__:
            _check_derivative(row)
        _TABLE[name] = row
        return function

    return register


def unregister(name: str) -> None:
    """Take a user's activation out of the table again."""
    if _TABLE.pop(name, None) is None:
        raise InputError(f"no activation is named {name!r}; known: {', '.join(sorted(_TABLE))}")


SELU_SCALE = Rational("1.0507009873554804934193349852946")
SELU_ALPHA = Rational("1.6732632423543772848170429916717")


@activation(latex=r"\operatorname{id}", lipschitz=1, derivative_of_output=lambda y: Integer(1))
def identity(x: Expr) -> Expr:
    """The identity, a linear layer."""
    return x


@activation(latex=r"\tanh", lipschitz=1, derivative_of_output=lambda y: 1 - y**2, counterpart=sympy.tanh)
def tanh(x: Expr) -> Expr:
    """Hyperbolic tangent."""
    return (sympy.exp(x) - sympy.exp(-x)) / (sympy.exp(x) + sympy.exp(-x))


@activation(latex=r"\sigma", lipschitz=Rational(1, 4), derivative_of_output=lambda y: y * (1 - y), positive=True)
def sigmoid(x: Expr) -> Expr:
    """Logistic function, 1/(1 + exp(-x))."""
    return 1 / (1 + sympy.exp(-x))


@activation(latex=r"\operatorname{relu}", lipschitz=1, derivative_of_output=lambda y: step(y), kinks={0: 0})
def relu(x: Expr) -> Expr:
    """Rectified linear unit, max(0, x) (Nair & Hinton 2010); its derivative at 0 is taken as 0."""
    return Max(0, x)


@activation(
    latex=r"\operatorname{lrelu}",
    lipschitz=1,
    derivative_of_output=lambda y: Rational(1, 100) + Rational(99, 100) * step(y),
    kinks={0: Rational(1, 100)},
)
def leaky_relu(x: Expr) -> Expr:
    """Leaky rectifier with slope 1/100 for x < 0 (Maas et al. 2013); its derivative at 0 is taken as 1/100."""
    return Max(0, x) + Min(0, x) / 100


@activation(latex=r"\operatorname{elu}", lipschitz=1, derivative_of_output=lambda y: 1 + Min(0, y))
def elu(x: Expr) -> Expr:
    """Exponential linear unit with alpha = 1 (Clevert et al. 2016): x for x > 0, exp(x) - 1 for x <= 0."""
    return Max(0, x) + sympy.exp(Min(0, x)) - 1


@activation(
    latex=r"\operatorname{selu}",
    lipschitz=SELU_SCALE * SELU_ALPHA,
    derivative_of_output=lambda y: SELU_SCALE * step(y) + (y + SELU_SCALE * SELU_ALPHA) * (1 - step(y)),
    kinks={0: SELU_SCALE * SELU_ALPHA},
)
def selu(x: Expr) -> Expr:
    """Self-normalising unit (Klambauer et al. 2017); its derivative at 0 is taken from the left."""
    return SELU_SCALE * (Max(0, x) + SELU_ALPHA * (sympy.exp(Min(0, x)) - 1))


@activation(
    latex=r"\operatorname{softplus}",
    lipschitz=1,
    derivative_of_output=lambda y: 1 - sympy.exp(-y),
    positive=True,
)
def softplus(x: Expr) -> Expr:
    """Smooth rectifier, log(1 + exp(x)) (Dugas et al. 2001)."""
    return sympy.log(1 + sympy.exp(x))


@activation(latex=r"\operatorname{softsign}", lipschitz=1, derivative_of_output=lambda y: (1 - sympy.Abs(y)) ** 2)
def softsign(x: Expr) -> Expr:
    """Softsign, x/(1 + |x|)."""
    return x / (1 + sympy.Abs(x))


@activation(
    latex=r"\operatorname{gelu}",
    lipschitz=(1 + sympy.erf(1)) / 2 + sympy.exp(-1) / sympy.sqrt(sympy.pi),
)
def gelu(x: Expr) -> Expr:
    """Gaussian error linear unit in its exact form, x Phi(x) (Hendrycks & Gimpel 2016)."""
    return x * (1 + sympy.erf(x / sympy.sqrt(2))) / 2


@activation(latex=r"\operatorname{silu}", lipschitz=Rational(11, 10))
def silu(x: Expr) -> Expr:
    """Sigmoid-weighted linear unit, x sigmoid(x) (Elfwing et al. 2018), also called swish."""
    return x * sigmoid(x)


@activation(latex=r"\operatorname{mish}", lipschitz=Rational(109, 100))
def mish(x: Expr) -> Expr:
    """Mish, x tanh(softplus(x)) (Misra 2019)."""
    return x * sympy.tanh(softplus(x))


@activation(latex=r"\operatorname{erf}", lipschitz=2 / sympy.sqrt(sympy.pi), counterpart=sympy.erf)
def erf(x: Expr) -> Expr:
    """Error function."""
    return sympy.erf(x)


@activation(latex=r"\sin", lipschitz=1, counterpart=sympy.sin)
def sin(x: Expr) -> Expr:
    """Sine, a periodic activation."""
    return sympy.sin(x)


@activation(latex=r"\arctan", lipschitz=1, derivative_of_output=lambda y: sympy.cos(y) ** 2, counterpart=sympy.atan)
def atan(x: Expr) -> Expr:
    """Inverse tangent."""
    return sympy.atan(x)


@activation(latex=r"\exp", lipschitz=sympy.oo, derivative_of_output=lambda y: y, counterpart=sympy.exp)
def exp(x: Expr) -> Expr:
    """Exponential, the map of tetration and of population models."""
    return sympy.exp(x)
