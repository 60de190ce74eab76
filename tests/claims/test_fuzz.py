"""Whatever a file of claims holds: no exception but symgrad's own, nothing executed, nothing over its time."""

import builtins
import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symgrad.budget import NoAnswer, close, within
from symgrad.claims import Claim, Examined, annotated, examine_document, open_document
from symgrad.claims.documents import warm
from symgrad.errors import InputError
from symgrad.parsing import Link

SECONDS = 5.0
SLACK = 2.0
# Another child, after one was ended within the same text, on a busy machine.
START_SECONDS = 20.0
(WARMING,) = open_document("x - x = 0").links
DEFECTS = ("a defect in symgrad", NoAnswer.LOST.value)

EXPLOITS = (
    "__import__('os').system('touch symgrad_canary') = 1",
    "__import__(os).system(touch) = x",
    "eval(\"open('symgrad_canary', 'w')\") = 0",
    "exec(x) = 1",
    "open(symgrad_canary, w) = 1",
    "().__class__.__bases__[0].__subclasses__() = x",
    "x.__class__ = x",
    "x.subs = x",
    "x._sympy_ = 1",
    "(lambda: 0)() = 0",
    "lambda x: x = x",
    'f"{x}" = x',
    "f'{__import__(1)}' = 0",
    "x if x else x = x",
    "[x for x in x] = x",
    "(x := 3) = 3",
    "x = x; import os",
    "import os",
    "print(x) = x",
    "getattr(x, args) = 1",
    "globals() = 1",
    "sympify(x) = x",
    "S(x) = x",
    "Symbol(x) = x",
    "parse_expr(x) = x",
    "Lambda(x, x) = x",
    "x\\u0000 = x",
    "x\0y = x",
    "x = x\0",
    "ｅｖａｌ(x) = 1",
    "ｘ = x",
    "х = x",
    "x\u200b = x",
    "x\u202e = x",
    "\ufeffx = x",
    "\u2028x = x\u2029",
    "ﬁ(x) = 1",
    "𝕩 = x",
    "x² = x",
    "x\N{COMBINING ACUTE ACCENT} = x",
    "9**9**9 = 1",
    "9**9**9**9**9 = x",
    "x**9**9**9 = 1",
    "10**10**10 < x",
    "(10**9999)**9999 = x",
    "0.1e-999999999 = x",
    "1e999999999 = x",
    "9" * 5000 + " = x",
    "exp(exp(exp(1000))) = 1",
    "exp(exp(exp(exp(x)))) > x",
    "exp(exp(exp(x))) = exp(exp(exp(x))) + 1",
    "sinh(sinh(sinh(sinh(x)))) >= x",
    "(" * 5000 + "x" + ")" * 5000 + " = x",
    "(" * 50 + "x" + ")" * 50 + " = x",
    "-" * 3000 + "x = x",
    "sin(" * 58 + "x" + ")" * 58 + " = x",
    "x" + "**x" * 500 + " = 1",
    "x = " + "x + " * 3000 + "x",
    "x" + " = x" * 600,
    "(1 + x)**10000 = (x + 1)**10000",
    "(a + b + c + d + x + y)**60 = 1",
    "diff(x, x, 10**9) = 0",
    "diff(x, x, -1) = 0",
    "sum(k, k, 1, 10**12) = x",
    "sum(1/k**k, k, 1, oo) = 1",
    "sum(k**k**k, k, 1, 50) = 1",
    "product(k**k, k, 1, 10**6) = 1",
    "iterate(x**x, 50, x) = x",
    "iterate(x**2 + c, 10**9, x) = x",
    "limit(n**n**n, n, oo) = oo",
    "limit(sin(exp(n)), n, oo) = 0",
    "sum(k, x, x, x) = 1",
    "sum(k, k, oo, 1) = 0",
    "sum(k, k, 1, -oo) = 0",
    "floor(x/10**300) = Mod(x, 10**-300)",
    "Mod(x, 0) = 0",
    "0**0 = 1",
    "0/0 = 0/0",
    "oo - oo = 0",
    "oo = oo",
    "x/oo = 0",
    "oo**oo >= oo",
    "log(0) = -oo",
    "1 = 1 where 0 = 1",
    "x = x where x = x + 1",
    "x = x where",
    "where x > 0",
    "where",
    "let",
    "let x",
    "let x: ",
    "let f(f) = f",
    "let f(x) = f(x)",
    "let pi: real",
    "let e: real\nlet e: complex\ne = E",
    "let f(x) = x*x\n" * 40 + "f(f(f(f(x)))) = x",
    "let f(x) = f1(x)\nlet f1(x) = x\nf(x) = x",
    "let a(x) = x + x\nlet b(x) = a(a(a(a(x))))\nlet c(x) = b(b(b(b(x))))\nlet d(x) = c(c(c(x)))\nd(d(x)) = 1",
    "= x",
    "<= <= <=",
    "x = = x",
    "x == x == x",
    "x => x",
    "w[k] = w[k]",
    "w[k[k]] = 1",
    "w[10**9] = w[x]",
    "w[-1] = 0",
    "```symgrad\nx = x\n```\n````symgrad\n```",
    "~~~symgrad\n",
    "#> proved\nx = x #> #> #>",
    "x = x" + "#" * 9000,
    "\r\r\r",
    "\x1b[31mx = x",
    "%s%n%x = x",
    "${x} = x",
    "'; DROP TABLE claims; -- = x",
)

