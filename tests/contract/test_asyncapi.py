"""The AsyncAPI document of endpoint classes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.contract.endpoints import Assistant, Chat
from tests.contract.hostile import MARKUP, ROUTES
from wsendpoints import ConfigurationError, WebSocketEndpoint
from wsendpoints.contract.asyncapi import asyncapi

CHATS: Mapping[str, type[WebSocketEndpoint[Any]]] = {
    "/chat/{room}": Chat,
    "/assistant": Assistant,
    "/again": Chat,
}


USE_A_URL = 'use a URL such as "wss://example.com/ws", without a query or a password'


def document(**options: Any) -> dict[str, Any]:
    """Return the document of some classes."""
    return asyncapi(CHATS, title="Chats", version="1.0.0", **options)


def test_document_has_its_parts() -> None:
    """Channels, operations and components have names of their own."""
    found = document(description="All of them.", servers={"here": "wss://example.com:8443/ws"})
    assert [*found] == [
        "asyncapi",
        "info",
        "servers",
        "defaultContentType",
        "channels",
        "operations",
        "components",
    ]
    assert found["asyncapi"] == "3.0.0"
    assert found["info"] == {"title": "Chats", "version": "1.0.0", "description": "All of them."}
    assert found["servers"] == {
        "here": {"host": "example.com:8443", "protocol": "wss", "pathname": "/ws"}
    }
    assert [*found["channels"]] == ["Chat", "Assistant", "Chat2"]
    assert found["channels"]["Chat2"]["address"] == "/again"
    assert [*found["operations"]] == [
        "Chat_talk",
        "Chat_hidden",
        "Chat_push",
        "Chat_Lobby",
        "Assistant_run",
        "Assistant_ask",
        "Assistant_push",
        "Chat2_talk",
        "Chat2_hidden",
        "Chat2_push",
        "Chat2_Lobby",
    ]
    schemas = found["components"]["schemas"]
    assert [*schemas] == sorted(schemas)
    assert {"AssistantError", "ChatError", "ChatError2", "Say"} <= {*schemas}
    assert [*found["components"]["securitySchemes"]] == ["bearer", "cookie_session"]
    assert found["operations"]["Chat_talk"]["security"] == [
        {"$ref": "#/components/securitySchemes/bearer"},
        {"$ref": "#/components/securitySchemes/cookie_session"},
    ]
    assert "security" not in found["operations"]["Assistant_run"]


def test_document_of_nothing() -> None:
    """A document has what it has to have."""
    found = asyncapi({}, title="Nothing", version="0", servers={"here": "ws://localhost"})
    assert found["servers"] == {"here": {"host": "localhost", "protocol": "ws"}}
    assert (found["channels"], found["operations"]) == ({}, {})
    assert found["components"] == {"schemas": {}}
    assert "servers" not in document()
    assert "description" not in document()["info"]


def test_version_is_chosen() -> None:
    """The newer version says the same."""
    assert document(spec="3.1.0") == {**document(), "asyncapi": "3.1.0"}


def test_client_does_the_reverse() -> None:
    """In the document of a client, what the server receives is sent."""
    server, client = document()["operations"], document(perspective="client")["operations"]
    assert {name: it["action"] for name, it in client.items()} == {
        name: {"send": "receive", "receive": "send"}[it["action"]] for name, it in server.items()
    }
    assert {name: {**it, "action": ""} for name, it in client.items()} == {
        name: {**it, "action": ""} for name, it in server.items()
    }


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"spec": "2.6.0"}, 'asyncapi(spec=\'2.6.0\'): use "3.0.0" or "3.1.0"'),
        ({"perspective": "both"}, 'asyncapi(perspective=\'both\'): use "server" or "client"'),
        *(
            (
                {"servers": {"here": url}},
                f"asyncapi(servers={{'here': {url!r}}}): {USE_A_URL}",
            )
            for url in ("https://example.com", "wss:///ws", "ws://a?b=c", "ws://user:pass@host/")
        ),
    ],
)
def test_mistake_is_told(options: Any, text: str) -> None:
    """A wrong argument is an error that says what to write."""
    with pytest.raises(ConfigurationError) as caught:
        document(**options)
    assert str(caught.value) == text


def test_document_is_the_same_in_each_process() -> None:
    """Neither the order in a set nor an address shows in it."""
    code = (
        "import json, warnings\n"
        "warnings.simplefilter('ignore')\n"
        "from tests.contract.hostile import ROUTES\n"
        "from wsendpoints.contract.asyncapi import asyncapi\n"
        "print(json.dumps(asyncapi(ROUTES, title='A', version='1')))"
    )
    texts = {
        subprocess.run(  # noqa: S603 - it is ours
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1
    assert json.loads(texts.pop()) == asyncapi(ROUTES, title="A", version="1")


def test_p08_document_is_json_and_tells_no_secret() -> None:
    """Whatever types there are, it is JSON, and has neither secrets nor modules in it."""
    found = asyncapi(ROUTES, title=f"{MARKUP} \ud800", version=MARKUP, description=MARKUP)
    text = json.dumps(found, allow_nan=False)
    assert json.loads(text) == found
    assert found["info"]["title"] == f"{MARKUP} ?"
    for word in ("hunter2", "tests.", "Nobody else", "0x", "object at"):
        assert word not in text
    # A method that is private has no description, either.
    assert "Nobody else" not in json.dumps(document())


def words_in(value: Any) -> Iterator[str]:
    """Yield the keys and the texts in a value, wherever they are."""
    match value:
        case {**entries}:
            for key, each in entries.items():
                yield f"{key}"
                yield from words_in(each)
        case [*items]:
            for each in items:
                yield from words_in(each)
        case str(text):
            yield text
        case _:
            pass


def test_schemas_are_those_of_all_readers() -> None:
    """What readers of AsyncAPI trip over in pydantic's schemas is not there."""
    found = asyncapi(ROUTES, title="Hostile", version="1")
    words = {*words_in(found)}
    assert not words & {"$defs", "definitions", "discriminator", "prefixItems", "$id", "$schema"}


def test_references_lead_somewhere() -> None:
    """Each reference is to a part of the document."""
    found = asyncapi(ROUTES, title="Hostile", version="1")
    refs = {it for it in words_in(found) if it.startswith("#/")}
    for ref in refs:
        part = found
        for step in ref.removeprefix("#/").split("/"):
            part = part[step]
    assert len(refs) > 100
