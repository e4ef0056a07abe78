"""The JSON schemas of the messages of many endpoints, with each class once, under one name."""

import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, final

from wsendpoints.contract.description import Description, Message, Parameter
from wsendpoints.contract.generating import REF, Definition, Mode, generate
from wsendpoints.contract.json_schemas import (
    Schema,
    holds_secret,
    plain,
    refs_in,
    relinked,
    rewritten,
)

__all__ = ["COMPONENTS", "Names", "Schemas", "schemas_of"]

COMPONENTS: Final = "#/components/schemas/"
"""What the references begin with, before the name; in OpenAPI too."""

_NO_NAME: Final = re.compile(r"[^A-Za-z0-9]+")

_SUFFIXES: Final[Mapping[Mode, str]] = {"validation": "Input", "serialization": "Output"}


@final
class Names:
    """Gives each thing a name of its own, made of letters and digits of ASCII and `_`.

    The first one of a name gets it, the others a number behind it: `Say`, `Say2`.
    """

    __slots__ = ("_numbers", "_taken")

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._numbers: dict[str, int] = {}

    def give(self, wanted: str) -> str:
        """Return a name that nothing has."""
        base = name = _NO_NAME.sub("_", wanted).strip("_") or "Value"
        number = self._numbers.get(base, 1)
        while name in self._taken:
            number += 1
            name = f"{base}{number}"
        self._numbers[base] = number
        self._taken.add(name)
        return name


@dataclass(frozen=True, slots=True)
class Schemas:
    """The schemas of what several endpoints take and send.

    Attributes:
        components: Those of classes, by their names, sorted.
        names: Gives names to further components.
    """

    components: Mapping[str, Schema]
    names: Names = field(compare=False, repr=False)
    _messages: Mapping[tuple[Message, Mode], Schema]
    _parameters: Mapping[Description, Mapping[str, Schema]]
    _resolved: Mapping[tuple[Description, Parameter], Schema]

    def received(self, message: Message) -> Schema:
        """Return the schema of a message that clients send: `{"$ref": ...}` for a class."""
        return self._messages[message, "validation"]

    def sent(self, message: Message) -> Schema:
        """Return the schema of a message that clients get."""
        return self._messages[message, "serialization"]

    def parameter(self, description: Description, parameter: Parameter) -> Schema:
        """Return the schema of a parameter; that of a text or an integer, if nothing takes it."""
        if (own := self._resolved.get((description, parameter))) is not None:
            return own
        found = self._parameters[description]
        names = (parameter.name, *parameter.others)
        other = {"type": "integer" if parameter.is_integer else "string"}
        return next((found[it] for it in names if it in found), other)


def schemas_of(descriptions: Sequence[Description]) -> Schemas:
    """Return the schemas of what endpoints take and send.

    What clients send is described as it is validated, what they get as it is serialized. A class
    that differs in that has two components, `SayInput` and `SayOutput`.

    Raises:
        ConfigurationError: A type has no schema.
    """
    # Each once, in order.
    messages: dict[tuple[Message, Mode], None] = {}
    for description in descriptions:
        messages.update({(it, "validation"): None for it in description.received})
        messages.update({(it, "serialization"): None for it in description.sent})
    params = [it for it in descriptions if it.params is not None]
    types: list[tuple[Any, Mode]] = [(message.type, mode) for message, mode in messages]
    types.extend((it.params, "validation") for it in params)
    resolved = [(one, it) for one in descriptions for it in one.parameters if it.type is not None]
    types.extend((it.type, "validation") for _, it in resolved)
    schemas, definitions = generate(types, "the contract")
    pool = _Pool(definitions)
    heads = [pool.common(it) for it in schemas]
    end = len(messages) + len(params)
    fields = [_properties(pool, it) for it in heads[len(messages) : end]]
    found = dict(zip(messages, heads, strict=False))
    names = Names()
    pool.name_all(
        names,
        [
            *((head, mode, message.name) for (message, mode), head in found.items()),
            *((it, "validation", "") for some in fields for it in some.values()),
            *((it, "validation", "") for it in heads[end:]),
        ],
    )
    parameters: dict[Description, Mapping[str, Schema]] = {it: {} for it in descriptions}
    for description, some in zip(params, fields, strict=True):
        parameters[description] = {
            name: pool.linked(field, "validation") for name, field in some.items()
        }
    return Schemas(
        dict(sorted(pool.components().items())),
        names,
        {key: pool.linked(head, key[1]) for key, head in found.items()},
        parameters,
        {
            key: pool.linked(head, "validation")
            for key, head in zip(resolved, heads[end:], strict=True)
        },
    )


def _properties(pool: "_Pool", schema: Schema) -> Mapping[str, Schema]:
    while "$ref" in schema:
        schema = pool.body(schema["$ref"], "validation")
    found: Mapping[str, Schema] = schema.get("properties", {})
    return found