SLOW = (
    "diff(" * 30 + "x**x" + ", x)" * 30 + " = 1",
    "diff(tanh(tanh(tanh(x)))*x**x, x, 12) = x",
    "iterate(exp(x), 30, x) > x",
    "2**(2**(2**x)) = 2**(2**(2**x))",
)

PIECES = (
    *"x y w b n k a 0 1 2 3 7 0.5 1e3 1e-30 10**9 pi E oo ( ) ( ) , + - * / ** ^".split(),
    *"= <= >= < > != [ ] | ; : . # ' \" _".split(),
    *"sin( cos( exp( log( sqrt( tanh( abs( sigmoid( relu( Max( Mod( floor( sign( erf( atan( acosh(".split(),
    *"diff( limit( sum( product( iterate( , x) , k, 1, n) , n, oo)".split(),
    *" where |let |let f(x) = |: real|: positive integer|\n|\n  = |\t|é|\0|∞|√|\ufeff|__class__|lambda ".split("|"),
)
ALIKE = tuple(tuple(row.split()) for row in ("0 1 2 3 9 x n k pi 1/7 10", "+ - * / **", "= < <= > >= !="))


@dataclass(frozen=True)
class Trial:
    """What one text led to: links examined, lines refused, and what must never happen."""

    links: int
    problems: int
    faults: tuple[str, ...]
    seconds: float


def tried(text: str, *, examine: bool = True, seconds: float = SECONDS) -> Trial:
    """Read a text as a file of claims, and examine what can be examined; every fault is named."""
    begin = time.monotonic()
    document = open_document(text)
    passed = time.monotonic() - begin
    if examine and document.links:
        within(60.0, warm, WARMING, 0)
    faults, found = [], []
    begin = time.monotonic()
    for one in examine_document(document, seconds=seconds) if examine else ():
        found.append(one)
        if isinstance(one, Examined) and one.evidence.method.startswith(DEFECTS):
            faults.append(f"{one.evidence.method}: {one.link.text}")
    problems = [*document.problems, *(one for one in found if not isinstance(one, Examined))]
    lines = text.split("\n")
    for problem in problems:
        if not 1 <= problem.line <= len(lines) or not 1 <= problem.column <= len(lines[problem.line - 1]) + 1:
            faults.append(f"no such place: {problem}")
        if "\n" in problem.message or len(problem.message) > 1000:
            faults.append(f"no sentence: {problem}")
    annotated(text, [*found, *document.problems])
    passed += time.monotonic() - begin
    if passed > seconds * len(document.links) + SLACK + START_SECONDS * max(0, len(document.links) - 1):
        faults.append(f"{passed:.1f} s: {text[:200]!r}")
    return Trial(len(document.links), len(problems), tuple(faults), passed)


