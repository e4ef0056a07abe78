"""Methods are found as Python finds them: decorated, replaced, inherited, patched."""

import functools
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from types import FunctionType
from typing import Any, Generic, TypeVar
from unittest.mock import AsyncMock, MagicMock, Mock, patch

import pytest

from tests.messages.decorators import CALLS, OF_COROUTINES, OF_HOOKS, OF_STREAMS
from tests.some_messages import Leave, Said, Say
from wsendpoints import (
    ClientMessageError,
    ConfigurationError,
    WebSocket,
    WebSocketEndpoint,
    handles,
)
from wsendpoints.messages.methods import Adapters, read
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


async def reply(self: Any, websocket: WebSocket, data: Say) -> Said:
    """Answer once."""
    assert websocket is self.websocket
    return Said(text=data.text)


async def stream(self: Any, websocket: WebSocket, data: Say) -> AsyncIterator[Said]:
    """Answer twice."""
    assert websocket is self.websocket
    yield Said(text=data.text)
    yield Said(text="more")


async def leave(self: Any, websocket: WebSocket, data: Leave) -> str:
    """Answer another message."""
    return "bye"


@pytest.fixture(autouse=True)
def _no_calls() -> Iterator[None]:
    CALLS.clear()
    yield
    CALLS.clear()


async def texts_of(cls: type[WebSocketEndpoint], number: int = 1) -> list[str]:
    """Return the texts that an endpoint answers a message with; it validates the message."""
    async with connect(cls.as_asgi()) as client:
        await client.send_json({"type": "say", "text": 1})
        assert (await client.receive_json())["code"] == "invalid_message"
        await client.send_json({"type": "say", "text": "hi"})
        texts = [(await client.receive(Said)).text for _ in range(number)]
        await client.receive_nothing()
        return texts


def receiver(method: Any) -> type[WebSocketEndpoint]:
    """Return an endpoint with this `on_receive`."""
    return type("Chat", (WebSocketEndpoint,), {"encoding": "json", "on_receive": method})


def handler(method: Any) -> type[WebSocketEndpoint]:
    """Return an endpoint with this method, which is marked, beside another one."""
    attributes = {"encoding": "json", "say": method, "leave": handles(fresh(leave))}
    return type("Chat", (WebSocketEndpoint,), attributes)


Decorator = Callable[[Any], Any]
Placing = Callable[[Decorator, Any], type[WebSocketEndpoint]]


def below(decorate: Decorator, method: Any) -> type[WebSocketEndpoint]:
    """Put the mark on top of the decorator."""
    return handler(handles(decorate(method)))


def above(decorate: Decorator, method: Any) -> type[WebSocketEndpoint]:
    """Put the decorator on top of the mark."""
    return handler(decorate(handles(method)))


def as_receiver(decorate: Decorator, method: Any) -> type[WebSocketEndpoint]:
    """Handle all messages by it."""
    return receiver(decorate(method))


def inherited(decorate: Decorator, method: Any) -> type[WebSocketEndpoint]:
    """Inherit it."""
    return type("Chat", (below(decorate, method),), {})


def overriding(decorate: Decorator, method: Any) -> type[WebSocketEndpoint]:
    """Override a handler, without the mark."""
    return type("Chat", (handler(handles(fresh(leave_or_say))),), {"say": decorate(method)})


def by_class_decorator(decorate: Decorator, method: Any) -> type[WebSocketEndpoint]:
    """Decorate the method of a class that is made already."""
    cls = handler(handles(method))
    cls.say = decorate(vars(cls)["say"])  # type: ignore[attr-defined]  # found at run time
    return cls


def by_class_decorator_as_receiver(decorate: Decorator, method: Any) -> type[WebSocketEndpoint]:
    """Decorate what handles all messages, in a class that is made already."""
    cls = receiver(method)
    cls.on_receive = decorate(method)  # type: ignore[method-assign]  # the case
    return cls


async def leave_or_say(self: Any, websocket: WebSocket, data: Say) -> str:
    """Is overridden."""
    raise AssertionError


