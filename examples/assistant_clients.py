"""The assistant for clients of others: TanStack AI's `webSocket()`, and the SDK of OpenAI.

Run it with `uvicorn examples.assistant_clients:app`. The runs are those of `examples.assistant`,
with its page: what is asked in any of the three can be followed, and stopped, in the others.

    new ChatClient({ threadId: "lobby", connection: webSocket("ws://127.0.0.1:8000/agui/lobby") })
    AsyncOpenAI(base_url="http://127.0.0.1:8000/v1").responses.connect()

The page of the first one's chat is at http://127.0.0.1:8000/?chat=lobby, and that of the second
one's at http://127.0.0.1:8000/?chat=openai.
"""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Discriminator, Field, StringConstraints, Tag
from pydantic.alias_generators import to_camel
from typing_extensions import override

from examples import assistant
from examples.assistant import (
    CHAT,
    MOST,
    Asked,
    Assistant,
    Chat,
    Done,
    Ended,
    Failed,
    Id,
    Piece,
    Run,
    Stopped,
    Token,
    show_page,
)
from wsendpoints import (
    BackplaneError,
    Denied,
    PositionLost,
    WebSocket,
    WebSocketEndpoint,
    WebSocketRouter,
    handles,
)
from wsendpoints.protocol.asgi import Receive, Scope, Send

__all__ = ["AgentSocket", "Responses", "app", "router"]


class Following(WebSocketEndpoint):
    """Tells a client of runs, in messages of its own."""

    encoding: ClassVar[Any] = "json"

    @abstractmethod
    def told(self, run: str, piece: Piece) -> Iterator[BaseModel]:
        """Yield what the client is told of a piece of a run."""

    async def begin(self, chat: str, text: str, run: str | None = None) -> str:
        """Begin a run that the page of a chat shows, too, and return its id."""
        run = await assistant.runs.start(text, run)
        await assistant.groups.broadcast(Chat(chat), Asked(run=run, text=text))
        return run

    async def is_known(self, run: str) -> bool:
        """Return whether a run goes on, or has ended, and something is kept of it."""
        if run in await assistant.groups.presence(Run(run)):
            return True
        return bool(await assistant.groups.history(Run(run), last=1))

    async def follow(self, run: str, after: str | None = None) -> bool:
        """Tell of a run from a position on; return whether there is one, and its end was told."""
        try:
            if run not in await assistant.groups.presence(Run(run)):
                # It has ended: what is kept of it is all that comes.
                for piece in await assistant.groups.history(Run(run), after):
                    if await self.tell_piece(run, piece):
                        return True
                return False
            last = 0 if after else 2 * MOST
            async with assistant.groups.listen(Run(run), after, last=last) as pieces:
                async for piece in pieces:
                    if await self.tell_piece(run, piece):
                        break
        except (PositionLost, BackplaneError):
            # Not all of it is kept, or no more can be had, or that is no position.
            await self.tell_piece(run, Ended(run=run))
        return True

    async def tell_piece(self, run: str, piece: Piece) -> bool:
        """Tell of a piece of a run, and return whether that is its end."""
        for message in self.told(run, piece):
            await self.push(message)
        return isinstance(piece, Done | Stopped | Failed | Ended)


# TanStack AI: frames of its `RunAgentInput`, answered with events of the AG-UI protocol.


