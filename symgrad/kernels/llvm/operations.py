"""The operations of programs as vector code."""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from symgrad.kernels.llvm.elementary import (
    Reduced,
    exponential,
    exponential_minus_one,
    logarithm,
    logarithm_plus_one,
    reduce_exponential,
)
from symgrad.kernels.llvm.writer import Writer
from symgrad.kernels.program import Program
from symgrad.kernels.program.bundles import HIGHEST


def _sign(code: Writer, a: str) -> str:
    zero = code.number(0.0)
    size = code.select(code.compare("oeq", a, zero), zero, code.number(1.0))
    signed = code.call("copysign", size, a)
    return code.select(code.compare("uno", a, a), a, signed)


def _least(code: Writer, a: str, b: str) -> str:
    smaller = code.select(code.compare("olt", a, b), a, b)
    return code.select(code.compare("uno", a, a), a, smaller)


def _most(code: Writer, a: str, b: str) -> str:
    larger = code.select(code.compare("ogt", a, b), a, b)
    return code.select(code.compare("uno", a, a), a, larger)


SIMPLE: Mapping[str, Callable[..., str]] = MappingProxyType(
    {
        "add": Writer.add,
        "sub": Writer.sub,
        "mul": Writer.mul,
        "div": Writer.div,
        "neg": Writer.neg,
        "abs": Writer.abs,
        "sqrt": lambda code, a: code.call("sqrt", a),
        "floor": lambda code, a: code.call("floor", a),
        "ceil": lambda code, a: code.call("ceil", a),
        "rint": lambda code, a: code.call("rint", a),
        "sign": _sign,
        "log": logarithm,
        "log1p": logarithm_plus_one,
        "lt": lambda code, a, b: code.compare("olt", a, b),
        "le": lambda code, a, b: code.compare("ole", a, b),
        "eq": lambda code, a, b: code.compare("oeq", a, b),
        "and": Writer.both,
        "or": Writer.either,
        "not": Writer.opposite,
        "select": Writer.select,
    }
)
SUPPORTED = frozenset(SIMPLE) | {"exp", "expm1", "min", "max", "tanh_given"}


class Body:
    """Writes one program for given inputs; exponentials of one argument share their reduction."""

    def __init__(self, code: Writer, program: Program, inputs: Sequence[str]) -> None:
        self.code, self.program = code, program
        self.values = [*inputs, *(code.number(number) for number in program.constants)]
        self._reduced: dict[int, Reduced] = {}
        self._reciprocals: dict[int, str] = {}
        for one in program.instructions:
            self.values.append(self._written(one.op, one.arguments))

    @property
    def outputs(self) -> list[str]:
        """The names of values, jacobian and local, in one row."""
        return [self.values[slot] for slot in self.program.outputs]

    def _written(self, op: str, slots: tuple[int, ...]) -> str:
        code = self.code
        arguments = [self.values[slot] for slot in slots]
        if op in ("min", "max"):
            return self._bounded(op, slots)
        if op == "exp":
            return exponential(code, self._reduction(slots[0]))
        if op == "expm1":
            grown = exponential_minus_one(code, self._reduction(slots[0]))
            beyond = code.compare("ogt", arguments[0], code.number(HIGHEST))
            return grown if self._bound(slots[0]) <= HIGHEST else code.select(beyond, code.number(float("inf")), grown)
        if op == "tanh_given":
            return self._tanh(*slots)
        if op == "div" and self._shared(slots[1]):
            return self._quotient(*slots)
        return SIMPLE[op](code, *arguments)

    def _bounded(self, op: str, slots: tuple[int, ...]) -> str:
        """Write min or max, one comparison where one side is a constant."""
        constants = [slot for slot in slots if self.program.constant(slot) is not None]
        if not constants:
            return (_least if op == "min" else _most)(self.code, *(self.values[slot] for slot in slots))
        other = slots[0] if slots[1] == constants[-1] else slots[1]
        write = self.code.least if op == "min" else self.code.most
        return write(self.values[other], self.values[constants[-1]])

    def _instruction(self, slot: int) -> tuple[str, tuple[int, ...]]:
        place = slot - self.program.first_instruction
        if place < 0:
            return "given", ()
        one = self.program.instructions[place]
        return one.op, one.arguments

    def _bound(self, slot: int) -> float:
        """Return a number that the one in a slot never exceeds."""
        op, slots = self._instruction(slot)
        bounds = [self.program.constant(s) for s in (slots if op == "min" else (slot,))]
        return min((bound for bound in bounds if bound is not None), default=math.inf)

    def _shared(self, slot: int) -> bool:
        """Return whether several numbers are divided by 1 + exp(u) with u <= ``HIGHEST``, which this slot holds."""
        op, slots = self._instruction(slot)
        users = [one for one in self.program.instructions if one.op == "div" and one.arguments[1] == slot]
        if op != "add" or len(users) < 2:
            return False
        inner = [self._instruction(s) for s in slots]
        grown = [arguments[0] for kind, arguments in inner if kind == "exp"]
        one = any(self.program.constant(s) == 1.0 for s in slots)
        return one and len(grown) == 1 and self._bound(grown[0]) <= HIGHEST

    def _quotient(self, numerator: int, denominator: int) -> str:
        """Write a quotient as a product with the shared reciprocal, corrected by what it leaves over."""
        code, above, below = self.code, self.values[numerator], self.values[denominator]
        if denominator not in self._reciprocals:
            self._reciprocals[denominator] = code.div(code.number(1.0), below)
        share = self._reciprocals[denominator]
        if self.program.constant(numerator) == 1.0:
            return share
        rough = code.mul(above, share)
        return code.fma(code.fma(code.neg(rough), below, above), share, rough)

    def _reduction(self, slot: int) -> Reduced:
        if slot not in self._reduced:
            bound = self._bound(slot)
            bounded, cut = bound <= HIGHEST, bound == HIGHEST
            self._reduced[slot] = reduce_exponential(self.code, self.values[slot], bounded=bounded, cut=cut)
        return self._reduced[slot]

    def _tanh(self, argument: int, quotient: int) -> str:
        """Write tanh(a) = (exp(2a) - 1)·q/2, at most 1, from the exponential that q = 2/(1 + exp(2a)) is made of."""
        code, slot = self.code, quotient
        for wanted, position in (("div", 1), ("add", None), ("exp", 0)):
            op, slots = self._instruction(slot)
            if op != wanted:
                raise ValueError(f"the quotient of tanh_given is made of {op}, not {wanted}")
            if position is None:
                position = next(i for i, s in enumerate(slots) if self._instruction(s)[0] == "exp")
            slot = slots[position]
        grown = exponential_minus_one(code, self._reduction(slot))
        half = code.mul(self.values[quotient], code.number(0.5))
        return code.least(code.mul(grown, half), code.number(1.0))