def fresh(function: Any) -> Any:
    """Return a copy: a mark would stay on a function that all tests share."""
    copy = FunctionType(function.__code__, function.__globals__, function.__name__)
    copy.__annotations__ = dict(function.__annotations__)
    return copy


PLACINGS: list[Placing] = [
    below,
    above,
    as_receiver,
    inherited,
    overriding,
    by_class_decorator,
    by_class_decorator_as_receiver,
]
every_placing = pytest.mark.parametrize("place", PLACINGS, ids=lambda it: it.__name__)


@pytest.mark.slow
@every_placing
@pytest.mark.parametrize("name", OF_COROUTINES)
async def test_decorated_method_runs(name: str, place: Placing) -> None:
    """It is bound as Python binds it, its message is validated, and its reply is sent."""
    cls = place(OF_COROUTINES[name], fresh(reply))
    assert await texts_of(cls) == ["hi"]
    assert {*CALLS} == {"Chat"}


@pytest.mark.slow
@every_placing
@pytest.mark.parametrize("name", OF_STREAMS)
async def test_decorated_stream_runs(name: str, place: Placing) -> None:
    """What it yields is sent, whatever the decorator returns it through."""
    cls = place(OF_STREAMS[name], fresh(stream))
    assert await texts_of(cls, 2) == ["hi", "more"]
    assert {*CALLS} == {"Chat"}


@pytest.mark.parametrize("name", OF_HOOKS)
async def test_decorated_hooks_run(name: str) -> None:
    """Each hook is called with its instance."""
    decorate, called = OF_HOOKS[name], list[str]()

    class Chat(WebSocketEndpoint):
        encoding = "json"

        @decorate
        async def on_connect(self, websocket: WebSocket) -> None:
            called.append("on_connect")
            await super().on_connect(websocket)

        async def on_receive(self, websocket: WebSocket, data: int) -> None: ...

        @decorate
        async def on_invalid(self, websocket: WebSocket, error: ClientMessageError) -> None:
            called.append("on_invalid")
            await super().on_invalid(websocket, error)

        @decorate
        async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
            called.append("on_disconnect")

    async with connect(Chat.as_asgi()) as client:
        await client.send_json("x")
        await client.receive_json()
    assert called == ["on_connect", "on_invalid", "on_disconnect"]
    assert {*CALLS} == {"Chat"}


# What is patched once the class is made.


class Chat(WebSocketEndpoint):
    """Has two handlers."""

    encoding = "json"

    @handles
    async def say(self, websocket: WebSocket, data: Say) -> Said:
        """Answer."""
        return Said(text=data.text)

    @handles
    async def leave(self, websocket: WebSocket, data: Leave) -> str:
        """Answer another message."""
        return "bye"


class Inheriting(Chat):
    """Inherits both."""


class Receiving(WebSocketEndpoint):
    """Handles all messages by one method."""

    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Say) -> Said:
        """Answer."""
        return Said(text=data.text)


class Streaming(WebSocketEndpoint):
    """Answers with a stream."""

    encoding = "json"

    @handles
    async def say(self, websocket: WebSocket, data: Say) -> AsyncIterator[Said]:
        """Answer."""
        yield Said(text=data.text)


class Mixin:
    """Is no endpoint itself."""

    @handles
    async def say(self, websocket: WebSocket, data: Say) -> Said:
        """Answer."""
        return Said(text=data.text)


class Mixed(Mixin, WebSocketEndpoint):
    """Has a handler of a plain class."""

    encoding = "json"


class Wrapped(WebSocketEndpoint):
    """Has a handler that is a descriptor."""

    encoding = "json"
    say = handles(OF_COROUTINES["proxy"](fresh(reply)))


async def fake(self: Any, websocket: Any, data: Any) -> Said:
    """Take the place of a method."""
    assert isinstance(self, WebSocketEndpoint)
    assert websocket is self.websocket
    return Said(text="fake")


async def typed_fake(self: Any, websocket: Any, data: Say) -> Said:
    """Take the place of a method, and say what it takes."""
    return await fake(self, websocket, data)