class Camel(BaseModel):
    """A message whose fields are in camel case on the wire."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Part(BaseModel):
    type: str
    text: str = ""


class Said(BaseModel):
    role: str
    content: str | list[Part] | None = None

    @property
    def text(self) -> str:
        parts = self.content or ""
        return parts if isinstance(parts, str) else "".join(part.text for part in parts)


class RunAgentInput(Camel):
    """Begins a run, whose id the client chooses."""

    run_id: Id
    messages: Annotated[list[Said], Field(min_length=1)]


class Abort(Camel):
    """Stops a run."""

    type: Literal["abort"] = "abort"
    run_id: Id


def kind_of(frame: Any) -> str:
    """Return which of the two it is: one has no field that tells it."""
    return "abort" if isinstance(frame, dict) and "messages" not in frame else "run"


Frame: TypeAlias = Annotated[
    Annotated[RunAgentInput, Tag("run")] | Annotated[Abort, Tag("abort")], Discriminator(kind_of)
]


class RunEvent(Camel):
    type: Literal["RUN_STARTED", "RUN_FINISHED"]
    thread_id: str
    run_id: str


class RunError(Camel):
    type: Literal["RUN_ERROR"] = "RUN_ERROR"
    thread_id: str
    run_id: str
    message: str


class TextEdge(Camel):
    type: Literal["TEXT_MESSAGE_START", "TEXT_MESSAGE_END"]
    message_id: str
    role: Literal["assistant"] = "assistant"


class TextContent(Camel):
    type: Literal["TEXT_MESSAGE_CONTENT"] = "TEXT_MESSAGE_CONTENT"
    message_id: str
    delta: str


class Chunk(BaseModel):
    """An event that a client which comes back begins after."""

    id: str
    chunk: TextEdge | TextContent | RunEvent | RunError


class Where(Camel):
    """What the client comes back for: a run, from an offset on; all of it with `"-1"`."""

    run_id: Id | None = None
    offset: str | None = None


class AgentSocket(Following):
    """A chat for `webSocket()` of TanStack AI."""

    sends: ClassVar[Any] = RunEvent | RunError | TextEdge | Chunk
    params: Where
    chat: str

    async def on_connect(self, websocket: WebSocket) -> None:
        # As in `Assistant`: in your application, ask who it is.
        self.chat = websocket.path_params["chat"]
        if not CHAT.fullmatch(self.chat):
            raise Denied(404)
        await websocket.accept()
        if self.params.run_id is not None and self.params.offset is not None:
            offset = None if self.params.offset == "-1" else self.params.offset
            self.start_soon(self.resume, self.params.run_id, offset)

    async def on_receive(self, websocket: WebSocket, data: Frame) -> RunError | None:
        """Begin a run with the last message, and tell of it; or stop one."""
        if isinstance(data, Abort):
            await assistant.runs.stop(data.run_id)
            return None
        try:
            if await self.is_known(data.run_id):
                return self.error(data.run_id, "there is such a run already")
            await self.begin(self.chat, data.messages[-1].text, data.run_id)
        except BackplaneError:
            return self.error(data.run_id, "try it again in a moment")
        self.start_soon(self.tell, data.run_id)
        return None

    async def resume(self, run: str, offset: str | None) -> None:
        """Tell of a run from where the client was, and close: that is what it waits for."""
        is_known = await self.tell(run, offset)
        await self.websocket.close(*((1000, "") if is_known else (4404, "no such run")))

    async def tell(self, run: str, offset: str | None = None) -> bool:
        if offset is None:
            await self.push(RunEvent(type="RUN_STARTED", thread_id=self.chat, run_id=run))
            # Who is cut off before the first token comes back for all of it, and has this already.
            begun = TextEdge(type="TEXT_MESSAGE_START", message_id=run)
            await self.push(Chunk(id="-1", chunk=begun))
        return await self.follow(run, offset)

    @override
    def told(self, run: str, piece: Piece) -> Iterator[BaseModel]:
        chunk: TextContent | RunEvent | RunError
        match piece:
            case Token():
                chunk = TextContent(message_id=run, delta=piece.text)
            case Done() | Stopped():
                yield TextEdge(type="TEXT_MESSAGE_END", message_id=run)
                chunk = RunEvent(type="RUN_FINISHED", thread_id=self.chat, run_id=run)
            case Failed() | Ended():
                chunk = self.error(run, "the answer broke off")
            case _:
                return
        yield Chunk(id=piece.position or "", chunk=chunk)

    def error(self, run: str, message: str) -> RunError:
        return RunError(thread_id=self.chat, run_id=run, message=message)


# OpenAI: the API of responses, over its WebSocket.


class Input(BaseModel):
    content: str | list[Part]


class Create(BaseModel):
    type: Literal["response.create"] = "response.create"
    input: (
        Annotated[str, StringConstraints(min_length=1)]
        | Annotated[list[Input], Field(min_length=1)]
    )


class Response(BaseModel):
    id: str
    status: Literal["in_progress", "completed", "cancelled", "failed"]
    object: Literal["response"] = "response"


class ResponseEvent(BaseModel):
    type: Literal[
        "response.created", "response.completed", "response.incomplete", "response.failed"
    ]
    response: Response
    sequence_number: int = 0


class Delta(BaseModel):
    type: Literal["response.output_text.delta"] = "response.output_text.delta"
    delta: str
    item_id: str
    sequence_number: int
    content_index: int = 0
    output_index: int = 0
    logprobs: list[float] = []


class Responses(Following):
    """One answer after the other for `client.responses.connect()` of OpenAI's SDK."""

    sends: ClassVar[Any] = ResponseEvent | Delta
    number: int = 0

    @handles
    async def create(self, websocket: WebSocket, data: Create) -> None:
        """Begin a run, and tell of it."""
        last = data.input if isinstance(data.input, str) else data.input[-1].content
        text = last if isinstance(last, str) else "".join(part.text for part in last)
        try:
            run = await self.begin("openai", text)
        except BackplaneError:
            await self.push(self.event("response.failed", Response(id="", status="failed")))
            return
        await self.push(self.event("response.created", Response(id=run, status="in_progress")))
        self.start_soon(self.follow, run)

    @override
    def told(self, run: str, piece: Piece) -> Iterator[BaseModel]:
        match piece:
            case Token():
                yield Delta(delta=piece.text, item_id=run, sequence_number=self.counted())
            case Done():
                yield self.event("response.completed", Response(id=run, status="completed"))
            case Stopped():
                yield self.event("response.incomplete", Response(id=run, status="cancelled"))
            case Failed() | Ended():
                yield self.event("response.failed", Response(id=run, status="failed"))
            case _:
                return

    def event(self, type_: Any, response: Response) -> ResponseEvent:
        return ResponseEvent(type=type_, response=response, sequence_number=self.counted())

    def counted(self) -> int:
        self.number += 1
        return self.number


router = WebSocketRouter(
    {"/chats/{chat}": Assistant, "/agui/{chat}": AgentSocket, "/v1/responses": Responses},
    title="Assistant",
    version="1.0.0",
    description="Answers that go on while their client is away, for clients of several kinds.",
    groups=assistant.groups,
    lifespan=assistant.runs.running,
)


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http" and scope["path"] == "/":
        await show_page(send)
    else:
        await router(scope, receive, send)
