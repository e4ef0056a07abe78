"""Names in a class body that the library does not read, or reads as something else."""

import difflib
import re
from collections.abc import Sequence
from typing import Final

from typing_extensions import Format, get_annotations

from wsendpoints.messages.class_statement import warn
from wsendpoints.mistakes.body import Body, Method
from wsendpoints.protocol.exceptions import ConfigurationError
from wsendpoints.protocol.limits import Limits

__all__ = [
    "ATTRIBUTES",
    "check_attribute_names",
    "check_hook_names",
    "check_names_of_the_library",
    "meant_attribute",
]

_CALLED_ELSEWHERE: Final = {
    "accept": "on_connect",
    "connection": "on_connect",
    "handshake": "on_connect",
    "open": "on_connect",
    "opened": "on_connect",
    "binary": "on_receive",
    "bytes": "on_receive",
    "data": "on_receive",
    "frame": "on_receive",
    "json": "on_receive",
    "message": "on_receive",
    "messages": "on_receive",
    "msg": "on_receive",
    "receive_bytes": "on_receive",
    "receive_json": "on_receive",
    "receive_text": "on_receive",
    "recv": "on_receive",
    "text": "on_receive",
    "close": "on_disconnect",
    "closed": "on_disconnect",
    "disconnection": "on_disconnect",
    "end": "on_disconnect",
    "shutdown": "on_disconnect",
    "exception": "on_error",
    "failure": "on_error",
    "validation_error": "on_invalid",
}
"""What other libraries call a hook after `on_`, and what it is called here."""

_CALLED_IN_CHANNELS: Final = {
    "connect": "on_connect",
    "websocket_connect": "on_connect",
    "receive": "on_receive",
    "receive_json": "on_receive",
    "websocket_receive": "on_receive",
    "disconnect": "on_disconnect",
    "websocket_disconnect": "on_disconnect",
}

_SETTINGS: Final = (
    "encoding",
    "sends",
    "correlation_id",
    "answers",
    "error_codes",
    "allowed_origins",
    "require_origin",
    "subprotocols",
    "require_subprotocol",
    "params",
    "limits",
    "cancel_on_disconnect",
)

ATTRIBUTES: Final = (*_SETTINGS, "websocket", "scope")
"""What every endpoint has, besides its methods."""

_CALLS: Final = {
    "push": 1,
    "post": 1,
    "start_soon": 1,
    "stream": 1,
    "ask": 2,
    "cancel": 1,
    "as_asgi": 0,
    "as_route": 0,
    "serve": 1,
}
"""The methods that a subclass calls, and how many arguments they take at least."""

_ALIKE: Final = 0.85


def check_hook_names(body: Body) -> None:
    """Check that what is called like a hook is one.

    Raises:
        ConfigurationError: It is close to the name of a hook, or another library's name for it.
    """
    for method in body.methods:
        is_called = method.is_marked or method.is_provider or body.is_meant(method.name)
        if method.name in body.hooks or is_called:
            continue
        if method.name in _CALLED_IN_CHANNELS:
            warn(
                f"{body.where}.{method.name} is no hook, and nothing in the class calls it: did "
                f"you mean {_CALLED_IN_CHANNELS[method.name]}?"
            )
        name = _with_underscores(method.name)
        if not name.startswith("on_"):
            continue
        *some, last = body.hooks
        meant = _CALLED_ELSEWHERE.get(name.removeprefix("on_")) or _nearest(name, body.hooks)
        if meant is not None:
            raise ConfigurationError(
                f"{body.where}.{method.name} is no hook, and nothing calls it: did you mean "
                f"{meant}? The hooks are {', '.join(some)} and {last}"
            )
        warn(
            f"{body.where}.{method.name} is no hook, and nothing in the class calls it: mark it "
            "with @handles if it handles a message, or let its name begin with an underscore if "
            "it is called from elsewhere"
        )


def _with_underscores(name: str) -> str:
    """Return the name as this library writes it: `onMessage` and `onmessage` are `on_message`."""
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    if name.startswith("on") and name[2:] in {*_CALLED_ELSEWHERE, "connect", "disconnect"}:
        return f"on_{name[2:]}"
    return name


def _nearest(name: str, names: Sequence[str]) -> str | None:
    return next(iter(difflib.get_close_matches(name, names, 1, _ALIKE)), None)


def check_attribute_names(body: Body) -> None:
    """Check that what looks like an attribute of the library has its name.

    Raises:
        ConfigurationError: Limits have another name, so that they limit nothing.
    """
    for name, value in body.own.items():
        if isinstance(value, Limits):
            if not (name == "limits" or "limits" in body.own or body.is_meant(name)):
                raise ConfigurationError(
                    f"{body.where}.{name} is a Limits, but the limits of an endpoint are read "
                    "from `limits`: rename it"
                )
        elif meant := meant_attribute(body, name):
            warn(f"{body.where}.{name} is read by nothing in the class: did you mean {meant}?")


def meant_attribute(body: Body, name: str) -> str | None:
    """Return the attribute of the library that is meant by a value with another name."""
    if name in _SETTINGS or isinstance(body.own[name], property | type):
        return None
    if any(name == method.name for method in body.methods) or body.is_meant(name):
        return None
    return _nearest(name, _SETTINGS)


def check_names_of_the_library(body: Body) -> None:
    """Check that no method takes the place of what the library itself needs by that name.

    Raises:
        ConfigurationError: One does.
    """
    base = body.base.__name__
    taken = {*vars(body.base), *get_annotations(body.base, format=Format.FORWARDREF)}
    # A class decorator may make a class anew, from all that is in the one that it got.
    is_copy = "_abc_impl" in body.own
    for name in body.own:
        if name.startswith("_") and name in taken and not is_copy:
            raise ConfigurationError(
                f"{body.where}.{name} replaces what {base} itself has by this name: give it "
                "another name"
            )
    for method in body.methods:
        name = method.name
        if method.is_provider and (name in body.hooks or name in _CALLS or method.is_marked):
            other = "marked with @handles too"
            if not method.is_marked:
                other = f"takes the place of {base}.{name}"
            raise ConfigurationError(
                f"{body.where}.{name} is marked with @provides, and {other}: give the provider a "
                "method and a name of its own"
            )
        if method.is_marked and name in body.hooks:
            raise ConfigurationError(
                f"{body.where}.{name} is a hook, and marked with @handles: remove the mark, or "
                "give the handler another name"
            )
        if name in ATTRIBUTES:
            raise ConfigurationError(
                f"{body.where}.{name} is a method, but `{name}` is an attribute of every "
                f"{base}: give the method another name"
            )
        if name in _CALLS and (method.is_marked or not _replaces(method)):
            raise ConfigurationError(
                f"{body.where}.{method} takes the place of {base}.{name}, which is called in "
                "another way: give the method another name"
            )


def _replaces(method: Method) -> bool:
    """Whether a method can be called like that of the library that it overrides."""
    return method.can_be_called(_CALLS[method.name])
