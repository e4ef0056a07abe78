"""What breaks old clients is found, and nothing else, as an oracle says that others wrote."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Annotated, Any, ClassVar, Final, Literal, cast

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy
from pydantic import BaseModel, Field

from tests.contract.changes import (
    BREAKING,
    HARMLESS,
    LEAVE,
    LEFT,
    SAID,
    Change,
    documents,
    endpoint,
    one,
    said,
    say,
)
from tests.contract.endpoints import Assistant, Done, Run, Token
from tests.contract.oracle import checker, values_of
from wsendpoints import WebSocket, WebSocketEndpoint, handles
from wsendpoints.contract.compatibility import compare

FOUND: Final = settings(
    max_examples=25,
    database=None,
    derandomize=True,
    deadline=None,
    phases=[Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

MAX_DEPTH: Final = 1

VALUES: Final = frozenset({"const", "enum", "examples", "required"})
"""What has no schemas in it."""


def inlined(schema: Any, components: Any, depth: int = 0, *, is_closed: bool) -> Any:
    """Return a schema without references, as deep as it has to be.

    Args:
        schema: The schema, or a list of some.
        components: What it refers to.
        depth: How deep it stands in a recursive one.
        is_closed: Whether an object has the fields alone that it declares.
    """
    match schema:
        case [*parts]:
            return [inlined(it, components, depth, is_closed=is_closed) for it in parts]
        case {"$ref": str(ref)}:
            if depth > MAX_DEPTH:
                return False
            target = components[ref.rpartition("/")[2]]
            return inlined(target, components, depth + 1, is_closed=is_closed)
        case dict():
            entries = cast("dict[str, Any]", schema)
            found: dict[str, Any] = {
                key: it if key in VALUES else inlined(it, components, depth, is_closed=is_closed)
                for key, it in entries.items()
                if key != "default"
            }
            if is_closed and "type" in found and isinstance(found.get("properties"), dict):
                found.setdefault("additionalProperties", False)
            return found
        case _:
            return schema


def payloads(document: Any, *, is_sent: bool) -> list[Any]:
    """Return the schemas of the messages that clients of the first endpoint send, or get."""
    found: list[Any] = []
    key, channel = next(iter(document["channels"].items()))
    for operation in document["operations"].values():
        sends = operation["action"] == "send"
        part = operation if sends is is_sent else operation.get("reply", {"messages": []})
        for ref in part["messages"]:
            place, _, name = ref["$ref"].rpartition("/")
            if place == f"#/channels/{key}/messages":
                found.append(channel["messages"][name]["payload"])
    return found


def counterexamples(change: Change) -> Iterator[Any]:
    """Yield messages that one version has and the other does not take."""
    old, new = documents(change)
    for source, target, is_sent in ((old, new, False), (new, old, True)):
        parts = [source["components"]["schemas"], target["components"]["schemas"]]
        made = inlined(payloads(source, is_sent=is_sent), parts[0], is_closed=False)
        taken = inlined(payloads(target, is_sent=is_sent), parts[1], is_closed=False)
        if all(it in taken for it in made):
            continue
        # What is the same in both is taken.
        of_interest = [it for it in made if it not in taken]
        if not change.has_undeclared:
            of_interest = inlined(of_interest, {}, is_closed=True)
        is_taken = checker({"anyOf": taken})
        yield from first_other(values_of(of_interest), is_taken)


class _FoundError(Exception):
    """There is a value that is not taken."""


def first_other(values: SearchStrategy[Any], is_taken: Callable[[Any], bool]) -> list[Any]:
    """Return the first value that is not taken, if one is found."""
    found: list[Any] = []

    @given(values)
    @FOUND
    def look(value: Any) -> None:
        if not is_taken(value):
            found.append(value)
            raise _FoundError

    with suppress(_FoundError):
        look()
    return found[:1]


def texts(change: Change, severity: str = "breaking") -> list[str]:
    """Return what is found of a change."""
    return [str(it) for it in compare(*documents(change)) if it.severity == severity]


def test_there_are_fifty_of_each() -> None:
    """The tables are as long as they are said to be."""
    assert (len(BREAKING), len(HARMLESS)) == (50, 50)


@pytest.mark.parametrize("name", BREAKING)
def test_breaking_change_is_found(name: str) -> None:
    """It is found, and where it is one of messages, there is such a message."""
    change = BREAKING[name]
    assert texts(change)
    assert any(True for _ in counterexamples(change)) is change.is_of_schemas


@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_change_is_not_reported(name: str) -> None:
    """Nothing is found, and there is no message that tells otherwise."""
    change = HARMLESS[name]
    assert texts(change) == []
    assert [*counterexamples(change)] == []


@pytest.mark.parametrize("name", [*BREAKING, *HARMLESS])
def test_nothing_is_found_of_the_same(name: str) -> None:
    """A version is compatible with itself."""
    change = {**BREAKING, **HARMLESS}[name]
    for document in documents(change):
        assert compare(document, json.loads(json.dumps(document))) == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "a field that is required now",
            "breaking: / Say room: no longer takes messages without it: clients may send that",
        ),
        (
            "a message that is not taken",
            (
                'breaking: / Leave: no longer takes messages with type = "leave": '
                "clients may send that"
            ),
        ),
        (
            "a reply of another type",
            (
                'breaking: / Left: may send messages with type = "left" as a reply: '
                "clients do not expect that"
            ),
        ),
        (
            "a push with another type of field",
            "breaking: / Said text: may send texts: clients do not expect that",
        ),
        (
            "no reply",
            "breaking: /: on_receive may leave a message without a reply: clients wait for one",
        ),
        (
            "many replies",
            (
                "breaking: /: on_receive answers with any number of replies: "
                "clients expect it to be otherwise"
            ),
        ),
        (
            "another path",
            "breaking: /a: there is no endpoint at this path: clients can't connect",
        ),
        ("credentials", "breaking: /: tells who a client is: clients have no credentials"),
    ],
)
def test_finding_is_told(name: str, told: str) -> None:
    """What has changed, where, and why that matters."""
    assert told in texts(BREAKING[name])


def test_stream_that_became_one_reply() -> None:
    """It is as breaking as the other way round."""
    change = BREAKING["many replies"]
    back = Change(change.new, change.old)
    assert texts(back)[0].startswith("breaking: /: on_receive answers with one reply")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            endpoint(),
            endpoint(sends=LEFT),
            ["warning: / Left: sends a message of a new type: clients do not know it"],
        ),
        (
            endpoint(say(text=str)),
            endpoint(say(text=Annotated[str, Field(pattern=".*")])),
            [
                (
                    "warning: / Say text: may no longer take texts that do not match .*: "
                    "it can't be told from the schemas whether they have all that they had"
                )
            ],
        ),
        (
            endpoint(returns=said(text=Annotated[str, Field(pattern=".*")])),
            endpoint(),
            [
                (
                    "warning: / Said text: may send texts that do not match .* as a reply: "
                    "it can't be told from the schemas whether they have all that they had"
                )
            ],
        ),
    ],
)
def test_warnings(old: Any, new: Any, told: list[str]) -> None:
    """What a human has to decide is no breaking change."""
    change = one(old, new)
    assert (texts(change), texts(change, "warning")) == ([], told)


class Numbered(BaseModel):
    type: Literal["numbered"] = "numbered"
    number: int | None = None


class Serial(Assistant):
    @handles
    async def run(self, websocket: WebSocket, data: Run) -> AsyncIterator[Token | Done]:
        yield Token()


class Unasking(WebSocketEndpoint):
    encoding = "json"
    correlation_id = "id"
    error_codes: ClassVar[Any] = Assistant.error_codes

    @handles(concurrent=True)
    async def run(self, websocket: WebSocket, data: Run) -> AsyncIterator[Token | Done]:
        yield Token()


def test_replies_in_another_order() -> None:
    """A client that does not tell answers apart may be confused."""
    found = texts(one(Serial, Assistant), "warning")
    assert (
        "warning: /: run handles messages at the same time: replies come in another order" in found
    )
    assert texts(one(Assistant, Assistant), "warning") == []


def test_question_of_a_new_type() -> None:
    """An old client would leave it without an answer."""
    assert texts(one(Unasking, Assistant))[-1] == (
        "breaking: / Approve: sends a question of a new type: clients do not know how to answer it"
    )


class Talk(WebSocketEndpoint):
    encoding = "json"
    correlation_id = "number"

    async def on_receive(self, websocket: WebSocket, data: Numbered) -> None:
        """Take it."""


class Unnumbered(WebSocketEndpoint):
    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Numbered) -> None:
        """Take it."""


def test_correlation_is_gone() -> None:
    """A client can't tell any more what an answer belongs to."""
    assert texts(one(Talk, Unnumbered)) == [
        (
            "breaking: / number: number no longer tells which message is answered: "
            "clients find the answer by it"
        )
    ]


