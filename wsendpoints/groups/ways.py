"""How groups reach their members: within one process, or over all that share a backplane."""

from wsendpoints.backplanes.backplane import Backplane
from wsendpoints.backplanes.logs import Logs
from wsendpoints.backplanes.memory import MemoryBackplane
from wsendpoints.connection.outbox import Overflow
from wsendpoints.groups.direct import Direct
from wsendpoints.groups.group import shown
from wsendpoints.groups.members import Members
from wsendpoints.groups.sharing import Sharing
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["way_of"]


def way_of(members: Members, backplane: Backplane | None, overflow: Overflow) -> Direct | Sharing:
    """Return how groups reach their members.

    Args:
        members: The members in this process.
        backplane: What connects the processes; `None` for one process.
        overflow: That of the groups that are plain strings.

    Raises:
        ConfigurationError: It is no backplane.
    """
    if backplane is not None and not isinstance(backplane, Backplane):  # pyright: ignore[reportUnnecessaryIsInstance]  # looked at here
        raise ConfigurationError(
            f"Groups takes a backplane, as in `Groups(LocalBackplane())`, not {shown(backplane)}"
        )
    if backplane is None or (isinstance(backplane, MemoryBackplane) and not backplane.is_shared):
        return Direct(members, Logs() if backplane is None else backplane.logs, overflow)
    return Sharing(members, backplane, overflow)
