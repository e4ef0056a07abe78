"""What contradicts itself in a class, as it is refused when the class is made."""

from typing import Any

import pytest
from pydantic import BaseModel

from wsendpoints import ConfigurationError, JsonRpc, WebSocket, WebSocketEndpoint, handles


class Said(BaseModel):
    """A message with an id."""

    id: str | None = None


def taking(annotation: Any) -> Any:
    """Return a method that takes a type of message."""

    async def method(self: Any, websocket: WebSocket, data: Any) -> None: ...

    method.__annotations__["data"] = annotation
    return method


REFUSING: Any = handles(concurrent=True, overlap="refuse")
NAMED: Any = handles("say")


@pytest.mark.parametrize(
    ("attributes", "begin"),
    [
        pytest.param(
            {"encoding": "json", "say": NAMED(taking(Said))},
            "Chat.say is marked with @handles('say'), which is how a dialect calls it",
            id="name without a dialect",
        ),
        pytest.param(
            {
                "encoding": "json",
                "correlation_id": "id",
                "answers": Said,
                "on_receive": taking(Any),
            },
            "Chat declares `answers`, but its on_receive takes anything",
            id="answers beside anything",
        ),
        pytest.param(
            {"encoding": "text", "correlation_id": "id", "on_receive": taking(str)},
            "Chat declares `correlation_id`, but in the encoding 'text' a message is a frame",
            id="id in a frame",
        ),
        pytest.param(
            {"encoding": "text", "dialect": JsonRpc(), "say": NAMED(taking(str))},
            "Chat declares `dialect = JsonRpc(...)`, which reads values, but in the encoding "
            "'text' a message is a frame",
            id="dialect without values",
        ),
        pytest.param(
            {"encoding": "text", "say": REFUSING(taking(str))},
            "Chat.say is marked with overlap=\"refuse\", but the encoding 'text' has no format",
            id="refusal without a format",
        ),
    ],
)
def test_contradictions_are_refused(attributes: Any, begin: str) -> None:
    """The error names the class, or the handler."""
    with pytest.raises(ConfigurationError) as caught:
        type("Chat", (WebSocketEndpoint,), attributes)
    assert str(caught.value).startswith(begin)


@pytest.mark.parametrize(
    "attributes",
    [
        {"encoding": "json", "say": REFUSING(taking(Said))},
        {"encoding": "json", "correlation_id": "id", "answers": Said, "on_receive": taking(int)},
        {"encoding": "text", "correlation_id": "id"},
        {"encoding": "json", "dialect": JsonRpc(), "say": NAMED(taking(str))},
    ],
    ids=["refusal", "answers", "base class", "dialect"],
)
def test_what_fits_is_made(attributes: Any) -> None:
    """Each of them alone is fine."""
    assert type("Chat", (WebSocketEndpoint,), attributes)
