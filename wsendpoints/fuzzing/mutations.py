"""Values that are nearly valid: one thing of a valid one is changed."""

import copy
import random
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

__all__ = ["mutated"]

_OTHERS: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1.5, 2**31, 2**63, -(2**63) - 1, 10**30, 1e308, "", "x", "0"),
    *("null", "2025-01-31", "\x00", [], [[]], {}, {"": None}, [None] * 20),
)
"""What takes the place of another value, most often one of another type."""

_TAGS: Final[tuple[Any, ...]] = (
    *("", "unknown", "_private", "__init__", "__class__", "on_disconnect", "\x00", "x" * 1000),
    *(None, 1, True, [], {}, ["say"]),
)
"""What takes the place of a tag."""

_NAMES: Final = ("", "x", "__proto__", "__class__", "$ref", "constructor", "\x00", "x" * 1000)
"""Names of fields that nobody declares."""


def mutated(value: Any, chance: random.Random, tag: str | None = None) -> Any:
    """Return a copy of a value with one thing changed.

    Args:
        value: The value, as JSON has it.
        chance: What decides.
        tag: The name of the field that tells messages apart.
    """
    found = [copy.deepcopy(value)]
    places = [*_places(found)]
    holder, key = chance.choice(places)
    if tag is not None and isinstance(value, dict) and tag in value and chance.randrange(4) == 0:
        found[0][tag] = chance.choice(_TAGS)
    elif chance.randrange(3) == 0:
        holder[key] = copy.deepcopy(chance.choice(_OTHERS))
    else:
        holder[key] = _changed(holder[key], chance)
    return found[0]


def _places(holder: Any) -> list[tuple[Any, Any]]:
    """Return where the values within a value are: each by what holds it, and its key there."""
    # Not narrowed to what holds values that nobody knows.
    is_object: bool = isinstance(holder, dict)
    keys: Any = [*holder] if is_object else range(len(holder))
    found: list[tuple[Any, Any]] = []
    for key in keys:
        found.append((holder, key))
        if isinstance(holder[key], dict | list):
            found.extend(_places(holder[key]))
    return found


def _changed(value: Any, chance: random.Random) -> Any:
    """Return a value that is changed a little."""
    changes: list[Callable[[], Any]]
    match value:
        case dict():
            return _changed_members(cast("dict[str, Any]", value), chance)
        case list():
            changes = _changes_of_items(cast("Sequence[Any]", value))
        case str():
            changes = [
                *(lambda: value[:-1], lambda: f"{value}x", lambda: value * 50, lambda: f" {value}"),
                lambda: value.swapcase(),
            ]
        case bool() | None:
            changes = [lambda: str(value), lambda: int(value or 0), lambda: [value]]
        case _:
            changes = [
                *(lambda: value + 1, lambda: value - 1, lambda: -value, lambda: value * 1000),
                *(lambda: value + 0.5, lambda: str(value)),
            ]
    return chance.choice(changes)()


def _changes_of_items(items: Sequence[Any]) -> list[Callable[[], Any]]:
    return [
        lambda: [*items[1:]],
        lambda: [*items, *items],
        lambda: [*items, None],
        list,
    ]


def _changed_members(members: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    found = dict(members)
    name = chance.choice([*members, ""])
    match chance.randrange(3):
        case 0:
            found.pop(name, None)
        case 1:
            found[f"{name}_"] = found.pop(name, None)
        case _:
            found[chance.choice(_NAMES)] = chance.choice(_OTHERS)
    return found
