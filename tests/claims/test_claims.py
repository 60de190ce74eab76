"""No false claim is proved and no true one refuted; refutations name an exact point; domains are read from the text."""

from fractions import Fraction

import mpmath
import pytest
import sympy
from sympy import Symbol

from symgrad.claims import Claim, check
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.maps import ACTIVATIONS, differentiate
from symgrad.symbols import n, w, x

PROVED = """
x/x = 1
(x**2 - 1)/(x - 1) = x + 1
diff(tanh(x), x) = 1 - tanh(x)**2
diff(sigmoid(x), x) = sigmoid(x)*(1 - sigmoid(x))
diff(softplus(x), x) = 1 - exp(-softplus(x))
diff(atan(x), x) = cos(atan(x))**2
diff(x/sqrt(1 + x**2), x) = (1 - (x/sqrt(1 + x**2))**2)**(3/2)
diff(tanh(w*x + b), x) = w*(1 - tanh(w*x + b)**2) = w/cosh(w*x + b)**2
diff(relu(x), x) = (1 + sign(x))/2
diff(abs(x), x) = sign(x)
diff(x**4, x, 2) = 12*x**2
diff(sigmoid(x)**2, x) = 2*sigmoid(x)**2*sigmoid(-x)
abs(diff(sigmoid(x), x)) <= 1/4
abs(diff(w*sigmoid(x), x)) <= abs(w)/4
-1 < tanh(x) < 1
0 < sigmoid(x) < 1
log(x*y) = log(x) + log(y)
sqrt(x)*sqrt(x) = x
sqrt(x**2) = abs(x)
sqrt(x**2) = x where x >= 0
sqrt(x**2) = -x where x < 0
tan(x) = sin(x)/cos(x)
sigmoid(x) + sigmoid(-x) = 1
w[k]*x + b[k] = b[k] + x*w[k]
a*b = 2*b**2 where a = 2*b
a**2 = 4 where a = 2
sign(x)**2 = 1 where x != 0
Max(x, y) >= x >= Min(x, y)
abs(x + y) <= abs(x) + abs(y)
x**2 + y**2 >= 2*x*y
x != x + 1
1 < 2
(w**2 - v**2) - (w**2 - v**2)*(1 - 4*h**2*(p - y)**2*p**2/(w**2*v**2)) = 4*h**2*(p-y)**2*p**2*(w**2 - v**2)/(w**2*v**2)
x - (1 + 0.5)*x = -x/2
""".strip().splitlines()

REFUTED = """
diff(tanh(x), x) = 1 - tanh(x)
diff(tanh(x), x) = 1 + tanh(x)**2
diff(sigmoid(x), x) = sigmoid(x)*(1 + sigmoid(x))
diff(softplus(x), x) = exp(-softplus(x))
diff(tanh(w*x + b), x) = 1 - tanh(w*x + b)**2
diff(sin(x), x) = -cos(x)
sqrt(x**2) = x
atan(x) + atan(1/x) = pi/2
asin(sin(x)) = x
log(x**2)/2 = log(x) + 1e-30
abs(diff(sigmoid(x), x)) < 1/4
abs(diff(sigmoid(x), x)) <= 0.24
exp(x) > 1 + x
tanh(x) = sign(x) where x > 100
sin(1e-30*x) = 1e-30*x
sqrt(2) = 665857/470832
exp(pi*sqrt(163)) = 262537412640768744
x**2 + 1 = 0
x != 1
x**2 >= x
abs(x + y) = abs(x) + abs(y)
floor(x + y) = floor(x) + floor(y)
x**3 = x where x != 0
w[1] = w[2]
diff(relu(x), x) = 1
a**2 = 5 where a = 2
x*abs(x) = x**2
x > 0 where x >= 0
sqrt(x**2) = x where x < 1/2
Mod(x, 1) = x where x >= 0
Max(x, y) = x where x > y - 1
1/(1 + exp(-x)) = 1/(1 + exp(x))
""".strip().splitlines()