def fuzzed(rng: random.Random, lines: tuple[str, ...]) -> str:
    """Return a random text: pieces of the grammar, a claim of the corpus damaged in some places, or any characters."""
    kind = rng.random()
    if kind < 0.4:
        return "".join(rng.choice(PIECES) for _ in range(rng.randint(1, 14)))
    if kind < 0.5:
        return _exchanged(rng, rng.choice(lines))
    if kind < 0.9:
        return _damaged(rng, rng.choice(lines))
    return "".join(chr(rng.choice((rng.randint(0, 127), rng.randint(0, 0x2FFF)))) for _ in range(rng.randint(0, 40)))


def _damaged(rng: random.Random, text: str) -> str:
    for _ in range(rng.randint(1, 3)):
        place, length = rng.randint(0, len(text)), rng.randint(0, 3)
        text = text[:place] + rng.choice((rng.choice(PIECES), "")) + text[place + length :]
    return text


def _exchanged(rng: random.Random, text: str) -> str:
    """Return a text with one number, name, operator or relation exchanged for another, which stays readable."""
    words = re.findall(r"\w+|\*\*|<=|>=|!=|\s+|.", text, re.DOTALL)
    places = [(i, row) for i, word in enumerate(words) for row in ALIKE if word in row]
    if places:
        place, row = rng.choice(places)
        words[place] = rng.choice(row)
    return "".join(words)


def seeds(truth: ModuleType) -> tuple[str, ...]:
    """Return the lines that are damaged: those of the corpus, and the exploits that are short."""
    corpus = [entry.text for label in ("true", "false") for entry in truth.entries(label)]
    return (*corpus, *(text for text in (*EXPLOITS, *SLOW) if len(text) < 200))


@pytest.fixture
def guarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """An empty working folder, and a list of everything that was evaluated."""
    evaluated: list[str] = []
    # A child that is started in the empty folder would leave its traces there.
    close()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(builtins, "eval", lambda code, *_: evaluated.append(str(code)))
    yield evaluated
    assert list(tmp_path.iterdir()) == []
    close()


def test_no_exploit_is_executed_and_each_is_refused_or_examined(guarded: list[str]) -> None:
    for text in (*EXPLOITS, SLOW[0]):
        trial = tried(text, seconds=0.5)
        assert trial.faults == (), text[:80]
        assert trial.links + trial.problems > 0 or "=" not in text or text.startswith(("let", "```", "~~~")), text[:80]
    assert guarded == []


@pytest.mark.parametrize("text", EXPLOITS[:32])
def test_no_exploit_in_one_claim_raises_anything_but_an_input_error(guarded: list[str], text: str) -> None:
    try:
        verdict = Claim(text).examine().verdict.word
    except InputError as error:
        verdict = str(error)
    assert "\n" not in verdict
    assert guarded == []


def test_damaged_claims_are_refused_or_examined(truth: ModuleType, guarded: list[str]) -> None:
    rng, lines = random.Random(6), seeds(truth)
    trials = [tried(fuzzed(rng, lines)) for _ in range(50)]
    assert [fault for trial in trials for fault in trial.faults] == []
    assert sum(trial.links for trial in trials) >= 5
    assert guarded == []


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=25).map("".join), st.sampled_from(EXPLOITS)
    )
)
def test_no_text_at_all_breaks_the_reader(guarded: list[str], text: str) -> None:
    assert tried(text, examine=False).faults == ()
    assert guarded == []


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_no_damaged_claim_breaks_the_reader(truth: ModuleType, guarded: list[str], seed: int) -> None:
    assert tried(fuzzed(random.Random(seed), seeds(truth)), examine=False).faults == ()
    assert guarded == []


def test_a_defect_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: float, __: object, link: Link, ___: int) -> None:
        if link.lhs == "x":
            raise ZeroDivisionError("planted")

    monkeypatch.setattr("symgrad.claims.documents.within", broken)
    assert "planted" in tried("x = x").faults[0]
