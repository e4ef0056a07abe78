"""The mistakes and the texts that they give, as the tests assert and the documentation has them.

`python -m tests.mistakes.table` writes `docs/mistakes.md` anew.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.lifecycle.run_time_mistakes import MISTAKES

__all__ = [
    "AT_RUN_TIME",
    "BRACKETS",
    "COMPILED",
    "DEFAULTS",
    "GIVEN",
    "HANDLERS",
    "MOUNTED",
    "NAMES",
    "PAGE",
    "RESOLVED",
    "SIGNATURES",
    "TABLES",
    "Row",
    "page",
    "text_of",
]

PAGE: Final = Path(__file__).parents[2] / "docs" / "mistakes.md"


@dataclass(frozen=True, slots=True)
class Row:
    """A mistake.

    Attributes:
        code: What the mistake looks like: lines in the body of the class `Chat`, which has
            `encoding = "json"`; or a class statement and what mounts it; or, at run time, a line of
            a method.
        text: The whole text that it gives.
        is_warning: Whether that is a warning, because the code could be meant.
    """

    code: str
    text: str
    is_warning: bool = False

    def __str__(self) -> str:
        return self.code.replace("\n", " ")


_HOOKS: Final = (
    "The hooks are on_connect, on_receive, on_disconnect, on_error, on_invalid and on_gap"
)

NAMES: Final = [
    Row(
        "async def on_recieve(self, websocket, data): ...",
        f"Chat.on_recieve is no hook, and nothing calls it: did you mean on_receive? {_HOOKS}",
    ),
    Row(
        "async def on_message(self, websocket, data): ...",
        f"Chat.on_message is no hook, and nothing calls it: did you mean on_receive? {_HOOKS}",
    ),
    Row(
        "async def on_close(self, websocket, code): ...",
        f"Chat.on_close is no hook, and nothing calls it: did you mean on_disconnect? {_HOOKS}",
    ),
    Row(
        "async def onopen(self, websocket): ...",
        f"Chat.onopen is no hook, and nothing calls it: did you mean on_connect? {_HOOKS}",
    ),
    Row(
        "async def onError(self, websocket, error): ...",
        f"Chat.onError is no hook, and nothing calls it: did you mean on_error? {_HOOKS}",
    ),
    Row(
        "async def on_typing(self, websocket, data): ...",
        "Chat.on_typing is no hook, and nothing in the class calls it: mark it with @handles if it "
        "handles a message, or let its name begin with an underscore if it is called from "
        "elsewhere",
        is_warning=True,
    ),
    Row(
        "async def receive(self, text_data): ...",
        "Chat.receive is no hook, and nothing in the class calls it: did you mean on_receive?",
        is_warning=True,
    ),
    Row(
        "limit = Limits(idle_timeout=60)",
        "Chat.limit is a Limits, but the limits of an endpoint are read from `limits`: rename it",
    ),
    Row(
        'subprotocol = ["v1"]',
        "Chat.subprotocol is read by nothing in the class: did you mean subprotocols?",
        is_warning=True,
    ),
    Row(
        "@handles\nasync def push(self, websocket, data: Push): ...",
        "Chat.push(self, websocket, data) takes the place of WebSocketEndpoint.push, which is "
        "called in another way: give the method another name",
    ),
    Row(
        "async def start_soon(self): ...",
        "Chat.start_soon(self) takes the place of WebSocketEndpoint.start_soon, which is called in "
        "another way: give the method another name",
    ),
    *(
        Row(
            f"@handles\nasync def {name}(self, websocket, data: Say): ...",
            f"Chat.{name}(self, websocket, data) takes the place of WebSocketEndpoint.{name}, "
            "which is called in another way: give the method another name",
        )
        for name in ("ask", "cancel", "stream")
    ),
    Row(
        "async def websocket(self, data): ...",
        "Chat.websocket is a method, but `websocket` is an attribute of every WebSocketEndpoint: "
        "give the method another name",
    ),
    Row(
        "@handles\nasync def on_connect(self, websocket, data: Say): ...",
        "Chat.on_connect is a hook, and marked with @handles: remove the mark, or give the handler "
        "another name",
    ),
    Row(
        "@provides\nasync def push(self): ...",
        "Chat.push is marked with @provides, and takes the place of WebSocketEndpoint.push: give "
        "the provider a method and a name of its own",
    ),
    Row(
        "@provides\n@handles\nasync def say(self, websocket, data: Say): ...",
        "Chat.say is marked with @provides, and marked with @handles too: give the provider a "
        "method and a name of its own",
    ),
    Row(
        "def _lifecycle(self): ...",
        "Chat._lifecycle replaces what WebSocketEndpoint itself has by this name: give it another "
        "name",
    ),
]

SIGNATURES: Final = [
    Row(
        "async def on_connect(self): ...",
        "Chat.on_connect(self) is called with websocket: declare it as `async def on_connect(self, "
        "websocket)`",
    ),
    Row(
        "async def on_disconnect(self, websocket): ...",
        "Chat.on_disconnect(self, websocket) is called with websocket and close_code: declare it "
        "as `async def on_disconnect(self, websocket, close_code)`",
    ),
    Row(
        "async def on_invalid(self, websocket, *, error): ...",
        "Chat.on_invalid(self, websocket, *, error) is called with websocket and error: declare it "
        "as `async def on_invalid(self, websocket, error)`",
    ),
    Row(
        "async def on_receive(self, data: Say, websocket: WebSocket): ...",
        "Chat.on_receive(self, data, websocket) gets the WebSocket as its first argument: declare "
        "it as `async def on_receive(self, websocket, data)`",
    ),
    Row(
        "@handles\nasync def say(self, data: Say, websocket: WebSocket): ...",
        "Chat.say(self, data, websocket) gets the WebSocket as its first argument: declare it as "
        "`async def say(self, websocket, data)`",
    ),
    Row(
        "def __init__(self, db): ...",
        "Chat.__init__(self, db) is called for each connection, with scope, receive and send: "
        "remove it, and annotate what comes from where the class is mounted, such as `db: "
        "Given[DB]`, which `Chat.as_asgi(db=...)` sets",
    ),
]

COMPILED: Final = [
    Row(
        "def on_connect(self, websocket): ...",
        "Chat.on_connect is no async method: use `async def on_connect`",
    ),
    Row(
        "async def on_receive(self, data): ...",
        "Chat.on_receive(self, data) can't be called with a websocket and a message: declare "
        "it as (self, websocket, data)",
    ),
    Row(
        "def on_receive(self, websocket, data): ...",
        "Chat.on_receive is no async method: use `async def on_receive(self, websocket, data)`",
    ),
    Row(
        "@handles\ndef say(self, websocket, data: Say):\n    yield data",
        "Chat.say is no async method, but a generator: send each value with `yield` in an `async "
        "def say`, or return a list, which is sent as one message",
    ),
    Row(
        "async def on_receive(self, websocket, data, db): ...",
        "Chat.on_receive(self, websocket, data, db) takes db, which nothing provides: mark a "
        "method of that name with @provides, or give the parameter a default",
    ),
    Row(
        "@provides\nasync def session(self, db): ...",
        "Chat.session takes db, which nothing provides: a provider may take websocket, data, and "
        "other methods that are marked with @provides, or give the parameter a default",
    ),
    Row(
        "@provides\nasync def session(self, user): ...\n"
        "@provides\nasync def user(self, session): ...",
        "Chat.session can't be opened before itself: session takes user takes session",
    ),
    Row(
        "@provides\ndef session(self): ...",
        "Chat.session is marked with @provides, and is no async method: use `async def "
        "session(self)`, with `yield` in front of what closes it, or without",
    ),
    Row(
        "dialect = JsonRpc",
        "Chat.dialect is <class 'wsendpoints.dialects.jsonrpc.JsonRpc'>: use an instance of a "
        "`Dialect`, such as `JsonRpc()`",
    ),
    Row(
        "dialect = JsonRpc()\nasync def on_receive(self, websocket, data): ...",
        "Chat has both `dialect` and on_receive: write a method for each that clients call, marked "
        'with `@handles("its name")`',
    ),
    Row(
        'dialect = JsonRpc()\ncorrelation_id = "id"',
        "Chat has both `dialect` and correlation_id: remove the latter, for the dialect knows "
        "which answer belongs to which call",
    ),
    Row(
        "class Chat(WebSocketEndpoint):\n    dialect = JsonRpc()\n"
        '    @handles("say")\n    async def say(self, websocket, text: str): ...',
        "Chat declares `dialect = JsonRpc(...)`, which reads values, but in the encoding None a "
        'message is a frame: set encoding = "json"',
    ),
    Row(
        'dialect = JsonRpc()\n@handles("tokens")\nasync def tokens(self, websocket): yield 1',
        "Chat.tokens sends each value with `yield`, but JsonRpc has no streams: return one result, "
        "and send notifications before it by `self.push(Notification(...))`",
    ),
    Row(
        '@handles("say")\nasync def say(self, websocket, data: Say): ...',
        "Chat.say is marked with @handles('say'), which is how a dialect calls it, but the class "
        "has none: set `dialect`, as in `dialect = JsonRpc()`, or leave the name out, for the type "
        "of the message tells its handler",
    ),
    Row(
        "sends = []",
        "Chat.sends is empty: name what it sends, or leave `sends` out, and it may send anything",
    ),
    Row(
        '@handles(concurrent=True, key="room")\nasync def say(self, websocket, data: Say): ...',
        "Chat.say is marked with key='room', but Say has no such field: use the name of one that "
        "it has, or a function of the message",
    ),
    Row(
        'class Chat(WebSocketEndpoint):\n    encoding = "text"\n'
        '    @handles(concurrent=True, overlap="refuse")\n'
        "    async def say(self, websocket, data: str): ...",
        "Chat.say is marked with overlap=\"refuse\", but the encoding 'text' has no format for "
        'errors: use overlap="wait" or "cancel", or set encoding = "json"',
    ),
    Row(
        'correlation_id = "id"\nasync def on_receive(self, websocket, data: Say): ...',
        "Chat.correlation_id is 'id', but no message that it takes has such a field: add `id: str "
        "| None = None` to those that are answered",
    ),
    Row(
        'class Chat(WebSocketEndpoint):\n    correlation_id = "id"\n'
        "    async def on_receive(self, websocket, data: str): ...",
        "Chat declares `correlation_id`, but in the encoding None a message is a frame, and has no "
        'fields: set encoding = "json"',
    ),
    Row(
        "answers = Yes",
        "Chat declares `answers`, but no `correlation_id`: name the field that an answer has in "
        'common with its question, as in `correlation_id = "id"`',
    ),
    Row(
        'correlation_id = "id"\nanswers = Yes | Say',
        "Chat.answers has Say, which has no field 'id' to tell its question by: add `id: str | "
        "None = None`",
    ),
    Row(
        'correlation_id = "id"\nanswers = Yes\n'
        "@handles\nasync def yes(self, websocket, data: Yes): ...",
        "Chat.yes and Chat.answers both handle Yes: take it from one of them",
    ),
    Row(
        'correlation_id = "id"\nanswers = Yes\nasync def on_receive(self, websocket, data): ...',
        "Chat declares `answers`, but its on_receive takes anything, and so them as well: annotate "
        "the message of on_receive with a type",
    ),
    Row(
        'error_codes = "room_full"',
        "Chat.error_codes is 'room_full': use a dict from the codes of its ErrorReply to what they "
        'mean, such as {"room_full": "The room has no place left."}',
    ),
    Row(
        'encoding = "yaml"',
        'Chat: encoding is \'yaml\': use "text", "bytes", "json", "msgpack" or None, or an '
        "instance of a Codec",
    ),
    Row(
        "encoding = MsgspecJSON",
        "Chat: encoding is the class MsgspecJSON: use an instance of it, MsgspecJSON()",
    ),
    Row(
        "async def on_receive(self, websocket, data: Say | Struct): ...",
        "Chat takes Struct, a Struct of msgspec's, and Say, a model of pydantic's, but one of the "
        "two libraries reads all its messages: make them all Structs, or all models",
    ),
    Row(
        'subprotocols = {"chat.v1": "yaml"}',
        'Chat.subprotocols[\'chat.v1\'] is \'yaml\': use "text", "bytes", "json", "msgpack" or '
        "None, or an instance of a Codec",
    ),
]
"""What is found while the class is compiled; `tests/messages` has the rest of it."""

BRACKETS: Final = [
    Row(
        "@handles()\nasync def say(self, websocket, data: Say): ...",
        "@handles() has brackets: write `@handles` alone, and annotate the last parameter of the "
        "method with the type of its message",
    ),
    Row(
        "@handles(Say)\nasync def say(self, websocket, data): ...",
        "@handles(Say) has brackets: write `@handles` alone, and annotate the last parameter of "
        "the method with the type of its message",
    ),
    Row(
        '@handles(key="text")\nasync def say(self, websocket, data: Say): ...',
        "@handles(key=...) is for handlers that run beside others, and this one does not: write "
        "`@handles(concurrent=True, key=...)`",
    ),
    Row(
        '@handles(concurrent=True, overlap="drop")\nasync def say(self, websocket, data: Say): ...',
        "@handles(overlap='drop'): use 'wait', 'cancel' or 'refuse'",
    ),
    Row(
        '@handles(concurrent=True, by="text")\nasync def say(self, websocket, data: Say): ...',
        "@handles(by=...): its options are concurrent=..., key=... and overlap=...",
    ),
]

HANDLERS: Final = [
    Row(
        "@handles\nasync def say(self, websocket, data: Say): ...\n"
        "async def leave(self, websocket, data: Leave): ...",
        "Chat.leave(self, websocket, data) takes Leave, but is not marked, and nothing in the "
        "class calls it: mark it with @handles if it handles a message, or let its name begin with "
        "an underscore if it is called from elsewhere",
        is_warning=True,
    ),
    Row(
        "@provides\nasync def session(self): ...\n"
        "@handles\nasync def say(self, websocket, data: Say): ...\n"
        "async def leave(self, websocket, data: Leave, session): ...",
        "Chat.leave(self, websocket, data, session) takes Leave, but is not marked, and nothing in "
        "the class calls it: mark it with @handles if it handles a message, or let its name begin "
        "with an underscore if it is called from elsewhere",
        is_warning=True,
    ),
    Row(
        "@handles\nasync def say(self, websocket, data: Say): ...\n"
        "@handles\nasync def say(self, websocket, data: Leave): ...",
        "Chat.say is defined twice in its class, in lines 3 and 5, and the second replaces the "
        "first: give each a name of its own, and mark those that handle a message with @handles",
    ),
    Row(
        "async def on_receive(self, websocket, data: Say): ...\n"
        "async def on_receive(self, websocket, data: Leave): ...",
        "Chat.on_receive is defined twice in its class, in lines 3 and 4, and the second replaces "
        "the first: give each a name of its own, and mark those that handle a message with "
        "@handles",
    ),
]

DEFAULTS: Final = [
    Row(
        "seen: list[int] = []",
        "Chat.seen is one list for all connections: `field(default_factory=list)` of dataclasses "
        "gives each its own, and `ClassVar[...]` says that it is meant to be shared",
    ),
    Row(
        "seen = {}",
        "Chat.seen is one dict for all connections: `field(default_factory=dict)` of dataclasses "
        "gives each its own, and `ClassVar[...]` says that it is meant to be shared",
    ),
    Row(
        "last: Say = Say()",
        "Chat.last is one Say for all connections: `field(default_factory=Say)` of dataclasses "
        "gives each its own, and `ClassVar[...]` says that it is meant to be shared",
        is_warning=True,
    ),
    Row(
        "seen: list[int] = pydantic.Field(default_factory=list)",
        "Chat.seen is a Field of pydantic's, and an endpoint is no model: use `field` of "
        "dataclasses, as in `field(default_factory=list)`",
    ),
    Row(
        "db: DB = Depends(DB)",
        "Chat.db has Depends(...) as its value, where no framework reads it: annotate it, as in "
        "`db: Annotated[..., Depends(...)]`",
    ),
    Row(
        "seen: list[int] = field()",
        "Chat.seen is a field without a value: give it `default_factory=...`, or annotate the "
        "attribute alone",
    ),
]

RESOLVED: Final = [
    Row(
        "@handles\nasync def say(self, websocket, data: Say, db: DB = Depends(DB)): ...",
        "Chat.say has Depends(...) as the default of db, where no framework reads it: annotate an "
        "attribute, as in `db: Annotated[..., Depends(...)]`, and provide what is for one message "
        "by a method with @provides",
    ),
    Row(
        "@provides\nasync def db(self, maker: Annotated[DB, Depends(DB)] = None): ...",
        "Chat.db has Depends(...) in the annotation of maker, where no framework reads it: "
        "annotate an attribute, as in `maker: Annotated[..., Depends(...)]`, and provide what is "
        "for one message by a method with @provides",
    ),
    Row(
        "token: Annotated[str, Header()]",
        "Chat.token is annotated with Header(), which only marks a field of `params`: annotate "
        "`params: Params`, and in `class Params(BaseModel)` write `token: Annotated[..., "
        "Header()]`",
    ),
    Row(
        'theme: str = Cookie("look")',
        "Chat.theme has Cookie('look') as its value, which only marks a field of `params`: "
        "annotate `params: Params`, and in `class Params(BaseModel)` write `theme: "
        "Annotated[..., Cookie('look')]`",
    ),
    Row(
        "async def on_connect(self, websocket, token: Annotated[str, Header()] = None): ...",
        "Chat.on_connect has Header() in the annotation of token, which only marks a field of "
        "`params`: annotate `params: Params`, and in `class Params(BaseModel)` write `token: "
        "Annotated[..., Header()]`",
    ),
    Row(
        "@handles\nasync def say(self, websocket, data: Annotated[Say, Header()]): ...",
        "Chat.say has Header() in the annotation of data, which only marks a field of `params`: "
        "annotate `params: Params`, and in `class Params(BaseModel)` write `data: "
        "Annotated[..., Header()]`",
    ),
    Row(
        "name: Annotated[str, Body()]",
        "Chat.name is annotated with Body, but a WebSocket has no body that FastAPI could read: "
        "take it from the path, the query, a header or a cookie, or from a message",
    ),
    Row(
        "db: Annotated[DB, Depends(DB)] = None",
        "Chat.db is annotated with Depends, and the class has a value or a method of this name as "
        "well: remove one of the two, or rename it",
    ),
    Row(
        "limits: Annotated[Limits, Depends(Limits)]",
        "Chat.limits is annotated with Depends, but `limits` is an attribute of every "
        "WebSocketEndpoint: give what FastAPI resolves another name",
    ),
]

GIVEN: Final = [
    Row(
        "class Chat(WebSocketEndpoint):\n    db: Given[DB]\nChat.as_asgi()",
        "Chat is not given db, which it requires: mount `Chat.as_asgi(db=...)`, or call "
        "`Chat.serve(websocket, db=...)`",
    ),
    Row(
        "class Chat(WebSocketEndpoint):\n    db: Given[DB]\nChat.as_asgi(db=5)",
        "Chat.db is declared as Given[DB], but what is given is of the class int: give an instance "
        "of DB",
    ),
    Row(
        "class Chat(WebSocketEndpoint):\n    db: Given[DB]\nChat.as_asgi(bd=DB())",
        "Chat declares no attribute 'bd': annotate it in the class, as `bd: ...`",
    ),
    Row(
        "class Chat(WebSocketEndpoint):\n    db: Annotated[DB, Depends(DB)]\nChat.as_asgi()",
        "Chat is not given db, which it requires: mount `Chat.as_asgi(db=...)`, call "
        "`Chat.serve(websocket, db=...)`, or have FastAPI resolve that: "
        "`app.websocket(path)(Chat.as_route())`",
    ),
    Row(
        "class Chat(WebSocketEndpoint):\n    db: Given[DB]\nChat.as_route()",
        "Chat.db is required, and FastAPI can't resolve it: annotate it, as in `db: Annotated[..., "
        "Depends(...)]`, or give it, as in `Chat.as_route(db=...)`",
    ),
]

MOUNTED: Final = [
    Row(
        "@dataclass\nclass Chat(WebSocketEndpoint):\n    name: str\nChat.as_asgi(name='Ada')",
        "Chat is a dataclass, whose __init__ does not take what an endpoint is made of: remove "
        "@dataclass. Without it too, an annotated attribute can be given to as_asgi, and "
        "`field(default_factory=...)` gives each connection a value of its own",
    ),
    Row(
        "class Chat(WebSocketEndpoint):\n    @abstractmethod\n"
        "    async def greet(self): ...\nChat.as_asgi()",
        "Chat leaves greet abstract: serve a subclass that defines it",
    ),
]

AT_RUN_TIME: Final = [
    Row(
        "def __init__(self, scope, receive, send): ...",
        "Chat.__init__ does not call that of WebSocketEndpoint: begin it with "
        "`super().__init__(scope, receive, send)`",
    ),
]
"""What shows when a client connects. Those of `tests.lifecycle` show when a method runs."""

TABLES: Final[Mapping[str, Sequence[Row]]] = {
    "When the class is made": [
        *NAMES,
        *SIGNATURES,
        *COMPILED,
        *BRACKETS,
        *HANDLERS,
        *DEFAULTS,
        *RESOLVED,
    ],
    "When it is mounted": [*GIVEN, *MOUNTED],
    "At run time": [*AT_RUN_TIME, *(Row(it.code, it.text) for it in MISTAKES)],
}


def text_of(code: str) -> str:
    """Return the text of a row, for a test that is not made from the table."""
    (text,) = (row.text for rows in TABLES.values() for row in rows if row.code == code)
    return text


_INTRODUCTION: Final = """\
# Mistakes

