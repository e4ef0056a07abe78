"""Phoenix's own client, with its channels as a dialect."""

from typing import Any

import pytest

from wsendpoints.dialects import Call, Notification
from wsendpoints.testing import check_dialect

from .node import run
from .phoenix import Phoenix, Ref


def test_client_survives_errors(netloc: str) -> None:
    """It gets each error where it pushed, and one that belongs nowhere does not disturb it."""
    assert run("phoenix", f"ws://{netloc}/phoenix") == {
        "join": ["ok", {"joined": "room:1"}],
        "say": ["ok", {}],
        "said": ["hello", "still here"],
        "invalid": [
            "error",
            {"code": "invalid_params", "reason": "the method does not take these params"},
        ],
        "unknown": [
            "error",
            {"code": "method_not_found", "reason": "there is no such method"},
        ],
        "full": ["error", {"code": "room_full", "reason": "the room has no place left"}],
        "afterwards": ["ok", {}],
        "strays": [["error", "invalid_request"], ["error", "parse_error"]],
        "connected": True,
        "reconnects": [],
    }


FRAMES: Any = [
    (["1", "2", "t", "say", {"a": 1}], [Call("say", {"topic": "t", "a": 1}, Ref("1", "2", "t"))]),
    ([None, "3", "p", "beat", {}], [Call("beat", {"topic": "p"}, Ref(None, "3", "p"))]),
    (["1", None, "t", "typing", {}], [Notification("typing", {"topic": "t"})]),
]


def test_dialect_keeps_the_contract() -> None:
    """It is a dialect whose ids have three parts."""
    check_dialect(Phoenix(), FRAMES, both_ways=False)


def test_client_is_not_asked() -> None:
    """It answers nothing."""
    with pytest.raises(NotImplementedError):
        Phoenix().write_call("say", None, "1")
