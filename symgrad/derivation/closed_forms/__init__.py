"""Closed forms of n-fold compositions: families, recognised and proved by induction."""

from symgrad.derivation.closed_forms.recognition import ClosedForm, closed_form

__all__ = ["ClosedForm", "closed_form"]