_Node: TypeAlias = tuple[str, Mode | None]
"""A class, and the mode of its schema; `None` if both are the same."""


@final
class _Pool:
    """The definitions, of which those of one class are one if they say the same.

    Within it a `$ref` is the identity of a class.
    """

    def __init__(self, definitions: Mapping[str, Definition]) -> None:
        self._definitions = definitions
        self._secret = _secret(definitions)
        self._bodies: dict[str, dict[Mode | None, Schema]] = {}
        self._names_of_classes: dict[str, str] = {}
        for definition in definitions.values():
            body = _untitled(self.common(definition.schema), definition.name)
            self._bodies.setdefault(definition.identity, {})[definition.mode] = body
            self._names_of_classes[definition.identity] = definition.name
        self._split = _split(self._bodies)
        self._names: dict[_Node, str] = {}

    def common(self, schema: Schema) -> Schema:
        """Return a schema in the common form."""
        return rewritten(schema, self._identity, self._is_secret)

    def body(self, identity: str, mode: Mode) -> Schema:
        """Return the schema of a class."""
        bodies = self._bodies[identity]
        return bodies[mode] if mode in bodies else next(iter(bodies.values()))

    def name_all(self, names: Names, heads: Sequence[tuple[Schema, Mode, str]]) -> None:
        """Give a name to each class that is referred to.

        Args:
            names: What gives them.
            heads: What refers to them, with its mode, and with the name of the class that it is, if
                it is one. These get theirs first.
        """
        pending = deque(heads)
        while pending:
            schema, mode, known = pending.popleft()
            for identity in refs_in(schema):
                node = self._node(identity, mode)
                if node not in self._names:
                    is_it = known and schema == {"$ref": identity}
                    wanted = known if is_it else self._names_of_classes[identity]
                    suffix = "" if node[1] is None else _SUFFIXES[node[1]]
                    self._names[node] = names.give(wanted + suffix)
                    pending.append((self.body(identity, mode), mode, ""))

    def components(self) -> dict[str, Schema]:
        """Return the schemas of the classes that have a name, by these."""
        found: dict[str, Schema] = {}
        for (identity, mode), name in self._names.items():
            # Where both are the same, so is what they refer to.
            own = mode or next(iter(self._bodies[identity]))
            found[name] = self.linked(self._bodies[identity][own], own)
        return found

    def linked(self, schema: Schema, mode: Mode | None) -> Schema:
        """Return a schema with references to components, and nothing that JSON does not have."""

        def name_of(identity: str) -> str:
            return f"{COMPONENTS}{self._names[self._node(identity, mode)]}"

        return plain(relinked(schema, name_of))

    def _node(self, identity: str, mode: Mode | None) -> _Node:
        return identity, mode if identity in self._split else None

    def _identity(self, ref: str) -> str | None:
        definition = self._definitions.get(ref.removeprefix(REF))
        return None if definition is None else definition.identity

    def _is_secret(self, schema: Schema) -> bool:
        return holds_secret(schema) or any(
            ref.removeprefix(REF) in self._secret for ref in refs_in(schema)
        )


def _untitled(schema: Schema, name: str) -> Schema:
    """Return a schema without a title that is the name of the class, and what is private of it."""
    title = schema.get("title")
    left_out = {"title"} if isinstance(title, str) and _words(title) == _words(name) else set[str]()
    if name.startswith("_"):
        left_out.add("description")
    return {key: value for key, value in schema.items() if key not in left_out}


def _words(text: str) -> str:
    return _NO_NAME.sub("_", text)


def _secret(definitions: Mapping[str, Definition]) -> set[str]:
    """Return the keys of the definitions that are, or lead to, a secret."""
    users = _users({key: [it.schema] for key, it in definitions.items()}, REF)
    return _reached([key for key, it in definitions.items() if holds_secret(it.schema)], users)


def _split(bodies: Mapping[str, Mapping[Any, Schema]]) -> set[str]:
    """Return the classes that are validated as another schema than they are serialized as.

    One that refers to such a class is one of them.
    """
    every = {key: [*some.values()] for key, some in bodies.items()}
    differing = [key for key, (one, *others) in every.items() if others and one != others[0]]
    return {it for it in _reached(differing, _users(every, "")) if len(every[it]) > 1}


def _users(schemas: Mapping[str, Sequence[Schema]], prefix: str) -> Mapping[str, set[str]]:
    """Return which refer to each."""
    users: dict[str, set[str]] = {}
    for key, every in schemas.items():
        for schema in every:
            for ref in refs_in(schema):
                users.setdefault(ref.removeprefix(prefix), set()).add(key)
    return users


def _reached(first: Sequence[str], users: Mapping[str, set[str]]) -> set[str]:
    """Return these, and those that refer to them, by way of others too."""
    found: set[str] = set()
    pending = [*first]
    while pending:
        key = pending.pop()
        if key not in found:
            found.add(key)
            pending.extend(users.get(key, ()))
    return found
