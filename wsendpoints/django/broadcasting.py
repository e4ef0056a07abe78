"""`broadcast`: a message to the members of a group, from code that is not async."""

import asyncio
from time import monotonic
from typing import Any, TypeVar, overload

from wsendpoints.django.starting import started
from wsendpoints.groups.group import Group
from wsendpoints.groups.groups import Excluded, Groups
from wsendpoints.protocol.exceptions import InvalidStateError

__all__ = ["broadcast"]

M = TypeVar("M")


@overload
def broadcast(
    groups: Groups,
    group: Group[M],
    message: M,
    *,
    exclude: Excluded = None,
    timeout: float = 10.0,
) -> int: ...
@overload
def broadcast(
    groups: Groups, group: str, message: Any, *, exclude: Excluded = None, timeout: float = 10.0
) -> int: ...


def broadcast(
    groups: Groups,
    group: Group[Any] | str,
    message: Any,
    *,
    exclude: Excluded = None,
    timeout: float = 10.0,
) -> int:
    """Send a message to all members of a group, and wait until it is published.

    ```python
    def post(request: HttpRequest, room: str) -> HttpResponse:
        line = Line.objects.create(room=room, text=request.POST["text"])
        transaction.on_commit(lambda: broadcast(groups, Room(room), Said(text=line.text)))
        return HttpResponse(status=204)
    ```

    It is for sync views, receivers of signals, commands of `manage.py`, workers of Celery's, and
    handlers that are plain functions: for any thread that runs no event loop. Where the process
    serves WebSockets, the event loop of these does it. Where it does not, the first call has a
    thread start the groups, in which they take part until the process ends.

    Without a backplane groups are those of one process, so that from any other this reaches nobody.

    Args:
        groups: The groups.
        group: The group.
        message: The message.
        exclude: As for `Groups.broadcast`.
        timeout: Seconds that it may take.

    Returns:
        How many clients of this process it was sent to, or waits for.

    Raises:
        InvalidStateError: This thread runs an event loop: await `groups.broadcast`. Or the groups
            were started before this process was forked.
        BackplaneError: The backplane can't be reached: other processes may not have got it.
        TimeoutError: It took longer; it may have been published or not.
        ConfigurationError: As for `Groups.broadcast`.
        ValueError: As for `Groups.broadcast`.
    """
    if _runs_event_loop():
        raise InvalidStateError(
            "this thread runs an event loop, which would wait for itself: use `await "
            "groups.broadcast(...)`"
        )
    began_at = monotonic()
    with started(groups, timeout):
        remaining = max(0.0, timeout - (monotonic() - began_at))
        return groups.broadcast_from_thread(group, message, exclude=exclude, timeout=remaining)


def _runs_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
