"""What answers a message whose handler raised: an error message, a reply of `on_error`, a close."""

import logging
from collections.abc import AsyncIterator
from typing import Any, ClassVar, Literal

import anyio
import pytest
from pydantic import BaseModel
from starlette.exceptions import WebSocketException

from tests.clocks import as_asgi
from tests.recording import Recording
from tests.waiting import all_tasks_blocked
from wsendpoints import (
    ClientMessageError,
    ConfigurationError,
    ErrorReply,
    Limits,
    WebSocket,
    WebSocketDisconnect,
    handles,
)
from wsendpoints.messages.unawaited import UnawaitedError
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


class Say(BaseModel):
    """A message."""

    type: Literal["say"] = "say"
    text: str = ""
    id: str | None = None


class Said(BaseModel):
    """Its reply."""

    type: Literal["said"] = "said"
    text: str = ""
    id: str | None = None


FULL = ErrorReply("full", "The room is full.", {"places": 2})
TOLD = {"type": "error", "code": "full", "message": "The room is full.", "details": {"places": 2}}


def group(*parts: Exception) -> BaseException:
    """Return an exception group."""
    return BaseExceptionGroup("together", parts)


class Fails(Recording):
    """Raises what its class says, unless the message is `"fine"`."""

    encoding = "json"
    failure: ClassVar[BaseException] = FULL

    @handles
    async def say(self, websocket: WebSocket, data: Say) -> Said | None:
        if data.text != "fine":
            raise self.failure
        return Said(text="fine")


def failing(failure: BaseException) -> type[Fails]:
    """Return a class that raises this."""

    class Chat(Fails):
        pass

    Chat.failure = failure
    return Chat


# Errors as answers.


