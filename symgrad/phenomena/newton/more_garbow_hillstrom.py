"""Six problems of the standard collection for testing solvers, as symbolic residuals with their standard starts.

References
----------
J. J. Moré, B. S. Garbow & K. E. Hillstrom (1981), "Testing Unconstrained Optimization Software", *ACM Transactions on
Mathematical Software* 7:1, 17-41, sec. 3, with the numbers of that section.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """Residuals to be brought to 0 together, or their sum of squares to its least value.

    Parameters
    ----------
    number : the number in the collection
    name : its name there
    residuals : one text for each
    unknowns : the names of the unknowns
    start : the standard start
    minima : (least sum of squares, the point where it is reached) as the collection states them
    remark : what to know about the residuals
    """

    number: int
    name: str
    residuals: tuple[str, ...]
    unknowns: tuple[str, ...]
    start: tuple[float, ...]
    minima: tuple[tuple[float, tuple[float, ...]], ...]
    remark: str = ""


# The angle of the helical valley, as the collection defines it: a jump along x1 = 0, where it is not defined.
ANGLE = "(atan(x2/x1)/(2*pi) + (1 - sign(x1))/4)"

PROBLEMS = {
    problem.name: problem
    for problem in (
        Problem(
            1,
            "Rosenbrock",
            ("10*(x2 - x1**2)", "1 - x1"),
            ("x1", "x2"),
            (-1.2, 1.0),
            ((0.0, (1.0, 1.0)),),
        ),
        Problem(
            2,
            "Freudenstein and Roth",
            ("-13 + x1 + ((5 - x2)*x2 - 2)*x2", "-29 + x1 + ((x2 + 1)*x2 - 14)*x2"),
            ("x1", "x2"),
            (0.5, -2.0),
            ((0.0, (5.0, 4.0)), (48.9842, (11.41, -0.8968))),
            "a local minimum of the sum of squares that is no root",
        ),
        Problem(
            5,
            "Beale",
            ("3/2 - x1*(1 - x2)", "9/4 - x1*(1 - x2**2)", "21/8 - x1*(1 - x2**3)"),
            ("x1", "x2"),
            (1.0, 1.0),
            ((0.0, (3.0, 0.5)),),
            "at the start the derivatives in x1 all vanish; at (0, 1) the sum of squares has a saddle",
        ),
        Problem(
            7,
            "Helical valley",
            (f"10*(x3 - 10*{ANGLE})", "10*(sqrt(x1**2 + x2**2) - 1)", "x3"),
            ("x1", "x2", "x3"),
            (-1.0, 0.0, 0.0),
            ((0.0, (1.0, 0.0, 0.0)),),
            "the angle jumps by 1/2 across x1 = 0, where x2 is not positive by a whole turn",
        ),
        Problem(
            13,
            "Powell singular",
            ("x1 + 10*x2", "sqrt(5)*(x3 - x4)", "(x2 - 2*x3)**2", "sqrt(10)*(x1 - x4)**2"),
            ("x1", "x2", "x3", "x4"),
            (3.0, -1.0, 0.0, 1.0),
            ((0.0, (0.0, 0.0, 0.0, 0.0)),),
            "the Jacobian is singular at the root",
        ),
        Problem(
            14,
            "Wood",
            (
                "10*(x2 - x1**2)",
                "1 - x1",
                "sqrt(90)*(x4 - x3**2)",
                "1 - x3",
                "sqrt(10)*(x2 + x4 - 2)",
                "(x2 - x4)/sqrt(10)",
            ),
            ("x1", "x2", "x3", "x4"),
            (-3.0, -1.0, -3.0, -1.0),
            ((0.0, (1.0, 1.0, 1.0, 1.0)),),
        ),
    )
}
