"""Attributes that are marked for a framework, and can't be what it resolves."""

import pytest

from tests.mistakes.making import check, texts_of
from tests.mistakes.table import RESOLVED, Row


@pytest.mark.parametrize("row", RESOLVED, ids=str)
def test_attribute_gives_the_text_of_the_table(row: Row) -> None:
    """What a framework can't resolve is refused when the class is made."""
    check(row)


@pytest.mark.parametrize("name", ["limits", "params", "websocket", "scope", "encoding"])
def test_attribute_of_every_endpoint_is_not_resolved(name: str) -> None:
    """It has a meaning of its own."""
    ((_, text),) = texts_of(f"{name}: Annotated[int, Query()]")
    assert f"`{name}` is an attribute of every WebSocketEndpoint" in text


@pytest.mark.parametrize(
    "code",
    [
        "db: Annotated[DB, Depends(DB)] = DB()",
        "db: Annotated[DB, Depends(DB)] = None",
        "db: Annotated[DB, Depends(DB)]\n@provides\ndef db(self): ...",
        "n: Annotated[int, Query()]\ndef n(self): ...",
        "n: Annotated[int, Query()]\n@property\ndef n(self): ...",
        "push: Annotated[DB, Depends(DB)]",
        "db: NamedDependency[DB]\n@provides\ndef db(self): ...",
    ],
)
def test_name_has_one_meaning(code: str) -> None:
    """It is no value, method or provider as well, and none of the library."""
    ((_, text),) = texts_of(code)
    assert "the class has a value or a method of this name as well" in text


@pytest.mark.parametrize(
    "code",
    [
        "async def on_receive(self, websocket, data: Say, n: int = Query()): ...",
        "async def on_connect(self, websocket, *, n: int = Query()): ...",
        "async def on_connect(self, websocket, m: int = 5, n: int = Query(), *, k: int = 5): ...",
        "@provides\nasync def db(self, n: int = Query()): ...",
    ],
)
def test_mark_is_no_default_of_a_parameter(code: str) -> None:
    """A hook, a handler or a provider would get the mark itself."""
    ((_, text),) = texts_of(code)
    assert "has Query(...) as the default of n, where no framework reads it" in text


def test_method_may_be_what_a_framework_depends_on() -> None:
    """It is none that the library calls."""
    code = "@staticmethod\ndef page(n: int = Query()): ...\ndef other(self, n: int = 5): ..."
    assert texts_of(code) == []


def test_subclass_gives_it_no_value() -> None:
    """FastAPI would not look at it."""
    code = (
        "class Base(WebSocketEndpoint):\n    db: Annotated[DB, Depends(DB)]\n"
        "class Chat(Base):\n    db = DB()"
    )
    ((_, text),) = texts_of(code)
    assert text.startswith("Chat.db is annotated with Depends, and the class has a value")


def test_subclass_may_have_resolved_what_has_a_value() -> None:
    """A class that knows no framework has a default, which the subclass replaces."""
    code = (
        "class Base(WebSocketEndpoint):\n    db: DB = DB()\n"
        "class Chat(Base):\n    db: Annotated[DB, Depends(DB)]"
    )
    assert [text for _, text in texts_of(code)] == []


@pytest.mark.parametrize(
    "code",
    [
        "n: Annotated[int, Query()] = 5",
        "n: Annotated[int, Query()]",
        "n: Annotated[list[int], Query()] = field(default_factory=list)",
        "db: Annotated[DB, Depends(DB)]",
        "db: Given[Annotated[DB, Depends(DB)]]",
        "db: NamedDependency[DB] = None",
        "n: FromQuery[int] = 5",
    ],
)
def test_any_other_attribute_is_resolved(code: str) -> None:
    """A parameter may have a default, and so may a dependency of Litestar's."""
    assert texts_of(code) == []


@pytest.mark.parametrize(
    "code",
    [
        "token: Given[Annotated[str, Header()]]",
        "token: Annotated[str, Header()] = ''",
        "token: Annotated[str, Header(), Depends(DB)]",
        "@handles\nasync def say(self, websocket, data: Say, token: str = Header()): ...",
        "@handles\nasync def say(self, websocket, data: Say, token: Annotated[str, Header()]): ...",
        "@provides\nasync def db(self, token: 'Annotated[str, Header()]' = ''): ...",
        "@provides\nasync def db(self, *, token: 'Annotated[str, Header()]'): ...",
    ],
)
def test_header_is_a_field_of_the_parameters(code: str) -> None:
    """Nowhere else is it read."""
    ((_, text),) = texts_of(code)
    assert text.endswith(
        "which only marks a field of `params`: annotate `params: Params`, and in `class "
        "Params(BaseModel)` write `token: Annotated[..., Header()]`"
    )


@pytest.mark.parametrize(
    "code",
    [
        "def token(self, token: Annotated[str, Header()] = ''): ...",
        "@provides\nasync def db(self, token: 'Annotated[Unknown, Header()]' = ''): ...",
        "@provides\nasync def db(self, token: 'Annotated[str, 5]' = ''): ...",
        "@provides\nasync def db(self, token: 'Unknown' = '') -> Annotated[str, Header()]: ...",
    ],
)
def test_other_annotations_are_no_matter(code: str) -> None:
    """What the library does not call, or can't read, it says nothing of."""
    assert texts_of(code) == []
