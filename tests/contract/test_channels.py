"""An endpoint as a channel, with its operations."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from tests.contract.endpoints import Assistant, Calculator, Chat, Loud, Quiet
from wsendpoints import (
    Cookie,
    Credential,
    Header,
    Jittered,
    Limits,
    Rate,
    WebSocket,
    WebSocketEndpoint,
)
from wsendpoints.contract import describe
from wsendpoints.contract.channels import channel_of, operations_of, security_of
from wsendpoints.contract.payloads import Payloads
from wsendpoints.contract.schemas import schemas_of


def channel(cls: Any, path: str = "/") -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the channel of a class, and its operations, each with what the server does."""
    description = describe(cls, path)
    schemas = schemas_of([description])
    payloads = Payloads(description, schemas, schemas.names)
    operations = {
        name: {"action": action, **operation}
        for name, action, operation in operations_of(description, "It", payloads)
    }
    return channel_of(description, schemas, payloads), operations


def some(*names: str) -> dict[str, Any]:
    """Return how an operation refers to messages."""
    refs = [{"$ref": f"#/channels/It/messages/{it}"} for it in names]
    return {"channel": {"$ref": "#/channels/It"}, "messages": refs}


def test_headers_and_cookies_that_are_read() -> None:
    """The binding has headers, and an extension has the cookies."""

    class Params(BaseModel):
        tenant: Annotated[int, Header("X-Tenant")]
        theme: Annotated[Literal["light", "dark"], Cookie()] = "light"
        session: Annotated[str, Cookie("sid")]

    class Room(WebSocketEndpoint):
        params: Params
        subprotocols = ("a",)
        require_subprotocol = True

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            """Take a text."""

    found, _ = channel(Room, "/")
    headers = found["bindings"]["ws"]["headers"]
    assert headers["properties"]["X-Tenant"] == {"type": "integer"}
    assert headers["required"] == ["X-Tenant", "Sec-WebSocket-Protocol"]
    assert found["x-cookies"] == {
        "type": "object",
        "properties": {
            "theme": {"type": "string", "enum": ["light", "dark"], "default": "light"},
            "sid": {"type": "string"},
        },
        "required": ["sid"],
    }


def test_channel_says_what_the_handshake_takes() -> None:
    """Path parameters, the query, headers and subprotocols are told."""
    found, _ = channel(Chat, "/rooms/{room}")
    assert found["address"] == "/rooms/{room}"
    assert (found["title"], found["summary"], found["description"]) == (
        "Chat",
        "Talks.",
        "With others.",
    )
    assert found["parameters"] == {"room": {"x-schema": {"type": "string"}}}
    assert found["bindings"] == {
        "ws": {
            "method": "GET",
            "query": {
                "type": "object",
                "properties": {
                    "since": {"type": "integer", "default": 0},
                    "tag": {"type": "array", "items": {"type": "string"}, "default": []},
                },
            },
            "headers": {
                "type": "object",
                "properties": {
                    "Sec-WebSocket-Protocol": {
                        "description": "Those of these that the client speaks, separated by "
                        "commas.",
                        "type": "string",
                        "examples": ["chat.v2", "chat.v1"],
                    },
                    "Authorization": {"type": "string"},
                },
                "required": ["Sec-WebSocket-Protocol"],
            },
            "bindingVersion": "0.1.0",
        }
    }


def test_channel_says_what_asyncapi_has_no_words_for() -> None:
    """Encodings, limits and close codes are under keys that begin with `x-`."""
    found, _ = channel(Chat)
    assert "x-encoding" not in found
    assert found["x-subprotocols"] == {
        "chat.v2": {
            "encoding": "msgpack",
            "contentType": "application/msgpack",
            "frames": "binary",
        },
        "chat.v1": {"encoding": "json", "contentType": "application/json", "frames": "any"},
    }
    assert found["x-subprotocol-required"] is True
    assert found["x-tag"] == "type"
    assert "x-sends-more" not in found
    assert found["x-limits"]["max_message_size"] == 1048576
    assert found["x-close-codes"]["1009"] == {
        "causes": ("max_message_size: 1048576",),
        "limits": ("max_message_size",),
    }
    assert [*found["x-refusals"]] == ["400", "403", "422", "503"]


def test_channel_of_a_class_that_says_nothing() -> None:
    """A class may send more than it says, in frames of either kind."""
    found, operations = channel(Quiet)
    assert found["x-encoding"] == {
        "encoding": "frames",
        "contentType": "application/octet-stream",
        "frames": "any",
    }
    assert found["x-sends-more"] is True
    assert found["bindings"] == {"ws": {"method": "GET", "bindingVersion": "0.1.0"}}
    assert not {"parameters", "summary", "x-tag", "x-subprotocols"} & {*found}
    assert operations == {
        "Anybody": {
            "action": "send",
            **some("Anything"),
            "x-group": {"address": "anybody", "history": False},
        }
    }


