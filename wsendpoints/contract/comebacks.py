"""What a client does after each close code: whether it comes back, and when."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias, get_args

from wsendpoints.contract.description import Closing
from wsendpoints.protocol.limits import OUTCOMES
from wsendpoints.protocol.servers import DAPHNES_OFFSET

__all__ = ["Comeback", "comeback_after", "comeback_of"]

Comeback: TypeAlias = Literal["retry", "later", "token", "never"]
"""It comes back; after a longer time; once, with a new token; or never."""

_CAREFUL: Final[Sequence[Comeback]] = get_args(Comeback)
"""The least careful one first."""

_CODES: Final[Mapping[int, Comeback]] = {
    1001: "later",
    1005: "retry",
    1006: "retry",
    1011: "retry",
    1012: "later",
    1013: "later",
    1014: "retry",
    3000: "token",
    4401: "token",
    4408: "retry",
    4429: "later",
    **dict.fromkeys(range(4500, 4600), "retry"),
    4503: "later",
}
"""The codes that clients come back after. 44xx and 45xx are status codes of HTTP, plus 4000."""


def comeback_after(code: int) -> Comeback:
    """Return what a client does after a code of which its class says nothing.

    All that is in no table was said on purpose, and would be said again.
    """
    if 0 < code - 1000 - DAPHNES_OFFSET <= 15:
        code -= DAPHNES_OFFSET
    return _CODES.get(code, "never")


def comeback_of(closing: Closing) -> Comeback:
    """Return what a client does after a code of a class: the most careful of what its causes ask.

    Over its rate, a client comes back later, even if the code is that of mistakes, too.
    """
    found: list[Comeback] = [_after_limit(it) for it in closing.limits]
    if len(closing.causes) > len(closing.limits):
        found.append(comeback_after(closing.code))
    return max(found, key=_CAREFUL.index)


def _after_limit(limit: str) -> Comeback:
    return "later" if limit == "rate" else comeback_after(OUTCOMES[limit].code)