def bare(function: Any) -> Any:
    """Return a copy that says nothing of its types."""
    copy = fresh(function)
    copy.__annotations__ = {}
    return copy


async def streaming_fake(self: Any, websocket: Any, data: Any) -> AsyncIterator[Said]:
    """Take the place of a method, and answer with a stream."""
    yield await fake(self, websocket, data)


def mock() -> AsyncMock:
    """Return a mock, which gets no instance."""
    return AsyncMock(return_value=Said(text="fake"))


FAKES: list[Any] = [
    pytest.param(lambda: fake, id="function"),
    pytest.param(lambda: typed_fake, id="typed"),
    pytest.param(lambda: bare(fake), id="untyped"),
    pytest.param(lambda: streaming_fake, id="stream"),
    pytest.param(mock, id="AsyncMock"),
    pytest.param(lambda: OF_COROUTINES["proxy"](fake), id="proxy"),
    pytest.param(lambda: OF_COROUTINES["compiled"](fake), id="compiled"),
]


@pytest.mark.parametrize("new", FAKES)
@pytest.mark.parametrize(
    ("cls", "patched", "name"),
    [
        pytest.param(Chat, Chat, "say", id="handler"),
        pytest.param(Inheriting, Chat, "say", id="of the base"),
        pytest.param(Inheriting, Inheriting, "say", id="inherited"),
        pytest.param(Receiving, Receiving, "on_receive", id="on_receive"),
        pytest.param(Streaming, Streaming, "say", id="stream"),
        pytest.param(Mixed, Mixin, "say", id="of a plain class"),
        pytest.param(Wrapped, Wrapped, "say", id="descriptor"),
    ],
)
async def test_patch_runs_until_it_ends(
    cls: type[WebSocketEndpoint], patched: type, name: str, new: Any
) -> None:
    """The messages are those of the method in whose place it is, if it names no others."""
    assert await texts_of(cls) == ["hi"]
    with patch.object(patched, name, new()):
        assert await texts_of(cls) == ["fake"]
    assert await texts_of(cls) == ["hi"]


async def test_mock_is_called_with_the_message() -> None:
    """As `mock.patch` makes it, and as it binds: without the instance, unless it has a spec."""
    with patch.object(Chat, "say", return_value=Said()) as say:
        await texts_of(Chat)
    ((websocket, data),) = (each.args for each in say.await_args_list)
    assert isinstance(websocket, WebSocket)
    assert data == Say(text="hi")
    with patch.object(Chat, "say", autospec=True, return_value=Said()) as say:
        await texts_of(Chat)
    (arguments,) = (each.args for each in say.await_args_list)
    assert [type(argument) for argument in arguments] == [Chat, WebSocket, Say]


async def test_patch_may_take_other_messages() -> None:
    """Its annotation is what counts, if it has one."""

    async def whisper(self: Any, websocket: Any, data: int) -> int:
        return data + 1

    with patch.object(Chat, "say", whisper):
        async with connect(Chat.as_asgi()) as client:
            await client.send_json(1)
            assert await client.receive_json() == 2
    with patch.object(Chat, "say", None):
        async with connect(Chat.as_asgi()) as client:
            await client.send_json({"type": "say"})
            assert (await client.receive_json())["code"] == "invalid_message"
    assert await texts_of(Chat) == ["hi"]


async def test_patch_that_is_not_async_is_an_error() -> None:
    """The connection fails, with the error that the class would have."""
    app = Chat.as_asgi()
    with patch.object(Chat, "say", Mock()):
        with pytest.raises(ConfigurationError) as caught:
            async with connect(app) as client:
                await client.send_json({"type": "say"})
                await client.expect_close(1011)
        assert str(caught.value) == (
            "Chat.say is no async method: use `async def say(self, websocket, data)`"
        )
        with pytest.raises(ConfigurationError):
            Chat.as_asgi()
    assert await texts_of(Chat) == ["hi"]


