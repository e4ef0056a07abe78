"""Who is here, without a browser."""

import pytest

from examples import presence
from examples.presence import Came, Present, Went, app
from tests.examples.pages import fetch
from wsendpoints.groups import Groups
from wsendpoints.testing import HandshakeDenied, connect

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is here as a test begins."""
    monkeypatch.setattr(presence, "groups", Groups())


async def test_each_is_told_who_is_here_and_who_comes_and_goes() -> None:
    """Once for each name, however many connections it has."""
    async with connect(app, "/?name=Ada") as ada:
        assert await ada.receive(Present) == Present(names=["Ada"])
        async with connect(app, "/?name=Bob") as bob:
            assert await bob.receive(Present) == Present(names=["Ada", "Bob"])
            assert await ada.receive(Came) == Came(name="Bob")
            async with connect(app, "/?name=Bob") as again:
                assert await again.receive(Present) == Present(names=["Ada", "Bob"])
            await ada.receive_nothing()
        assert await ada.receive(Went) == Went(name="Bob")


@pytest.mark.parametrize("query", ["", "?name=", "?name=%20", f"?name={'a' * 25}"])
async def test_one_without_a_name_is_refused(query: str) -> None:
    """The parameters are validated."""
    with pytest.raises(HandshakeDenied) as denied:
        async with connect(app, f"/{query}"):
            pass
    assert denied.value.status == 422


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/favicon.ico", 404)])
async def test_page_is_served_at_the_root(path: str, status: int) -> None:
    """Any other path is not found."""
    found, body = await fetch(app, path)
    assert found == status
    assert (b"<!doctype html>" in body) == (status == 200)
