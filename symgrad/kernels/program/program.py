"""A step as a straight-line program in static single assignment: plain data that every fast backend compiles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

from symgrad.errors import InputError

KINDS = ("state", "parameter", "layer")

OPERATIONS: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "add": (2, "a + b"),
        "sub": (2, "a - b"),
        "mul": (2, "a * b"),
        "div": (2, "a / b"),
        "neg": (1, "-a"),
        "abs": (1, "|a|"),
        "min": (2, "the smaller, nan where either is"),
        "max": (2, "the larger, nan where either is"),
        "sqrt": (1, "square root"),
        "pow": (2, "a ** b, as in C"),
        "sign": (1, "-1, 0 or 1"),
        "floor": (1, "largest whole number that is not above a"),
        "ceil": (1, "smallest whole number that is not below a"),
        "rint": (1, "nearest whole number, halves to even"),
        "mod": (2, "a modulo b with the sign of b"),
        "exp": (1, "e ** a"),
        "expm1": (1, "e ** a - 1 without cancellation"),
        "log": (1, "natural logarithm"),
        "log1p": (1, "log(1 + a) without cancellation"),
        "sin": (1, "sine"),
        "cos": (1, "cosine"),
        "tan": (1, "tangent"),
        "asin": (1, "inverse sine"),
        "acos": (1, "inverse cosine"),
        "atan": (1, "inverse tangent"),
        "sinh": (1, "hyperbolic sine"),
        "cosh": (1, "hyperbolic cosine"),
        "asinh": (1, "inverse hyperbolic sine"),
        "acosh": (1, "inverse hyperbolic cosine"),
        "atanh": (1, "inverse hyperbolic tangent"),
        "tanh_given": (2, "tanh(a), given b = 2/(1 + exp(min(2a, 709))): 1 - b, but for |a| < 1/4, where that cancels"),
        "erf": (1, "error function"),
        "erfc": (1, "1 - erf(a)"),
        "erfcx": (1, "exp(a**2) erfc(a)"),
        "lt": (2, "truth of a < b"),
        "le": (2, "truth of a <= b"),
        "eq": (2, "truth of a = b"),
        "and": (2, "truth of both"),
        "or": (2, "truth of either"),
        "not": (1, "the opposite truth"),
        "select": (3, "b where a is true, else c"),
    }
)
TRUTHS = frozenset({"lt", "le", "eq", "and", "or", "not"})


@dataclass(frozen=True)
class Input:
    """A number that enters: a component of the "state", a "parameter", or a value per "layer" (u[k] in step k)."""

    kind: str
    name: str


@dataclass(frozen=True)
class Instruction:
    """One operation on earlier slots."""

    op: str
    arguments: tuple[int, ...]


@dataclass(frozen=True)
class Program:
    """One step: new state, Jacobian and parameter derivatives, each number computed once.

    Slots are numbered inputs first, then constants, then one for each instruction in order; an instruction refers to
    smaller slots only. An output that is always 0 or 1 (or any other number) is a constant's slot, see ``constant``.

    Parameters
    ----------
    inputs : the d components of the state, then the parameters by name
    constants : the numbers of the program, each once
    instructions : in an order in which they can be run
    values : slots of the new state, (d,), or of the loss, (1,)
    jacobian : slots of ∂values/∂state, row-major, (r·d,)
    local : slots of ∂values/∂name for each name of ``wrt``, row-major, (r·p,)
    wrt : the names differentiated by; one that is not an input (a component of the start) has local derivative 0
    zeros_exact : whether a factor computed as 0 can only be exactly 0, never an underflow

    Examples
    --------
    >>> from symgrad.derivation import gradient
    >>> from symgrad.kernels.program import program_of
    >>> from symgrad.kernels.steps import derive_steps
    >>> from symgrad.maps import Map
    >>> (step,) = derive_steps(gradient(Map("w*x + b", "x"), wrt="w,b")).layers.values()
    >>> print(program_of(step))
    %0 = state x0
    %1 = parameter b
    %2 = parameter w
    %3 = 1.0
    %4 = mul %0 %2
    %5 = add %1 %4
    values %5; jacobian %2; local %0 %3
    """

    inputs: tuple[Input, ...]
    constants: tuple[float, ...]
    instructions: tuple[Instruction, ...]
    values: tuple[int, ...]
    jacobian: tuple[int, ...]
    local: tuple[int, ...]
    wrt: tuple[str, ...] = ()
    zeros_exact: bool = False

    @property
    def first_constant(self) -> int:
        """The slot of the first constant."""
        return len(self.inputs)

    @property
    def first_instruction(self) -> int:
        """The slot of the first instruction's result."""
        return len(self.inputs) + len(self.constants)

    @property
    def outputs(self) -> tuple[int, ...]:
        """All output slots in one row: values, jacobian, local."""
        return self.values + self.jacobian + self.local

    @property
    def operations(self) -> frozenset[str]:
        """The operations that occur."""
        return frozenset(instruction.op for instruction in self.instructions)

    def constant(self, slot: int) -> float | None:
        """Return the number of a constant's slot, None for any other slot."""
        inside = self.first_constant <= slot < self.first_instruction
        return self.constants[slot - self.first_constant] if inside else None

    @cached_property
    def uniform(self) -> tuple[bool, ...]:
        """For each slot, whether it depends on parameters and constants only, so that one step computes it for all."""
        known = [given.kind == "parameter" for given in self.inputs] + [True] * len(self.constants)
        for instruction in self.instructions:
            known.append(all(known[a] for a in instruction.arguments))
        return tuple(known)

    def to_data(self) -> dict[str, Any]:
        """Return the program as lists, strings and numbers that JSON can hold."""
        return {
            "inputs": [[given.kind, given.name] for given in self.inputs],
            "constants": [float(number).hex() for number in self.constants],
            "instructions": [[i.op, *i.arguments] for i in self.instructions],
            "values": list(self.values),
            "jacobian": list(self.jacobian),
            "local": list(self.local),
            "wrt": list(self.wrt),
            "zeros_exact": self.zeros_exact,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "Program":
        """Return the program of ``to_data``, refusing what is not one."""
        try:
            program = cls(
                tuple(Input(str(kind), str(name)) for kind, name in data["inputs"]),
                tuple(float.fromhex(number) for number in data["constants"]),
                tuple(Instruction(str(op), tuple(int(a) for a in rest)) for op, *rest in data["instructions"]),
                tuple(int(slot) for slot in data["values"]),
                tuple(int(slot) for slot in data["jacobian"]),
                tuple(int(slot) for slot in data["local"]),
                tuple(str(name) for name in data["wrt"]),
                bool(data["zeros_exact"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            raise InputError(f"this is no program: {problem!r}; write it with to_data") from problem
        _check(program)
        return program

    def __str__(self) -> str:
        lines = [f"%{i} = {given.kind} {given.name}" for i, given in enumerate(self.inputs)]
        lines += [f"%{self.first_constant + i} = {number}" for i, number in enumerate(self.constants)]
        lines += [f"%{self.first_instruction + i} = {_line(one)}" for i, one in enumerate(self.instructions)]
        parts = [("values", self.values), ("jacobian", self.jacobian), ("local", self.local)]
        return "\n".join([*lines, "; ".join(f"{name} {_slots(slots)}" for name, slots in parts)])


def _slots(slots: Sequence[int]) -> str:
    return " ".join(f"%{slot}" for slot in slots)


def _line(instruction: Instruction) -> str:
    return f"{instruction.op} {_slots(instruction.arguments)}"


def _check(program: Program) -> None:
    """Refuse operations nobody knows, and slots that are not there yet."""
    for place, one in enumerate(program.instructions, start=program.first_instruction):
        if one.op not in OPERATIONS or len(one.arguments) != OPERATIONS[one.op][0]:
            raise InputError(f"this is no program: {_line(one)!r} is no operation; write it with to_data")
        if any(not 0 <= a < place for a in one.arguments):
            raise InputError(f"this is no program: %{place} = {_line(one)} refers to a later slot; write it anew")
    last = program.first_instruction + len(program.instructions)
    if any(not 0 <= slot < last for slot in program.outputs) or any(i.kind not in KINDS for i in program.inputs):
        raise InputError("this is no program: an output or input is unknown; write it with to_data")
