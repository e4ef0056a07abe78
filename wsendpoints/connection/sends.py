"""Which sends are under way: servers end them in any order."""

from typing import final

__all__ = ["Sends"]


@final
class Sends:
    """The sends of a connection that began within some time.

    Args:
        earlier: Those that began before.

    Attributes:
        under_way: How many of them have not ended.
    """

    __slots__ = ("_earlier", "under_way")

    def __init__(self, earlier: "Sends | None" = None) -> None:
        self.under_way: int = 0
        self._earlier = earlier

    @property
    def are_under_way(self) -> bool:
        """Whether any of them, or of the earlier ones, has not ended."""
        return self.under_way > 0 or self.earlier is not None

    @property
    def earlier(self) -> "Sends | None":
        """Those before, as long as any of them has not ended."""
        while self._earlier is not None and not self._earlier.under_way:
            self._earlier = self._earlier._earlier
        return self._earlier
