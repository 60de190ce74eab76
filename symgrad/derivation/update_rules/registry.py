"""The registry of update rules: one decorated formula is enough; its derivative, order and singular set are derived."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any

from sympy import Expr, ImmutableMatrix, Symbol

from symgrad.errors import InputError, RegistryError
from symgrad.symbols import real

OPTIONS = ("h", "eta", "beta", "m")


class Target(Enum):
    """What a rule looks for; the value is the phrase a report prints."""

    ROOT = "a root"
    STATIONARY = "a stationary point"
    LEAST_SQUARES = "a least-squares solution"


class Unknowns(Enum):
    """How many functions and unknowns a rule takes; the value is the phrase a refusal prints."""

    ONE = "one function of one unknown"
    ONE_FUNCTION = "one function of one or several unknowns"
    ONE_FUNCTION_SOLVED = "one function of one to three unknowns"
    SQUARE = "as many functions as unknowns, one to three of them"
    AT_LEAST_SQUARE = "one to three unknowns and at least as many functions"


@dataclass(frozen=True)
class LinearStep:
    """The step s that solves ``matrix``·s = -``right``; the unknowns move by it.

    Parameters
    ----------
    matrix : shape (d, d)
    right : shape (d, 1)
    """

    matrix: ImmutableMatrix
    right: ImmutableMatrix


Formula = Callable[..., Expr | tuple[Expr, ...] | LinearStep]


@dataclass(frozen=True, eq=False)
class UpdateRule:
    """One row of the registry.

    Parameters
    ----------
    name : the name users write
    formula : (F, x, **options) ↦ the update for one function of one unknown, else (functions, unknowns, **options) ↦ a
        ``LinearStep`` or the components of the update; with velocities, (functions, unknowns, velocities, **options)
    sentence : what it is, with its source
    target : what it looks for
    unknowns : how many functions and unknowns it takes
    options : names of its parameters, such as the step η
    defaults : option → its value where none is given
    velocities : whether the state has a velocity for every unknown, after the unknowns
    """

    name: str
    formula: Formula
    sentence: str
    target: Target
    unknowns: Unknowns
    options: tuple[str, ...]
    defaults: Mapping[str, Any]
    velocities: bool = False

    def state(self, unknowns: Sequence[Symbol]) -> tuple[Symbol, ...]:
        """Return the state of the update: the unknowns, followed by their velocities where the rule has any."""
        if not self.velocities:
            return tuple(unknowns)
        named = real if all(s.is_real for s in unknowns) else Symbol
        return (*unknowns, *(named(f"velocity_{s.name}") for s in unknowns))

    def scalar(self, F: Expr, x: Expr, **options: Expr) -> Expr:
        """Return the update of a single component, x ↦ N(x)."""
        if self.unknowns is Unknowns.ONE:
            return self.formula(F, x, **options)
        step = self.formula((F,), (x,), **options)
        if isinstance(step, LinearStep):
            return x - step.right[0, 0] / step.matrix[0, 0]
        assert isinstance(step, tuple)
        return step[0]


_TABLE: dict[str, UpdateRule] = {}
UPDATE_RULES: Mapping[str, UpdateRule] = MappingProxyType(_TABLE)


def update_rule(
    *,
    target: Target = Target.ROOT,
    unknowns: Unknowns = Unknowns.ONE,
) -> Callable[[Formula], Formula]:
    """Register the decorated formula as an update rule under its own name.

    Its keyword-only parameters are its options: ``h`` and ``eta`` positive, ``beta`` at least 0 and below 1, ``m`` a
    positive integer. Without a default an option is the symbol of its name. A third parameter in front of them stands
    for the velocities of the unknowns.

    Raises
    ------
    RegistryError : a name that is taken, a formula without a docstring, an unknown option

    Examples
    --------
    >>> @update_rule()
    ... def nothing(F, x): return x
    Traceback (most recent call last):
    ...
    symgrad.errors.RegistryError: the update rule 'nothing' has no docstring; write one sentence with its source
    """

    def register(formula: Formula) -> Formula:
        name = formula.__name__
        if name in _TABLE:
            raise RegistryError(f"an update rule named {name!r} exists already; choose another name")
        sentence = " ".join((inspect.getdoc(formula) or "").split())
        if not sentence:
            raise RegistryError(f"the update rule {name!r} has no docstring; write one sentence with its source")
        parameters = inspect.signature(formula).parameters.values()
        subjects = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        if len(subjects) not in (2, 3):
            raise RegistryError(f"the update rule {name!r} must take F and x, and its options by keyword")
        options = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
        for option in options:
            if option.name not in OPTIONS:
                known = ", ".join(OPTIONS)
                raise RegistryError(f"the update rule {name!r} has an unknown option {option.name!r}; known: {known}")
        defaults = {p.name: p.name if p.default is p.empty else p.default for p in options}
        row = UpdateRule(
            name,
            formula,
            sentence,
            target,
            unknowns,
            tuple(defaults),
            MappingProxyType(defaults),
            len(subjects) == 3,
        )
        _TABLE[name] = row
        return formula

    return register


def rule_named(name: str) -> UpdateRule:
    """Return the row of that name.

    >>> rule_named("newton").target
    <Target.ROOT: 'a root'>

    Raises
    ------
    InputError : the message lists the known names
    """
    if name not in _TABLE:
        raise InputError(f"no update rule is named {str(name)[:60]!r}; known: {', '.join(sorted(_TABLE))}")
    return _TABLE[name]


def unregister(name: str) -> None:
    """Take a user's update rule out of the registry again."""
    if _TABLE.pop(name, None) is None:
        raise InputError(f"no update rule is named {name!r}; known: {', '.join(sorted(_TABLE))}")
