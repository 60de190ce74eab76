"""The text of a slice: which layers share one swept name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symgrad.errors import InputError
from symgrad.parsing import LayerRange, parse_slice, uncovered


def test_names_ranges_single_layers_and_blanks() -> None:
    found = parse_slice(" u = w[ 1 .. 3 ] + w[5] ,v=b[4..4]")
    assert found == {"u": (LayerRange("w", 1, 3), LayerRange("w", 5, 5)), "v": (LayerRange("b", 4, 4),)}
    assert list(map(str, found["u"])) == ["w[1..3]", "w[5]"]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "this is no slice (column 1 of '')"),
        ("u", "this is no slice"),
        ("u=", "a range of layers is needed here (column 3 of 'u=')"),
        ("u=w", "a range of layers is needed here"),
        ("u=w[1..3], ", "this is no slice (column 11"),
        ("u=w[..3]", "a range of layers is needed here"),
        ("u=w[1.5]", "a range of layers is needed here"),
        ("u=w[-1]", "a range of layers is needed here"),
        ("u=w[0..2]", "w[0..2] holds no layer (column 5"),
        ("u=w[4..3]", "w[4..3] holds no layer"),
        ("u=w[1], u=w[2]", "'u' is given twice (column 8"),
        ("u=w[1..3]+w[3..4]", "w[1..3] and w[3..4] share a layer"),
        ("u=w[1..9], v=w[2]", "w[1..9] and w[2] share a layer"),
        ("tanh=w[1]", "'tanh' is a function, not a variable"),
        ("pi=w[1]", "'pi' is a constant, not a variable"),
        ("1=w[1]", "a name is needed here (column 1"),
        ("u=1[1]", "a name is needed here (column 3"),
        ("__u=w[1]", "begins with '__'"),
        ("u=w[1]," * 3000, "at most 10000 characters"),
    ],
)
def test_what_is_no_slice_is_refused_in_one_line(text: str, part: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_slice(text)
    assert part in str(refused.value)
    assert "\n" not in str(refused.value)


@given(st.sets(st.integers(1, 30), min_size=1), st.integers(30, 40))
def test_covered_and_uncovered_layers_are_all_layers(covered: set[int], depth: int) -> None:
    ties = parse_slice("u=" + "+".join(f"w[{k}]" for k in covered))
    left = {k for one in uncovered(ties, "w", depth) for k in range(one.first, one.last + 1)}
    assert left | covered == set(range(1, depth + 1))
    assert not left & covered
