"""Methods that need something around them: a thread, or what the class provides."""

from collections.abc import Callable
from typing import Any
from unittest.mock import MagicMock

import pytest

from tests.some_messages import Said, Say
from wsendpoints import ConfigurationError, handles, provides
from wsendpoints.messages.method import Method
from wsendpoints.messages.methods import Adapters, read
from wsendpoints.messages.providers import Plan, read_providers
from wsendpoints.messages.wrapping import Kind


def noting(name: str) -> Callable[..., Any]:
    """Return an adapter that notes what it is given, in place of making a handler."""
    return lambda *arguments: (name, *arguments)


ADAPTERS = Adapters(*map(noting, Adapters._fields))


def reading(cls: type, before: Method | None = None, **options: Any) -> Any:
    """Return what a method is read as."""
    return read(cls, "say", ADAPTERS, read_providers(cls, {}), before, **options)


class Chat:
    """Blocks."""

    @handles
    def say(self, websocket: Any, data: Say) -> Said:
        """Answer."""
        return Said()


def test_plain_function_is_blocking() -> None:
    """If it is marked, or overrides one that is."""

    class Sub(Chat):
        def say(self, websocket: Any, data: Say) -> Said:
            return Said()

    for cls in (Chat, Sub):
        method = reading(cls)
        assert method.handler == ("blocking", vars(cls)["say"])
        assert (method.takes, method.returns, method.is_blocking) == (Say, Said, True)


def test_function_that_is_not_marked_is_an_error() -> None:
    """Also one that overrides an async method."""

    class Base:
        @handles
        async def say(self, websocket: Any, data: Say) -> None: ...

    class Sub(Base):
        def say(self, websocket: Any, data: Say) -> Any: ...

    with pytest.raises(ConfigurationError, match="is no async method"):
        reading(Sub)


def test_mock_of_a_blocking_method_is_blocking() -> None:
    """It is looked up on the endpoint."""
    before = reading(Chat)
    cls = type("Chat", (), {"say": MagicMock()})
    method = reading(cls, before)
    assert method.handler[0] == "blocking"
    assert (method.takes, method.returns) == (Say, Said)
    with pytest.raises(ConfigurationError, match="is no async method"):
        reading(cls)
    with pytest.raises(ConfigurationError, match="is no async method"):
        reading(type("Chat", (), {"say": 5}), before)


def test_providers_are_around_the_method_and_within_all_else() -> None:
    """So each message has its own, however many are handled at once."""

    class Providing:
        @provides
        async def it(self) -> str:
            return "it"

        @handles(concurrent=True)
        async def say(self, websocket: Any, data: Say, it: str) -> Said:
            return Said()

    name, handler, method, _, overlap = reading(Providing, is_correlated=True).handler
    assert (name, method, overlap) == ("concurrent", "say", None)
    assert handler[0] == "correlating"
    name, function, kind, plan = handler[1]
    assert (name, function, kind) == ("providing", vars(Providing)["say"], Kind.COROUTINE)
    assert isinstance(plan, Plan)
    assert (plan.name, plan.takes) == ("say", ("it",))
