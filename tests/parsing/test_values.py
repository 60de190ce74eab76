"""Numbers, assignments, axes and lists of names are exact, or refused in one line."""

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symgrad.errors import InputError
from symgrad.parsing import (
    parse,
    parse_assignment,
    parse_axis,
    parse_constant,
    parse_names,
    parse_number,
    parse_point,
    parse_values,
)


@given(st.fractions())
def test_every_fraction_is_read_exactly(value: Fraction) -> None:
    assert parse_number(str(value)) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_is_read_exactly_from_its_text(value: float) -> None:
    assert float(parse_number(repr(value))) == value


def test_constants_that_are_not_rational_stay_trees() -> None:
    assert parse_constant("2*pi") == parse("2*pi")
    assert parse_constant("-sqrt(2)") == parse("-sqrt(2)")
    assert parse_values("-0.3, 1/3") == (Fraction(-3, 10), Fraction(1, 3))


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("nan", "not a finite number"),
        ("-inf", "not a finite number"),
        ("oo", "not a finite number"),
        ("Infinity", "not a finite number"),
        ("x", "'x' is a name"),
        ("pi", "not a rational number"),
        ("", "a number is missing"),
        ("1/0", "division by zero"),
        ("1e5000", "exponent"),
        ("sqrt(-1)", "not a real number"),
        ("sinn(1)", "unknown function"),
        ("1,2", "outside the arguments"),
    ],
)
def test_numbers_refused(text: str, part: str) -> None:
    with pytest.raises(InputError, match=part):
        parse_number(text)


def test_assignments() -> None:
    assert parse_assignment("w=5") == ("w", Fraction(5))
    assert parse_assignment(" lambda = -1/3") == ("lambda", Fraction(-1, 3))
    assert parse_assignment("w=[2,0.5,-3]") == ("w", (Fraction(2), Fraction(1, 2), Fraction(-3)))
    assert parse_assignment("w=[pi]") == ("w", (parse("pi"),))
    assert parse_point("w=5,b=-2.7") == {"w": Fraction(5), "b": Fraction(-27, 10)}


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("w", "'=' is missing"),
        ("=5", "a name is needed"),
        ("w=", "column 3 .*a number"),
        ("w=nan", "column 3 "),
        ("w=[1,nan]", "column 6 "),
        ("w=[]", "list is empty"),
        ("w=[1,]", "a number is missing"),
        ("w=[1", "never closed"),
        ("w=[1]2", "never closed"),
        ("w==5", "column 3 "),
        ("w=5=6", "out of place"),
        ("pi=3", "constant"),
        ("tanh=3", "function"),
        ("2w=3", "a name is needed"),
        ("__w=3", "begins with '__'"),
    ],
)
def test_assignments_refused(text: str, part: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_assignment(text)
    assert all(piece in str(caught.value) for piece in part.split(".*"))


def test_numbers_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "u.txt"
    path.write_text("1, -0.5\n\n1e-3 2\n")
    assert parse_assignment(f"u=@{path}") == ("u", (Fraction(1), Fraction(-1, 2), Fraction(1, 1000), Fraction(2)))


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"1\nnan\n", "line 2"),
        (b"1\n2 inf\n", "line 2"),
        (b"1e99999", "line 1"),
        (b"x", "line 1"),
        (b"\n", "holds no number"),
        (b"\xff\xfe", "not UTF-8"),
        (b"\x00", "line 1"),
    ],
)
def test_files_refused(tmp_path: Path, content: bytes, part: str) -> None:
    path = tmp_path / "u"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        parse_assignment(f"u=@{path}")
    assert part in str(caught.value)


@pytest.mark.parametrize("name", ["missing", "", "\0"])
def test_missing_files_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        parse_assignment(f"u=@{tmp_path}/{name}")


def test_axes() -> None:
    assert parse_axis("b=-6:-1:101") == ("b", Fraction(-6), Fraction(-1), 101)
    assert parse_axis("b = 0 : 2*pi") == ("b", Fraction(0), parse("2*pi"), None)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("b", "not an axis"),
        ("b=1", "not an axis"),
        ("b=1:2:3:4", "not an axis"),
        ("b=-1:-6", "low is not below high"),
        ("b=1:1", "low is not below high"),
        ("b=pi:pi", "low is not below high"),
        ("b=0:1:0", "count '0'"),
        ("b=0:1:1", "count '1'"),
        ("b=0:1:-5", "count '-5'"),
        ("b=0:1:2.5", "count '2.5'"),
        ("b=0:1:", "count ''"),
        ("b=:1", "column 3 "),
        ("b=0:nan", "column 5 "),
        ("b=0:x", "'x' is a name"),
    ],
)
def test_axes_refused(text: str, part: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_axis(text)
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_names() -> None:
    assert parse_names("x, y") == ("x", "y")
    for text in ["", "x,", "x,x", "x y", "1", "pi", "sin", "x+y", "x[k]"]:
        with pytest.raises(InputError):
            parse_names(text)


@pytest.mark.parametrize("text", ["w=5,w=6", "w", "w=5,", "w=5,b", "w=5;b=6"])
def test_points_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_point(text)
