"""An assistant whose runs go on while nobody looks, and are stopped from any tab, on any worker.

Run it with `uvicorn examples.assistant:app`, and open http://127.0.0.1:8000: ask, reload the page
in the middle of the answer, open it in a second tab, and stop the answer there. With `--workers 4`,
or with `REDIS_URL` in the environment, the tabs may be on different workers. The model is made up;
with `OPENAI_API_KEY`, and `OPENAI_BASE_URL` for another server than OpenAI's, it is a real one
(`pip install openai`). At http://127.0.0.1:8000/docs is the console.
"""

import logging
import multiprocessing
import os
import re
import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Literal, Protocol, TypeAlias

import anyio
from anyio.abc import TaskGroup, TaskStatus
from pydantic import BaseModel, Field, StringConstraints
from typing_extensions import override

from wsendpoints import (
    BackplaneError,
    Denied,
    ErrorReply,
    PositionLost,
    WebSocket,
    WebSocketEndpoint,
    WebSocketRouter,
    handles,
)
from wsendpoints.groups import Backplane, Group, Groups, History, LocalBackplane, RedisBackplane
from wsendpoints.protocol.asgi import Receive, Scope, Send

__all__ = [
    "MOST",
    "Again",
    "Ask",
    "Asked",
    "Assistant",
    "Chat",
    "Done",
    "Ended",
    "Failed",
    "FakeModel",
    "Join",
    "Joined",
    "Model",
    "OpenAIModel",
    "Run",
    "Runs",
    "Stop",
    "Stopped",
    "Stopping",
    "Token",
    "app",
    "groups",
    "model",
    "router",
    "runs",
]

logger = logging.getLogger("uvicorn.error")

PAGE = Path(__file__).with_name("assistant.html").read_bytes()

MOST = 2000
"""Tokens of a run. So all of a run is kept, and who joins it late misses nothing."""

CHAT = re.compile(r"[\w-]{1,40}", re.ASCII)
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_\-]{1,64}$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]


# What a client sends.


class Ask(BaseModel):
    """Begins a run, which goes on without the client."""

    type: Literal["ask"] = "ask"
    text: Annotated[Text, Field(examples=["Why is the sky blue?"])]


class Join(BaseModel):
    """Follows a run, from the position of the last message that the client has of it."""

    type: Literal["join"] = "join"
    run: Id
    after: Annotated[str | None, Field(examples=[None])] = None


class Stop(BaseModel):
    """Stops a run, whoever began it."""

    type: Literal["stop"] = "stop"
    run: Id


# What a client gets.


class Asked(BaseModel):
    """Somebody asked: there is a run, to be joined."""

    type: Literal["asked"] = "asked"
    run: str
    text: str
    position: str | None = None


class Token(BaseModel):
    type: Literal["token"] = "token"
    run: str
    text: str
    position: str | None = None


class Stopping(BaseModel):
    """Somebody wants it stopped."""

    type: Literal["stopping"] = "stopping"
    run: str
    position: str | None = None


class Done(BaseModel):
    type: Literal["done"] = "done"
    run: str
    position: str | None = None


class Stopped(BaseModel):
    type: Literal["stopped"] = "stopped"
    run: str
    position: str | None = None


class Failed(BaseModel):
    type: Literal["failed"] = "failed"
    run: str
    position: str | None = None


class Ended(BaseModel):
    """No more comes of a run. If it was not done, stopped or failed before, its worker died."""

    type: Literal["ended"] = "ended"
    run: str
    position: str | None = None


class Joined(BaseModel):
    """What there is of a run was sent; no more comes, unless it is running."""

    type: Literal["joined"] = "joined"
    run: str
    running: bool


class Again(BaseModel):
    """The position is not known any more: all that is kept of the run follows."""

    type: Literal["again"] = "again"
    run: str


class Chat(Group[Asked]):
    """What was asked."""

    name = "chat:{}"
    history = History(messages=50, seconds=24 * 3600)


Piece: TypeAlias = Token | Stopping | Done | Stopped | Failed | Ended


class Run(Group[Piece]):
    """All of one run. While it goes on, it is a user of its group, whose name is its id."""

    name = "run:{}"
    history = History(messages=2 * MOST, seconds=24 * 3600)

    @override
    def left(self, user: str) -> Ended:
        return Ended(run=user)


class Model(Protocol):
    """A language model."""

    def generate(self, text: str) -> AsyncGenerator[str]: ...


class FakeModel:
    """Takes its time for an answer that it has by heart."""

    def __init__(self, seconds_per_token: float = 0.1) -> None:
        self.seconds_per_token = seconds_per_token

    async def generate(self, text: str) -> AsyncGenerator[str]:
        answer = (
            f"You asked: {text!r} I am no model, I only split this text into pieces, one after "
            "the other. Reload the page, and I go on: I belong to the server, and not to your "
            "connection. Open it in a second tab, and you see the same there. Stop me in any of "
            "them, and the rest is never made."
        )
        for token in re.findall(r"\s*\S+", answer):
            await anyio.sleep(self.seconds_per_token)
            yield token


