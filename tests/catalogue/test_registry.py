"""What may enter the registry, and what is refused when it tries."""

import pytest

from symgrad.catalogue import Scale, analysis, find, registered
from symgrad.catalogue.registry import check_definition
from symgrad.errors import RegistryError


def test_a_function_of_a_session_is_registered_and_may_be_defined_again() -> None:
    source = """
@analysis(question="Does it?", reference="Nobody (1900)")
def typed_into_a_session(scale):
    '''It does.'''
"""
    for _ in range(2):
        exec(compile(source, "<stdin>", "exec"), {"analysis": analysis})
    found = find("typed_into_a_session")
    assert (found.question, found.finding, found.path) == ("Does it?", "It does.", None)
    assert registered()["typed_into_a_session"] is found


@pytest.mark.parametrize(
    ("name", "question", "reference", "finding", "says"),
    [
        ("good", " ", "Nobody (1900)", "It does.", "empty question"),
        ("good", "Does it?", "", "It does.", "empty reference"),
        ("good", "Does it?", "Nobody (1900)", "\n", "no docstring"),
        ("not-good", "Does it?", "Nobody (1900)", "It does.", "letters, digits and _"),
        ("README", "Does it?", "Nobody (1900)", "It does.", "rename the file"),
    ],
)
def test_an_incomplete_definition_is_refused(name: str, question: str, reference: str, finding: str, says: str) -> None:
    with pytest.raises(RegistryError, match=says):
        check_definition(name, question, reference, finding)


def test_a_function_without_the_scale_is_refused() -> None:
    source = "@analysis(question='Does it?', reference='Nobody (1900)')\ndef no_scale():\n    'It does.'"
    with pytest.raises(RegistryError, match="one argument, the scale"):
        exec(compile(source, "<stdin>", "exec"), {"analysis": analysis})
    assert "no_scale" not in registered()


def test_the_scales() -> None:
    assert (Scale.QUICK.name, Scale.QUICK.points, Scale.QUICK.quick) == ("quick", 41, True)
    assert (Scale.FULL.name, Scale.FULL.points, Scale.FULL.quick) == ("full", 201, False)
    with pytest.raises(AttributeError, match="cannot assign"):
        Scale.FULL.points = 3  # type: ignore[misc]
