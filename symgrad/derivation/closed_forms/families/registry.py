"""The registry of families: a decorated function that recognises a map is enough to give it closed forms."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from symgrad.derivation.closed_forms.induction import Branch
from symgrad.errors import RegistryError
from symgrad.maps import Map

Recogniser = Callable[[Map], tuple[Branch, ...]]


@dataclass(frozen=True)
class Family:
    """A family of maps whose n-fold composition is known.

    Parameters
    ----------
    name : its name in the literature
    sentence : what it is, the first line of its docstring
    dimensions : the numbers of components its maps may have
    branches : gives the proved branches of a map, the general one first; none for a map outside the family
    """

    name: str
    sentence: str
    dimensions: tuple[int, ...]
    branches: Recogniser


_FAMILIES: dict[str, Family] = {}
FAMILIES: Mapping[str, Family] = MappingProxyType(_FAMILIES)


def family(name: str, *, dimensions: tuple[int, ...] = (1,)) -> Callable[[Recogniser], Recogniser]:
    """Register the decorated function as the recogniser of a family; families are tried in order of registration.

    Raises
    ------
    RegistryError : a name that is taken, or a function without a docstring

    Examples
    --------
    >>> @family("nothing")
    ... def nothing(f): ...
    Traceback (most recent call last):
    ...
    symgrad.errors.RegistryError: the family 'nothing' has no docstring; write one sentence that says what it is
    """

    def register(recogniser: Recogniser) -> Recogniser:
        if name in _FAMILIES:
            raise RegistryError(f"a family named {name!r} exists already; choose another name")
        sentence = (inspect.getdoc(recogniser) or "").strip().partition("\n")[0]
        if not sentence:
            raise RegistryError(f"the family {name!r} has no docstring; write one sentence that says what it is")
        _FAMILIES[name] = Family(name, sentence, dimensions, recogniser)
        return recogniser

    return register


def all_or_none(*found: Branch | None) -> tuple[Branch, ...]:
    """Return the branches if each of them was proved, else none: a closed form with a branch missing is none."""
    return () if any(b is None for b in found) else tuple(b for b in found if b is not None)
