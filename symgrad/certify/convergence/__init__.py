"""Certificates of convergence: from this start Newton's method converges to the root in this ball."""

from symgrad.certify.convergence.certificates import Certificate
from symgrad.certify.convergence.contraction_near_root import interval_newton
from symgrad.certify.convergence.kantorovich_theorem import kantorovich
from symgrad.certify.convergence.newton_paths import best_certificate
from symgrad.certify.convergence.smale_theorem import smale_alpha

__all__ = ["Certificate", "best_certificate", "interval_newton", "kantorovich", "smale_alpha"]
