"""Text of LLVM's intermediate language for vectors of float64, written line by line."""

import struct
from collections.abc import Sequence

ROUNDING = ("floor", "ceil", "rint", "sqrt", "fabs")


def bits_of(number: float) -> int:
    """Return the 64 bits of a float as an integer.

    >>> hex(bits_of(1.0))
    '0x3ff0000000000000'
    """
    return int(struct.unpack("<Q", struct.pack("<d", number))[0])


class Writer:
    """Collects the lines of one function; numbers are names of vectors of ``lanes`` floats, or literals.

    >>> code = Writer(2)
    >>> code.mul("%a", code.number(2.0))
    '%v0'
    >>> code.lines[-1]
    '%v0 = fmul contract <2 x double> %a, <double 0x4000000000000000, double 0x4000000000000000>'
    """

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        self.floats, self.bits, self.truths = (f"<{lanes} x {kind}>" for kind in ("double", "i64", "i1"))
        self.lines: list[str] = []
        self.declared: dict[str, str] = {}
        self._count = 0

    def fresh(self) -> str:
        """Return a name that nothing has yet."""
        self._count += 1
        return f"%v{self._count - 1}"

    def line(self, text: str) -> str:
        """Write one instruction and return the name of its result."""
        name = self.fresh()
        self.lines.append(f"{name} = {text}")
        return name

    def raw(self, text: str) -> None:
        """Write a line that has no result, or names it itself."""
        self.lines.append(text)

    def number(self, value: float) -> str:
        """Return a literal vector with this float in every lane."""
        return "<" + ", ".join([f"double 0x{bits_of(value):016X}"] * self.lanes) + ">"

    def whole(self, value: int) -> str:
        """Return a literal vector with this 64-bit integer in every lane."""
        return "<" + ", ".join([f"i64 {value}"] * self.lanes) + ">"

    def add(self, a: str, b: str) -> str:
        return self.line(f"fadd contract {self.floats} {a}, {b}")

    def sub(self, a: str, b: str) -> str:
        return self.line(f"fsub contract {self.floats} {a}, {b}")

    def mul(self, a: str, b: str) -> str:
        return self.line(f"fmul contract {self.floats} {a}, {b}")

    def div(self, a: str, b: str) -> str:
        return self.line(f"fdiv {self.floats} {a}, {b}")

    def neg(self, a: str) -> str:
        return self.line(f"fneg {self.floats} {a}")

    def call(self, name: str, *arguments: str) -> str:
        """Call an elementwise intrinsic of LLVM."""
        kind = f"v{self.lanes}f64"
        full = f"@llvm.{name}.{kind}"
        self.declared[full] = f"declare {self.floats} {full}({', '.join([self.floats] * len(arguments))})"
        return self.line(f"call {self.floats} {full}({', '.join(f'{self.floats} {a}' for a in arguments)})")

    def fma(self, a: str, b: str, c: str) -> str:
        """Write a·b + c, rounded once."""
        return self.call("fma", a, b, c)

    def abs(self, a: str) -> str:
        return self.call("fabs", a)

    def polynomial(self, a: str, coefficients: Sequence[float]) -> str:
        """Write a polynomial, lowest coefficient first, by Estrin's scheme: its operations wait less."""
        terms, power = [self.number(c) for c in coefficients], a
        while len(terms) > 1:
            pairs = list(zip(terms[::2], terms[1::2], strict=False))
            joined = [self.fma(high, power, low) for low, high in pairs]
            terms = joined + terms[2 * len(pairs) :]
            power = self.mul(power, power) if len(terms) > 1 else power
        return terms[0]

    def compare(self, how: str, a: str, b: str) -> str:
        """Write a comparison, e.g. "olt": ordered and less than."""
        return self.line(f"fcmp {how} {self.floats} {a}, {b}")

    def select(self, truth: str, yes: str, no: str) -> str:
        return self.line(f"select {self.truths} {truth}, {self.floats} {yes}, {self.floats} {no}")

    def least(self, a: str, bound: str) -> str:
        """Write the smaller of a and a bound that is not nan; a nan in ``a`` passes."""
        return self.select(self.compare("olt", bound, a), bound, a)

    def most(self, a: str, bound: str) -> str:
        """Write the larger of a and a bound that is not nan; a nan in ``a`` passes."""
        return self.select(self.compare("ogt", bound, a), bound, a)

    def either(self, a: str, b: str) -> str:
        return self.line(f"or {self.truths} {a}, {b}")

    def both(self, a: str, b: str) -> str:
        return self.line(f"and {self.truths} {a}, {b}")

    def opposite(self, a: str) -> str:
        ones = "<" + ", ".join(["i1 true"] * self.lanes) + ">"
        return self.line(f"xor {self.truths} {a}, {ones}")

    def integer(self, op: str, a: str, b: str) -> str:
        """Write an operation on the lanes as 64-bit integers."""
        return self.line(f"{op} {self.bits} {a}, {b}")

    def as_bits(self, a: str) -> str:
        return self.line(f"bitcast {self.floats} {a} to {self.bits}")

    def as_floats(self, a: str) -> str:
        return self.line(f"bitcast {self.bits} {a} to {self.floats}")

    def any(self, truth: str) -> str:
        """Write whether the truth holds in some lane, as one bit."""
        packed = self.line(f"bitcast {self.truths} {truth} to i{self.lanes}")
        return self.line(f"icmp ne i{self.lanes} {packed}, 0")

    def spread(self, scalar: str) -> str:
        """Write a vector with this double in every lane."""
        one = self.line(f"insertelement {self.floats} undef, double {scalar}, i32 0")
        return self.line(
            f"shufflevector {self.floats} {one}, {self.floats} undef, <{self.lanes} x i32> zeroinitializer"
        )
