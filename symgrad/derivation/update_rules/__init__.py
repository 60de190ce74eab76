"""Update rules as maps: one decorated formula each, from which derivative, singular set and order are derived."""

from symgrad.derivation.update_rules import minima as minima
from symgrad.derivation.update_rules import roots as roots
from symgrad.derivation.update_rules import systems as systems
from symgrad.derivation.update_rules.applying import Update, update
from symgrad.derivation.update_rules.entering import Problem
from symgrad.derivation.update_rules.orders import Order
from symgrad.derivation.update_rules.registry import (
    UPDATE_RULES,
    LinearStep,
    Target,
    Unknowns,
    UpdateRule,
    unregister,
    update_rule,
)
from symgrad.derivation.update_rules.solved_systems import SystemOrder

__all__ = [
    "UPDATE_RULES",
    "LinearStep",
    "Order",
    "Problem",
    "SystemOrder",
    "Target",
    "Unknowns",
    "Update",
    "UpdateRule",
    "unregister",
    "update",
    "update_rule",
]