Python lets these mistakes in an endpoint class pass. Each is a `ConfigurationError` that says what
to write instead or, where the code could be meant, a `ConfigurationWarning`, which points at the
class statement. A type that can't be validated, or sent, is a `ConfigurationError` too, and is not
listed here.

Nothing is said of a name that code of the class uses, or that a base class has too. A value that
could change is shared by all connections on purpose if its name is in capitals, as those of
constants are, or if it is annotated as `ClassVar` or `Final`.
"""


def page() -> str:
    """Return the text of the page."""
    parts = [_INTRODUCTION]
    for title, rows in TABLES.items():
        parts.append(f"\n## {title}\n\n| the code | what it says |\n|---|---|\n")
        parts += [f"| {_code(row.code)} | {_kind(row)}{_prose(row.text)} |\n" for row in rows]
    return "".join(parts)


def _code(code: str) -> str:
    lines = [re.match(r"( *)(.*)", line) for line in code.splitlines()]
    spans = [f"{'&nbsp;' * len(it[1])}`{_cell(it[2])}`" for it in lines if it is not None]
    return "<br>".join(spans)


def _kind(row: Row) -> str:
    return "Warning: " if row.is_warning else ""


def _prose(text: str) -> str:
    """Return a text with all that is not within backticks escaped."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"([_*<\[\]])", r"\\\1", part) for part in parts[::2]]
    return _cell("`".join(parts))


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
