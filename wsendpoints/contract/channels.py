"""An endpoint as a channel of an AsyncAPI document, and what is done there as its operations."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final, Literal, TypeAlias

from wsendpoints.contract.description import Description, Operation, Speech
from wsendpoints.contract.json_schemas import Schema, entries_of
from wsendpoints.contract.payloads import Payloads
from wsendpoints.contract.schemas import Schemas
from wsendpoints.handshake.credentials import Credential
from wsendpoints.handshake.parameters import Place
from wsendpoints.protocol.jittered import Jittered
from wsendpoints.protocol.limits import Rate

__all__ = ["channel_of", "operations_of", "security_of"]

_Action: TypeAlias = Literal["receive", "send"]
"""What the server does with a message."""

_SUBPROTOCOL: Final = "Sec-WebSocket-Protocol"
_AUTHORIZATION: Final = "Authorization"

_BEARER: Final = (
    "A token in the header `Authorization`, or, from a browser, as one of the subprotocols: "
    "`bearer.` and the token in base64url, without padding."
)

_NO_KEY: Final = re.compile(r"[^A-Za-z0-9_.-]+")


# The channel.


def channel_of(description: Description, schemas: Schemas, payloads: Payloads) -> dict[str, Any]:
    """Return the channel of an endpoint.

    Args:
        description: The endpoint.
        schemas: Those of its parameters.
        payloads: Its messages, all of which are there.
    """
    found: dict[str, Any] = {"address": description.path, "title": description.name}
    found |= _texts(description.summary, description.description)
    parameters = {
        it.name: _parameter(schemas.parameter(description, it))
        for it in description.parameters
        if it.place == "path"
    }
    if parameters:
        found["parameters"] = parameters
    found["messages"] = payloads.objects
    found["bindings"] = {"ws": _binding(description, schemas)}
    cookies, needed = _asked(description, schemas, "cookie")
    if cookies:
        # The binding has headers alone.
        found["x-cookies"] = _object(cookies, needed)
    return found | _extensions(description)


def _texts(summary: str, description: str) -> dict[str, Any]:
    texts = {"summary": summary, "description": description}
    return {name: text for name, text in texts.items() if text}


def _parameter(schema: Schema) -> dict[str, Any]:
    """Return a parameter of the path, which AsyncAPI knows as a text alone."""
    entries = entries_of(schema)
    found: dict[str, Any] = {}
    if isinstance(text := entries.get("description"), str):
        found["description"] = text
    values: Sequence[Any] = entries.get("enum", ())
    if values and all(isinstance(it, str) for it in values):
        found["enum"] = values
    return {**found, "x-schema": schema}


def _binding(description: Description, schemas: Schemas) -> dict[str, Any]:
    query, query_needed = _asked(description, schemas, "query")
    query |= {it.name: _credential(it) for it in description.security if it.place == "query"}
    headers, needed = _asked(description, schemas, "header")
    if description.subprotocols:
        headers[_SUBPROTOCOL] = {
            "description": "Those of these that the client speaks, separated by commas.",
            "type": "string",
            "examples": [*description.subprotocols],
        }
    headers |= {
        it.name or _AUTHORIZATION: _credential(it)
        for it in description.security
        if it.place in ("bearer", "header")
    }
    if description.is_subprotocol_required:
        needed.append(_SUBPROTOCOL)
    found: dict[str, Any] = {"method": "GET"}
    if query:
        found["query"] = _object(query, query_needed)
    if headers:
        found["headers"] = _object(headers, needed)
    return {**found, "bindingVersion": "0.1.0"}


def _asked(
    description: Description, schemas: Schemas, place: Place
) -> tuple[dict[str, Schema], list[str]]:
    """Return the schemas of the parameters in a place, and the names of those that are required."""
    found = [it for it in description.parameters if it.place == place]
    names = [it.name for it in found if it.is_required]
    return {it.name: schemas.parameter(description, it) for it in found}, names


def _credential(credential: Credential) -> Schema:
    return {"type": "string", **_texts("", credential.description)}


def _object(properties: Mapping[str, Any], required: Sequence[str]) -> Schema:
    found: dict[str, Any] = {"type": "object", "properties": properties}
    return {**found, "required": required} if required else found


def _extensions(description: Description) -> dict[str, Any]:
    """Return what AsyncAPI has no words for."""
    found: dict[str, Any] = {}
    own = [it for it in description.speeches if it.subprotocol is None]
    if own:
        found["x-encoding"] = _speech(own[0])
    if description.subprotocols:
        found["x-subprotocols"] = {
            it.subprotocol: _speech(it) for it in description.speeches if it.subprotocol
        }
        found["x-subprotocol-required"] = description.is_subprotocol_required
    if description.tag is not None:
        found["x-tag"] = description.tag
    if description.is_open:
        found["x-sends-more"] = True
    limits = {name: None for it in description.closings for name in it.limits}
    found["x-limits"] = {it: _limit(getattr(description.limits, it)) for it in sorted(limits)}
    found["x-close-codes"] = {
        f"{it.code}": {"causes": it.causes, "limits": it.limits} for it in description.closings
    }
    found["x-refusals"] = {f"{status}": why for status, why in description.refusals.items()}
    return found


def _speech(speech: Speech) -> dict[str, Any]:
    return {
        "encoding": speech.encoding,
        "contentType": speech.content_type,
        "frames": speech.frames,
    }


def _limit(value: Any) -> Any:
    return asdict(value) if isinstance(value, Jittered | Rate) else value


# What is done there.


def operations_of(
    description: Description, channel: str, payloads: Payloads
) -> Iterator[tuple[str, _Action, dict[str, Any]]]:
    """Yield the name of each operation, what the server does, and the rest of it.

    Args:
        description: The endpoint.
        channel: The key of its channel.
        payloads: Its messages, to which those of the operations are added.
    """
    link = _Links(channel)
    for operation in description.operations:
        if operation.method is None:
            taken = [payloads.received(it) for it in operation.messages]
            replies = [payloads.sent(it) for it in operation.replies]
        else:
            taken = [payloads.called(operation)]
            replies = payloads.answered(operation)
        if (error := payloads.error()) is not None:
            replies.append(error)
        found = link.operation(taken, replies)
        found |= _texts(operation.summary, operation.description) | _marks(operation)
        yield operation.name, "receive", found
    questions = [payloads.sent(it) for it in description.questions]
    if questions:
        answers = [payloads.received(it) for it in description.answers]
        found = link.operation(questions, answers)
        yield "ask", "send", {**found, "summary": "Ask the client, which answers."}
    pushes = [payloads.sent(it) for it in description.pushes if it not in description.questions]
    if pushes:
        yield "push", "send", {**link.operation(pushes), "summary": "Send without being asked."}
    for group in description.groups:
        sent = [payloads.sent(it) for it in group.messages]
        found = link.operation(sent) | _texts(group.summary, group.description)
        address = {"address": group.address, "history": group.has_history}
        yield group.name, "send", {**found, "x-group": address}


class _Links:
    """Refers to a channel, and to its messages."""

    def __init__(self, channel: str) -> None:
        self._channel = f"#/channels/{channel}"

    def operation(self, messages: Sequence[str], replies: Sequence[str] = ()) -> dict[str, Any]:
        """Return an operation with messages, and with those that answer them, if there are any."""
        found: dict[str, Any] = self._some(messages)
        return {**found, "reply": self._some(replies)} if replies else found

    def _some(self, messages: Sequence[str]) -> dict[str, Any]:
        refs = [{"$ref": f"{self._channel}/messages/{it}"} for it in dict.fromkeys(messages)]
        return {"channel": {"$ref": self._channel}, "messages": refs}


def _marks(operation: Operation) -> dict[str, Any]:
    """Return what is true of an operation, and AsyncAPI has no words for."""
    marks = {
        "x-method": operation.method,
        "x-stream": operation.is_stream,
        "x-may-be-silent": operation.is_silent and not operation.is_stream,
        "x-concurrent": operation.is_concurrent,
        "x-overlap": operation.overlap,
    }
    return {name: value for name, value in marks.items() if value}


# Who the client is.


def security_of(credential: Credential) -> tuple[str, dict[str, Any]]:
    """Return how a scheme of security is called, and the scheme."""
    described = _texts("", credential.description)
    if credential.place == "bearer":
        return "bearer", {"type": "http", "scheme": "bearer", "description": _BEARER, **described}
    name = credential.name
    scheme = {"type": "httpApiKey", "name": name, "in": credential.place, **described}
    return f"{credential.place}_{_NO_KEY.sub('_', name)}", scheme
