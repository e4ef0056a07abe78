"""`broadcast` and `close_group`: what code that is not async does with a group."""

import asyncio
from functools import partial
from time import monotonic
from typing import Any, TypeVar, overload

from wsendpoints.django.starting import started
from wsendpoints.groups.group import Group
from wsendpoints.groups.groups import Excluded, Groups
from wsendpoints.protocol.close_codes import CloseCode, check_close_code
from wsendpoints.protocol.exceptions import InvalidStateError

__all__ = ["broadcast", "close_group"]

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
    _check_thread("broadcast")
    ends_at = monotonic() + timeout
    with started(groups, timeout):
        remaining = max(0.0, ends_at - monotonic())
        return groups.broadcast_from_thread(group, message, exclude=exclude, timeout=remaining)


def close_group(
    groups: Groups,
    group: Group[Any] | str,
    code: int = CloseCode.NORMAL_CLOSURE,
    reason: str = "",
    *,
    timeout: float = 10.0,
) -> int:
    """Close the connections of all members of a group, as to sign out a user.

    ```python
    @receiver(user_logged_out)
    def sign_out(sender: Any, user: Any, **_: Any) -> None:
        if user is not None:
            close_group(groups, f"user.{user.pk}", 4401, "signed out")
    ```

    It is for the same code as `broadcast`.

    Args:
        groups: The groups.
        group: The group.
        code: The close code.
        reason: The reason.
        timeout: Seconds that it may take.

    Returns:
        How many of the members were this process's.

    Raises:
        InvalidStateError: As for `broadcast`.
        BackplaneError: Those in other processes may not be closed.
        TimeoutError: It took longer; they may be closed or not.
        ValueError: It is no code that an application may close with.
    """
    _check_thread("close")
    check_close_code(code)
    ends_at = monotonic() + timeout
    with started(groups, timeout):
        token = groups._members.token  # pyright: ignore[reportPrivateUsage]  # as `broadcast_from_thread`
        if token is None or token.is_over:
            # Nobody has joined a group of this process.
            return 0
        remaining = max(0.0, ends_at - monotonic())
        return token.run(partial(groups.close, group, code, reason), remaining)


def _check_thread(name: str) -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise InvalidStateError(
        "this thread runs an event loop, which would wait for itself: use `await "
        f"groups.{name}(...)`"
    )