NEITHER = """
abs(sin(x)*sin(y)*sin(x + y)) <= 3*sqrt(3)/8
x**6 + y**6 >= x**5*y - x**3*y**3/2 + x*y**5/2
""".strip().splitlines()


@pytest.mark.parametrize("text", PROVED)
def test_a_true_claim_is_proved(text: str) -> None:
    evidence = Claim(text).examine()
    assert evidence.verdict is Verdict.PROVED
    assert evidence.witness is None
    assert evidence.method


@pytest.mark.parametrize("text", REFUTED)
def test_a_false_claim_is_refuted_at_an_exact_point(text: str) -> None:
    evidence = Claim(text).examine()
    assert evidence.verdict is Verdict.REFUTED
    assert evidence.witness is not None
    assert all(str(Fraction(value)) == value for value in evidence.witness.values())


@pytest.mark.parametrize("text", NEITHER)
def test_what_is_true_but_not_yet_proved_is_supported(text: str) -> None:
    assert Claim(text).examine().verdict is Verdict.SUPPORTED


def test_the_verdict_does_not_hang_on_the_seed() -> None:
    assert {Claim("sqrt(x**2) = x").examine(seed).verdict for seed in range(5)} == {Verdict.REFUTED}
    assert {Claim(NEITHER[0]).examine(seed).verdict for seed in range(2)} == {Verdict.SUPPORTED}


def test_the_witness_names_every_symbol_and_the_numbers_there() -> None:
    evidence = Claim("w*x + b = w*x - b").examine()
    assert evidence.witness is not None
    assert set(evidence.witness) == {"b", "w", "x"}
    point = {name: Fraction(value) for name, value in evidence.witness.items()}
    assert point["b"] != 0
    assert "left side" in evidence.method


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("x/x = 1", ("x != 0",)),
        ("(x**2 - 1)/(x - 1) = x + 1", ("x - 1 != 0",)),
        ("log(x*y) = log(x) + log(y)", ("x*y > 0", "x > 0", "y > 0")),
        ("sqrt(x)**2 = x", ("x >= 0",)),
        ("1/(1 + exp(-x)) = sigmoid(x)", ()),
        ("diff(relu(w*x), x) = w*(1 + sign(w*x))/2", ("w*x != 0",)),
        ("diff(floor(2*x), x) = 0", ("sin(pi*(2*x)) != 0",)),
        ("diff(Max(x, y), x) = (1 + sign(x - y))/2", ("x - y != 0",)),
        ("diff(sqrt(x**2), x) = sign(x)", ("x**2 != 0",)),
        ("diff(sqrt(1 + x**2), x) = x/sqrt(1 + x**2)", ()),
        ("x = x where x > 3", ("x > 3",)),
        ("asin(x) + acos(x) = pi/2", ("-1 <= x <= 1",)),
    ],
)
def test_the_domain_comes_from_the_text(text: str, domain: tuple[str, ...]) -> None:
    evidence = Claim(text).examine()
    assert evidence.domain == domain
    assert evidence.verdict is Verdict.PROVED


def test_a_hole_of_the_text_is_no_counterexample() -> None:
    assert Claim("x/x = 0 where x = 0").examine().verdict is Verdict.UNDECIDED
    assert Claim("log(-1 - x**2) = 5").examine().verdict is Verdict.UNDECIDED
    assert Claim("x = x where x > 1, x < 0").examine().verdict is Verdict.UNDECIDED


def test_what_holds_nowhere_in_particular_is_not_proved() -> None:
    assert Claim("log(-1 - x**2) = log(-1 - x**2)").examine().verdict is Verdict.UNDECIDED


def test_a_chain_is_examined_link_by_link() -> None:
    claim = Claim("x**2 - 1 = (x - 1)*(x + 1) = x**2 + 1")
    assert [link.verdict for link in claim.links()] == [Verdict.PROVED, Verdict.REFUTED]
    evidence = claim.examine()
    assert evidence.verdict is Verdict.REFUTED
    assert "(x - 1)*(x + 1) = x**2 + 1" in evidence.method


