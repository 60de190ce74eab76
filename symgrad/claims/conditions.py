"""What a claim is made of: comparisons, and the requirements under which its text has a value."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Expr, Symbol

from symgrad.certify import UndefinedHere, enclose
from symgrad.derivation.identities.proofs import sign_proof
from symgrad.maps import expand_activations
from symgrad.parsing import Condition

RELATIONS = ("=", "!=", "<", "<=", ">", ">=")


@dataclass(frozen=True)
class Comparison:
    """One relation between two expressions; ``text`` is how it was written."""

    lhs: Expr
    relation: str
    rhs: Expr
    text: str

    @cached_property
    def difference(self) -> Expr:
        """The expression whose sign decides: lhs - rhs, turned around for < and <=."""
        return self.rhs - self.lhs if self.relation in ("<", "<=") else self.lhs - self.rhs

    @cached_property
    def _plain_difference(self) -> Expr:
        return expand_activations(self.difference)

    def holds(self, point: Mapping[Symbol, Any]) -> bool | None:
        """Say whether the relation holds at a point, None where the balls do not tell."""
        sign = _sign_at(self._plain_difference, point)
        if sign is None:
            return None
        return {"=": sign == 0, "!=": sign != 0, "<": sign > 0, ">": sign > 0}.get(self.relation, sign >= 0)


@dataclass(frozen=True)
class Requirement:
    """A condition under which the text of a claim has a value."""

    subject: Expr
    condition: Condition
    text: str

    def holds(self, point: Mapping[Symbol, Any]) -> bool | None:
        """Say whether the condition holds at a point, None where the balls do not tell."""
        if self.condition is Condition.REAL_POWER:
            try:
                return enclose(self.subject, point, bits=192).is_known or None
            except UndefinedHere:
                return False
        signs = [_sign_at(part, point) for part in self._decisive]
        if self.condition is Condition.NONZERO:
            return None if signs[0] is None else signs[0] != 0
        lowest = 1 if self.condition in (Condition.POSITIVE, Condition.INSIDE_ONE) else 0
        return None if None in signs else all(sign is not None and sign >= lowest for sign in signs)

    @cached_property
    def _decisive(self) -> tuple[Expr, ...]:
        """The expressions whose signs decide, written by functions that the balls know."""
        return tuple(expand_activations(part) for part in _must_be_positive(self.subject, self.condition))

    @property
    def positive_parts(self) -> tuple[tuple[Expr, bool], ...]:
        """Expressions that are at least 0 where the condition holds, each with whether it is positive there."""
        if self.condition in (Condition.REAL_POWER, Condition.NONZERO):
            return ()
        certain = self.condition in (Condition.POSITIVE, Condition.INSIDE_ONE)
        return tuple((part, certain) for part in _must_be_positive(self.subject, self.condition))

    @property
    def is_always_met(self) -> bool:
        """Whether the condition provably holds everywhere."""
        if self.condition is Condition.REAL_POWER:
            base, exponent = self.subject.as_base_exp()
            return bool(exponent.is_integer and exponent.is_nonnegative) or sign_proof(base, strict=True) is not None
        if self.condition is Condition.NONZERO and sign_proof(-self.subject, strict=True):
            return True
        strict = self.condition in (Condition.POSITIVE, Condition.INSIDE_ONE, Condition.NONZERO)
        return all(sign_proof(part, strict=strict) for part in _must_be_positive(self.subject, self.condition))


def _must_be_positive(subject: Expr, condition: Condition) -> tuple[Expr, ...]:
    """Return the expressions whose signs decide a condition."""
    if condition in (Condition.WITHIN_ONE, Condition.INSIDE_ONE):
        return (1 - subject, 1 + subject)
    return (subject - 1,) if condition is Condition.AT_LEAST_ONE else (subject,)


def _sign_at(expr: Expr, point: Mapping[Symbol, Any]) -> int | None:
    for bits in (64, 576):
        try:
            sign = enclose(expr, point, bits=bits).sign
        except UndefinedHere:
            return None
        if sign is not None:
            return sign
    return None
