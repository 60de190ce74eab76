"""What becomes of a product as factors are added, decided from its general term."""

from symgrad.derivation.products.decision import product_limit
from symgrad.derivation.products.product_limits import ProductLimit

__all__ = ["ProductLimit", "product_limit"]