@pytest.mark.parametrize("cls", [Chat, Inheriting])
async def test_patched_hooks_are_called(cls: type[WebSocketEndpoint]) -> None:
    """Those too that the class has by default, and so would not be called."""

    async def accept(websocket: WebSocket) -> None:
        await websocket.accept()

    async with connect(cls.as_asgi()) as before:
        with (
            patch.object(Chat, "on_connect", side_effect=accept) as on_connect,
            patch.object(Chat, "on_invalid") as on_invalid,
            patch.object(Chat, "on_disconnect") as on_disconnect,
        ):
            async with connect(cls.as_asgi()) as client:
                await client.send_json({"type": "no"})
                await client.close(4000)
            await before.close(4001)
            await before.wait_for_app()
    assert on_connect.await_count == on_invalid.await_count == 1
    assert [each.args[1] for each in on_disconnect.await_args_list] == [4000, 4001]
    async with connect(cls.as_asgi()) as client:
        await client.send_json({"type": "leave"})
        assert await client.receive_json() == "bye"


async def test_patched_base_hook_is_called() -> None:
    """That of the library's own class is a class's as well."""
    with patch.object(WebSocketEndpoint, "on_disconnect") as on_disconnect:
        async with connect(Chat.as_asgi()):
            pass
    assert on_disconnect.await_count == 1


async def test_patched_encoding_and_sends_hold() -> None:
    """What is compiled with a class is compiled again."""

    class Echo(WebSocketEndpoint):
        encoding = "json"
        sends = int

        async def on_receive(self, websocket: WebSocket, data: Any) -> None:
            await self.push(data)

    async def answer_to(frame: str) -> str:
        async with connect(Echo.as_asgi()) as client:
            await client.send_text(frame)
            return await client.receive_text()

    assert await answer_to("5") == "5"
    with patch.object(Echo, "sends", str):
        assert await answer_to('"x"') == '"x"'
        with patch.object(Echo, "encoding", None):
            assert await answer_to("x") == "x"
    with pytest.raises(ConfigurationError, match="but declares int"):
        async with connect(Echo.as_asgi()) as client:
            await client.send_text('"x"')
            await client.expect_close(1011)


async def test_deleted_handler_is_gone() -> None:
    """And what a base class has takes its place."""

    class Louder(Chat):
        async def say(self, websocket: WebSocket, data: Say) -> Said:
            return Said(text=data.text.upper())

    assert await texts_of(Louder) == ["HI"]
    del Louder.say
    assert await texts_of(Louder) == ["hi"]


async def test_handler_that_a_class_decorator_adds_is_found() -> None:
    """Until it is served, a class may be changed in any way."""

    @handles
    async def ping(self: Any, websocket: WebSocket, data: int) -> int:
        return data + 1

    def with_ping(cls: Any) -> Any:
        cls.ping = ping
        return cls

    @with_ping
    class Pinged(Chat):
        pass

    async with connect(Pinged.as_asgi()) as client:
        await client.send_json(1)
        assert await client.receive_json() == 2
        await client.send_json({"type": "leave"})
        assert await client.receive_json() == "bye"


async def test_receiver_that_is_added_is_found() -> None:
    """It is looked for as long as there are no handlers."""

    class Late(WebSocketEndpoint):
        encoding = "json"

    async with connect(Late.as_asgi()) as client:
        await client.send_json(1)
        await client.receive_nothing()
    with patch.object(Late, "on_receive", typed_fake):
        assert await texts_of(Late) == ["fake"]


async def test_change_that_leaves_a_type_variable_open_is_an_error() -> None:
    """It is the error of a generic base."""
    T = TypeVar("T")

    class Open(Chat, Generic[T]):
        pass

    async def say(self: Any, websocket: WebSocket, data: Any) -> None: ...

    say.__annotations__["data"] = T
    with (
        patch.object(Open, "say", say),
        pytest.raises(ConfigurationError, match="leaves the type variable T open"),
    ):
        Open.as_asgi()


# Mistakes.


class Unbound:
    """A decorator to which Python passes no instance."""

    def __init__(self, method: Any) -> None:
        functools.update_wrapper(self, method)
        self.method = method

    async def __call__(self, *args: Any) -> Any:
        """Call the method."""
        return await self.method(*args)


