"""An update rule applied to functions: the update as a map, its derivative, where it is undefined, how it converges."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Expr, ImmutableMatrix, Integer, Symbol

from symgrad.derivation.identities import zero_proof
from symgrad.derivation.notation import to_latex
from symgrad.derivation.update_rules.entering import (
    Problem,
    check_counts,
    read_multiplicity,
    read_options,
    read_problem,
    without_value_at_zero,
)
from symgrad.derivation.update_rules.orders import (
    PRIMES,
    Formulas,
    Options,
    Order,
    error_expansion,
    formulas,
    fresh,
    prime_latex,
    proved_order,
)
from symgrad.derivation.update_rules.registry import LinearStep, UpdateRule, rule_named
from symgrad.derivation.update_rules.simplifying import divisors, kinks, shortest, vanishes, zeros
from symgrad.derivation.update_rules.solved_systems import (
    SystemOrder,
    matrix_latex,
    matrix_text,
    proved_jacobian,
    solved,
    system_order,
)
from symgrad.errors import InputError
from symgrad.evidence import Evidence, Verdict
from symgrad.maps import Map, differentiate, to_text

LARGEST_COMPARED = 120


@dataclass(frozen=True)
class Update:
    """An update rule applied to functions, from which everything about the step follows.

    Parameters
    ----------
    rule : name of the rule
    problem : the functions, the unknowns and where the functions have values
    options : the rule's options, name and value

    Examples
    --------
    >>> step = update("newton", "x**3 - 2*x + 2", "x")
    >>> step.map
    Map('x -> (2*x**3 - 2)/(3*x**2 - 2)')
    >>> step.singular
    (3*x**2 - 2,)
    >>> print(step.order.evidence.claim)
    at a simple root r the error e becomes (F''/(2*F'))*e**2 + o(e**2)
    >>> step.order.constant
    3*r/(3*r**2 - 2)
    """

    rule: str
    problem: Problem
    options: Options

    @property
    def row(self) -> UpdateRule:
        """The registry's row of the rule."""
        return rule_named(self.rule)

    @property
    def functions(self) -> tuple[Expr, ...]:
        """The functions F."""
        return self.problem.functions

    @property
    def variables(self) -> tuple[Symbol, ...]:
        """The unknowns that the functions depend on and the rule moves."""
        return self.problem.unknowns

    @property
    def domain(self) -> str:
        """Whether the unknowns are "real" or "complex"."""
        return self.problem.domain

    @property
    def state(self) -> tuple[Symbol, ...]:
        """The state of the map: the unknowns, and their velocities where the rule has any."""
        return self.row.state(self.variables)

    @property
    def is_scalar(self) -> bool:
        """Whether one function of one unknown is stepped, without velocities."""
        return len(self.functions) == len(self.state) == 1

    @cached_property
    def linear_step(self) -> LinearStep | None:
        """The linear system that the step solves, None for a rule without one."""
        step = None if self.is_scalar else self._applied
        return step if isinstance(step, LinearStep) else None

    @cached_property
    def _applied(self) -> Any:
        given: list[Sequence[Expr]] = [self.functions, self.variables]
        if self.row.velocities:
            given.append(self.state[len(self.variables) :])
        return self.row.formula(*given, **dict(self.options))

    @cached_property
    def raw(self) -> tuple[Expr, ...]:
        """The components of the update as the rule defines them, such as x - F/F'."""
        if self.is_scalar:
            return (self.row.scalar(self.functions[0], self.variables[0], **dict(self.options)),)
        if self.linear_step is not None:
            return solved(self.linear_step, self.variables)
        return tuple(self._applied)

    @cached_property
    def kinks(self) -> tuple[Expr, ...]:
        """Expressions whose zeros are kinks or jumps of F, where its derivative is a convention."""
        return tuple(dict.fromkeys(u for f in self.functions for u in kinks(f)))

    @cached_property
    def _shown(self) -> tuple[tuple[Expr, str], ...]:
        starts = self.state if not self.row.velocities else (Integer(0),) * len(self.state)
        return tuple(shortest(e, start=s, nonzero=self.kinks) for e, s in zip(self.raw, starts, strict=True))

    @cached_property
    def map(self) -> Map:
        """The update as a map, each component in its shortest form that is proved equal to the definition."""
        return Map([form for form, _ in self._shown], self.state, domain=self.domain)

    @property
    def text(self) -> str:
        """The canonical text of the map, which parses back to it."""
        return self.map.canonical

    @cached_property
    def formulas(self) -> Formulas:
        """The rule and its derivative in the symbols F, F', F'', … of one function of one unknown."""
        if not self.is_scalar:
            raise InputError(f"{self.rule} steps {len(self.state)} components here; formulas are of a single one")
        return formulas(self.row, self.variables[0], self.options)

    @cached_property
    def _derivatives(self) -> tuple[Expr, ...]:
        """F, F', F'', … as far as the rule and its derivative need them."""
        used = self.formulas.derivative.free_symbols | self.formulas.update.free_symbols
        most = max((PRIMES.index(s) for s in used if s in PRIMES), default=0)
        found = [self.functions[0]]
        for _ in range(most):
            found.append(differentiate(found[-1], self.variables[0]))
        return tuple(found)

    def _written_out(self, formula: Expr) -> Expr:
        return formula.xreplace(dict(zip(PRIMES, self._derivatives, strict=False)))

    @cached_property
    def _derived(self) -> tuple[Expr | ImmutableMatrix, Verdict, str]:
        """The derivative, and how it was compared with the differentiated update."""
        if not self.is_scalar:
            return proved_jacobian(self.map, self.linear_step, self.raw, self.kinks)
        closed = self._written_out(self.formulas.derivative)
        own = differentiate(self.raw[0], self.variables[0])
        short, _ = shortest(closed, nonzero=self.kinks)
        general = self.formulas.proof
        if (general is None or own.count_ops() <= LARGEST_COMPARED) and (
            method := zero_proof(short - own, nonzero=self.kinks)
        ):
            return short, Verdict.PROVED, method
        if general is None:
            return own, Verdict.UNDECIDED, "the definition, differentiated; no normal form compared the closed form"
        return short, Verdict.PROVED, f"{general} in F, F', F'', …"

    @property
    def derivative(self) -> Expr | ImmutableMatrix:
        """N', for several components the matrix ∂(new)/∂(old), shape (d, d)."""
        return self._derived[0]

    @cached_property
    def divisors(self) -> tuple[Expr, ...]:
        """What the rule divides by: F' for Newton's step, the determinant of a solved linear system."""
        if self.is_scalar:
            return tuple(self._written_out(d) for d in self.formulas.divisors)
        return () if self.linear_step is None else (self.linear_step.matrix.det(),)

    @cached_property
    def singular(self) -> tuple[Expr, ...]:
        """Expressions whose zeros are where the step, as it is defined, has no value."""
        found = [z for d in self.divisors for z in zeros(d)]
        found += [z for d in self.problem.divisors for z in zeros(d)]
        used = self._derivatives if self.is_scalar else self.functions
        used += () if self.linear_step is None else tuple(self.linear_step.matrix)
        found += [z for e in used for d in divisors(e) for z in zeros(d)]
        return tuple(dict.fromkeys(found))

    @cached_property
    def removable(self) -> tuple[Expr, ...]:
        """Those of ``singular`` at whose zeros the map, in its short form, has a value all the same."""
        parts = [d for e in self.map.exprs for d in without_value_at_zero(to_text(e), self.domain)]
        still = {z for d in parts for z in zeros(d)}
        return tuple(s for s in self.singular if s not in still and -s not in still)

    @property
    def conditions(self) -> tuple[str, ...]:
        """Where the update and the statements about it hold: no singular expression is 0, F has a value."""
        return (*(f"{to_text(s)} != 0" for s in self.singular), *self.problem.conditions)

    @cached_property
    def order(self) -> Order | SystemOrder:
        """The order of convergence at a simple root (at an m-fold one for a rule told m), or at a regular solution."""
        return self.order_at(dict(self.options).get("m", Integer(1)))

    def order_at(self, multiplicity: Expr | str | int) -> Order | SystemOrder:
        """Return the order of convergence at a root of that multiplicity, with the asymptotic error constant.

        >>> at_double = update("newton", "(x - 1)**2*(x + 2)", "x").order_at(2)
        >>> at_double.order, at_double.constant
        (1, 1/2)
        """
        m = read_multiplicity(multiplicity, self.problem)
        if not self.is_scalar:
            if m != 1:
                raise InputError(f"orders of systems are known at regular solutions, got multiplicity {m}; give 1")
            return system_order(self.row, self.problem, self.options, self.map, self.kinks)
        law = error_expansion(self.row, m, self.options)
        taken = {s.name for e in (*self.functions, *dict(self.options).values()) for s in e.free_symbols}
        root = fresh("r", taken, self.domain)
        return proved_order(self.row, law, m, self._constant(law.formula, root), root)

    def _constant(self, formula: Expr, root: Symbol) -> Expr | None:
        """Write the error constant with F's own derivatives at the root, where no factor G is left in it."""
        most = max((PRIMES.index(s) for s in formula.free_symbols if s in PRIMES), default=0)
        if any(str(s).startswith("G") for s in formula.free_symbols):
            return None
        values = [self.functions[0]]
        for _ in range(most):
            values.append(differentiate(values[-1], self.variables[0]))
        return shortest(formula.xreplace(dict(zip(PRIMES, values, strict=False))), nonzero=self.kinks)[0].xreplace(
            {self.variables[0]: root}
        )

    @cached_property
    def statements(self) -> tuple[Evidence, ...]:
        """What is claimed about the update, each statement with what it rests on: form, derivative, order."""
        names, where = [s.name for s in self.state], self.conditions
        shown = [
            Evidence(f"{to_text(new)} = {to_text(old)}", Verdict.PROVED, method, domain=where)
            for new, old, (_, method) in zip(self.map.exprs, self.raw, self._shown, strict=True)
        ]
        value, verdict, method = self._derived
        if self.is_scalar:
            what = f"diff({to_text(self.map.expr)}, {names[0]}) = {to_text(value)}"
        else:
            what = f"the derivative of {self.text} is {matrix_text(value)}"
        return (*shown, Evidence(what, verdict, method, domain=where), self.order.evidence)

    def latex(self) -> str:
        """Return the update in LaTeX, after the linear system where it is the solution of one.

        >>> print(update("newton", "x**2 - a", "x").latex())
        x \\leftarrow \\frac{a + x^{2}}{2\\,x}
        """
        lines = [rf"{to_latex(s)} \leftarrow {to_latex(e)}" for s, e in zip(self.state, self.map.exprs, strict=True)]
        if self.linear_step is None:
            return r",\quad ".join(lines)
        moves = ImmutableMatrix([Symbol(f"s_{s.name}") for s in self.variables])
        system = self.linear_step
        equation = rf"{matrix_latex(system.matrix)}\,{matrix_latex(moves)} = -{matrix_latex(system.right)}"
        return r",\quad ".join([equation, *lines])

    def derivative_latex(self) -> str:
        """Return the derivative in LaTeX, for one function of one unknown after its formula in F, F', F''.

        >>> print(update("newton", "x**2 - a", "x").derivative_latex())
        N' = \\frac{F\\,F''}{F'^{2}} = \\frac{- a + x^{2}}{2\\,x^{2}}
        """
        if not self.is_scalar:
            return rf"N' = {matrix_latex(self.derivative)}"
        general, own = prime_latex(self.formulas.derivative), to_latex(self.derivative)
        return rf"N' = {general}" if general == own else rf"N' = {general} = {own}"


def update(rule: str, F: Any, variables: Any, *, domain: str = "real", **options: Any) -> Update:
    """Apply an update rule to one or several functions of one or several unknowns; other symbols are free parameters.

    Parameters
    ----------
    rule : name of a row of ``UPDATE_RULES``
    F : text or expression, or several of them (text: separated by ';')
    variables : the unknowns, names or symbols (text: separated by ',')
    domain : "real" or "complex"
    options : the rule's options, such as the step ``h``; one that is not given is the symbol of its name

    Raises
    ------
    InputError : an unknown rule or option, another number of functions or unknowns than the rule takes, an unknown that
        does not occur, a step that divides by 0 everywhere

    Examples
    --------
    >>> update("newton", "sign(x)*abs(x)**(1/3)", "x").map
    Map('x -> -2*x')
    >>> update("halley", "x**2 - a", "x").derivative
    3*(-a + x**2)**2/(a + 3*x**2)**2
    >>> update("newton_system", "x**2 + y**2 - 1; x - y", "x,y").singular
    (x + y,)
    """
    row, problem = rule_named(rule), read_problem(F, variables, domain)
    check_counts(row, problem)
    values = read_options(row, problem, options)
    result = Update(rule, problem, tuple(values.items()))
    for divisor, name in zip(result.divisors, _divisor_names(result), strict=True):
        if divisor.is_zero or vanishes(divisor):
            shown = to_text(problem.functions[0]) if len(problem.functions) == 1 else "the system"
            raise InputError(
                f"the {rule} step of {shown[:60]} divides by {name}, which is 0 everywhere; give another function"
            )
    return result


def _divisor_names(result: Update) -> list[str]:
    if result.is_scalar:
        return [str(d) for d in result.formulas.divisors]
    return [] if result.linear_step is None else ["the determinant of its linear system"]