@pytest.mark.parametrize(
    "failure", [FULL, group(FULL), group(ExceptionGroup("inner", [FULL]))], ids=["", "g", "gg"]
)
async def test_error_reply_answers_the_message(
    failure: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    """The connection goes on, and the log tells of it at DEBUG alone."""
    chat = failing(failure)
    with caplog.at_level(logging.DEBUG, "wsendpoints"):
        async with connect(chat.as_asgi()) as client:
            await client.send(Say())
            assert await client.receive_json() == TOLD
            await client.send(Say(text="fine"))
            assert await client.receive(Said) == Said(text="fine")
    line = "the message is answered with the error 'full': The room is full."
    told = [it for it in caplog.records if line in it.getMessage()]
    assert [(it.levelno, it.getMessage()) for it in told] == [
        (logging.DEBUG, f"{chat.__qualname__}: {line}")
    ]
    assert chat.log == ["connect", 1000]


async def test_error_reply_may_have_a_number_alone() -> None:
    """What is empty is left out."""
    async with connect(failing(ErrorReply(-32000)).as_asgi()) as client:
        await client.send(Say())
        assert await client.receive_json() == {"type": "error", "code": -32000}


async def test_error_reply_may_follow_items_of_a_stream() -> None:
    """They were sent before."""

    class Chat(Recording):
        encoding = "json"

        @handles
        async def say(self, websocket: WebSocket, data: Say) -> AsyncIterator[Said]:
            yield Said(text="1")
            raise FULL

    async with connect(Chat.as_asgi()) as client:
        for _ in range(2):
            await client.send(Say())
            assert await client.receive(Said) == Said(text="1")
            assert await client.receive_json() == TOLD


@pytest.mark.parametrize("failure", [FULL, group(FULL)], ids=["alone", "in a group"])
async def test_error_reply_of_on_invalid(failure: BaseException) -> None:
    """It has the id of the invalid message, and the message counts as invalid."""

    class Chat(Fails):
        correlation_id = "id"
        limits = Limits(max_invalid=2)

        async def on_invalid(self, websocket: WebSocket, error: ClientMessageError) -> None:
            raise failure

    async with connect(Chat.as_asgi()) as client:
        await client.send({"type": "say", "text": 1, "id": "a"})
        assert await client.receive_json() == {**TOLD, "id": "a"}
        await client.send("nonsense")
        assert await client.receive_json() == TOLD
        await client.expect_close(1008, "max_invalid: 2 invalid messages in a row")


async def test_error_reply_has_the_id_of_its_message() -> None:
    """That of each, not of the one before."""

    class Chat(Fails):
        correlation_id = "id"

    async with connect(Chat.as_asgi()) as client:
        for id_ in ("a", "b"):
            await client.send(Say(id=id_))
            assert await client.receive_json() == {**TOLD, "id": id_}
        await client.send(Say())
        assert await client.receive_json() == TOLD


async def test_error_reply_is_no_invalid_message() -> None:
    """It ends a row of those, as a message that is handled does."""

    class Chat(Fails):
        limits = Limits(max_invalid=2)

    async with connect(Chat.as_asgi()) as client:
        for _ in range(3):
            await client.send({"type": "nonsense"})
            await client.send(Say())
            assert (await client.receive_json())["code"] == "invalid_message"
            assert await client.receive_json() == TOLD


async def test_error_reply_is_dropped_after_a_close() -> None:
    """As a reply is."""

    class Chat(Fails):
        @handles
        async def say(self, websocket: WebSocket, data: Say) -> Said:
            await websocket.close(4001)
            raise FULL

    async with connect(Chat.as_asgi()) as client:
        await client.send(Say())
        await client.expect_close(4001)


async def test_encoding_without_errors_has_no_error_replies() -> None:
    """The text says what to do."""

    class Chat(Recording):
        encoding = "text"

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            raise FULL

    with pytest.raises(ConfigurationError) as caught:
        async with connect(Chat.as_asgi()) as client:
            await client.send("x")
            await client.expect_close(1011)
    assert str(caught.value) == (
        f"{Chat.__qualname__} raises ErrorReply, but its encoding 'text' has no format for errors: "
        'return what tells the client, or set encoding = "json"'
    )
    assert caught.value.__cause__ is FULL


async def test_error_replies_have_the_codes_that_are_declared() -> None:
    """Another one is a mistake of the application's."""

    class Chat(Fails):
        error_codes: ClassVar[Any] = {"full": "", "gone": ""}

        @handles
        async def say(self, websocket: WebSocket, data: Say) -> None:
            raise ErrorReply(data.text)

    with pytest.raises(ConfigurationError) as caught:
        async with connect(Chat.as_asgi()) as client:
            await client.send(Say(text="gone"))
            assert (await client.receive_json())["code"] == "gone"
            await client.send(Say(text="other"))
            await client.expect_close(1011)
    assert str(caught.value) == (
        f"{Chat.__qualname__} answers with the error 'other', but declares 'full', 'gone': add it "
        "to `error_codes`"
    )


async def test_error_reply_in_a_task_is_a_failure() -> None:
    """There is no message that it would answer."""

    class Chat(Fails):
        @handles
        async def say(self, websocket: WebSocket, data: Say) -> None:
            self.start_soon(self._fail)

        async def _fail(self) -> None:
            raise FULL

    with pytest.raises(ErrorReply):
        async with connect(Chat.as_asgi()) as client:
            await client.send(Say())
            await client.expect_close(1011)


async def test_error_reply_among_other_failures_is_none() -> None:
    """They surface."""
    with pytest.raises(BaseExceptionGroup, match="together"):
        async with connect(failing(group(FULL, ValueError("broken"))).as_asgi()) as client:
            await client.send(Say())
            await client.expect_close(1011)


# What `on_error` does.


BROKEN = ValueError("broken")


class Answers(Fails):
    """Does in `on_error` what its class says."""

    correlation_id: ClassVar[str | None] = "id"
    failure: ClassVar[BaseException] = BROKEN
    answer: ClassVar[Any] = None

    async def on_error(self, websocket: WebSocket, data: Any, exc: Exception) -> Any:
        self.log.append((data, exc))
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


def answering(answer: Any, failure: BaseException = BROKEN) -> type[Answers]:
    """Return a class that answers so what it raises."""

    class Chat(Answers):
        pass

    Chat.answer, Chat.failure = answer, failure
    return Chat


@pytest.mark.parametrize(
    "failure",
    [BROKEN, ExceptionGroup("together", [BROKEN, ConnectionResetError()])],
    ids=["alone", "a group"],
)
async def test_on_error_may_answer(failure: Exception) -> None:
    """With a reply, which has the id of the message, and the connection goes on."""
    chat = answering(Said(text="sorry"), failure)
    async with connect(chat.as_asgi()) as client:
        await client.send(Say(id="a"))
        assert await client.receive(Said) == Said(text="sorry", id="a")
        await client.send(Say(text="fine", id="b"))
        assert await client.receive(Said) == Said(text="fine", id="b")
    assert chat.log == ["connect", (Say(id="a"), failure), 1000]


async def test_on_error_without_correlation() -> None:
    """The reply is sent as it is."""

    class Chat(Answers):
        correlation_id = None
        answer = Said(text="sorry")

    async with connect(Chat.as_asgi()) as client:
        await client.send(Say(id="a"))
        assert await client.receive(Said) == Said(text="sorry")


async def test_on_error_may_answer_nothing() -> None:
    """The connection goes on."""
    chat = answering(None)
    async with connect(chat.as_asgi()) as client:
        await client.send(Say())
        await client.send(Say(text="fine"))
        assert await client.receive(Said) == Said(text="fine")


@pytest.mark.parametrize("failure", [FULL, group(FULL)], ids=["alone", "in a group"])
async def test_on_error_may_raise_an_error_reply(failure: BaseException) -> None:
    """It answers the message."""
    async with connect(answering(failure).as_asgi()) as client:
        await client.send(Say(id="a"))
        assert await client.receive_json() == {**TOLD, "id": "a"}
        await client.send(Say(text="fine"))
        assert await client.receive(Said) == Said(text="fine")


@pytest.mark.parametrize("raised", [BROKEN, KeyError("another")], ids=["the same", "another"])
async def test_on_error_may_raise(raised: Exception) -> None:
    """That closes with 1011, and surfaces."""
    chat = answering(raised)
    with pytest.raises(type(raised)) as caught:
        async with connect(chat.as_asgi()) as client:
            await client.send(Say())
            await client.expect_close(1011)
    assert caught.value is raised
    assert chat.log[-1] == 1011


async def test_reply_of_on_error_is_dropped_after_a_close() -> None:
    """As any reply is."""

    class Chat(Answers):
        async def on_error(self, websocket: WebSocket, data: Any, exc: Exception) -> Any:
            await websocket.close(4001)
            return Said()

    async with connect(Chat.as_asgi()) as client:
        await client.send(Say())
        await client.expect_close(4001)


@pytest.mark.parametrize("how", ["push", "group", "reply"])
async def test_on_error_that_finds_the_client_gone_has_not_failed(how: str) -> None:
    """What the client sent before is handled still."""

    class Chat(Fails):
        failure = BROKEN

        @handles
        async def say(self, websocket: WebSocket, data: Say) -> None:
            self.log.append(data.text)
            await anyio.sleep(1)
            raise BROKEN

        async def on_error(self, websocket: WebSocket, data: Any, exc: Exception) -> Any:
            if how == "push":
                await self.push(Said())
            elif how == "group":
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self.push, Said())
            return Said()

    async with connect(as_asgi(Chat), timeout=50) as client:
        await client.send(Say(text="a"))
        await client.send(Say(text="b"))
        await anyio.sleep(0.5)
        client.vanish()
        await client.wait_for_app()
    assert Chat.log == ["connect", "a", "b", 1006]


