"""Which types have themselves as a part, so that a message can be costly at each of its levels.

They are read from pydantic's core schemas, where only a definition can lead back to itself.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from wsendpoints.messages.core_schemas import (
    choices_of,
    definitions_of,
    refs_in,
    schemas_within,
)

__all__ = ["branching_refs", "recursive_union"]


def branching_refs(schema: Any) -> frozenset[str]:
    """Return the names of the definitions that are more than once a part of themselves.

    An invalid message of such a type may have an error in each branch of a tree.
    """
    uses = _uses(schema)
    return frozenset(ref for ref in uses if sum(_leads_to(ref, it, uses) for it in uses[ref]) > 1)


def recursive_union(schema: Any) -> list[str]:
    """Return the members of a union without a tag that is a part of itself.

    Pydantic validates a value with each member of such a union, also a valid value, and copies it
    into the error of each that refuses it: so it does with all that is within, at each level. If
    two members have the union as a part, the time doubles with each level.

    Returns:
        The names of the members, of the first such union; none if there is no such union.
    """
    uses, definitions = _uses(schema), definitions_of(schema)
    for ref, definition in definitions.items():
        for union in schemas_within(definition):
            if union["type"] == "union" and any(_leads_to(ref, it, uses) for it in refs_in(union)):
                return [_name_of(choice, definitions) for choice in choices_of(union)]
    return []


def _uses(schema: Any) -> Mapping[str, Sequence[str]]:
    """Return the definitions that each definition refers to, as often as it does."""
    return {ref: list(refs_in(part)) for ref, part in definitions_of(schema).items()}


def _leads_to(target: str, ref: str, uses: Mapping[str, Sequence[str]]) -> bool:
    """Whether a definition is another one, or refers to it by way of others."""
    found: set[str] = set()
    pending = [ref]
    while pending:
        ref = pending.pop()
        if ref not in found:
            found.add(ref)
            pending.extend(uses[ref])
    return target in found


def _name_of(schema: Any, definitions: Mapping[str, Any]) -> str:
    if schema["type"] == "definition-ref":
        schema = definitions[schema["schema_ref"]]
    cls: type | None = schema.get("cls")
    return schema["type"] if cls is None else cls.__name__
