"""What servers do with an illegal event, for the error that refuses it."""

from wsendpoints.testing.faults import Fault
from wsendpoints.testing.measured import FACTS

__all__ = ["consequence_of"]


def consequence_of(fault: Fault, server: str | None) -> str:
    """Return what a server does with such an event: `"hypercorn-trio exits"`.

    Args:
        fault: What is wrong with the event.
        server: The name of the server; `None` for all that were measured.
    """
    measured = {name: facts.illegal_events.get(fault) for name, facts in FACTS.items()}
    if server is None:
        names_by_consequence: dict[str, list[str]] = {}
        for name, does in measured.items():
            if does is not None:
                names_by_consequence.setdefault(does, []).append(name)
        each = (f"{', '.join(names)}: {does}" for does, names in names_by_consequence.items())
        return f"what servers do: {'; '.join(each)}"
    for name, does in measured.items():
        if name == server and does is not None:
            return f"{server} {does}"
    return f"what {server} does was not measured"
