"""More errors than are looked at are counted alone."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError, create_model

from wsendpoints.messages import client_errors
from wsendpoints.messages.client_errors import to_client_error
from wsendpoints.messages.validators import Validator


def test_errors_that_would_take_too_much_are_not_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are counted first: pydantic lists all or none."""
    monkeypatch.setattr(client_errors, "_MAX_LISTED", 99)
    fields: Any = {f"field{number}": (int, ...) for number in range(100)}
    validator = Validator(TypeAdapter(create_model("Wide", **fields)))
    with pytest.raises(ValidationError) as caught:
        validator.validate_json("{}")
    unlisted: Any = Unlisted(caught.value)
    error: Any = to_client_error(unlisted, validator.places, "{}", json=True)
    assert (error.errors, error.more) == ([], 100)


class Unlisted:
    """A failure that knows how many errors it has, and does not tell them."""

    def __init__(self, exc: ValidationError) -> None:
        self.error_count = exc.error_count
