"""The assistant for clients of others, as those speak: each sees the runs of all."""

from contextlib import AbstractAsyncContextManager
from typing import Any

import anyio
import pytest

from examples.assistant import Asked
from examples.assistant_clients import AgentSocket, app
from tests.examples.pages import fetch
from tests.examples.test_assistant import started
from tests.groups.failing import Failing
from tests.waiting import all_tasks_blocked
from wsendpoints.backplanes import Hub
from wsendpoints.groups import Groups
from wsendpoints.testing import Client, HandshakeDenied, connect

pytestmark = pytest.mark.anyio


def tab(path: str) -> AbstractAsyncContextManager[Client]:
    """Open a connection. Its runs are tasks of the server, which go on behind it."""
    return connect(
        app,
        path,
        timeout=60,
        lasting_tasks=["examples.assistant.Runs._run", "examples.assistant.Runs._obey"],
    )


def given(run: str, content: Any) -> dict[str, Any]:
    """Return what TanStack's client begins a run with."""
    messages = [{"role": "user", "content": "before"}, {"role": "user", "content": content}]
    return {"threadId": "a", "runId": run, "messages": messages, "tools": [], "state": {}}


async def chunks(client: Client, number: int) -> list[tuple[str, Any]]:
    """Return the types and texts of some events."""
    found: list[tuple[str, Any]] = []
    for _ in range(number):
        event = await client.receive_json()
        event = event.get("chunk", event)
        found.append((event["type"], event.get("delta", event.get("message"))))
    return found


BEGUN = [("RUN_STARTED", None), ("TEXT_MESSAGE_START", None)]
DONE = [("TEXT_MESSAGE_END", None), ("RUN_FINISHED", None)]


def said(text: str) -> tuple[str, str]:
    """Return an event with a text."""
    return "TEXT_MESSAGE_CONTENT", text


@pytest.mark.parametrize("content", ["one", [{"type": "text", "text": "one"}]])
async def test_run_is_joined_and_resumed(monkeypatch: pytest.MonkeyPatch, content: Any) -> None:
    """From its beginning, or behind an offset; its end closes what follows it alone."""
    async with started(monkeypatch) as model, tab("/chats/a") as page, tab("/agui/a") as client:
        await client.send(given("r", content))
        assert (await page.receive(Asked)).run == "r"
        assert await chunks(client, 2) == BEGUN
        first = await client.receive_json()
        assert first["chunk"] == {"type": said("one")[0], "messageId": "r", "delta": "one"}
        await model.send.send(" two")
        assert await chunks(client, 1) == [said(" two")]
        async with (
            tab("/agui/a?runId=r&offset=-1") as joined,
            tab(f"/agui/a?runId=r&offset={first['id']}") as resumed,
        ):
            assert await chunks(joined, 4) == [*BEGUN, said("one"), said(" two")]
            assert await chunks(resumed, 1) == [said(" two")]
            model.send.close()
            for one in (client, joined, resumed):
                assert await chunks(one, 2) == DONE
            for one in (joined, resumed):
                await one.expect_close(1000)
        # Once it has ended, all of it is there.
        async with tab("/agui/a?runId=r&offset=-1") as late:
            assert await chunks(late, 6) == [*BEGUN, said("one"), said(" two"), *DONE]
            await late.expect_close(1000)
        await client.receive_nothing()


