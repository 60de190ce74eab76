"""Files of claims are read line by line: chains, fences, definitions, kinds; what is wrong has its line and column."""

import pytest

from symgrad.parsing import parse, unparse
from symgrad.parsing.assumptions import KINDS, contradiction
from symgrad.parsing.definitions import MAX_PARTS
from symgrad.parsing.documents import Document, read_document
from symgrad.parsing.fences import claim_lines, has_fence

OPERATORS = {"diff": (2, 3), "limit": (3,), "sum": (4,), "product": (4,), "iterate": (3,), "sigmoid": (1,)}
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


def read(text: str) -> Document:
    return read_document(text, OPERATORS)


def sides(text: str) -> list[str]:
    document = read(text)
    assert document.problems == ()
    return [f"{link.lhs} {link.relation} {link.rhs}" for link in document.links]


def problems(text: str) -> list[tuple[int, int]]:
    return [(problem.line, problem.column) for problem in read(text).problems]


def test_the_example_of_the_command_is_read_completely() -> None:
    document = read(EXAMPLE)
    assert document.problems == ()
    assert [(link.line, link.column) for link in document.links] == [(4, 1), (5, 17), (6, 1), (7, 1), (8, 1)]
    first, second, limit, _, bound = document.links
    assert first.lhs == "diff(tanh(w*x + b), x)"
    assert second.text == "w*(1 - tanh(w*x + b)**2) = w/cosh(w*x + b)**2"
    assert limit.where == ("-1 < a", "a < 1")
    assert dict(limit.kinds) == {"n": KINDS["positive integer"]}
    assert bound.relation == "<="
    assert document.undeclared == ("a", "x")


def test_a_chain_goes_on_over_lines_comments_and_blank_lines() -> None:
    text = "a = b = c  # first\n# between\n\n  <= d\n  where a > 0\ne = e"
    document = read(text)
    assert [(link.line, link.relation, link.where) for link in document.links] == [
        (1, "=", ("a > 0",)),
        (1, "=", ("a > 0",)),
        (4, "<=", ("a > 0",)),
        (6, "=", ()),
    ]


def test_only_the_fences_of_a_markdown_file_are_read() -> None:
    text = "# Title\n\nx = nonsense (\n\n```symgrad\nlet c: positive\nx = x\n```\n\n~~~ symgrad\n= y\nc = c\n~~~\n"
    assert has_fence(text)
    assert [line.number for line in claim_lines(text)] == [6, 7, 11, 12]
    document = read(text)
    assert [link.line for link in document.links] == [7, 12]
    assert problems(text) == [(11, 1)]


def test_a_fence_shown_inside_another_one_is_prose() -> None:
    assert claim_lines("````markdown\n```symgrad\nx = x\n```\n````\n```python\n```\n```symgrad\ny = y\n")[0].number == 9


def test_arguments_are_put_in_place_at_once_and_in_the_tree() -> None:
    assert sides("let f(x, y) = x - y**2\nf(y, x + 1) = 0") == ["y - (x + 1)**2 = 0"]
    assert sides("let s(x) = x + 1\n2*s(a)**2 = 0") == ["2*(a + 1)**2 = 0"]
    assert sides("let f(x) = x**2\nlet g(x) = f(f(x))\ng(b) = b**4") == ["(b**2)**2 = b**4"]
    assert sides("let f(x) = w*x\niterate(f, 3, x) = w**3*x") == ["iterate(w*x, 3, x) = w**3*x"]


def test_operators_in_a_definition_keep_their_variable() -> None:
    step = "let F(x) = x**2 - a\nlet N(x) = x - F(x)/diff(F(x), x)\n"
    assert sides(step + "N(y) = y") == ["y - (y**2 - a)/diff(y**2 - a, y) = y"]
    assert sides("let S(k) = sum(k**2, k, 1, k)\nS(m) = 0") == ["sum(k**2, k, 1, m) = 0"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("let g(x) = sum(k*x, k, 1, 3)\ng(k) = 0", (2, 1)),
        ("let h(x) = diff(x*u, u)\nh(u) = u", (2, 1)),
        ("let h(x, y) = diff(x*y, x)\nh(t, t) = t", (2, 1)),
        ("let h(x) = diff(x**2*t, x)\n1 + h(t) = t", (2, 5)),
        ("let h(x) = diff(x**2, x)\nh(2) = 4", (2, 1)),
        ("let h(x) = diff(x**2, x)\nh(pi) = 4", (2, 1)),
        ("let f(x) = w*x\niterate(f, 2, w) = w**3", (2, 1)),
        ("let f(x, y) = x*y\niterate(f, 2, x) = x", (2, 1)),
        ("let f(x) = x*x\niterate(f, 2, 3) = 81", (2, 1)),
        ("let f(x) = w*x\nlet g(w) = f(2) + w\ng(3) = 9", (2, 12)),
    ],
)
def test_no_argument_is_taken_for_another_variable(text: str, place: tuple[int, int]) -> None:
    assert problems(text)[0] == place


