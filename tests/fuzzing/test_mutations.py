"""One thing of a valid value is changed."""

import copy
import json
import random
from typing import Any

import pytest

from wsendpoints.fuzzing.mutations import mutated

VALUES: list[Any] = [
    {"type": "say", "text": "hello", "numbers": [1, 2.5], "more": {"is": True, "not": None}},
    {"type": "say"},
    {},
    [],
    [1, [2, 3]],
    "text",
    5,
    1.5,
    None,
    True,
]


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_value_is_changed(value: Any) -> None:
    """Nearly always it is another one then, and the original is what it was."""
    before = copy.deepcopy(value)
    chance = random.Random(1)  # noqa: S311 - the same each time
    found = [json.dumps(mutated(value, chance, "type")) for _ in range(300)]
    assert value == before
    assert sum(it != json.dumps(before) for it in found) > 100
    assert len({*found}) > 10


def test_tag_is_changed() -> None:
    """What tells messages apart is changed to what handlers could be called, and to no text."""
    chance = random.Random(1)  # noqa: S311 - the same each time
    found = [mutated({"type": "say"}, chance, "type") for _ in range(500)]
    tags: list[Any] = ["__init__", "on_disconnect", None, 1, []]
    for tag in tags:
        assert {"type": tag} in found
