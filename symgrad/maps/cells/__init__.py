"""Cells: one step of a dense, residual, gated or normalising layer, of any width and in scalars."""

from symgrad.maps.cells import feedforward as feedforward
from symgrad.maps.cells import normalising as normalising
from symgrad.maps.cells import recurrent as recurrent
from symgrad.maps.cells.definition import Cell
from symgrad.maps.cells.equations import (
    Complement,
    Elementwise,
    Equation,
    Factor,
    FactorKind,
    Normalised,
    Sum,
    Summand,
)
from symgrad.maps.cells.jacobians import DepthJacobian, Jacobian, JacobianBlock, Path
from symgrad.maps.cells.registry import CELLS, CellRow, Units, cell, register, unregister_cell

__all__ = [
    "CELLS",
    "Cell",
    "CellRow",
    "Complement",
    "DepthJacobian",
    "Elementwise",
    "Equation",
    "Factor",
    "FactorKind",
    "Jacobian",
    "JacobianBlock",
    "Normalised",
    "Path",
    "Sum",
    "Summand",
    "Units",
    "cell",
    "register",
    "unregister_cell",
]
