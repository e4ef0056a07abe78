"""The classes of clients in TypeScript."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel

from tests.contract.clients.app import (
    Album,
    Closing,
    Files,
    InQuery,
    Language,
    Private,
    Where,
)
from tests.contract.endpoints import Assistant, Calculator, Chat, Quiet
from wsendpoints import (
    Codec,
    Cookie,
    Credential,
    Dialect,
    ErrorReply,
    Header,
    WebSocket,
    WebSocketEndpoint,
    handles,
)
from wsendpoints.contract import describe
from wsendpoints.contract.schemas import Names, schemas_of
from wsendpoints.contract.typescript_classes import class_of, codec_of
from wsendpoints.contract.typescript_types import TypeWriter
from wsendpoints.dialects import Call, Id, Record
from wsendpoints.groups import Group, History


def written(cls: type[WebSocketEndpoint[Any]], path: str = "/") -> str:
    """Return the class of the clients of an endpoint class."""
    description = describe(cls, path)
    schemas = schemas_of([description])
    types = TypeWriter(schemas.components, {it: it for it in schemas.components}, "string")
    return class_of(description, schemas, types, Names())


class Note(BaseModel):
    type: Literal["note"] = "note"
    position: str | None = None


class Other(BaseModel):
    type: Literal["other"] = "other"


class Notes(Group[Note | Other]):
    name = "notes"
    history = History(messages=5, seconds=60)


class Board(WebSocketEndpoint):
    """Shows notes.

    All of them.
    """

    encoding = "json"
    groups = (Notes,)

    async def on_receive(self, websocket: WebSocket, data: Note) -> None: ...


def test_whole_class() -> None:
    """It has the types of its messages, of what it is given, and all that the base class needs."""
    text = written(Board, "/boards/{board:int}")
    error, rest = text.split("/** What clients of Board send. */")
    assert error.startswith(
        "/** What answers a message with an error. */\n"
        'export interface BoardErrorMessage {\n  type: "error";\n'
    )
    assert (
        rest
        == """
export type BoardClientMessage = Note;

/** What clients of Board get. */
export type BoardServerMessage = Note | Other | BoardErrorMessage;

/** What a client of Board is given. */
export type BoardClientOptions = \
ClientOptions<BoardClientMessage, never, "Notes"> & Place<{ readonly board: number }>;

/**
 * Shows notes.
 *
 * All of them.
 *
 * It is at `/boards/{board}`.
 */
export class BoardClient \
extends Client<BoardClientMessage, BoardServerMessage, "type", "Notes"> {
  constructor(options: BoardClientOptions) {
    super({
      path: "/boards/{board}",
      codecs: {
        "": json,
      },
      tag: "type",
      id: null,
      error: { tag: "type", code: "code", message: "message" },
      token: null,
      comebacks: {
        1007: "never", // a frame that is not json
        1008: "never", // max_invalid: 10
        1009: "never", // max_message_size: 1048576
        1011: "retry", // the application failed
        1012: "later", // the server is shutting down
        1013: "later", // send_timeout: 10; inbox_timeout: 30; outbox: 256; outbox_bytes: 1048576
      },
      histories: { Notes: ["note"] },
    }, options);
  }
}
"""
    )


def test_requests_streams_and_questions() -> None:
    """Each has a signature of its own, with what its handler says; all together have one more."""
    text = written(Files)
    assert (
        """
  /** Delete a file, if the client confirms it. */
  request(message: WithoutId<Delete, "id">, options?: RequestOptions): Promise<Deleted | Kept>;
  /** Never answer. */
  request(message: Wait, options?: RequestOptions): Promise<Kept>;
  request(message: WithoutId<Delete, "id"> | Wait, options?: RequestOptions): \
Promise<Deleted | Kept>;
  request(message: any, options?: RequestOptions): Promise<any> {
    return this.requesting(message, options);
  }

  requestStream(message: Count, options?: StreamOptions<Counted, FilesClientMessage>): \
AsyncIterableIterator<Counted>;
  requestStream(message: any, options?: StreamOptions<any, FilesClientMessage>): \
AsyncIterableIterator<any> {
    return this.streaming(message, options);
  }

  /** Answers the questions of a kind, until what it returns is called. */
  answer(kind: "confirm", handler: (question: Confirm) => Answer | Promise<Answer>): () => void;
  answer(kind: unknown, handler: (question: any) => unknown): () => void {
    return this.answering(kind, handler);
  }
