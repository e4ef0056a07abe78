"""The decorator that marks providers returns the method itself."""

from typing import Any

import pytest

from wsendpoints import ConfigurationError, provides
from wsendpoints.messages.providers import names_of_providers


async def method(self: object) -> None:
    """Provide nothing."""


def test_method_stays_what_it_is() -> None:
    """In each way of writing the decorator."""
    for always in (False, True):
        assert provides(always=always)(method) is method
        assert names_of_providers(type("Some", (), {"it": method})) == {"it": always}
    assert provides(method) is method
    assert provides()(method) is method
    assert names_of_providers(type("Some", (), {"it": method})) == {"it": False}


@pytest.mark.parametrize(("args", "given"), [((5,), {}), ((method,), {"always": True})])
def test_other_arguments_are_an_error(args: Any, given: Any) -> None:
    """It says how to write it."""
    with pytest.raises(ConfigurationError) as caught:
        provides(*args, **given)
    assert str(caught.value) == (
        "@provides(...) takes `always=True` alone: write `@provides` above the method that provides"
    )
