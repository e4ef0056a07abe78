"""How a handler runs, as its decorator says."""

from typing import Any

import pytest

from wsendpoints import ConfigurationError
from wsendpoints.messages.options import PLAIN, Options, options


async def later(message: Any) -> str:
    """Return a key too late."""
    return ""


def by_room(message: Any) -> str:
    """Return a key."""
    return ""


@pytest.mark.parametrize(
    ("given", "chosen"),
    [
        pytest.param({}, PLAIN, id="nothing"),
        pytest.param({"concurrent": False}, PLAIN, id="not concurrent"),
        pytest.param({"concurrent": True}, Options(concurrent=True), id="concurrent"),
        pytest.param(
            {"concurrent": True, "key": "room"},
            Options(concurrent=True, key="room", overlap="wait"),
            id="a message whose key is busy waits",
        ),
        pytest.param(
            {"concurrent": True, "key": by_room, "overlap": "cancel"},
            Options(concurrent=True, key=by_room, overlap="cancel"),
            id="function",
        ),
        *(
            pytest.param(
                {"concurrent": True, "overlap": overlap},
                Options(concurrent=True, overlap=overlap),
                id=f"{overlap}, without a key",
            )
            for overlap in ("wait", "cancel", "refuse")
        ),
    ],
)
def test_options_are_as_written(given: dict[str, Any], chosen: Options) -> None:
    """What is left out has its default, and a name goes with any of them."""
    assert options(**given) == chosen
    named = options("say", **given)
    assert (named.name, named.concurrent) == ("say", chosen.concurrent)
    assert (named.key, named.overlap) == (chosen.key, chosen.overlap)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        pytest.param({"concurrent": 1}, "(concurrent=1): use True or False", id="concurrent"),
        pytest.param(
            {"concurrent": True, "key": 5},
            "(key=5): use the name of a field of the message, or a function of it",
            id="key",
        ),
        pytest.param(
            {"concurrent": True, "key": later},
            f"(key={later!r}): the function is async, and a key is needed at once: use a plain one",
            id="async key",
        ),
        pytest.param(
            {"concurrent": True, "overlap": "drop"},
            "(overlap='drop'): use 'wait', 'cancel' or 'refuse'",
            id="overlap",
        ),
        pytest.param(
            {"key": "room", "overlap": "wait"},
            "(key=...) is for handlers that run beside others, and this one does not: write "
            "`@handles(concurrent=True, key=...)`",
            id="key alone",
        ),
        pytest.param(
            {"concurrent": False, "overlap": "wait"},
            "(overlap=...) is for handlers that run beside others, and this one does not: write "
            "`@handles(concurrent=True, overlap=...)`",
            id="overlap alone",
        ),
        pytest.param(
            {"concurrent": True, "keys": "room", "name": "say"},
            "(keys=..., name=...): its options are concurrent=..., key=... and overlap=...",
            id="others",
        ),
    ],
)
def test_option_that_is_none_is_an_error(given: dict[str, Any], error: str) -> None:
    """The error says what to write, and comes at once."""
    with pytest.raises(ConfigurationError) as caught:
        options(**given)
    assert str(caught.value) == f"@handles{error}"


@pytest.mark.parametrize("name", ["", 5], ids=repr)
def test_name_that_is_none_is_an_error(name: object) -> None:
    """A dialect calls methods by texts."""
    with pytest.raises(ConfigurationError) as caught:
        options(name)
    assert str(caught.value) == f"@handles({name!r}) names no method: use a str"