"""
        in text
    )
    assert 'id: { field: "id", kind: "text" },' in text
    kinds = 'delete: ["deleted", "kept"], count: ["counted"], wait: ["kept"], note: ["noted"]'
    assert f"replies: {{ {kinds} }}," in text
    assert "answer(" not in written(Board)
    assert "replies:" not in written(Board)


class Untagged(WebSocketEndpoint):
    """Asks without a tag."""

    encoding = "json"
    correlation_id = "id"

    class Question(BaseModel):
        id: int | None = None

    class Answer(BaseModel):
        id: int
        text: str

    answers = Answer
    sends = Question


def test_question_without_a_tag() -> None:
    """There is one kind of questions."""
    text = written(Untagged)
    taken = 'WithoutId<Answer, "id">'
    assert f"answer(handler: (question: Question) => {taken} | Promise<{taken}>)" in text
    assert "return this.answering(undefined, handler);" in text
    assert 'id: { field: "id", kind: "number" },' in text


class Partly(WebSocketEndpoint):
    """Asks with a tag, and without one."""

    encoding = "json"
    correlation_id = "id"

    class Tagged(BaseModel):
        type: Literal["tagged"] = "tagged"
        id: str | None = None

    class Plain(BaseModel):
        id: str | None = None

    class Answer(BaseModel):
        type: Literal["answer"] = "answer"
        id: str | None = None

    answers = Answer
    sends = Tagged | Plain


def test_question_without_the_tag_that_others_have() -> None:
    """It is of no kind."""
    text = written(Partly)
    assert 'answer(kind: "tagged", handler: (question: Tagged) =>' in text
    assert "answer(kind: undefined, handler: (question: Plain) =>" in text


@pytest.mark.parametrize(
    ("cls", "token", "is_given"),
    [
        pytest.param(Private, '"subprotocol"', True, id="bearer"),
        pytest.param(Closing, '"subprotocol"', True, id="subprotocols alone"),
        pytest.param(InQuery, '{ query: "token" }', True, id="query"),
        pytest.param(Board, "null", False, id="nothing"),
    ],
)
def test_where_a_token_goes(cls: type[WebSocketEndpoint[Any]], token: str, is_given: bool) -> None:
    """A client takes one where a page can send it."""
    text = written(cls)
    assert f"token: {token},\n" in text
    assert ("{ readonly getToken?: GetToken | undefined }" in text) is is_given


class ByCookie(WebSocketEndpoint):
    encoding = "text"
    security = (Credential("cookie", "session"), Credential("bearer"))


class ByHeader(WebSocketEndpoint):
    encoding = "text"
    subprotocols = ("one",)
    security = (Credential("header", "X-Key"),)


@pytest.mark.parametrize("cls", [ByCookie, ByHeader])
def test_token_that_a_page_can_not_send(cls: type[WebSocketEndpoint[Any]]) -> None:
    """A cookie and a header are none of a client's, and a bearer needs a subprotocol beside it."""
    assert "token: null,\n" in written(cls)


def test_parameters() -> None:
    """Those of the path and the query are given, and may be a function of the positions."""
    text = written(Where, "/where/{file:path}")
    query = "{ readonly page?: number; readonly tag?: string[] }"
    assert (
        "Place<{ readonly file: string }> & { readonly query?: "
        f"{query} | ((positions: Positions<never>) => {query}) }}"
    ) in text
    assert 'path: "/where/{file:path}",' in text
    text = written(Where)
    assert "readonly query: { readonly file: string;" in text
    assert "constructor(options: WhereClientOptions) {" in text
    assert "constructor(options: AlbumClientOptions = {}) {" in written(Album)


class Unsent(BaseModel):
    tenant: Annotated[int, Header("X-Tenant")]
    session: Annotated[str, Cookie()]
    theme: Annotated[str, Cookie()] = ""


class Behind(WebSocketEndpoint):
    """Is behind a proxy."""

    encoding = "text"
    params: Unsent

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        """Take a text."""


def test_headers_and_cookies_can_only_be_told() -> None:
    """What has to be there is in the comment, and is no option."""
    text = written(Behind)
    assert "constructor(options: BehindClientOptions = {}) {" in text
    assert "It needs the header `X-Tenant`, that browsers let no page set." in text
    assert "It needs the cookie `session`, which the browser sends if it has it." in text
    assert "theme" not in text


class Lines(Codec[str]):
    def decode(self, frame: str) -> Any:
        return frame.splitlines()

    def encode(self, value: Any) -> str:
        return "\n".join(value)


class InLines(WebSocketEndpoint):
    encoding = Lines()

    async def on_receive(self, websocket: WebSocket, data: list[str]) -> None: ...


def test_codec_of_the_applications_own_is_given() -> None:
    """It is an option, by the name of the format."""
    text = written(InLines)
    assert "{ readonly codecs: { readonly Lines: Codec } }" in text
    assert '"": options.codecs["Lines"],' in text
    assert "constructor(options: InLinesClientOptions) {" in text


def test_codecs() -> None:
    """Each of the library's encodings has one."""
    every = [codec_of(it) for cls in (Chat, Quiet, InLines) for it in describe(cls).speeches]
    assert every == ["messagepack", "json", "plain", None]


def test_class_that_declares_nothing() -> None:
    """It takes nothing, and anything may come."""
    text = written(Quiet)
    assert "export type QuietClientMessage = never;" in text
    assert "export type QuietServerMessage = string | Uint8Array;" in text


class Pairs(Dialect):
    def read(self, record: Any) -> Record:
        return Call("it", record, 1)

    def write_reply(self, id: Id, result: Any) -> Any:
        return [id, result]

    def write_error(self, id: Id, error: ErrorReply) -> Any:
        return [id, error.code]


class InPairs(WebSocketEndpoint):
    encoding = "json"
    dialect = Pairs()

    @handles("it")
    async def it(self, websocket: WebSocket, number: int) -> int:
        return number


def test_records_of_a_dialect_are_values() -> None:
    """Nothing is known of them."""
    text = written(InPairs)
    assert "export type InPairsClientMessage = unknown;" in text
    assert "export type InPairsServerMessage = unknown;" in text
    assert "tag: null,\n      id: null,\n      error: null," in text
    assert "request(" not in text
    assert "answer(" not in text


def test_methods_of_jsonrpc_are_called() -> None:
    """A client has no messages then, but methods."""
    text = written(Language)
    assert "ClientOptions<Notification, never, never>" in text
    assert "export class LanguageClient extends JsonRpcClient<never> {" in text
    assert '  cancel: { method: "$/cancelRequest", param: "id" },\n' in text
    assert 'call(method: "noted", params?: ' in text
    assert "LanguageClientMessage" not in text
    assert "cancel:" not in written(Calculator)


def test_error_codes() -> None:
    """Those that are declared are the only ones."""
    assert 'code: "invalid_message" | "busy" | "refused";' in written(Assistant)