async def test_on_error_is_not_asked_of_a_close_that_is_asked_for() -> None:
    """`WebSocketException` says what to do."""
    chat = answering(Said(), WebSocketException(4002, "away"))
    async with connect(chat.as_asgi()) as client:
        await client.send(Say())
        await client.expect_close(4002, "away")
    assert chat.log == ["connect", 4002]


async def test_on_error_is_not_asked_of_the_disconnect_of_another_connection() -> None:
    """It ends this one."""
    chat = answering(Said(), WebSocketDisconnect(1006))
    async with connect(chat.as_asgi()) as client:
        await client.send(Say())
        await client.expect_close()
    assert len(chat.log) == 2


async def test_on_error_is_not_asked_of_a_mistake() -> None:
    """The reply can't be sent: nobody but the author can help that."""

    class Chat(Answers):
        sends = Any

        @handles
        async def say(self, websocket: WebSocket, data: Say) -> Any:
            return anyio.sleep(1)

    with pytest.raises(UnawaitedError):
        async with connect(Chat.as_asgi()) as client:
            await client.send(Say())
            await client.expect_close(1011)
    assert Chat.log == ["connect", 1011]


class NoError(BaseException):
    """What `except Exception` does not catch."""


async def test_on_error_is_not_asked_of_what_is_no_exception() -> None:
    """Though a group of it may be answered otherwise."""
    chat = answering(Said(), BaseExceptionGroup("together", [NoError()]))
    with pytest.raises(NoError):
        async with connect(chat.as_asgi()) as client:
            await client.send(Say())
            await client.expect_close(1011)
    assert chat.log == ["connect", 1011]


async def test_on_error_is_not_asked_of_a_task() -> None:
    """It has no message."""

    class Chat(Answers):
        @handles
        async def say(self, websocket: WebSocket, data: Say) -> None:
            self.start_soon(self._fail)

        async def _fail(self) -> None:
            raise BROKEN

    with pytest.raises(ValueError, match="broken"):
        async with connect(Chat.as_asgi()) as client:
            await client.send(Say())
            await client.expect_close(1011)
    assert Chat.log == ["connect", 1011]


