"""Whether what a server answers is what it declares."""

import json
from importlib import import_module
from typing import Any, Final, final

from wsendpoints.contract.reading import Channel
from wsendpoints.contract.validity import is_valid
from wsendpoints.fuzzing.hostile import Frame

__all__ = ["Judge"]

_OWN_CODES: Final = frozenset({1000})
"""What an application may close with, whatever it declares: all is done."""

_FAILED: Final = 1011

_SHOWN: Final = 240


@final
class Judge:
    """Tells what is wrong with what comes from an endpoint.

    Args:
        channel: The endpoint.
        encoding: How its messages are written on this connection.
        codes: Further close codes, that the application closes with itself.
    """

    def __init__(self, channel: Channel, encoding: str, codes: frozenset[int]) -> None:
        self._channel = channel
        self._encoding = encoding
        self._codes = ({*channel.codes} | _OWN_CODES | codes) - {_FAILED}
        self._sent = channel.sent

    def frame(self, frame: Frame) -> str | None:
        """Return what is wrong with a frame; `None` if it is declared, or may be anything."""
        kind = "text" if isinstance(frame, str) else "binary"
        for payload in self._sent:
            if payload.content == "text" == kind and self._is_of(payload.schema, frame):
                return None
            if payload.content == "binary" == kind:
                return None
        if self._encoding not in ("json", "msgpack"):
            is_checked = self._encoding in ("text", "bytes", "frames") and not self._channel.is_open
            return f"answered {_shown(frame)}, which it does not declare" if is_checked else None
        try:
            value = self._value(frame)
        except (RecursionError, TypeError, ValueError) as exc:
            return f"answered {_shown(frame)}, which is not {self._encoding}: {exc}"
        if self._channel.is_open or any(
            it.content == "value" and (not it.is_known or self._is_of(it.schema, value))
            for it in self._sent
        ):
            return None
        return f"answered {_shown(frame)}, which is none of the messages that it declares"

    def code(self, code: int) -> str | None:
        """Return what is wrong with a close code; `None` if it is documented."""
        if code == _FAILED:
            return "closed with 1011: it failed"
        return None if code in self._codes else f"closed with {code}, which it does not document"

    def _is_of(self, schema: Any, value: Any) -> bool:
        return is_valid(value, schema, self._channel.components)

    def _value(self, frame: Frame) -> Any:
        if self._encoding == "msgpack":
            if isinstance(frame, str):
                raise TypeError("MessagePack comes in binary frames")
            return _plain(import_module("msgpack").unpackb(frame, strict_map_key=False))
        return json.loads(frame, parse_constant=_refuse)


def _plain(value: Any) -> Any:
    """Return a value of MessagePack as JSON would have it, which schemas are about."""
    match value:
        case {**members}:
            return {f"{key}": _plain(it) for key, it in members.items()}
        case [*items]:
            return [_plain(it) for it in items]
        case bytes():
            return value.decode("latin-1")
        case None | bool() | int() | float() | str():
            return value
        case _:
            # A moment, or another extension.
            return f"{value}"


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number of JSON")


def _shown(frame: Frame) -> str:
    text = repr(frame)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
