"""Files of claims: each link has its own verdict and time; notes beside the lines are replaced, never piled up."""

from collections.abc import Callable
from dataclasses import replace

import pytest

import symgrad.claims.documents as documents
from symgrad.budget import NoAnswer
from symgrad.claims.annotations import annotated
from symgrad.claims.documents import Examined, examine_document, examine_link, open_document
from symgrad.evidence import Evidence, Verdict
from symgrad.parsing.documents import Link, Problem

TEXT = """\
let a: positive   # a comment
let f(x) = x**2
diff(f(x), x) = 2*x   # mine
  = x + x
sqrt(a**2) = a
x = x + (
f(x) = 2*x
"""


def examined(text: str, **options: float) -> list[Examined | Problem]:
    return list(examine_document(open_document(text), seconds=options.get("seconds", 30.0)))


def words(text: str) -> list[str]:
    return [one.evidence.verdict.word if isinstance(one, Examined) else "problem" for one in examined(text)]


def test_each_link_is_examined_by_itself() -> None:
    found = examined(TEXT)
    assert [(one.link.line, one.evidence.verdict.word) for one in found if isinstance(one, Examined)] == [
        (3, "proved"),
        (4, "proved"),
        (5, "proved"),
        (7, "refuted"),
    ]
    last = found[-1]
    assert isinstance(last, Examined)
    assert last.evidence.claim == "f(x) = 2*x"
    assert last.evidence.witness is not None


def test_a_flipped_sign_refutes_a_link_that_touches_its_line() -> None:
    chain = "let f(x) = tanh(w*x + b)\ndiff(f(x), x) = w*(1 - tanh(w*x + b)**2)\n  = w/cosh(w*x + b)**2"
    assert words(chain) == ["proved", "proved"]
    assert "refuted" in words(chain.replace("1 - tanh", "1 + tanh"))
    assert words(chain.replace("= w/cosh", "= -w/cosh")) == ["proved", "refuted"]


def test_the_kinds_assumed_are_part_of_the_domain() -> None:
    (found,) = examined("let n: integer\nsin(pi*n) = 0")
    assert isinstance(found, Examined)
    assert found.evidence.verdict is Verdict.PROVED
    assert found.evidence.domain == ("n: integer",)
    assert words("sin(pi*n) = 0") == ["refuted"]


@pytest.mark.parametrize(
    "claim", ["abs(z)**2 = z**2", "z**2 >= 0", "sqrt(z**2) = abs(z)", "diff(abs(z), z) = sign(z)", "tanh(z) < 1"]
)
def test_what_holds_on_the_real_line_alone_is_not_claimed_of_complex_variables(claim: str) -> None:
    assert words(f"let z: complex\n{claim}") == ["undecided"]


def test_an_analytic_identity_extends_to_the_plane() -> None:
    text = "let z: complex\n(z - 1)*(z + 1) = z**2 - 1\nsin(z)**2 + cos(z)**2 = 1\nsin(z) = z"
    assert words(text) == ["proved", "proved", "refuted"]


def test_a_claim_without_an_answer_in_time_is_undecided_and_the_next_one_is_examined(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def slow(seconds: float, function: Callable[..., Evidence], link: Link, seed: int) -> Evidence | NoAnswer:
        return NoAnswer.TIME if link.lhs == "x" else function(link, seed)

    monkeypatch.setattr(documents, "within", slow)
    late, next_one = (one.evidence for one in examined("x = x\ny = y + 1") if isinstance(one, Examined))
    assert (late.verdict, late.method) == (Verdict.UNDECIDED, "no answer in time")
    assert next_one.verdict is Verdict.REFUTED


def test_a_defect_in_one_link_does_not_keep_the_others_from_being_examined(monkeypatch: pytest.MonkeyPatch) -> None:
    def planted(seconds: float, function: object, link: Link, seed: int) -> Evidence:
        if link.lhs == "y":
            raise ZeroDivisionError("planted")
        return examine_link(link, seed)

    monkeypatch.setattr(documents, "within", planted)
    found = examined("y = y\nx = x")
    assert [one.evidence.verdict.word for one in found if isinstance(one, Examined)] == ["undecided", "proved"]
    first = found[0]
    assert isinstance(first, Examined)
    assert first.evidence.method == "a defect in symgrad: ZeroDivisionError: planted"


def test_a_part_without_a_value_is_a_problem_of_its_line() -> None:
    found = examined("1 = 1\n  \n  log(0) = y")
    assert found[-1] == Problem(3, 3, "'log(0)' has no real value; write an expression that has one")


def test_known_answers_are_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    known: documents.Known = {}
    text = "x = x\nx = x + 1"
    first = list(examine_document(open_document(text), known=known))
    monkeypatch.setattr(documents, "within", None)
    again = list(examine_document(open_document("\n" + text), known=known))
    moved = [replace(one, link=replace(one.link, line=one.link.line + 1)) for one in first if isinstance(one, Examined)]
    assert again == moved


def test_notes_stand_beside_their_lines_and_a_second_run_replaces_them() -> None:
    document = open_document(TEXT)
    once = annotated(TEXT, [*examined(TEXT), *document.problems])
    lines = once.splitlines()
    assert lines[:2] == TEXT.splitlines()[:2]
    assert lines[2].startswith("diff(f(x), x) = 2*x   # mine  #> proved: ")
    assert lines[5].startswith("x = x + (  #> not read: ")
    assert lines[6].startswith("f(x) = 2*x  #> refuted at x = ")
    again = open_document(once)
    assert [link.text for link in again.links] == [link.text for link in document.links]
    assert annotated(once, [*examined(once), *again.problems]) == once
    assert annotated(once, []) == TEXT


def test_annotating_touches_nothing_but_claims() -> None:
    text = "# x = x\r\n\r\n```symgrad\r\nx = x\r\n```\r\n#> not ours\r\ny = y"
    found = annotated(text, examined(text))
    assert found == text.replace("x = x\r\n```", "x = x  #> proved: polynomial normal form\r\n```")


EXAMPLE = """\
let w, b: real
let n: positive integer
let f(x) = tanh(w*x + b)
diff(f(x), x) = w*(1 - tanh(w*x + b)**2)
              = w/cosh(w*x + b)**2
limit(a**n, n, oo) = 0   where -1 < a < 1
product(1 + 1/k**2, k, 1, oo) = sinh(pi)/pi
abs(diff(sigmoid(x), x)) <= 1/4
"""
SIGNS = [(4, "1 - tanh", "1 + tanh"), (4, "x + b", "x - b"), (5, "x + b", "x - b"), (7, "1 + 1/k", "1 - 1/k")]


def test_the_example_of_the_command_is_proved() -> None:
    assert words(EXAMPLE) == ["proved"] * 5


@pytest.mark.parametrize(("line", "sign", "flipped"), SIGNS)
def test_a_flipped_sign_in_the_example_is_refuted_on_its_line(line: int, sign: str, flipped: str) -> None:
    lines = EXAMPLE.splitlines()
    assert sign in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(sign, flipped)
    found = [one for one in examined("\n".join(lines)) if isinstance(one, Examined)]
    refuted = [one.link.line for one in found if one.evidence.verdict is Verdict.REFUTED]
    assert line in refuted