class Undeclared(WebSocketEndpoint):
    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Numbered):  # type: ignore[no-untyped-def]  # as some do
        """Answer with anything."""


def test_server_that_declares_nothing() -> None:
    """Of one that could send anything, each message was possible."""
    assert texts(one(Undeclared, endpoint(Numbered))) == []
    silent, pushing = endpoint(returns=None), endpoint(returns=None, sends=SAID)
    assert compare(*documents(one(silent, pushing))) == []
    silent, replying = endpoint(str, None, encoding="text"), endpoint(str, str, encoding="text")
    assert compare(*documents(one(silent, replying))) == []


def test_server_that_no_longer_declares_what_it_sends() -> None:
    """A client has to expect anything then."""
    told = "may send messages that it does not declare: clients may not know them"
    assert texts(one(endpoint(), endpoint(returns=None)), "warning") == [f"warning: /: {told}"]


def test_frame_in_place_of_a_value() -> None:
    """Bytes are another message than a value."""
    assert texts(one(endpoint(), endpoint(bytes)))[0] == (
        "breaking: / Say: no longer takes the message: clients may send that"
    )


def test_breaking_changes_come_first() -> None:
    """Each is told once, warnings last."""
    change = one(endpoint(), endpoint(LEAVE, sends=LEFT))
    found = compare(*documents(change))
    assert [it.severity for it in found] == ["breaking", "warning"]
    assert len({*found}) == len(found)
