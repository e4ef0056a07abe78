"""What changes of the way in, and of what ends a connection."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from tests.contract.changes import documents, endpoint, one, params
from wsendpoints import Cookie, Credential, Header, Jittered, Limits, Rate
from wsendpoints.contract.reading import read_document
from wsendpoints.contract.terms import handshake_changes, term_changes

BEARER = Credential("bearer")
COOKIE = Credential("cookie", "session")


def told(old: Any, new: Any) -> list[str]:
    """Return what has changed, with a question mark behind what breaks nobody."""
    before, now = (read_document(it, "it")[0] for it in documents(one(old, new)))
    return [
        f"{where}: {what}: {why}".removeprefix(": ") + ("" if breaks else "?")
        for breaks, where, what, why in (
            *handshake_changes(before, now),
            *term_changes(before, now),
        )
    ]


@pytest.mark.parametrize(
    ("old", "new", "texts"),
    [
        ({}, {}, []),
        (
            params(a=(str, "")),
            {},
            ["a: is not read from the query: what clients give has no effect?"],
        ),
        (
            params(),
            params(a=Annotated[str, Header()], b=(Annotated[str, Cookie()], "")),
            ["a: is required as a header: clients may connect without it"],
        ),
        (
            params(a=Annotated[str, Header("X-A")], b=(Annotated[str, Cookie()], "")),
            params(c=(Annotated[str, Cookie("b")], "")),
            ["x-a: is not read from a header: what clients give has no effect?"],
        ),
        (
            params(a=Annotated[str, Cookie()]),
            params(a=Annotated[Literal["b"], Cookie()]),
            ['a: no longer takes anything but "b": clients may give that'],
        ),
        (
            params(),
            params(a=str),
            ["a: is required in the query: clients may connect without it"],
        ),
        (params(a=int), params(a=str), []),
        (params(a=int), params(a=str | None), []),
        (params(a=str), params(a=int), ["a: no longer takes texts: clients may give that"]),
        (
            params(a=str),
            params(a=Literal["b"]),
            ['a: no longer takes anything but "b": clients may give that'],
        ),
        (
            params(a=str),
            params(a=Annotated[str, Field(pattern=".*")]),
            [
                (
                    "a: may no longer take texts that do not match .*: "
                    "it can't be told from the schemas whether clients may give that?"
                )
            ],
        ),
        (params(a=int), params(a=list[int]), []),
        (
            params(a=list[int]),
            params(a=int),
            ["a: may be given once alone: clients may give it several times"],
        ),
        ({}, {"security": [BEARER]}, ["tells who a client is: clients have no credentials"]),
        ({"security": [BEARER]}, {}, []),
        ({"security": [BEARER]}, {"security": [BEARER, COOKIE]}, []),
        (
            {"security": [BEARER, COOKIE]},
            {"security": [BEARER]},
            ["does not take credentials in cookie session: clients have theirs there"],
        ),
        (
            {"security": [BEARER]},
            {"security": [COOKIE]},
            ["does not take credentials in header bearer: clients have theirs there"],
        ),
        (
            {},
            {"subprotocols": ["a"], "require_subprotocol": True},
            ["does not accept clients with no subprotocol: clients can't connect"],
        ),
        (
            {"subprotocols": ["a"]},
            {},
            ["does not accept clients with subprotocol a: clients can't connect"],
        ),
        (
            {"subprotocols": {"a": "json"}},
            {"subprotocols": {"a": "msgpack"}},
            [
                (
                    "has messages in msgpack, not json, with subprotocol a: "
                    "clients write, and read, the other one"
                ),
                "may close with 1003: clients do not know that code?",
            ],
        ),
        (
            {"limits": Limits(idle_timeout=5)},
            {"limits": Limits(idle_timeout=4)},
            ["idle_timeout: is 4, and was 5: clients may exceed it"],
        ),
        ({"limits": Limits(idle_timeout=4)}, {"limits": Limits(idle_timeout=5)}, []),
        (
            {},
            {"limits": Limits(rate=Rate(5, per=2))},
            ["rate: is 5 in 2 s: clients may exceed it"],
        ),
        (
            {"limits": Limits(rate=Rate(5, burst=9))},
            {"limits": Limits(rate=Rate(5))},
            ["rate: is 5 in 1 s, and was 5 in 1 s: clients may exceed it"],
        ),
        ({"limits": Limits(rate=Rate(5))}, {"limits": Limits(rate=Rate(10, per=2))}, []),
        (
            {},
            {"limits": Limits(max_age=Jittered(3600, 600))},
            ["max_age: is 3000 to 4200: connections may be closed sooner?"],
        ),
        (
            {"limits": Limits(max_age=Jittered(3600, 600))},
            {"limits": Limits(max_age=2999)},
            ["max_age: is 2999, and was 3000 to 4200: connections may be closed sooner?"],
        ),
        (
            {"limits": Limits(max_age=3000)},
            {"limits": Limits(max_age=Jittered(3600, 600))},
            [],
        ),
        (
            {"limits": Limits(max_age=3600)},
            {"limits": Limits(max_age=Jittered(3600, 600))},
            ["max_age: is 3000 to 4200, and was 3600: connections may be closed sooner?"],
        ),
        (
            {},
            {"limits": Limits(outbox=5)},
            ["outbox: is 5, and was 256: connections may be closed sooner?"],
        ),
        (
            {},
            {"limits": Limits(close_codes={"max_message_size": 4009})},
            [
                (
                    "max_message_size: closes with 4009, and did with 1009: "
                    "clients know by the code what to do"
                )
            ],
        ),
        (
            {},
            {
                "limits": Limits(
                    first_message_timeout=5, close_codes={"first_message_timeout": 4000}
                )
            },
            [
                "first_message_timeout: is 5: clients may exceed it",
                "may close with 4000: clients do not know that code?",
            ],
        ),
    ],
    ids=str,
)
def test_terms(old: Mapping[str, Any], new: Mapping[str, Any], texts: list[str]) -> None:
    """A change is told, and whether it breaks anybody."""
    # Their expiry is a close code.
    expiry = "may close with 4401: clients do not know that code?"
    assert [it for it in told(endpoint(**old), endpoint(**new)) if it != expiry] == texts


@pytest.mark.parametrize("encoding", ["text", "bytes"])
def test_frames_of_another_kind(encoding: str) -> None:
    """Another encoding is told as such; of the same one, the frames that are taken count."""

    def at(frames: str) -> Any:
        (document, _) = documents(one(endpoint(), endpoint()))
        channel = document["channels"]["Endpoint"]
        channel["x-encoding"] = {**channel["x-encoding"], "frames": frames}
        return read_document(document, "it")[0]

    kind, other = ("text", "binary") if encoding == "text" else ("binary", "text")
    assert [*handshake_changes(at("any"), at(kind))] == [
        (
            True,
            "",
            f"takes {kind} frames alone, with no subprotocol",
            f"clients may send {other} ones",
        )
    ]
    assert [*handshake_changes(at(kind), at("any"))] == []


def test_parameters_of_the_path() -> None:
    """They are compared by their places, whatever they are called."""
    change = one(endpoint(**params(a=str)), endpoint(**params(b=int)))
    documented = zip(documents(change), ("a", "b"), strict=True)
    old, new = (
        read_document({**it, "channels": {"Endpoint": _at(it, name)}}, "it")[0]
        for it, name in documented
    )
    found = [it for it in handshake_changes(old, new) if it[1] == "a"]
    assert (True, "a", "no longer takes texts", "clients may give that") in found


def _at(document: Any, name: str) -> Any:
    channel = document["channels"]["Endpoint"]
    schema = channel["bindings"]["ws"]["query"]["properties"][name]
    return {**channel, "address": f"/{{{name}}}", "parameters": {name: {"x-schema": schema}}}
