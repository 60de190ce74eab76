"""The verdicts that points alone can give."""

from symgrad.claims.conditions import Comparison
from symgrad.claims.points import shown
from symgrad.claims.statement import Statement
from symgrad.claims.trials import DEEPEST_BITS, Findings
from symgrad.evidence import Evidence, Verdict

ENOUGH = 20


def refutation(statement: Statement, link: Comparison, found: Findings) -> Evidence:
    """Return the verdict where a point refutes a comparison, or where no point has both sides defined."""
    if found.refuting is not None:
        return Evidence(link.text, Verdict.REFUTED, found.values, shown(found.refuting), statement.domain)
    words = "no point was found where both sides are defined and the conditions hold"
    return Evidence(link.text, Verdict.UNDECIDED, words, None, statement.domain)


def verdict_of_points(statement: Statement, link: Comparison, found: Findings, varies: bool, seed: int) -> Evidence:
    """Return the verdict where there is neither a refutation nor a proof; ``varies`` where there are variables."""

    def evidence(verdict: Verdict, method: str) -> Evidence:
        return Evidence(link.text, verdict, method, None, statement.domain)

    if not varies and found.agreeing:
        if link.relation != "=":
            return evidence(Verdict.CERTIFIED, "balls of both sides")
        return evidence(Verdict.SUPPORTED, f"the sides agree to {DEEPEST_BITS * 3 // 10} digits")
    if found.agreeing >= ENOUGH:
        return evidence(Verdict.SUPPORTED, f"it held at {found.agreeing} points (seed {seed})")
    return evidence(Verdict.UNDECIDED, f"only {found.agreeing} points could be decided (seed {seed})")
