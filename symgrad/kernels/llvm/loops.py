"""The whole chain as one function of vector code: steps in registers, settled orbits finished in closed form.

The bookkeeping of a block is that of ``kernels.orbits``, the end of a settled orbit that of ``kernels.settling``.
"""

from symgrad.kernels.llvm.chain import FIXED, Chain
from symgrad.kernels.llvm.elementary import (
    LOG2_E,
    exponential,
    exponential_minus_one,
    logarithm_near_one,
    power_of_two,
    reduce_exponential,
    split_exponent,
    split_mantissa,
)
from symgrad.kernels.llvm.operations import Body
from symgrad.kernels.llvm.writer import Writer
from symgrad.kernels.orbits import FALLEN, LARGE, LOST
from symgrad.kernels.settling import CONTRACTION, MODERATE, TOLERANCE

LN2 = 0.6931471805599453
FLAGGED, SETTLED = -1.0, -2.0  # otherwise the fate is the factor of a block, or nan
WITHIN = 900.0
HEADER = "define void @run(ptr %inputs, ptr %strides, ptr %outputs, ptr %next, i64 %groups, i64 %portion, "
HEADER += "i64 %blocks, i64 %span, i64 %rest, i64 %look)"


class Loop:
    """Writes the function; ``look`` is the number of blocks after which lanes that have not settled are given up, 0 for
    no looking. What lives from block to block is kept in named memory that LLVM turns into registers."""

    def __init__(self, chain: Chain, lanes: int) -> None:
        self.chain, self.code = chain, Writer(lanes)
        self.memory: list[str] = []
        self.given: dict[str, str] = {}

    def text(self) -> str:
        """Return the module."""
        code, names = self.code, [f"s{i}" for i in range(len(self.chain.slopes))]
        carried = ["x", "before", "mantissa", "power", "scale", "P", "least", "noted", "last", "factor"]
        carried += [*names, *(f"{kind}{i}" for kind in "qf" for i in range(len(names)))]
        self.memory = [f"%{name} = alloca {code.floats}" for name in carried]
        self.memory += [f"%{name} = alloca {code.truths}" for name in ("flagged", "settled", "near", "still")]
        self.memory += [f"%{name} = alloca i64" for name in ("group", "end", "block", "step")]
        self._fetch()
        self._enter()
        self._steps()
        self._fold()
        self._look()
        self._finish()
        self._leave()
        body = "\n".join([*self.memory, *code.lines])
        return "\n".join([*sorted(code.declared.values()), f"{HEADER} {{", "entry:", body, "}"])

    def load(self, name: str) -> str:
        """Write the current value of a carried vector."""
        return self.code.line(f"load {self.code.floats}, ptr %{name}")

    def store(self, value: str, name: str) -> None:
        """Write a new value of a carried vector."""
        self.code.raw(f"store {self.code.floats} {value}, ptr %{name}")

    def truth(self, name: str) -> str:
        return self.code.line(f"load {self.code.truths}, ptr %{name}")

    def set_truth(self, value: str, name: str) -> None:
        self.code.raw(f"store {self.code.truths} {value}, ptr %{name}")

    def count(self, name: str) -> str:
        return self.code.line(f"load i64, ptr %{name}")

    def set_count(self, value: str, name: str) -> None:
        self.code.raw(f"store i64 {value}, ptr %{name}")

    def flag(self, truth: str) -> None:
        """Write that the lanes where the truth holds are lost to float64."""
        self.set_truth(self.code.either(self.truth("flagged"), truth), "flagged")

    @property
    def nothing(self) -> str:
        return "<" + ", ".join(["i1 false"] * self.code.lanes) + ">"

    def _fetch(self) -> None:
        """Threads take portions of groups from one counter."""
        code = self.code
        code.raw("br label %fetch")
        code.raw("fetch:")
        first = code.line("atomicrmw add ptr %next, i64 %portion monotonic")
        code.raw(f"%over = icmp sge i64 {first}, %groups")
        code.raw("br i1 %over, label %return, label %portion_of_groups")
        code.raw("portion_of_groups:")
        last = code.line(f"add i64 {first}, %portion")
        beyond = code.line(f"icmp slt i64 {last}, %groups")
        self.set_count(code.line(f"select i1 {beyond}, i64 {last}, i64 %groups"), "end")
        self.set_count(first, "group")
        code.raw("br label %enter")

    def _address(self, table: str, index: int, stride: str | None) -> str:
        code = self.code
        slot = code.line(f"getelementptr ptr, ptr %{table}, i64 {index}")
        base = code.line(f"load ptr, ptr {slot}")
        offset = code.line(f"mul i64 {self.count('group')}, {code.lanes}")
        if stride is not None:
            offset = code.line(f"mul i64 {offset}, {stride}")
        return code.line(f"getelementptr double, ptr {base}, i64 {offset}")

    def _input(self, index: int) -> str:
        code = self.code
        place = code.line(f"getelementptr i64, ptr %strides, i64 {index}")
        address = self._address("inputs", index, code.line(f"load i64, ptr {place}"))
        return code.line(f"load {code.floats}, ptr {address}, align 8")

    def _enter(self) -> None:
        """A group of lanes starts: state and parameters are read, the product is 1, the slopes are 0."""
        code = self.code
        code.raw("enter:")
        self.store(self._input(0), "x")
        self.given = {name: self._input(i) for i, name in enumerate(self.chain.names, start=1)}
        zero, one = code.number(0.0), code.number(1.0)
        for name in ["power", "scale", *(f"s{i}" for i in range(len(self.chain.slopes)))]:
            self.store(zero, name)
        self.store(one, "mantissa")
        self.store(code.number(float("nan")), "noted")
        for name in ("flagged", "settled", "near", "still"):
            self.set_truth(self.nothing, name)
        self.set_count("0", "block")
        code.raw("br label %block_begins")

    def _steps(self) -> None:
        """Write the steps of a block, the last block having the rest of the steps."""
        code, chain = self.code, self.chain
        code.raw("block_begins:")
        code.raw(f"%full = icmp slt i64 {self.count('block')}, %blocks")
        code.raw("%steps = select i1 %full, i64 %span, i64 %rest")
        self.store(self.load("x"), "before")
        self.store(code.number(1.0), "P")
        self.store(code.number(1.0), "least")
        for i in range(len(chain.slopes)):
            self.store(code.number(0.0), f"q{i}")
        self.set_count("0", "step")
        code.raw("%none = icmp eq i64 %steps, 0")
        code.raw("br i1 %none, label %leave, label %step_begins")
        code.raw("step_begins:")
        for layer in chain.layers:
            inputs = [self.load("x") if one.kind == "state" else self.given[one.name] for one in layer.inputs]
            value, factor, *local = Body(code, layer, inputs).outputs
            for i, name in enumerate(chain.slopes):
                added = local[layer.wrt.index(name)]
                self.store(code.fma(factor, self.load(f"q{i}"), added), f"q{i}")
                self.store(added, f"f{i}")
            product = code.mul(factor, self.load("P"))
            self.store(product, "P")
            self.store(factor, "factor")
            self.store(self.load("x"), "last")
            self.store(value, "x")
            size, least = code.abs(product), self.load("least")
            self.store(code.select(code.compare("olt", size, least), size, least), "least")
        done = code.line(f"add i64 {self.count('step')}, 1")
        self.set_count(done, "step")
        code.raw(f"%more = icmp slt i64 {done}, %steps")
        code.raw("br i1 %more, label %step_begins, label %fold")

    def _fold(self) -> None:
        """Write what a block does to the product and to the slopes, and what float64 could not carry."""
        code = self.code
        code.raw("fold:")
        product, x = self.load("P"), self.load("x")
        size = code.abs(product)
        self.flag(code.compare("uge", size, code.number(1 / LOST)))
        self.flag(code.compare("uge", code.abs(x), code.number(float("inf"))))
        lost = code.compare("olt", self.load("least"), code.number(LOST))
        if self.chain.zeros_exact:
            lost = code.both(lost, code.compare("one", size, code.number(0.0)))
        self.flag(lost)
        mantissa, power = split_exponent(code, code.mul(self.load("mantissa"), product))
        self.store(mantissa, "mantissa")
        self.store(code.add(self.load("power"), power), "power")
        if self.chain.slopes:
            self._extend(product)
        code.raw("br i1 %full, label %next_block, label %leave")

    def _extend(self, product: str) -> None:
        """Write s ← P s + Q 2**-scale, with powers of two taken out where slopes explode."""
        code, zero = self.code, self.code.number(0.0)
        scale = self.load("scale")
        shrink = power_of_two(code, code.neg(scale))
        size, new = zero, []
        for i in range(len(self.chain.slopes)):
            added = code.mul(self.load(f"q{i}"), shrink)
            slope = code.fma(product, self.load(f"s{i}"), added)
            new.append(slope)
            height = code.abs(slope)
            if i in self.chain.live:
                lost = code.compare("ult", height, code.number(LOST))
                if self.chain.zeros_exact:
                    gone = code.both(code.compare("oeq", height, zero), code.compare("oeq", product, zero))
                    lost = code.both(lost, code.opposite(gone))
                self.flag(lost)
            size = code.select(code.compare("ogt", height, size), height, size)
        fallen = code.both(code.compare("ogt", scale, zero), code.compare("olt", size, code.number(FALLEN)))
        self.flag(fallen)
        _, height = split_exponent(code, size)
        taken = code.select(code.compare("ogt", size, code.number(LARGE)), height, zero)
        down = power_of_two(code, code.neg(taken))
        for i, slope in enumerate(new):
            self.store(code.mul(slope, down), f"s{i}")
        self.store(code.add(scale, taken), "scale")

    def _look(self) -> None:
        """Write whether every lane has settled or is lost; a cycle may amplify its rounding, seen twice in a row."""
        code = self.code
        code.raw("next_block:")
        product, x, before = self.load("P"), self.load("x"), self.load("before")
        size, distance = code.abs(product), code.abs(code.sub(x, before))
        self.store(size, "noted")
        contracts = code.compare("ole", size, code.number(CONTRACTION))
        limit = code.mul(code.abs(before), code.number(TOLERANCE))
        close = code.both(code.compare("ole", distance, limit), contracts)
        wider = code.mul(limit, code.div(size, self.load("least")))
        near = code.both(code.compare("ole", distance, wider), contracts)
        twice = code.both(near, self.truth("near"))
        self.set_truth(near, "near")
        same = code.compare("oeq", distance, code.number(0.0))
        found = code.either(self.truth("settled"), code.either(same, code.either(close, twice)))
        if len(self.chain.layers) == 1:
            found = code.either(found, self._stands_still())
        self.set_truth(found, "settled")
        waiting = code.any(code.opposite(code.either(found, self.truth("flagged"))))
        done = code.line(f"add i64 {self.count('block')}, 1")
        self.set_count(done, "block")
        left = code.line(f"icmp slt i64 {done}, %blocks")
        watch = code.line("icmp ne i64 %look, 0")
        settle = code.line(f"and i1 {watch}, {left}")
        settled = code.line(f"xor i1 {waiting}, true")
        ended = code.line(f"or i1 {settled}, " + code.line(f"icmp sge i64 {done}, %look"))
        finish = code.line(f"and i1 {settle}, {ended}")
        code.raw(f"br i1 {finish}, label %finish, label %block_begins")

    def _stands_still(self) -> str:
        """Write whether the last step alone has not moved the state: a fixed point that at least halves distances."""
        code, x = self.code, self.load("x")
        limit = code.mul(code.abs(x), code.number(TOLERANCE))
        here = code.compare("ole", code.abs(code.sub(x, self.load("last"))), limit)
        still = code.both(here, code.compare("ole", code.abs(self.load("factor")), code.number(0.5)))
        self.set_truth(still, "still")
        return still

    def _future(self, left: str) -> tuple[str, str, list[str]]:
        """Write P, m and Q of what is left: blocks, or single steps where the orbit stands still."""
        code, still = self.code, self.truth("still")
        blocks = code.spread(code.line(f"sitofp i64 {left} to double"))
        steps = code.spread(code.line("sitofp i64 " + code.line(f"mul i64 {left}, %span") + " to double"))
        own = [code.select(still, self.load(f"f{i}"), self.load(f"q{i}")) for i in range(len(self.chain.slopes))]
        product = code.select(still, self.load("factor"), self.load("P"))
        return product, code.select(still, steps, blocks), own

    def _power(self, product: str, times: str) -> tuple[str, str, str]:
        """Write P**m as mantissa and exponent, and m·log|P|."""
        code, zero = self.code, self.code.number(0.0)
        k, part = split_mantissa(code, code.abs(product))
        f, rest = logarithm_near_one(code, part)
        near = code.add(f, rest)
        height = code.mul(times, code.mul(near, code.number(LOG2_E)))
        whole = code.call("rint", height)
        inside = code.mul(code.line(f"fsub {code.floats} {height}, {whole}"), code.number(LN2))
        mantissa = exponential(code, reduce_exponential(code, inside, bounded=True))
        half = code.mul(times, code.number(0.5))
        odd = code.compare("one", code.call("floor", half), half)
        negative = code.both(odd, code.compare("olt", product, zero))
        mantissa = code.select(negative, code.neg(mantissa), mantissa)
        log = code.mul(times, code.fma(k, code.number(LN2), near))
        exponent = code.fma(times, k, whole)
        dead = code.compare("oeq", product, zero)
        infinite = code.number(float("-inf"))
        return code.select(dead, zero, mantissa), code.select(dead, zero, exponent), code.select(dead, infinite, log)

    def _finish(self) -> None:
        """Write the closed form of the blocks that are left, as ``settling.finish`` has it."""
        code, zero, one = self.code, self.code.number(0.0), self.code.number(1.0)
        code.raw("finish:")
        self.flag(code.opposite(self.truth("settled")))
        left = code.line(f"sub i64 %blocks, {self.count('block')}")
        product, times, own = self._future(left)
        mantissa, exponent, log = self._power(product, times)
        fresh, powers = split_exponent(code, code.mul(self.load("mantissa"), mantissa))
        self.store(fresh, "mantissa")
        raised = code.add(self.load("power"), code.add(exponent, powers))
        self.store(code.select(code.compare("oeq", fresh, zero), zero, raised), "power")
        if self.chain.slopes:
            value = code.mul(mantissa, power_of_two(code, exponent))
            beyond = code.sub(product, one)
            grown = exponential_minus_one(code, reduce_exponential(code, log, bounded=False))
            gained = code.select(code.compare("ogt", product, zero), grown, code.sub(value, one))
            geometric = code.select(code.compare("oeq", beyond, zero), times, code.div(gained, beyond))
            grows = code.compare("ogt", log, code.number(MODERATE))
            fade = power_of_two(code, code.neg(exponent))
            scale = self.load("scale")
            shrink = power_of_two(code, code.neg(scale))
            for i in range(len(self.chain.slopes)):
                slope, added = self.load(f"s{i}"), code.mul(own[i], shrink)
                moderate = code.fma(value, slope, code.mul(added, geometric))
                fixed = code.div(added, beyond)
                growing = code.sub(code.mul(mantissa, code.add(slope, fixed)), code.mul(fixed, fade))
                self.store(code.select(grows, growing, moderate), f"s{i}")
            self.store(code.add(scale, code.select(grows, exponent, zero)), "scale")
        self.set_count("%blocks", "block")
        self.store(code.select(self.truth("settled"), code.number(float("nan")), self.load("noted")), "noted")
        code.raw("br label %block_begins")

    def _write(self, value: str, index: int) -> None:
        address = self._address("outputs", index, None)
        self.code.raw(f"store {self.code.floats} {value}, ptr {address}, align 8")

    def _write_number(self, number: tuple[str, str], index: int, wide: int) -> None:
        """Write floats; where one leaves float64, mantissas with their exponents, and that there are any."""
        code, (mantissa, exponent) = self.code, number
        beyond = code.compare("ogt", code.abs(exponent), code.number(WITHIN))
        inside = code.select(beyond, code.number(0.0), exponent)
        self._write(code.mul(mantissa, power_of_two(code, inside)), index)
        code.raw(f"br i1 {code.any(beyond)}, label %wide{wide}, label %written{wide}")
        code.raw(f"wide{wide}:")
        self._write(code.select(beyond, exponent, code.number(0.0)), wide)
        code.raw(f"store i64 1, ptr {code.line('getelementptr i64, ptr %next, i64 1')}")
        code.raw(f"br label %written{wide}")
        code.raw(f"written{wide}:")

    def _leave(self) -> None:
        """Write the results of a group and go on to the next."""
        code = self.code
        code.raw("leave:")
        row, wide = len(FIXED), self.chain.outputs
        outer, own = None, dict.fromkeys(self.chain.wrt, code.number(0.0))
        plain = set(self.chain.wrt)
        if self.chain.loss is not None:
            loss, outer, own, plain = self._loss()
            self._write(loss, row)
            row += 1
        numbers = [self._gradient(name, outer, None if name in plain else own[name]) for name in self.chain.wrt]
        product = self.load("mantissa"), self.load("power")
        for i, number in enumerate([product, *numbers]):
            self._write_number(number, FIXED.index("product") if i == 0 else row + i - 1, wide + i)
        growth = self._growth(*product)
        going = code.compare("ord", self.load("noted"), code.number(0.0))
        finished = code.both(self.truth("settled"), code.opposite(going))
        fate = code.select(finished, code.number(SETTLED), self.load("noted"))
        fate = code.select(self.truth("flagged"), code.number(FLAGGED), fate)
        for name, value in {
            "state": self.load("x"),
            "fate": fate,
            "growth": growth,
        }.items():
            self._write(value, FIXED.index(name))
        done = code.line(f"add i64 {self.count('group')}, 1")
        self.set_count(done, "group")
        code.raw(f"%again = icmp slt i64 {done}, {self.count('end')}")
        code.raw("br i1 %again, label %enter, label %fetch")
        code.raw("return:")
        code.raw("ret void")

    def _growth(self, mantissa: str, power: str) -> str:
        """Write log|product|, and flag a state too small for its mantissa to be cut out of its bits."""
        code, zero = self.code, self.code.number(0.0)
        size = code.abs(self.load("x"))
        small = code.compare("olt", size, code.number(LOST))
        self.flag(code.both(small, code.compare("one", size, zero)))
        k, part = split_mantissa(code, code.abs(mantissa))
        f, rest = logarithm_near_one(code, part)
        log = code.fma(code.add(k, power), code.number(LN2), code.add(f, rest))
        return code.select(code.compare("oeq", mantissa, zero), code.number(float("-inf")), log)

    def _loss(self) -> tuple[str, str, dict[str, str], set[str]]:
        """Write the loss and its slopes; what float64 cannot carry is flagged."""
        code, program = self.code, self.chain.loss
        assert program is not None
        inputs = [self.load("x") if one.kind == "state" else self.given[one.name] for one in program.inputs]
        loss, outer, *local = Body(code, program, inputs).outputs
        for number, slot in zip((loss, outer), program.outputs[:2], strict=True):
            if program.constant(slot) != 0.0:
                size = code.abs(number)
                self.flag(code.compare("ult", size, code.number(LOST)))
                self.flag(code.compare("uge", size, code.number(float("inf"))))
        slots = dict(zip(program.wrt, program.local, strict=True))
        plain = {name for name in self.chain.wrt if program.constant(slots[name]) == 0.0}
        return loss, outer, dict(zip(program.wrt, local, strict=True)), plain

    def _gradient(self, name: str, outer: str | None, own: str | None) -> tuple[str, str]:
        """Write outer·slope + own as mantissa and exponent."""
        code = self.code
        if name in self.chain.slopes:
            mantissa, exponent = split_exponent(code, self.load(f"s{self.chain.slopes.index(name)}"))
            exponent = code.add(exponent, self.load("scale"))
        else:
            mantissa, exponent = self.load("mantissa"), self.load("power")
        if outer is not None:
            first, raised = split_exponent(code, outer)
            mantissa, more = split_exponent(code, code.mul(mantissa, first))
            exponent = code.add(code.add(exponent, raised), more)
        if own is not None:
            base = code.most(exponent, code.number(0.0))
            down = power_of_two(code, code.sub(exponent, base))
            total = code.fma(mantissa, down, code.mul(own, power_of_two(code, code.neg(base))))
            size = code.abs(total)
            tiny = code.both(code.compare("olt", size, code.number(LOST)), code.compare("one", size, code.number(0.0)))
            self.flag(tiny)
            mantissa, more = split_exponent(code, total)
            exponent = code.add(base, more)
        zero = code.compare("oeq", mantissa, code.number(0.0))
        return mantissa, code.select(zero, code.number(0.0), exponent)


def module_text(chain: Chain, lanes: int) -> str:
    """Return LLVM's text of the function that carries groups of ``lanes`` points through a chain."""
    return Loop(chain, lanes).text()
