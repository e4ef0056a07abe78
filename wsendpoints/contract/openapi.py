"""The messages of endpoint classes as components of an OpenAPI document: `openapi_schemas`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from typing import Any

from wsendpoints.contract.channels import operations_of
from wsendpoints.contract.describing import describe
from wsendpoints.contract.description import Description
from wsendpoints.contract.json_schemas import (
    Schema,
    entries_of,
    refs_in,
    relinked,
    with_parts,
)
from wsendpoints.contract.payloads import Payloads
from wsendpoints.contract.schemas import COMPONENTS, Names, Schemas, schemas_of
from wsendpoints.endpoint import WebSocketEndpoint

__all__ = ["openapi_schemas", "with_schemas"]


def openapi_schemas(*classes: type[WebSocketEndpoint[Any]]) -> dict[str, Schema]:
    """Return what endpoint classes take and send, for `components/schemas` of a document.

    Of a class `Chat` these are `ChatClientMessage`, what its clients send, and `ChatServerMessage`,
    what they get, error messages among it; and what those refer to. A union of messages that their
    tag tells apart is a `oneOf` with a `discriminator`.

    The schemas are those of OpenAPI 3.1: JSON schemas of draft 2020-12.

    Args:
        classes: The classes. What several of them take or send is one schema.

    Returns:
        The schemas, by their names, sorted.

    Raises:
        ConfigurationError: A class can't be served, or has a message without a schema.
    """
    described = [describe(it) for it in dict.fromkeys(classes)]
    schemas = schemas_of(described)
    components = dict(schemas.components)
    unions: dict[str, Schema] = {}
    for each in described:
        taken, sent, errors = _messages(each, schemas)
        components.update(errors)
        for kind, payloads in (("Client", taken), ("Server", sent)):
            name = schemas.names.give(f"{each.name}{kind}Message")
            says = "send" if kind == "Client" else "get"
            told = {"description": f"What clients of {each.name} {says}."}
            unions[name] = told | _union(payloads, each.tag, components) if payloads else False
    needed = {it: components[it] for it in _reached(unions.values(), components)}
    return {name: _modern(it) for name, it in sorted({**needed, **unions}.items())}


def _messages(
    description: Description, schemas: Schemas
) -> tuple[list[Schema], list[Schema], Mapping[str, Schema]]:
    """Return what clients send, and what they get, each once; and further components."""
    payloads = Payloads(description, schemas, schemas.names)
    taken: list[Schema] = []
    sent: list[Schema] = []
    for _, action, operation in operations_of(description, "", payloads):
        replies = operation.get("reply", {}).get("messages", ())
        asked, answered = (taken, sent) if action == "receive" else (sent, taken)
        asked.extend(_payloads_of(operation["messages"], payloads))
        answered.extend(_payloads_of(replies, payloads))
    if not sent and description.is_open:
        sent.append({})
    return _each_once(taken), _each_once(sent), payloads.components


def _payloads_of(refs: Iterable[Mapping[str, str]], payloads: Payloads) -> Iterator[Schema]:
    for ref in refs:
        yield payloads.objects[ref["$ref"].rpartition("/")[2]]["payload"]


def _each_once(schemas: Sequence[Schema]) -> list[Schema]:
    return [it for number, it in enumerate(schemas) if it not in schemas[:number]]


# A union.


def _union(
    schemas: Sequence[Schema], tag: str | None, components: Mapping[str, Schema]
) -> dict[str, Any]:
    mapping = None if tag is None else _mapping(schemas, tag, components)
    if mapping is None:
        return {"anyOf": [*schemas]}
    return {"oneOf": [*schemas], "discriminator": {"propertyName": tag, "mapping": mapping}}


def _mapping(
    schemas: Sequence[Schema], tag: str, components: Mapping[str, Schema]
) -> Mapping[str, str] | None:
    """Return what each tag means; `None` if they don't tell all of the schemas apart."""
    found: dict[str, str] = {}
    for schema in schemas:
        ref: Any = entries_of(schema).get("$ref")
        body = entries_of(None if ref is None else components[ref.removeprefix(COMPONENTS)])
        field = entries_of(body.get("properties", {}).get(tag))
        values: Any = [field["const"]] if "const" in field else field.get("enum", ())
        if not values or not all(isinstance(it, str) and it not in found for it in values):
            return None
        found.update(dict.fromkeys(values, ref))
    return found


def _reached(schemas: Iterable[Schema], components: Mapping[str, Schema]) -> set[str]:
    """Return the components that schemas refer to, by way of others too."""
    found: set[str] = set()
    pending = [*schemas]
    while pending:
        names = {it.removeprefix(COMPONENTS) for it in refs_in(pending.pop())} - found
        found |= names
        pending.extend(components[it] for it in names)
    return found


def _modern(schema: Schema) -> Schema:
    """Return a schema with the tuples of draft 2020-12."""
    if not isinstance(schema, dict):
        return schema
    found = with_parts(schema, _modern)
    if isinstance(found.get("items"), list):
        found["prefixItems"] = found.pop("items")
        if "additionalItems" in found:
            found["items"] = found.pop("additionalItems")
    return found


# A document.


def with_schemas(document: Mapping[str, Any], schemas: Mapping[str, Schema]) -> Any:
    """Return a copy of an OpenAPI document that has schemas, too.

    None of its own is replaced: where it has another one of the same name, that of ours has a
    number behind it, as in `Say2`.

    Args:
        document: The document.
        schemas: What `openapi_schemas` returned.
    """
    components: Mapping[str, Any] = document.get("components") or {}
    own: Mapping[str, Schema] = components.get("schemas") or {}
    given = _given(schemas, own)
    added = {given[name]: _renamed(it, given) for name, it in schemas.items()}
    # Of its class: some frameworks have one for it.
    found: Any = copy(document)
    found["components"] = {**components, "schemas": {**own, **added}}
    return found


def _given(schemas: Mapping[str, Schema], own: Mapping[str, Schema]) -> Mapping[str, str]:
    """Return what schemas are called in a document, which has others already."""
    differing = {name for name, it in schemas.items() if name in own and own[name] != it}
    while True:
        # What refers to another one is another one.
        more = {
            name
            for name in own.keys() & schemas.keys() - differing
            if any(it.removeprefix(COMPONENTS) in differing for it in refs_in(schemas[name]))
        }
        if not more:
            break
        differing |= more
    names = Names()
    for name in sorted({*own, *schemas}):
        names.give(name)
    return {name: names.give(name) if name in differing else name for name in schemas}


def _renamed(schema: Schema, given: Mapping[str, str]) -> Schema:
    def link(ref: str) -> str:
        return f"{COMPONENTS}{given[ref.removeprefix(COMPONENTS)]}"

    found = relinked(schema, link)
    if "discriminator" in entries_of(found):
        told = found["discriminator"]
        mapping = {tag: link(ref) for tag, ref in told["mapping"].items()}
        found["discriminator"] = {**told, "mapping": mapping}
    return found