def test_numbers_are_decided_by_balls() -> None:
    assert check("pi < 22/7").verdict is Verdict.CERTIFIED
    assert check("pi", "22/7").verdict is Verdict.REFUTED
    assert check("sqrt(2) + sqrt(3)", "sqrt(5 + 2*sqrt(6))").verdict is Verdict.PROVED


def test_claims_are_made_from_expressions_too() -> None:
    assert check(sympy.cosh(x) ** 2 - sympy.sinh(x) ** 2, 1).verdict is Verdict.PROVED
    assert check(sympy.Abs(x), x, relation=">=").verdict is Verdict.PROVED
    assert check(w**2, "w*abs(w)", where=("w > 0",)).verdict is Verdict.PROVED
    assert check(1 / x, sympy.sign(x) / sympy.Abs(x)).domain == ("x != 0", "abs(x) != 0")
    assert Claim(x, "<", 3, where=((x, "<", 2),)).examine().verdict is Verdict.PROVED


def test_assumptions_of_symbols_are_respected() -> None:
    assert check((-1) ** (2 * n), 1).verdict is Verdict.PROVED
    assert Claim("((-1)**n)**2 = 1", symbols={"n": n}).examine().verdict is Verdict.PROVED
    assert Claim("a*a**n = a**(n + 1)", symbols={"n": n}).examine().verdict is Verdict.PROVED
    evidence = Claim("2**n = n**2", symbols={"n": n}).examine()
    assert evidence.verdict is Verdict.REFUTED
    assert evidence.witness is not None
    assert int(evidence.witness["n"]) >= 1
    positive = Symbol("s", positive=True)
    assert check(sympy.sqrt(positive**2), positive).verdict is Verdict.PROVED


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_the_derivative_through_the_output_holds_for_every_activation(name: str) -> None:
    row = ACTIVATIONS[name]
    if row.derivative_of_output is None:
        pytest.skip("no derivative in terms of the output")
    through_output = row.derivative_of_output(row.function(x))
    evidence = check(differentiate(row.function(x), x), through_output)
    assert evidence.verdict is Verdict.PROVED


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Claim(sympy.Eq(x, 2 * x)), "evaluates itself away"),
        (lambda: Claim(x < 3), "evaluates itself away"),
        (lambda: Claim(x, "=", x < 3), "expression"),
        (lambda: Claim("x + 1"), "relation"),
        (lambda: Claim("x = 1 where x > 0 where x < 1"), "where"),
        (lambda: Claim("frob(x) = 1"), "frob"),
        (lambda: Claim(x, "~", 1), "relation"),
        (lambda: Claim(x, "="), "rhs"),
        (lambda: Claim("__import__('os').system('x') = 1"), ""),
        (lambda: Claim("diff(x**2, 2) = 1"), "variable"),
        (lambda: Claim("diff(x**2, x, 1/2) = 1"), "order"),
        (lambda: Claim("1/(x - x) = 1"), "value"),
        (lambda: check("x", 0.1), "side"),
        (lambda: Claim(""), ""),
    ],
)
def test_what_is_no_claim_is_refused_in_one_line(make: object, words: str) -> None:
    with pytest.raises(InputError) as refusal:
        make()  # type: ignore[operator]
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_no_mutant_of_a_proved_claim_is_proved_unless_true() -> None:
    """Each integer of each claim is changed by one; whatever is then proved must hold to 40 digits where defined."""
    proved = 0
    for text in PROVED[:12]:
        for place, character in enumerate(text):
            if not character.isdigit() or "where" in text:
                continue
            mutant = text[:place] + str(int(character) + 1) + text[place + 1 :]
            claim = Claim(mutant)
            if claim.examine().verdict is not Verdict.PROVED:
                continue
            proved += 1
            for link in claim.statement.links:
                difference = link.difference.subs({s: sympy.Rational(7, 5) for s in link.difference.free_symbols})
                with mpmath.workdps(60):
                    assert abs(difference.doit().evalf(50)) < 1e-40, mutant
    assert proved < 3
