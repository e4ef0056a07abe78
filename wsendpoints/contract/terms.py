"""What has changed of how a client connects to an endpoint, and of what ends its connection."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

from wsendpoints.contract.json_schemas import Schema, entries_of
from wsendpoints.contract.narrowing import Difference, Narrowing
from wsendpoints.contract.reading import Channel

__all__ = ["Change", "handshake_changes", "term_changes"]

Change: TypeAlias = tuple[bool, str, str, str]
"""Whether it breaks clients, where it is, what it is, and why it matters."""

_OF_CLIENTS: Final = frozenset(
    {"first_message_timeout", "idle_timeout", "max_message_size", "rate"}
)
"""The limits that a client keeps to by what it does. The others depend on the network, or on the
server."""

_IN: Final = {"query": "in the query", "header": "as a header", "cookie": "as a cookie"}
_FROM: Final = {"query": "from the query", "header": "from a header", "cookie": "from a cookie"}


def handshake_changes(old: Channel, new: Channel) -> Iterator[Change]:
    """Yield what has changed of the way in: parameters, credentials, subprotocols, encodings."""
    narrowing = Narrowing(old.components, new.components, ignores_undeclared=False)
    places = zip(old.path.items(), new.path.values(), strict=True)
    for (name, schema), now in places:
        yield from _parameter(narrowing, name, schema, now)
    for asked, now in new.asked.items():
        place, name = asked
        if asked in old.asked:
            yield from _parameter(narrowing, name, old.asked[asked], now)
        if asked in new.required and asked not in old.required:
            yield True, name, f"is required {_IN[place]}", "clients may connect without it"
    for asked in old.asked:
        if asked not in new.asked:
            place, name = asked
            yield False, name, f"is not read {_FROM[place]}", "what clients give has no effect"
    yield from _credentials(old, new)
    yield from _encodings(old, new)


def _parameter(narrowing: Narrowing, name: str, old: Schema, new: Schema) -> Iterator[Change]:
    was_multiple, is_multiple = (entries_of(it).get("type") == "array" for it in (old, new))
    if was_multiple and not is_multiple:
        yield True, name, "may be given once alone", "clients may give it several times"
    old, new = _item(old), _item(new)
    if _takes_any_text(new):
        return
    differences: list[Difference] = narrowing.differences(old, new)
    for it in differences:
        where = f"{name}{it.where}"
        if it.is_certain:
            yield True, where, f"no longer takes {it.what}", "clients may give that"
        else:
            why = "it can't be told from the schemas whether clients may give that"
            yield False, where, f"may no longer take {it.what}", why


def _item(schema: Schema) -> Schema:
    """Return the schema of one of the values, of a parameter that may have several."""
    entries = entries_of(schema)
    return entries.get("items", True) if entries.get("type") == "array" else schema


def _takes_any_text(schema: Schema) -> bool:
    """Whether a parameter may be any text, as each is one in a URL."""
    entries = {key: it for key, it in entries_of(schema).items() if key in _RESTRICTING}
    parts = entries_of(schema).get("anyOf", ())
    return entries == {"type": "string"} or any(map(_takes_any_text, parts))


_RESTRICTING: Final = frozenset(
    {"$ref", "allOf", "anyOf", "const", "enum", "format", "maxLength", "minLength", "oneOf"}
    | {"pattern", "type"}
)


def _credentials(old: Channel, new: Channel) -> Iterator[Change]:
    if not old.security:
        if new.security:
            yield True, "", "tells who a client is", "clients have no credentials"
        return
    for scheme in old.security:
        if new.security and scheme not in new.security:
            named = scheme.get("name") or scheme.get("scheme", "")
            where = f"{scheme.get('in', 'header')} {named}"
            yield True, "", f"does not take credentials in {where}", "clients have theirs there"


def _encodings(old: Channel, new: Channel) -> Iterator[Change]:
    for subprotocol, was in old.encodings.items():
        now = new.encodings.get(subprotocol)
        spoken = f"subprotocol {subprotocol}" if subprotocol else "no subprotocol"
        if now is None:
            yield True, "", f"does not accept clients with {spoken}", "clients can't connect"
        elif now["encoding"] != was["encoding"]:
            what = f"has messages in {now['encoding']}, not {was['encoding']}, with {spoken}"
            yield True, "", what, "clients write, and read, the other one"
        elif now["frames"] not in ("any", was["frames"]):
            what = f"takes {now['frames']} frames alone, with {spoken}"
            yield True, "", what, f"clients may send {_others(now['frames'])} ones"


def _others(frames: str) -> str:
    return "binary" if frames == "text" else "text"


def term_changes(old: Channel, new: Channel) -> Iterator[Change]:
    """Yield what has changed of limits and close codes."""
    for limit, now in new.limits.items():
        was = old.limits.get(limit)
        if limit not in old.limits or _is_lower(now, was):
            what = f"is {_written(now)}" + ("" if was is None else f", and was {_written(was)}")
            if limit in _OF_CLIENTS:
                yield True, limit, what, "clients may exceed it"
            else:
                yield False, limit, what, "connections may be closed sooner"
    before = {limit: code for code, limits in old.codes.items() for limit in limits}
    after = {limit: code for code, limits in new.codes.items() for limit in limits}
    moved = {limit: code for limit, code in after.items() if before.get(limit, code) != code}
    for limit, code in moved.items():
        what = f"closes with {code}, and did with {before[limit]}"
        yield True, limit, what, "clients know by the code what to do"
    for code in new.codes:
        if code not in old.codes and code not in moved.values():
            yield False, "", f"may close with {code}", "clients do not know that code"


def _is_lower(now: Any, was: Any) -> bool:
    """Whether a limit is lower: a number, a time that is drawn, or how many messages may come."""
    sizes = [_size(it) for it in (now, was)]
    return any(one < other for one, other in zip(*sizes, strict=True))


def _size(value: Any) -> Sequence[float]:
    """Return a number; the shortest time; or how many messages may come a second, and at once."""
    match entries_of(value):
        case {"messages": messages, "per": per, "burst": burst}:
            return messages / per, messages if burst is None else burst
        case {"seconds": seconds, "jitter": jitter}:
            return (seconds - jitter,)
        case _:
            return (value,)


def _written(value: Any) -> str:
    match entries_of(value):
        case {"messages": messages, "per": per}:
            return f"{messages} in {per:g} s"
        case {"seconds": seconds, "jitter": jitter}:
            return f"{seconds - jitter:g} to {seconds + jitter:g}"
        case _:
            return f"{value}"
