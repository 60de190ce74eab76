"""Slots of a builder that are written as formulas."""

from dataclasses import dataclass

from symgrad.kernels.program.builder import Builder


@dataclass(frozen=True)
class Term:
    """A slot with the arithmetic of numbers.

    >>> from symgrad.kernels.program.program import Input
    >>> builder = Builder([Input("state", "x")])
    >>> x = Term(builder, 0)
    >>> print(builder.program([(1 / (x * x + 1)).slot], [], []).instructions[-1].op)
    div
    """

    builder: Builder
    slot: int

    def call(self, op: str, *others: "Term | float") -> "Term":
        """Return the result of an operation on this term and others."""
        return Term(self.builder, self.builder.put(op, self.slot, *(self._slot(o) for o in others)))

    def _slot(self, other: "Term | float") -> int:
        return other.slot if isinstance(other, Term) else self.builder.constant(other)

    def _reversed(self, op: str, other: float) -> "Term":
        return Term(self.builder, self.builder.put(op, self.builder.constant(other), self.slot))

    def __add__(self, other: "Term | float") -> "Term":
        return self.call("add", other)

    def __radd__(self, other: float) -> "Term":
        return self.call("add", other)

    def __sub__(self, other: "Term | float") -> "Term":
        return self.call("sub", other)

    def __rsub__(self, other: float) -> "Term":
        return self._reversed("sub", other)

    def __mul__(self, other: "Term | float") -> "Term":
        return self.call("mul", other)

    def __rmul__(self, other: float) -> "Term":
        return self.call("mul", other)

    def __truediv__(self, other: "Term | float") -> "Term":
        return self.call("div", other)

    def __rtruediv__(self, other: float) -> "Term":
        return self._reversed("div", other)

    def __neg__(self) -> "Term":
        return self.call("neg")

    def __abs__(self) -> "Term":
        return self.call("abs")


def exp(a: Term) -> Term:
    """Return e**a."""
    return a.call("exp")


def lower(a: Term, b: Term | float) -> Term:
    """Return the smaller."""
    return a.call("min", b)


def upper(a: Term, b: Term | float) -> Term:
    """Return the larger."""
    return a.call("max", b)


def where(condition: Term, yes: Term | float, no: Term | float) -> Term:
    """Return ``yes`` where the condition is true, else ``no``."""
    return condition.call("select", yes, no)
