"""All checks of a class body."""

import pytest

from tests.mistakes.making import check, make, texts_of
from tests.mistakes.table import DEFAULTS, HANDLERS, NAMES, SIGNATURES, Row


@pytest.mark.parametrize("row", [*NAMES, *SIGNATURES, *HANDLERS, *DEFAULTS], ids=str)
def test_class_is_checked_when_it_is_made(row: Row) -> None:
    """Each mistake is found by the class statement."""
    check(row)


def test_class_without_mistakes_gives_no_text() -> None:
    """What the library puts into a class is no mistake."""
    code = "async def on_receive(self, websocket, data: Say) -> Say: return data"
    assert texts_of(code) == []


def test_error_that_explains_the_most_comes_first() -> None:
    """A method that is defined twice, with arguments that are wrong, is told to be there twice."""
    method = "async def on_disconnect(self): ...\n"
    ((_, text),) = texts_of(method * 2 + "seen = []")
    assert "is defined twice" in text
    ((_, text),) = texts_of(method + "seen = []")
    assert "is called with websocket and close_code" in text


def test_mistakes_of_a_class_above_are_its_own() -> None:
    """A subclass is not told again of what a warning told of the class above."""
    with pytest.warns(UserWarning, match="on_typing is no hook") as caught:
        make(
            "class Base(WebSocketEndpoint):\n    async def on_typing(self): ...\n"
            "class Chat(Base):\n    async def on_typing(self): ...\n"
        )
    assert len(caught) == 1
