"""What one schema of texts or numbers takes and another one does not."""

from typing import Any

import pytest

from wsendpoints.contract.scalars import number_differences, text_differences


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        ({}, {}, []),
        ({"maxLength": 5}, {"maxLength": 5}, []),
        ({}, {"maxLength": 5}, [("texts longer than 5", True)]),
        ({"minLength": 1}, {"minLength": 2}, [("texts shorter than 2", True)]),
        ({"pattern": "^a$"}, {"maxLength": 0}, [("texts longer than 0", False)]),
        ({}, {"pattern": r"^\d$"}, [(r"texts that do not match ^\d$", True)]),
        ({}, {"pattern": ".*"}, [("texts that do not match .*", False)]),
        ({"pattern": "^a"}, {"pattern": "^a"}, []),
        ({"pattern": "^1"}, {"pattern": "^12"}, [("texts that do not match ^12", True)]),
        ({"format": "uuid"}, {"pattern": "^a"}, [("texts that do not match ^a", False)]),
        ({}, {"format": "date"}, [("texts that are no date", True)]),
        ({"format": "date"}, {}, []),
        ({"format": "date"}, {"format": "uuid"}, [("texts that are no uuid", True)]),
        ({"format": "date"}, {"format": "regex"}, [("texts that are no regex", False)]),
        ({"format": "uuid4"}, {"format": "uuid"}, []),
        ({"pattern": "^1"}, {"format": "date"}, [("texts that are no date", False)]),
        ({}, {"format": "password"}, []),
    ],
    ids=str,
)
def test_texts(one: Any, other: Any, told: list[tuple[str, bool]]) -> None:
    """Lengths, patterns and formats are compared."""
    assert [*text_differences(one, other)] == told


@pytest.mark.parametrize(
    ("one", "other", "is_whole", "told"),
    [
        ({}, {}, False, []),
        ({}, {"minimum": 1}, False, [("numbers below 1", True)]),
        ({}, {"maximum": 1}, False, [("numbers above 1", True)]),
        ({}, {"exclusiveMinimum": 1}, False, [("numbers not above 1", True)]),
        ({"minimum": 1}, {"exclusiveMinimum": 1}, False, [("numbers not above 1", True)]),
        ({"exclusiveMinimum": 1}, {"minimum": 1}, False, []),
        ({"maximum": 1}, {"exclusiveMaximum": 1}, False, [("numbers not below 1", True)]),
        ({"exclusiveMinimum": 0}, {"minimum": 1}, True, []),
        ({"minimum": 1}, {"exclusiveMinimum": 0}, True, []),
        ({"minimum": 0.5}, {"minimum": 1}, True, []),
        ({"maximum": 9}, {"exclusiveMaximum": 10}, True, []),
        ({}, {"multipleOf": 2}, True, [("numbers that are no multiples of 2", True)]),
        ({"multipleOf": 4}, {"multipleOf": 2}, False, []),
        ({}, {"multipleOf": 0.5}, True, []),
        ({}, {"multipleOf": 0.5}, False, [("numbers that are no multiples of 0.5", True)]),
        (
            {"minimum": 2, "maximum": 2},
            {"multipleOf": 2},
            True,
            [("numbers that are no multiples of 2", False)],
        ),
    ],
    ids=str,
)
def test_numbers(one: Any, other: Any, is_whole: bool, told: list[tuple[str, bool]]) -> None:
    """Bounds and multiples are compared; of whole numbers, as such."""
    assert [*number_differences(one, other, is_whole=is_whole)] == told