class OpenAIModel:
    """Any server that speaks OpenAI's API of chat completions."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def generate(self, text: str) -> AsyncGenerator[str]:
        from openai import AsyncOpenAI  # only who uses it needs the package

        async with AsyncOpenAI() as client:
            stream = await client.chat.completions.create(
                model=self.name, messages=[{"role": "user", "content": text}], stream=True
            )
            async with stream:
                async for chunk in stream:
                    for choice in chunk.choices:
                        if choice.delta.content:
                            yield choice.delta.content


def model() -> Model:
    """Return the model that the environment names."""
    if os.environ.get("OPENAI_API_KEY"):
        return OpenAIModel(os.environ.get("OPENAI_MODEL", "gpt-4o-mini"))
    return FakeModel(float(os.environ.get("SECONDS_PER_TOKEN", "0.1")))


def backplane() -> Backplane | None:
    """Return what the workers share runs by; one process alone needs nothing."""
    if url := os.environ.get("REDIS_URL"):
        return RedisBackplane(url)
    is_worker = multiprocessing.parent_process() is not None
    return LocalBackplane() if is_worker else None


groups = Groups(backplane())


class Runs:
    """The runs of this process. They end with it, and not with a connection."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._tasks: TaskGroup | None = None

    @asynccontextmanager
    async def running(self, app: object = None) -> AsyncGenerator[None]:
        """Have runs go on while the block lasts: this is for a lifespan."""
        async with anyio.create_task_group() as self._tasks:
            yield
            self._tasks.cancel_scope.cancel()

    async def start(self, text: str, run: str | None = None) -> str:
        """Begin a run, and return its id: from then on it can be joined, and stopped."""
        if self._tasks is None:
            raise RuntimeError("runs are started in the lifespan: `async with runs.running():`")
        run = run or secrets.token_urlsafe(12)
        await self._tasks.start(self._run, run, text)
        return run

    async def stop(self, run: str) -> bool:
        """Have a run stop, on whichever worker it is; return whether it was running."""
        is_running = run in await groups.presence(Run(run))
        if is_running:
            await groups.broadcast(Run(run), Stopping(run=run))
        return is_running

    async def _run(self, run: str, text: str, *, task_status: TaskStatus[None]) -> None:
        group, outcome = Run(run), None
        is_begun = False
        try:
            # It is a user of its group: if this process dies, the others tell that it left.
            async with groups.listen(group, user=run) as pieces:
                task_status.started()
                is_begun = True
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._obey, pieces, tasks.cancel_scope)
                    outcome = await self._generate(group, run, text)
                    tasks.cancel_scope.cancel()
                await groups.broadcast(group, outcome or Stopped(run=run))
        except BackplaneError:
            if not is_begun:
                raise
            logger.exception("run %s could not tell how it ended", run)

    async def _obey(self, pieces: AsyncIterator[Piece], scope: anyio.CancelScope) -> None:
        while True:
            # What it lost of its own tokens does not matter: it goes on listening.
            with suppress(PositionLost):
                async for piece in pieces:
                    if isinstance(piece, Stopping):
                        scope.cancel()

    async def _generate(self, group: Run, run: str, text: str) -> Done | Failed:
        try:
            async with aclosing(self.model.generate(text)) as tokens:
                number = 0
                async for token in tokens:
                    await groups.broadcast(group, Token(run=run, text=token))
                    number += 1
                    if number == MOST:
                        break
        except Exception:
            logger.exception("run %s failed", run)
            return Failed(run=run)
        return Done(run=run)


runs = Runs(model())


class Assistant(WebSocketEndpoint):
    """A chat with the assistant, in as many tabs as one likes."""

    encoding = "json"
    groups = (Chat, Run)
    sends = Again
    chat: Chat

    async def on_connect(self, websocket: WebSocket) -> None:
        # Whoever knows the name of a chat may read it: in your application, ask who it is.
        chat = websocket.path_params["chat"]
        if not CHAT.fullmatch(chat):
            raise Denied(404)
        await websocket.accept()
        self.chat = Chat(chat)
        await groups.join(self, self.chat, last=50)

    @handles
    async def begin(self, websocket: WebSocket, data: Ask) -> None:
        try:
            run = await runs.start(data.text)
            await groups.broadcast(self.chat, Asked(run=run, text=data.text))
        except BackplaneError:
            raise ErrorReply("unavailable", "try it again in a moment") from None

    @handles
    async def join(self, websocket: WebSocket, data: Join) -> Joined:
        run = Run(data.run)
        # Before it joins: of a run that ends meanwhile it is sent the end.
        running = data.run in await groups.presence(run)
        try:
            await groups.join(self, run, data.after, last=2 * MOST)
        except PositionLost:
            self.post(Again(run=data.run))
            await groups.join(self, run, last=2 * MOST)
        return Joined(run=data.run, running=running)

    @handles
    async def stop(self, websocket: WebSocket, data: Stop) -> None:
        if not await runs.stop(data.run):
            raise ErrorReply("not_running", "it has ended")


router = WebSocketRouter(
    {"/chats/{chat}": Assistant},
    title="Assistant",
    version="1.0.0",
    description="Answers that go on while their client is away.",
    groups=groups,
    lifespan=runs.running,
)


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http" and scope["path"] == "/":
        await show_page(send)
    else:
        await router(scope, receive, send)


async def show_page(send: Send) -> None:
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", str(len(PAGE)).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": PAGE})
