"""The assistant, without a browser: its runs go on without their clients."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

import anyio
import pytest

from examples import assistant
from examples.assistant import (
    Again,
    Ask,
    Asked,
    Done,
    Ended,
    Failed,
    FakeModel,
    Join,
    Joined,
    Run,
    Runs,
    Stop,
    Stopped,
    Stopping,
    Token,
    app,
)
from tests.examples.pages import fetch
from tests.groups.failing import Failing
from tests.waiting import all_tasks_blocked
from wsendpoints.backplanes import Hub
from wsendpoints.groups import Groups
from wsendpoints.testing import Client, HandshakeDenied, connect

pytestmark = pytest.mark.anyio


class Slow:
    """Gives a token whenever the test lets it."""

    def __init__(self) -> None:
        self.is_over = False
        self.send, self.receive = anyio.create_memory_object_stream[str](100)

    async def generate(self, text: str) -> AsyncGenerator[str]:
        try:
            yield text
            async for piece in self.receive:
                if piece == "fail":
                    raise ValueError(piece)
                yield piece
        finally:
            self.is_over = True


@asynccontextmanager
async def started(
    monkeypatch: pytest.MonkeyPatch, groups: Groups | None = None
) -> AsyncGenerator[Slow]:
    """Run the example with a model of the test's."""
    model = Slow()
    runs = Runs(model)
    groups = groups or Groups()
    monkeypatch.setattr(assistant, "groups", groups)
    monkeypatch.setattr(assistant, "runs", runs)
    async with groups, runs.running():
        yield model
    model.send.close()
    model.receive.close()


def tab() -> AbstractAsyncContextManager[Client]:
    """Open a chat. Its runs are tasks of the server, which go on behind it."""
    return connect(
        app,
        "/chats/a",
        timeout=60,
        lasting_tasks=["examples.assistant.Runs._run", "examples.assistant.Runs._obey"],
    )


async def asked(client: Client, text: str = "one") -> str:
    """Ask, follow the run, and return its id."""
    await client.send(Ask(text=text))
    run = (await client.receive(Asked)).run
    await client.send(Join(run=run))
    return run


async def test_run_goes_on_without_its_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever joins it later gets all of it; who comes back with a position, what it missed."""
    async with started(monkeypatch) as model:
        async with tab() as client:
            run = await asked(client)
            first = await client.receive(Token)
            assert first.text == "one"
            assert await client.receive(Joined) == Joined(run=run, running=True)
            client.vanish()
            await client.wait_for_app()
        for text in (" two", " three"):
            await model.send.send(text)
        await all_tasks_blocked()
        assert not model.is_over
        for after, texts in (
            (None, ["one", " two", " three"]),
            (first.position, [" two", " three"]),
        ):
            async with tab() as client:
                assert (await client.receive(Asked)).run == run
                await client.send(Join(run=run, after=after))
                assert [(await client.receive(Token)).text for _ in texts] == texts
                assert await client.receive(Joined) == Joined(run=run, running=True)
                await client.receive_nothing()
        model.send.close()
        async with tab() as client:
            await client.receive(Asked)
            await client.send(Join(run=run))
            assert (
                "".join([(await client.receive(Token)).text for _ in range(3)]) == "one two three"
            )
            await client.receive(Done)
            await client.receive(Ended)
            assert await client.receive(Joined) == Joined(run=run, running=False)


async def test_two_tabs_see_the_same_and_either_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model is stopped at once, and both are told in the same order."""
    async with (
        started(monkeypatch) as model,
        tab() as one,
        tab() as two,
    ):
        run = await asked(one)
        assert (await two.receive(Asked)).run == run
        await two.send(Join(run=run))
        for client in (one, two):
            assert (await client.receive(Token)).text == "one"
            await client.receive(Joined)
        assert not model.is_over
        await two.send(Stop(run=run))
        ends = [
            [
                await client.receive(Stopping),
                await client.receive(Stopped),
                await client.receive(Ended),
            ]
            for client in (one, two)
        ]
        assert ends[0] == ends[1]
        assert model.is_over
        await two.send(Stop(run=run))
        assert (await two.receive_json())["code"] == "not_running"


async def test_position_that_is_not_kept_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """With all that there is."""
    async with started(monkeypatch), tab() as client:
        await client.send(Ask(text="one"))
        run = (await client.receive(Asked)).run
        await client.send(Join(run=run, after="1"))
        assert await client.receive(Again) == Again(run=run)
        assert (await client.receive(Token)).text == "one"
        await client.receive(Joined)


async def test_run_whose_model_fails_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others go on."""
    async with started(monkeypatch) as model, tab() as client:
        run = await asked(client)
        await client.receive(Token)
        await client.receive(Joined)
        await model.send.send("fail")
        assert (await client.receive(Failed)).run == run
        await client.receive(Ended)


async def test_run_is_stopped_and_missed_over_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """By whoever is connected to another one; if its own dies, it ends there."""
    hub = Hub()
    async with AsyncExitStack() as stack, Groups(Failing(hub)) as elsewhere:
        process = await stack.enter_async_context(AsyncExitStack())
        await process.enter_async_context(started(monkeypatch, Groups(Failing(hub))))
        stopped, lost = [await assistant.runs.start("one") for _ in range(2)]
        async with elsewhere.listen(Run(stopped), last=9) as pieces:
            assert isinstance(await anext(pieces), Token)
            await elsewhere.broadcast(Run(stopped), Stopping(run=stopped))
            kinds = [type(await anext(pieces)) for _ in range(3)]
            assert kinds == [Stopping, Stopped, Ended]
        async with elsewhere.listen(Run(lost), last=9) as pieces:
            assert await elsewhere.presence(Run(lost)) == (lost,)
            await process.aclose()
            assert [type(await anext(pieces)) for _ in range(2)] == [Token, Ended]


async def test_nothing_begins_while_the_workers_can_not_reach_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The client is told, and asks again later."""
    plane = Failing(Hub())
    async with started(monkeypatch, Groups(plane)), tab() as client:
        await all_tasks_blocked()
        plane.cut()
        await client.send(Ask(text="one"))
        assert (await client.receive_json())["code"] == "unavailable"
        plane.mend()
        await client.send(Ask(text="one"))
        await client.receive(Asked)


async def test_made_up_model_has_it_by_heart() -> None:
    """The same answer each time."""
    answers = [[it async for it in FakeModel(0).generate("Why?")] for _ in range(2)]
    assert answers[0] == answers[1]
    assert "".join(answers[0]).startswith("You asked: 'Why?' I am no model")


async def test_page_and_console_are_served() -> None:
    """And a chat whose name is none is not."""
    assert (await fetch(app, "/"))[0] == 200
    with pytest.raises(HandshakeDenied):
        async with connect(app, "/chats/a b"):
            pytest.fail("it was let in")
