"""Frames that no client sends by mistake: what parsers, limits and memory are tried with."""

import random
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

__all__ = ["Frame", "hostile"]

Frame: TypeAlias = str | bytes
"""A text frame, or a binary one."""

_TEXTS: Final[Sequence[str]] = (
    *("", " ", "\x00", "\ufeff", "\ufeff{}", "null", "true", "0", '""', "[]", "{}", "[[]]"),
    # What is no JSON.
    *("{", "}", "[1,]", "{'a': 1}", '{"a": 1} {"b": 2}', "// comment", '{"a": undefined}'),
    *('{"a"', '"\\', '"\\u12"', '"\\x41"', "01", "+1", ".5", "1.", "-", '{"a": 1,}', "tru"),
    # Numbers.
    *("NaN", "Infinity", "-Infinity", '{"a": NaN}', "1e400", "-1e400", "1e-400", "-0"),
    *('{"type": 1e400}', "9" * 5000, "-" + "9" * 5000, "0." + "9" * 5000, "9" * 309),
    # Texts.
    *('"\\ud800"', '{"type": "\\ud800"}', '{"\\udfff": 1}', '"\\u0000"', '"\\ud83d\\ude42"'),
    # Depth, closed and not.
    *("[" * 10_000, '{"a":' * 5000, "[" * 300 + "]" * 300, "[" * 100 + "]" * 100),
    # Keys.
    *('{"type": "a", "type": "b"}', '{"__proto__": {"a": 1}}', '{"": ""}', '{"$ref": "#"}'),
    '{"' + "a" * 10_000 + '": 1}',
    "{" + ",".join(f'"k{it}": {it}' for it in range(2000)) + "}",
    *("'; DROP TABLE users; --", "<script>alert(1)</script>", "%s%n%x", "\r\nInjected: 1"),
)

_BYTES: Final[Sequence[bytes]] = (
    b"",
    b"\x00",
    b"{}",
    b"\xff",
    b"\xc0\xaf",
    b"\xed\xa0\x80",
    b'{"type": "\xff"}',
    b"\xef\xbb\xbf{}",
    '{"type": "a"}'.encode("utf-16"),
    '{"type": "a"}'.encode("utf-32"),
    # MessagePack: lengths that are not there, depth, keys of all types, an extension.
    *(b"\xdf\xff\xff\xff\xff", b"\xdd\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xc1"),
    *(
        b"\x91" * 2000,
        b"\x81\xc0\xc0",
        b"\x81\x90\x90",
        b"\xd6\xff\xff\xff\xff\xff",
        b"\xc7\x00\x01",
    ),
    bytes(range(256)),
)

_MAX: Final = 4 * 1024 * 1024
"""What is the largest frame, in bytes, where there is no limit, or a larger one."""


def hostile(chance: random.Random, limit: int | None) -> Frame:
    """Return a frame.

    Args:
        chance: What decides.
        limit: How large a message may be, in bytes; `None` for any.
    """
    match chance.randrange(20):
        case 0:
            frame: Frame = chance.choice(_AT_LIMIT)(min(limit or _MAX, _MAX))
            return frame
        case 1 | 2:
            return chance.randbytes(chance.randrange(200))
        case 3 | 4 | 5 | 6:
            return chance.choice(_BYTES)
        case _:
            return chance.choice(_TEXTS)


_AT_LIMIT: Final[Sequence[Callable[[int], Any]]] = (
    lambda size: '"' + "x" * (size - 2) + '"',
    lambda size: "x" * (size + 1),
    lambda size: b" " * size,
    lambda size: bytes(size + 1),
    lambda size: "é" * (size // 2 + 1),
    lambda size: "[" + "0," * (size // 2 - 1) + "0]",
)
"""What has the size of the limit, and what has one more."""
