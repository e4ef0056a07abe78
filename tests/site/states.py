"""The picture of the states of a connection, drawn from the tables that the code uses."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from tests.site.drawing import Drawing
from wsendpoints.protocol.state import RECEIVED, SENT, ConnectionState

__all__ = ["BESIDE", "EDGES", "PLACES", "draw", "staying"]

S = ConnectionState

TABLES: Final = ((SENT, "↑"), (RECEIVED, "↓"))


def told(event: str, arrow: str) -> str:
    """Return what a picture has room for."""
    return f"{arrow} {event.removeprefix('websocket.').removeprefix('http.')}"


EDGES: Final[Mapping[tuple[ConnectionState, ConnectionState], str]] = MappingProxyType(
    {
        (before, after): told(event, arrow)
        for table, arrow in TABLES
        for (before, event), after in table.items()
        if before is not after
    }
)
"""What leads from one state to another."""

BESIDE: Final[Mapping[tuple[ConnectionState, ConnectionState], str]] = MappingProxyType(
    {
        (S.ACCEPTING, S.OPEN): "it is sent",
        (S.OPEN, S.BROKEN): "a send is cut off",
    }
)
"""What leads to another state without an event, and so is in no table."""

PLACES: Final[Mapping[ConnectionState, tuple[float, float]]] = MappingProxyType(
    {
        S.CLOSED: (450, 45),
        S.DENYING: (110, 145),
        S.CONNECTING: (110, 255),
        S.HANDSHAKE: (280, 255),
        S.ACCEPTING: (450, 255),
        S.OPEN: (620, 255),
        S.BROKEN: (790, 255),
        S.DISCONNECTED: (450, 385),
    }
)
"""Where the middle of each is."""

WIDE: Final = 820
WIDTH: Final = 126
HEIGHT: Final = 52
LEFT: Final = 24


def staying(state: ConnectionState) -> Iterator[str]:
    """Yield the events that leave a state as it is."""
    for table, arrow in TABLES:
        for (before, event), after in table.items():
            if before is state and after is state:
                yield told(event, arrow)


def draw() -> str:
    """Return the picture."""
    drawing = Drawing(900, 440, "The states of a connection, and the events that lead to others")
    for state, (x, y) in PLACES.items():
        width = WIDE if state in (S.CLOSED, S.DISCONNECTED) else WIDTH
        below = ", ".join(staying(state))
        drawing.box(x, y, width, HEIGHT, state.name, *([below] if below else []))
    for edge, label in EDGES.items():
        _arrow(drawing, *edge, label, dashed=False)
    for edge, label in BESIDE.items():
        _arrow(drawing, *edge, label, dashed=True)
    drawing.text(
        450,
        432,
        "↑ an event that we send   ↓ an event that the server delivers",
        kind="soft",
        anchor="middle",
    )
    return str(drawing)


def _arrow(
    drawing: Drawing,
    before: ConnectionState,
    after: ConnectionState,
    label: str,
    *,
    dashed: bool,
) -> None:
    (x, y), (to_x, to_y) = PLACES[before], PLACES[after]
    if after in (S.CLOSED, S.DISCONNECTED):
        _to_an_end(drawing, before, after, label)
    elif y == to_y:
        middle = (x + to_x) / 2
        drawing.arrow((x + WIDTH / 2, y), (to_x - WIDTH / 2, to_y), dashed=dashed)
        drawing.text(middle, y - HEIGHT / 2 - 6, label, kind="soft", anchor="middle")
    else:
        # Around the corner: up, and then to the side.
        drawing.arrow((x - 30, y - HEIGHT / 2), (x - 30, to_y), (to_x + WIDTH / 2, to_y))
        drawing.text(to_x + WIDTH / 2 + 8, to_y - 6, label, kind="soft")


def _to_an_end(
    drawing: Drawing, before: ConnectionState, after: ConnectionState, label: str
) -> None:
    (x, y), (_, to_y) = PLACES[before], PLACES[after]
    if before is S.DENYING and after is S.DISCONNECTED:
        # On the left of what is below it.
        drawing.arrow((x - WIDTH / 2, y), (LEFT + 20, y), (LEFT + 20, to_y - HEIGHT / 2))
        drawing.text(LEFT + 26, y + 40, label, kind="soft")
        return
    side = 1 if to_y > y else -1
    drawing.arrow((x, y + side * HEIGHT / 2), (x, to_y - side * HEIGHT / 2))
    drawing.text(x + 7, to_y - side * (HEIGHT / 2 + 16) + 4, label, kind="soft")
