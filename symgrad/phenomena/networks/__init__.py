"""Networks of cells in numbers: steps and Jacobians at any width for many members, and their random weights."""