def test_a_tree_that_grows_without_bound_is_refused() -> None:
    doubling = "\n".join(f"let f{i + 1}(x) = f{i}(x) + f{i}(x + 1)" for i in range(40))
    document = read(f"let f0(x) = x*x\n{doubling}\nf3(x) = 0\nf39(x) = 0")
    assert [link.line for link in document.links] == [42]
    assert f"more than {MAX_PARTS} parts" in document.problems[0].message
    assert document.problems[-1].line == 43


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("x +* 2 = 3", (1, 4), "something is missing"),
        ("x = x\n  x + (y = 2", (2, 10), "is out of place"),
        ("x", (1, 1), "a relation is missing"),
        ("x = ", (1, 4), "an expression is missing"),
        ("= 3", (1, 1), "continues no chain"),
        ("let x: reel", (1, 8), "is no kind"),
        ("let x", (1, 4), "declares nothing"),
        ("let 2: real", (1, 5), "a name is needed"),
        ("let n: integer\nlet m, n: real", (2, 8), "declared already, n: integer on line 1"),
        ("x = x\nlet x: positive", (2, 5), "taken as real on line 1"),
        ("let f(x) = x\nlet f(y) = y", (2, 5), "defined already, on line 1"),
        ("let f(x) = f(x - 1)", (1, 12), "its own definition"),
        ("let f(x) = iterate(f, 2, x)", (1, 12), "its own definition"),
        ("let f(x, x) = x", (1, 5), "given twice"),
        ("let f(w) = w[k]", (1, 12), "used as w[k]"),
        ("let sin(x) = x", (1, 5), "is a function"),
        ("let diff(x) = x", (1, 5), "a function that symgrad knows"),
        ("let h = 1/2", (1, 5), "a function is needed"),
        ("f(x) = x", (1, 1), "unknown function 'f'"),
        ("let f(x) = x\n2*f(x, y) = x", (2, 3), "takes 1 argument, got 2"),
        ("x = x where x > 0 where y > 0", (1, 19), "'where' occurs twice"),
        ("x = x where x", (1, 12), "a condition is needed"),
        ("x = x where x: some", (1, 16), "is no kind"),
        ("w = w[k]", (1, 1), "used both as w and as w[k]"),
        ("x = " + "1 + " * 25_000 + "1", (1, 1), "at most 10000 are read"),
        ("x = \udcff", (1, 5), "save the file as UTF-8"),
    ],
)
def test_what_cannot_be_read_has_a_line_and_a_column(text: str, place: tuple[int, int], words: str) -> None:
    found = read(text + "\n\n1 < 2\n")
    assert words in found.problems[0].message
    assert (found.problems[0].line, found.problems[0].column) == place
    assert found.links[-1].text == "1 < 2"


def test_what_rests_on_a_line_that_cannot_be_used_is_not_examined() -> None:
    assert problems("let q: reel\nq = q\np = p") == [(1, 8), (2, 1)]
    assert problems("let f(x) = x +\n2*f(1) = 2") == [(1, 14), (2, 3)]
    assert problems("let n: integer\nlet n: real\nn = n") == [(2, 5), (3, 1)]
    assert problems("a = b\n = c where a <") == [(1, 1), (2, 15)]
    assert problems("a = (\n  = b\n  = c") == [(1, 5), (2, 3)]
    assert [link.text for link in read("a = (\n  = b\n  = c").links] == ["b = c"]


@pytest.mark.parametrize(
    "text",
    [
        "let x: positive\nx = x where x < 0",
        "let x: positive\nx = x where x <= 0",
        "let x: nonzero\nx = x where x = 0",
        "let n: integer\nn = n where 0 < n < 1",
        "x = x where x > 1, x < 0",
        "x = x where x: integer, x = 1/2",
        "let x: positive\nx = x\n  = x where x = -1",
    ],
)
def test_contradictory_assumptions_are_named(text: str) -> None:
    found = read(text)
    assert found.links == ()
    assert "contradict one another" in found.problems[-1].message


def test_the_message_of_a_contradiction_names_the_line_of_the_let() -> None:
    message = read("let x: positive\nx = x where x < 0").problems[0].message
    assert "no x satisfies x: positive (line 1) and x < 0" in message


@pytest.mark.parametrize("condition", ["x > 0", "x >= 0", "x != 0", "1 < x <= 1.5", "x > pi", "x = y"])
def test_assumptions_that_agree_are_no_contradiction(condition: str) -> None:
    assert problems(f"let x: positive\nx = x where {condition}") == []
    assert contradiction({}, [(parse("x"), ">=", parse("0")), (parse("0"), ">=", parse("x"))]) is None


def test_kinds_after_where_hold_for_their_chain_alone() -> None:
    document = read("let n: positive\nn = n where n: integer\nn = n\nm = m where m: integer\nm + z = m + z")
    assert [dict(link.kinds) for link in document.links] == [
        {"n": KINDS["positive integer"]},
        {"n": KINDS["positive"]},
        {"m": KINDS["integer"]},
        {},
    ]
    assert document.undeclared == ("m", "z")


def test_what_counts_is_a_positive_integer_and_an_index_needs_no_kind() -> None:
    document = read("sum(j, j, 1, N) = N*(N + 1)/2\n  = (N**2 + N)/2")
    assert document.undeclared == ()
    assert [dict(link.kinds) for link in document.links] == [{"N": KINDS["positive integer"]}] * 2


def test_the_texts_of_a_link_read_back() -> None:
    for link in read(EXAMPLE).links:
        assert unparse(parse(link.lhs)) == link.lhs
        assert unparse(parse(link.rhs)) == link.rhs