async def test_on_error_is_not_asked_of_a_send_that_fails() -> None:
    """It is not the handler that raised it."""
    chat = answering(Said())

    async def middleware(scope: Any, receive: Any, send: Any) -> None:
        async def refuse(event: Any) -> None:
            if event["type"] == "websocket.send":
                raise KeyError("refused")
            await send(event)

        await chat.as_asgi()(scope, receive, refuse)

    with pytest.raises(KeyError, match="refused"):
        async with connect(middleware) as client:
            await client.send(Say(text="fine"))
            await client.expect_close(1011)
    assert chat.log == ["connect", 1011]


async def test_message_over_a_limit_that_a_handler_receives_is_refused() -> None:
    """As one that the loop receives is: `on_error` is not asked."""

    class Chat(Answers):
        encoding = "json"
        limits = Limits(max_message_size=50)

        @handles
        async def say(self, websocket: WebSocket, data: Say) -> None:
            await websocket.receive()

    async with connect(Chat.as_asgi()) as client:
        await client.send(Say())
        await all_tasks_blocked()
        await client.send("x" * 51)
        await client.expect_close(1009)
    assert Chat.log == ["connect", "invalid", 1009]


# Invalid messages.


async def test_disconnect_in_on_invalid_is_no_failure() -> None:
    """That of this connection; another one's is."""

    class Chat(Fails):
        async def on_invalid(self, websocket: WebSocket, error: ClientMessageError) -> None:
            self.log.append("invalid")
            await anyio.sleep(1)
            await self.push(Said())

    async with connect(as_asgi(Chat), timeout=50) as client:
        await client.send("x")
        await client.send("y")
        await anyio.sleep(0.5)
        client.vanish()
        await client.wait_for_app()
    assert Chat.log == ["connect", "invalid", "invalid", 1006]


@pytest.mark.parametrize("failure", [BROKEN, group(FULL, BROKEN)], ids=["alone", "a group"])
async def test_failure_of_on_invalid_surfaces(failure: BaseException) -> None:
    """It closes with 1011."""

    class Chat(Fails):
        async def on_invalid(self, websocket: WebSocket, error: ClientMessageError) -> None:
            raise failure

    with pytest.raises(type(failure)) as caught:
        async with connect(Chat.as_asgi()) as client:
            await client.send("x")
            await client.expect_close(1011)
    assert caught.value is failure
    assert Chat.log == ["connect", 1011]


async def test_too_many_invalid_messages_are_told_of_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Unless the connection was closed already."""

    class Chat(Fails):
        limits = Limits(max_invalid=1)

    with caplog.at_level(logging.DEBUG, "wsendpoints"):
        async with connect(Chat.as_asgi()) as client:
            await client.send({"type": "nonsense"})
            assert (await client.receive_json())["code"] == "invalid_message"
            await client.expect_close(1008)
        async with connect(Chat.as_asgi()) as client:
            await client.send(b"x")
            await client.expect_close(1007)
    line = f"{Chat.__qualname__}: max_invalid: 1 invalid messages in a row"
    assert caplog.messages.count(line) == 1


async def test_error_reply_whose_send_meets_a_close_ends_the_conversation() -> None:
    """The connection is closed then: nothing that came before is handled any more."""
    sockets: list[WebSocket] = []

    class Chat(Fails):
        async def on_connect(self, websocket: WebSocket) -> None:
            await super().on_connect(websocket)
            sockets.append(websocket)

    async def middleware(scope: Any, receive: Any, send: Any) -> None:
        async def close_first(event: Any) -> None:
            if event["type"] == "websocket.send":
                await sockets[0].close(4001)
                raise OSError
            await send(event)

        await Chat.as_asgi()(scope, receive, close_first)

    async with connect(middleware) as client:
        await client.send(Say())
        await client.expect_close(4001)
    assert Chat.log == ["connect", 4001]


async def test_handler_that_finds_the_client_gone_leaves_the_number_of_invalid_messages() -> None:
    """Its message counts for nothing."""

    class Chat(Fails):
        @handles
        async def say(self, websocket: WebSocket, data: Say) -> None:
            await anyio.sleep(1)
            await self.push(Said())

    async with connect(as_asgi(Chat), timeout=50) as client:
        await client.send(Say())
        await anyio.sleep(0.5)
        client.vanish()
        await client.wait_for_app()
    assert Chat.log == ["connect", 1006]
