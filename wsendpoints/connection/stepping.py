"""Running an awaitable by hand: up to its first wait, and then on from there.

What it waits for is passed up to the event loop as it is, and what comes back is passed down: this
is the same on asyncio and trio, which give it different meanings.
"""

import types
from collections.abc import Generator
from typing import Any, Final

__all__ = ["DONE", "resume"]

DONE: Final = object()
"""What to give `next` as its default, to see that an awaitable ended without having to wait.

`next(awaitable.__await__(), DONE)` is the cheapest way to run one: no exception tells of its end.
"""


@types.coroutine
def resume(steps: Any, trap: Any) -> Generator[Any, Any, None]:
    """Run to its end an awaitable that has begun, and has to wait.

    Args:
        steps: The iterator of its `__await__`.
        trap: What it yielded: what it waits for.
    """
    try:
        while True:
            try:
                answer = yield trap
            except GeneratorExit:
                # An awaitable that isn't written in Python may have no way to be told.
                if hasattr(steps, "close"):
                    steps.close()
                raise
            except BaseException as exc:
                if not hasattr(steps, "throw"):
                    raise
                trap = steps.throw(exc)
            else:
                # An awaitable that isn't written in Python may have no `send`.
                if answer is None:
                    trap = next(steps)
                    continue
                try:
                    trap = steps.send(answer)
                finally:
                    # trio's may hold an exception, whose traceback holds this frame.
                    del answer
    except StopIteration:
        return
