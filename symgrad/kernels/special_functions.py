"""scipy.special, imported when one of its functions is first used: at start-up it would cost a quarter of a second."""

from typing import Any


class _Special:
    """Looks up the functions of scipy.special by name."""

    def __getattr__(self, name: str) -> Any:
        from scipy import special

        return getattr(special, name)


special = _Special()
