"""Writing programs: equal operations become one slot, constants are folded, what depends on parameters is gathered."""

import math
from collections.abc import Callable, Mapping, Sequence

from symgrad.kernels.program.program import Input, Instruction, Program

FOLDED: Mapping[str, Callable[..., float]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b if b else math.nan,
    "neg": lambda a: -a,
    "abs": abs,
}


class Builder:
    """Collects instructions; a number is a key: ("input", i), ("constant", hex) or (op, *slots)."""

    def __init__(self, inputs: Sequence[Input]) -> None:
        self.inputs = tuple(inputs)
        self.rows: list[tuple[str, tuple[int, ...]]] = []
        self.numbers: dict[int, float] = {}
        self.uniform: list[bool] = []
        self._known: dict[tuple[object, ...], int] = {}
        for i, given in enumerate(inputs):
            self._new(("input", i), "input", (i,), given.kind == "parameter")

    def _new(self, key: tuple[object, ...], op: str, arguments: tuple[int, ...], uniform: bool) -> int:
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = len(self.rows)
            self.rows.append((op, arguments))
            self.uniform.append(uniform)
        return found

    def constant(self, number: float) -> int:
        """Return the slot of a constant; -0.0 counts as 0.0."""
        number = float(number) + 0.0
        slot = self._new(("constant", number.hex()), "constant", (), True)
        self.numbers[slot] = number
        return slot

    def put(self, op: str, *arguments: int) -> int:
        """Return the slot of an operation, simplified where a constant makes it simpler."""
        known = [self.numbers.get(a) for a in arguments]
        if op in FOLDED and all(number is not None for number in known):
            return self.constant(FOLDED[op](*known))
        simpler = self._simpler(op, arguments, known)
        if simpler is not None:
            return simpler
        return self.copy(op, *arguments)

    def copy(self, op: str, *arguments: int) -> int:
        """Return the slot of an operation as it stands, for a program whose roundings must not change."""
        if op in ("add", "mul") and arguments[0] > arguments[1]:
            arguments = arguments[::-1]
        return self._new((op, *arguments), op, arguments, all(self.uniform[a] for a in arguments))

    def _simpler(self, op: str, arguments: Sequence[int], known: Sequence[float | None]) -> int | None:
        if op == "add" and 0.0 in known:
            return arguments[1 - known.index(0.0)]
        if op == "sub" and known[1] == 0.0:
            return arguments[0]
        if op == "sub" and known[0] == 0.0:
            return self.put("neg", arguments[1])
        if op == "mul":
            return self._product(arguments, known)
        if op == "div" and known[1] == 1.0:
            return arguments[0]
        if op == "div" and known[0] == 0.0:
            return self.constant(0.0)
        if op == "neg" and self.rows[arguments[0]][0] == "neg":
            return self.rows[arguments[0]][1][0]
        return None

    def _product(self, arguments: Sequence[int], known: Sequence[float | None]) -> int | None:
        """Simplify a product: factors of parameters are multiplied among themselves, once for all steps."""
        if 0.0 in known:
            return self.constant(0.0)
        if 1.0 in known:
            return arguments[1 - known.index(1.0)]
        if -1.0 in known:
            return self.put("neg", arguments[1 - known.index(-1.0)])
        a, b = arguments
        for one, other in ((a, b), (b, a)):
            op, parts = self.rows[other]
            if op != "mul" or self.uniform[other]:
                continue
            shared = next((p for p in parts if self.uniform[p]), None)
            if shared is None:
                continue
            rest = parts[0] if parts[1] == shared else parts[1]
            if self.uniform[one]:
                return self.put("mul", self.put("mul", one, shared), rest)
            return self.put("mul", shared, self.put("mul", one, rest))
        return None

    def program(
        self,
        values: Sequence[int],
        jacobian: Sequence[int],
        local: Sequence[int],
        *,
        wrt: Sequence[str] = (),
        zeros_exact: bool = False,
    ) -> Program:
        """Return the program of these outputs, without what they do not need."""
        needed, waiting = set(), [*values, *jacobian, *local]
        while waiting:
            slot = waiting.pop()
            op, arguments = self.rows[slot]
            if slot not in needed and op != "input":
                needed.add(slot)
                waiting += arguments
        numbers = [slot for slot in sorted(needed) if slot in self.numbers]
        orders = [slot for slot in sorted(needed) if slot not in self.numbers]
        place = {slot: i for i, slot in enumerate([*range(len(self.inputs)), *numbers, *orders])}
        rows = (self.rows[slot] for slot in orders)
        return Program(
            self.inputs,
            tuple(self.numbers[slot] for slot in numbers),
            tuple(Instruction(op, tuple(place[a] for a in arguments)) for op, arguments in rows),
            tuple(place[slot] for slot in values),
            tuple(place[slot] for slot in jacobian),
            tuple(place[slot] for slot in local),
            tuple(wrt),
            zeros_exact,
        )
