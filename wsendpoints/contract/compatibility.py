"""What of a new AsyncAPI document breaks the clients of an old one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from wsendpoints.contract.json_schemas import Schema
from wsendpoints.contract.narrowing import Difference, Narrowing
from wsendpoints.contract.reading import Channel, Payload, Served, read_document
from wsendpoints.contract.terms import handshake_changes, term_changes

__all__ = ["Finding", "Severity", "compare"]

Severity: TypeAlias = Literal["breaking", "warning"]
"""Whether it breaks a client; a warning is for a human to decide."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A change that clients notice.

    Attributes:
        severity: Whether it breaks them.
        channel: The address of the endpoint, in the old document.
        message: The name of the message; `""` if it is none of a message.
        where: The field, from the message on: `"room.members[].name"`; `""` for no field.
        what: What has changed, in words.
        why: What that does to an old client, in words.
    """

    severity: Severity
    channel: str
    message: str
    where: str
    what: str
    why: str

    def __str__(self) -> str:
        place = " ".join(filter(None, (self.channel, self.message, self.where)))
        return f"{self.severity}: {place}: {self.what}: {self.why}"


_UNTOLD: Final = "it can't be told from the schemas whether they have all that they had"


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Finding]:
    """Return what changes for old clients: what breaks them first, and then warnings.

    What they send has to be taken as before, and what they get has to be what they know.

    - A field that nobody declared is not sent: to declare it, optional, breaks nobody.
    - A reply of a new type to a message that old clients send breaks them; another message of a new
      type is a warning, as a client may ignore what it did not ask for.
    - A lower limit breaks those that were within the old one; a new close code is a warning.

    Args:
        old: The document that the clients were written by, as `asyncapi` has made it of a server.
        new: The document of now.

    Raises:
        ConfigurationError: One of them is no such document.
    """
    before, now = read_document(old, "the old document"), read_document(new, "the new document")
    places = {it.place: it for it in now}
    found: list[Finding] = []
    for channel in before:
        other = places.get(channel.place)
        if other is None:
            what = "there is no endpoint at this path"
            found.append(
                Finding("breaking", channel.address, "", "", what, "clients can't connect")
            )
        else:
            found.extend(_changes(channel, other))
    return sorted(dict.fromkeys(found), key=lambda it: it.severity)


def _changes(old: Channel, new: Channel) -> Iterator[Finding]:
    for is_breaking, where, what, why in (*handshake_changes(old, new), *term_changes(old, new)):
        severity: Severity = "breaking" if is_breaking else "warning"
        yield Finding(severity, old.address, "", where, what, why)
    yield from _received(old, new)
    yield from _sent(old, new)
    yield from _correlations(old, new)


# What clients send.


def _received(old: Channel, new: Channel) -> Iterator[Finding]:
    narrowing = Narrowing(old.components, new.components, ignores_undeclared=False)
    for payload in old.received:
        for it in _differences(narrowing, payload, new.received):
            yield Finding(
                "breaking" if it.is_certain else "warning",
                old.address,
                payload.name,
                it.where,
                f"{'no longer takes' if it.is_certain else 'may no longer take'} {it.what}",
                "clients may send that" if it.is_certain else _UNTOLD,
            )


def _differences(
    narrowing: Narrowing, payload: Payload, others: Sequence[Payload]
) -> list[Difference]:
    same = [it.schema for it in others if it.content == payload.content]
    if not same:
        return [Difference("the message")]
    return narrowing.differences(payload.schema, _either(same))


def _either(schemas: Sequence[Schema]) -> Schema:
    different = [it for number, it in enumerate(schemas) if it not in schemas[:number]]
    return different[0] if len(different) == 1 else {"anyOf": different}


# What clients get.


def _sent(old: Channel, new: Channel) -> Iterator[Finding]:
    asked = Narrowing(old.components, new.components, ignores_undeclared=False)
    if new.is_open and not old.is_open:
        what, why = "may send messages that it does not declare", "clients may not know them"
        yield Finding("warning", old.address, "", "", what, why)
    for served in new.served:
        if served.is_sent:
            for payload in served.messages:
                yield from _pushed(old, new, payload, has_answer=bool(served.replies))
        else:
            # What old clients can say that leads here.
            before = [
                one
                for one in old.served
                if not one.is_sent and _may_lead(asked, one.messages, served.messages)
            ]
            if before:
                yield from _answered(old, new, before, served)


def _may_lead(asked: Narrowing, messages: Sequence[Payload], others: Sequence[Payload]) -> bool:
    return any(
        one.content == other.content and asked.overlaps(one.schema, other.schema)
        for one in messages
        for other in others
    )


def _answered(
    old: Channel, new: Channel, before: Sequence[Served], served: Served
) -> Iterator[Finding]:
    known = [it for one in before for it in one.replies]
    for payload in served.replies:
        yield from _unknown(old, new, payload, known, "as a reply")
    name = served.name.removeprefix(f"{new.name}_")
    marks = [one.marks for one in before]
    expects = known and not any(it.get("x-may-be-silent") or it.get("x-stream") for it in marks)
    if expects and (served.marks.get("x-may-be-silent") or not served.replies):
        what = f"{name} may leave a message without a reply"
        yield Finding("breaking", old.address, "", "", what, "clients wait for one")
    if known and len({bool(it.get("x-stream")) for it in (*marks, served.marks)}) > 1:
        kind = "any number of replies" if served.marks.get("x-stream") else "one reply"
        what = f"{name} answers with {kind}"
        yield Finding("breaking", old.address, "", "", what, "clients expect it to be otherwise")
    if served.marks.get("x-concurrent") and not any(it.get("x-concurrent") for it in marks):
        what = f"{name} handles messages at the same time"
        yield Finding("warning", old.address, "", "", what, "replies come in another order")


def _pushed(old: Channel, new: Channel, payload: Payload, *, has_answer: bool) -> Iterator[Finding]:
    narrowing = Narrowing(new.components, old.components, ignores_undeclared=True)
    is_known = any(
        it.content == payload.content and narrowing.overlaps(payload.schema, it.schema)
        for it in old.sent
    )
    if is_known:
        yield from _unknown(old, new, payload, old.sent, "")
    elif has_answer:
        what = "sends a question of a new type"
        why = "clients do not know how to answer it"
        yield Finding("breaking", old.address, payload.name, "", what, why)
    elif not old.is_open:
        what, why = "sends a message of a new type", "clients do not know it"
        yield Finding("warning", old.address, payload.name, "", what, why)


def _unknown(
    old: Channel, new: Channel, payload: Payload, known: Sequence[Payload], as_what: str
) -> Iterator[Finding]:
    if old.is_open and not known:
        return
    narrowing = Narrowing(new.components, old.components, ignores_undeclared=True)
    for it in _differences(narrowing, payload, known):
        yield Finding(
            "breaking" if it.is_certain else "warning",
            old.address,
            payload.name,
            it.where,
            " ".join(filter(None, (f"may send {it.what}", as_what))),
            "clients do not expect that" if it.is_certain else _UNTOLD,
        )


def _correlations(old: Channel, new: Channel) -> Iterator[Finding]:
    now = {it.correlation for it in (*new.received, *new.sent)}
    before = {it.correlation for it in (*old.received, *old.sent)} - {None}
    for location in sorted(filter(None, before - now)):
        field = location.rpartition("/")[2]
        what = f"{field} no longer tells which message is answered"
        yield Finding("breaking", old.address, "", field, what, "clients find the answer by it")