class Options(BaseModel):
    room: Literal["a", "b"] = Field(description="The room.")
    number: Literal[1, 2]
    page: int


class Guarded(WebSocketEndpoint):
    encoding = "json"
    params: Options
    security = (Credential("query", "token", "From /login."), Credential("header", "X-Key"))
    limits = Limits(rate=Rate(5, per=2), max_age=Jittered(3600, 600))


def test_parameters_and_credentials() -> None:
    """A parameter of the path is a text with a schema; credentials are where they belong."""
    found, operations = channel(Guarded, "/{room}/{number}")
    assert found["parameters"] == {
        "room": {
            "description": "The room.",
            "enum": ["a", "b"],
            "x-schema": {"description": "The room.", "enum": ["a", "b"], "type": "string"},
        },
        "number": {"x-schema": {"enum": [1, 2], "type": "integer"}},
    }
    binding = found["bindings"]["ws"]
    assert binding["query"] == {
        "type": "object",
        "properties": {
            "page": {"type": "integer"},
            "token": {"type": "string", "description": "From /login."},
        },
        "required": ["page"],
    }
    assert binding["headers"] == {"type": "object", "properties": {"X-Key": {"type": "string"}}}
    assert found["x-limits"]["rate"] == {"messages": 5, "per": 2, "burst": None}
    assert found["x-limits"]["max_age"] == {"seconds": 3600, "jitter": 600}
    assert operations == {}


def test_operations_have_their_replies() -> None:
    """A reply belongs to its message, an answer to its question."""
    _, operations = channel(Assistant)
    assert operations == {
        "run": {
            "action": "receive",
            **some("Run"),
            "reply": some("Token", "Done", "Error"),
            "x-stream": True,
            "x-concurrent": True,
            "x-overlap": "refuse",
        },
        "ask": {
            "action": "send",
            **some("Approve"),
            "reply": some("Approval"),
            "summary": "Ask the client, which answers.",
        },
        "push": {
            "action": "send",
            **some("Progress"),
            "summary": "Send without being asked.",
        },
    }


def test_operations_of_groups() -> None:
    """What comes of a group says which one, and whether it is kept."""
    _, operations = channel(Chat)
    assert operations["talk"] == {
        "action": "receive",
        **some("Say", "Leave"),
        "reply": some("Said", "Leave", "Error"),
        "summary": "Say it.",
        "description": "To all.",
        "x-may-be-silent": True,
    }
    assert operations["Lobby"] == {
        "action": "send",
        **some("Said"),
        "summary": "Who waits.",
        "description": "They come and go.",
        "x-group": {"address": "lobby:{}", "history": True},
    }


def test_operations_that_are_calls() -> None:
    """A call is answered by its result, or an error."""
    _, operations = channel(Calculator)
    assert operations["add"] == {
        "action": "receive",
        **some("add"),
        "reply": some("add_result", "Error"),
        "summary": "Add two numbers.",
        "x-method": "add",
    }
    assert operations["fail"]["reply"] == some("Error")


def test_operation_without_errors() -> None:
    """Where the encoding has no format for errors, there are none."""
    _, operations = channel(Loud)
    assert operations["on_receive"]["reply"] == some("Anything")


@pytest.mark.parametrize(
    ("credential", "name", "scheme"),
    [
        (
            Credential("bearer"),
            "bearer",
            {
                "type": "http",
                "scheme": "bearer",
                "description": "A token in the header `Authorization`, or, from a browser, as "
                "one of the subprotocols: `bearer.` and the token in base64url, without padding.",
            },
        ),
        (
            Credential("bearer", description="Of /login."),
            "bearer",
            {"type": "http", "scheme": "bearer", "description": "Of /login."},
        ),
        (
            Credential("cookie", "session", description="Of /login."),
            "cookie_session",
            {"type": "httpApiKey", "name": "session", "in": "cookie", "description": "Of /login."},
        ),
        (
            Credential("header", "X-Key"),
            "header_X-Key",
            {"type": "httpApiKey", "name": "X-Key", "in": "header"},
        ),
        (
            Credential("query", "access token"),
            "query_access_token",
            {"type": "httpApiKey", "name": "access token", "in": "query"},
        ),
    ],
)
def test_credential_is_a_scheme(credential: Credential, name: str, scheme: Any) -> None:
    """Each has a name that may be a key of a document."""
    assert security_of(credential) == (name, scheme)