class UnboundToo:
    """Another one."""

    def __init__(self, method: Any) -> None:
        self.__qualname__ = method.__qualname__

    async def __call__(self, instance: Any, websocket: Any, data: Any) -> Any:
        """Call the method."""


@pytest.mark.parametrize("kind", [Unbound, UnboundToo])
async def test_instance_that_gets_no_self_is_an_error(kind: Any) -> None:
    """As in Python, an instance of a class is not bound unless it has `__get__`."""
    with pytest.raises(ConfigurationError) as caught:
        receiver(kind(reply))
    assert str(caught.value) == (
        f"reply is a {kind.__name__}, to which Python passes no `self`: give {kind.__name__} the "
        "method `__get__`, or decorate with a function"
    )


async def test_instance_that_needs_no_self_runs() -> None:
    """It is called with the WebSocket and the message, which are annotated in its class."""

    class Answer:
        async def __call__(self, websocket: WebSocket, data: "Say") -> Said:
            return Said(text=data.text)

    assert await texts_of(receiver(Answer())) == ["hi"]
    assert await texts_of(receiver(Answer().__call__)) == ["hi"]


async def test_decorator_that_hides_the_mark_is_an_error() -> None:
    """The handler would be none."""

    def hiding(method: Any) -> Any:
        async def wrapper(self: Any, *args: Any) -> Any:
            return await method(self, *args)

        return wrapper

    async def say(self: Any, websocket: WebSocket, data: Say) -> None: ...

    with pytest.raises(ConfigurationError) as caught:
        handler(hiding(handles(say)))
    assert str(caught.value) == (
        "Chat.say is marked with @handles below a decorator that hides it: use functools.wraps in "
        "that decorator, or put @handles on top"
    )
    # A function of another name is only called.
    assert handler(handles(fresh(reply))).as_asgi()
    other: Any = type("Chat", (WebSocketEndpoint,), {"other": hiding(handles(fresh(reply)))})
    assert other.as_asgi()


async def test_closure_that_is_empty_yet_hides_nothing() -> None:
    """A method may name a variable that is assigned later."""

    def other(self: Any) -> Any:
        return later

    assert type("Early", (WebSocketEndpoint,), {"other": other})
    later = 5
    assert other(None) == later


async def test_iterator_that_is_returned_by_a_coroutine_function_is_an_error() -> None:
    """It has no `yield`; a decorated one is known by what it returns."""

    async def wrong(self: Any, websocket: WebSocket, data: Say) -> AsyncIterator[Said]:
        raise NotImplementedError

    with pytest.raises(ConfigurationError, match="but has no `yield`"):
        receiver(wrong)


async def test_wrapper_may_say_that_it_returns_an_awaitable() -> None:
    """What is sent is what that gives."""

    @functools.wraps(reply, assigned=())
    def wrapper(self: Any, websocket: WebSocket, data: Say) -> Awaitable[Said]:
        return reply(self, websocket, data)

    cls = receiver(wrapper)
    async with connect(cls.as_asgi()) as client:
        await client.send(Say(text="x"))
        assert await client.receive(Said) == Said(text="x")
        await client.send({"type": "unknown"})
        assert (await client.receive_json())["code"] == "invalid_message"


async def dispatch(self: Any) -> None:
    """Is Starlette's."""


async def test_what_takes_no_mark_is_an_error() -> None:
    """The mark is an attribute."""

    class Slotted:
        __slots__ = ()

        async def __call__(self, websocket: WebSocket, data: Say) -> None: ...

    with pytest.raises(ConfigurationError) as caught:
        handles(Slotted())  # type: ignore[type-var]  # the case
    name = Slotted.__qualname__
    assert str(caught.value) == (
        f"@handles can't mark a {name}, which takes no attributes: put it on the function itself, "
        "below other decorators"
    )


NO_HANDLER = "is no async method: use `async def on_receive(self, websocket, data)`"