async def test_ended_run_is_told_to_whoever_takes_it_slowly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However long that takes, all of it comes, and the end of a known run."""
    push = AgentSocket.push

    async def push_slowly(self: AgentSocket, message: Any) -> None:
        await anyio.sleep(2)
        await push(self, message)

    async with started(monkeypatch) as model:
        async with tab("/agui/a") as client:
            await client.send(given("r", "one"))
            model.send.close()
            assert await chunks(client, 5) == [*BEGUN, said("one"), *DONE]
        monkeypatch.setattr(AgentSocket, "push", push_slowly)
        async with tab("/agui/a?runId=r&offset=-1") as late:
            assert await chunks(late, 5) == [*BEGUN, said("one"), *DONE]
            await late.expect_close(1000)


async def test_run_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """To its client that is an end like any other."""
    async with started(monkeypatch) as model, tab("/agui/a") as client:
        await client.send(given("r", "one"))
        assert await chunks(client, 3) == [*BEGUN, said("one")]
        await client.send(given("r", "again"))
        assert await chunks(client, 1) == [("RUN_ERROR", "there is such a run already")]
        await client.send({"type": "abort", "runId": "r"})
        assert await chunks(client, 2) == DONE
        assert model.is_over
        # A second time changes nothing, and its id stays its own.
        await client.send({"type": "abort", "runId": "r"})
        await client.receive_nothing()
        await client.send(given("r", "again"))
        assert await chunks(client, 1) == [("RUN_ERROR", "there is such a run already")]


async def test_run_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both kinds of clients are told."""
    async with started(monkeypatch) as model, tab("/agui/a") as client:
        await client.send(given("r", "one"))
        await model.send.send("fail")
        assert await chunks(client, 4) == [
            *BEGUN,
            said("one"),
            ("RUN_ERROR", "the answer broke off"),
        ]


@pytest.mark.parametrize(
    ("query", "code"), [("runId=other&offset=-1", 4404), ("runId=r&offset=nonsense", 1000)]
)
async def test_what_can_not_be_followed(
    monkeypatch: pytest.MonkeyPatch, query: str, code: int
) -> None:
    """It is told, and nobody waits for it."""
    async with started(monkeypatch), tab(f"/agui/a?{query}") as client:
        if code == 4404:
            assert await chunks(client, 2) == BEGUN
        else:
            expected = [("RUN_ERROR", "the answer broke off")]
            assert await chunks(client, 1) == expected
        await client.expect_close(code)


async def test_chat_of_another_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the page's."""
    async with started(monkeypatch):
        with pytest.raises(HandshakeDenied) as caught:
            async with tab("/agui/a.b"):
                pass
    assert caught.value.status == 404


@pytest.mark.parametrize(
    "given", ["one", [{"content": "before"}, {"content": [{"type": "input_text", "text": "one"}]}]]
)
async def test_responses(monkeypatch: pytest.MonkeyPatch, given: Any) -> None:
    """One after the other, each with its end."""
    async with started(monkeypatch) as model, tab("/v1/responses") as client:
        await client.send({"type": "response.create", "model": "any", "input": given})
        created = await client.receive_json()
        assert (created["type"], created["response"]["status"]) == (
            "response.created",
            "in_progress",
        )
        delta = await client.receive_json()
        assert (delta["delta"], delta["item_id"]) == ("one", created["response"]["id"])
        # The page of its chat stops it.
        async with tab("/chats/openai") as page:
            run = (await page.receive(Asked)).run
            await page.send({"type": "stop", "run": run})
            ended = await client.receive_json()
        assert (ended["type"], ended["response"]) == (
            "response.incomplete",
            {"id": run, "status": "cancelled", "object": "response"},
        )
        assert model.is_over
        await client.send({"type": "response.create", "input": "two"})
        events = [await client.receive_json() for _ in range(2)]
        assert [event["type"] for event in events] == [
            "response.created",
            "response.output_text.delta",
        ]
        await model.send.send("fail")
        assert (await client.receive_json())["response"]["status"] == "failed"
        await client.send({"type": "response.create", "input": "three"})
        model.send.close()
        statuses = [(await client.receive_json())["type"] for _ in range(3)]
        assert statuses[-1] == "response.completed"


async def test_nothing_begins_while_the_workers_can_not_reach_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both kinds of clients are told, and their connections go on."""
    plane = Failing(Hub())
    async with (
        started(monkeypatch, Groups(plane)),
        tab("/agui/a") as client,
        tab("/v1/responses") as other,
    ):
        await all_tasks_blocked()
        plane.cut()
        await client.send(given("r", "one"))
        assert await chunks(client, 1) == [("RUN_ERROR", "try it again in a moment")]
        await other.send({"type": "response.create", "input": "one"})
        assert (await other.receive_json())["type"] == "response.failed"


async def test_page_and_console_are_served() -> None:
    """As those of the assistant."""
    for path in ("/", "/docs"):
        status, _ = await fetch(app, path)
        assert status == 200
