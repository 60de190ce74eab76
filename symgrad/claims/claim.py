"""``Claim`` and ``check``: one door through which every statement passes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sympy import Expr, Symbol

from symgrad.claims.examination import examine_link
from symgrad.claims.statement import Statement, read_statement, state_comparison
from symgrad.errors import InputError
from symgrad.evidence import Evidence, Verdict

_WEAKEST_LAST = (Verdict.PROVED, Verdict.CERTIFIED, Verdict.SUPPORTED, Verdict.UNDECIDED, Verdict.REFUTED)


@dataclass(frozen=True)
class Claim:
    """A statement that can be examined: ``Claim("text")`` or ``Claim(lhs, "<=", rhs, where=("x > 0",))``.

    It is never made from a SymPy relation, which evaluates itself away. Text may be a chain, ``a = b <= c``, and end in
    ``where COND[, COND]``; it may contain ``diff(e, x[, order])``. Names are real unless ``symbols`` says otherwise.

    Parameters
    ----------
    lhs : the whole claim as text; or its left side, an expression, a number or text
    relation : one of ``= != < <= > >=``, where ``lhs`` is a side
    rhs : the right side
    where : conditions, each text or (lhs, relation, rhs)
    symbols : name → symbol, for symbols that are not just real, such as a positive integer n

    Raises
    ------
    InputError : the text cannot be read, or a side is no expression

    Examples
    --------
    >>> Claim("diff(tanh(x), x) = 1 - tanh(x)**2").examine().verdict.word
    'proved'
    >>> Claim("x/x = 1").examine().domain
    ('x != 0',)
    >>> found = Claim("diff(atan(x), x) = 1/(1 + x)").examine()
    >>> found.verdict.word, found.witness
    ('refuted', {'x': '1/2'})
    """

    lhs: Any
    relation: str | None = None
    rhs: Any = None
    where: Any = ()
    symbols: Mapping[str, Symbol] = field(default_factory=dict, hash=False)
    statement: Statement = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        conditions = (self.where,) if isinstance(self.where, str) else tuple(self.where)
        if self.relation is None and self.rhs is None:
            if not isinstance(self.lhs, str):
                raise InputError(
                    f"a claim needs text or three parts, got one {type(self.lhs).__name__}; a SymPy relation evaluates "
                    'itself away, so give lhs, "=", rhs'
                )
            statement = read_statement(self.lhs, conditions, self.symbols)
        elif self.relation is None or self.rhs is None:
            raise InputError('a claim of two sides needs lhs, relation and rhs, e.g. Claim(lhs, "=", rhs)')
        else:
            statement = state_comparison(self.lhs, self.relation, self.rhs, where=conditions, symbols=self.symbols)
        object.__setattr__(self, "where", conditions)
        object.__setattr__(self, "statement", statement)

    @property
    def text(self) -> str:
        """The statement as text."""
        return self.statement.text

    def links(self, seed: int = 0) -> tuple[Evidence, ...]:
        """Examine each relation of the chain by itself.

        >>> [link.verdict.word for link in Claim("x**2 - 1 = (x - 1)*(x + 1) = x**2").links()]
        ['proved', 'refuted']
        """
        return tuple(examine_link(self.statement, link, seed) for link in self.statement.links)

    def examine(self, seed: int = 0) -> Evidence:
        """Try to refute the claim, then to prove it; a chain is as good as its weakest link.

        Parameters
        ----------
        seed : seed of the points at which a refutation is tried

        Returns
        -------
        Evidence
            Proved only by an exact argument, on ``domain``; refuted only at a point, the ``witness``, where ball
            arithmetic excludes the relation.
        """
        links = self.links(seed)
        worst = max(links, key=lambda link: _WEAKEST_LAST.index(link.verdict))
        methods = dict.fromkeys(link.method for link in links if link.verdict is worst.verdict)
        method = "; ".join(methods) if worst.verdict is not Verdict.REFUTED else worst.method
        if len(links) > 1 and worst.verdict in (Verdict.REFUTED, Verdict.UNDECIDED):
            method = f"{worst.claim}: {worst.method}"
        return Evidence(self.text, worst.verdict, method, worst.witness, self.statement.domain)


def check(lhs: str | Expr | int, rhs: Any = None, *, relation: str = "=", where: Any = ()) -> Evidence:
    """Examine a claim given as text, or as two sides and a relation.

    >>> check("sin(x)**2 + cos(x)**2 = 1").method
    'trigonometric normal form'
    >>> check("x**2", "x*abs(x)").witness
    {'x': '-1'}
    >>> check("sqrt(x**2) = x", where="x > 0").verdict.word
    'proved'
    """
    claim = Claim(lhs, where=where) if rhs is None else Claim(lhs, relation, rhs, where=where)
    return claim.examine()