@pytest.mark.parametrize(
    "it",
    [
        functools.partial(reply),
        functools.partialmethod(lambda *args: args),
        Mock(),
        MagicMock(),
        object(),
    ],
)
async def test_what_is_not_async_is_an_error(it: Any) -> None:
    """Nothing in it can be awaited, or Python versions differ in how they bind it."""
    with pytest.raises(ConfigurationError, match=f"^Chat.on_receive {re.escape(NO_HANDLER)}"):
        receiver(it)


async def stream_of_any(self: Any, *arguments: Any) -> AsyncIterator[Any]:
    """Is a stream, whatever it is called with."""
    yield arguments


@pytest.mark.parametrize("hook", ["on_connect", "on_disconnect", "on_invalid"])
@pytest.mark.parametrize("it", [stream_of_any, Mock()], ids=["stream", "Mock"])
async def test_hook_that_is_not_async_is_an_error(hook: str, it: Any) -> None:
    """It could not be awaited."""
    with pytest.raises(ConfigurationError, match=f"^Chat.{hook} is no async method"):
        type("Chat", (WebSocketEndpoint,), {hook: it})


@pytest.mark.parametrize(
    ("name", "method", "advice"),
    [
        pytest.param(
            "dispatch",
            dispatch,
            "write what it does into on_connect, on_receive and on_disconnect",
            id="dispatch",
        ),
        pytest.param(
            "decode",
            reply,
            "set `encoding`, and annotate the message of on_receive, whose type may have "
            "validators",
            id="decode",
        ),
    ],
)
async def test_hook_of_starlettes_is_an_error(name: str, method: Any, advice: str) -> None:
    """It would be ignored."""
    with pytest.raises(ConfigurationError) as caught:
        type("Chat", (WebSocketEndpoint,), {name: method})
    assert str(caught.value) == (
        f"Chat.{name} is a hook of Starlette's, which is not called here: {advice}, or give it "
        "another name"
    )


async def test_method_of_ones_own_may_have_the_name_of_a_hook_of_starlettes() -> None:
    """A method with other parameters, or that is not async, or is a handler, is one's own."""

    class Own(WebSocketEndpoint):
        encoding = "json"

        def decode(self, websocket: WebSocket, data: str) -> str:
            return data

        async def dispatch(self, event: str) -> None: ...

    class Handling(WebSocketEndpoint):
        encoding = "json"

        @handles
        async def decode(self, websocket: WebSocket, data: Say) -> Said:
            return Said(text=data.text)

    assert Own.as_asgi()
    assert await texts_of(Handling) == ["hi"]


# What adapters make of a handler.


def wrapped(method: Any) -> Any:
    """Decorate with a function that is not async."""

    @functools.wraps(method)
    def wrapper(*args: Any) -> Any:
        return method(*args)

    return wrapper


@pytest.mark.parametrize("is_correlated", [False, True])
@pytest.mark.parametrize("is_concurrent", [False, True])
@pytest.mark.parametrize("kind", ["coroutine", "stream", "either"])
async def test_handler_is_adapted_as_its_class_needs(
    kind: str, is_correlated: bool, is_concurrent: bool
) -> None:
    """The reply has the id of the message; and all of that runs beside others."""
    methods: dict[str, Any] = {
        "coroutine": fresh(reply),
        "stream": fresh(stream),
        "either": wrapped(fresh(reply)),
    }
    mark: Any = handles(concurrent=True, key="text") if is_concurrent else handles
    cls = type("Chat", (), {"say": mark(methods[kind])})
    made: list[Any] = []

    def note(name: str) -> Any:
        def adapt(function: Any, *args: Any) -> Any:
            made.append(name)
            if name == "concurrent":
                method, key_of, overlap = args
                assert (method, key_of(Say(text="x")), overlap) == ("say", "x", "wait")
            return function

        return adapt

    adapters = Adapters(**{name: note(name) for name in Adapters._fields})
    method = read(cls, "say", adapters, {}, is_correlated=is_correlated)
    expected = [kind] if kind != "coroutine" else []
    expected += ["correlating"] * is_correlated + ["concurrent"] * is_concurrent
    assert made == expected
    assert method.options.concurrent is is_concurrent
