"""Where ASGI servers differ, as one value that the played server obeys."""

from collections.abc import Container
from dataclasses import dataclass
from typing import Literal, TypeAlias

from wsendpoints.protocol.asgi import Event

__all__ = ["Dialect", "ServerName"]

ServerName: TypeAlias = Literal[
    "uvicorn",
    "uvicorn-wsproto",
    "uvicorn-legacy",
    "hypercorn",
    "hypercorn-trio",
    "granian",
    "daphne",
    "gunicorn",
]
"""A server that was measured, with its implementation of WebSockets or its worker."""

SendOutcome: TypeAlias = Literal["oserror", "runtime_error", "silent"]
"""What `send` does when the client is disconnected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What an ASGI server does where the specification or the servers leave room.

    The defaults are what the specification asks for, and where it asks for nothing, uvicorn's.
    `dataclasses.replace` changes one of the named ones.

    Attributes:
        name: Which server it is, for errors; `None` for none that was measured.
        send_after_disconnect: What `send` does once the client has disconnected. `"oserror"` raises
            `OSError`, as the ASGI spec wants it since 2.4; `"runtime_error"` raises
            `RuntimeError`; `"silent"` takes the event and forgets it.
        send_once_received: The same once the app has received the disconnect; `"same"` is as
            before.
        second_receive: What `receive` does once the app has got the disconnect. `"returns"`
            gives it again; `"blocks"` waits for ever.
        told_code: The code in the disconnect, whatever the client closed with; `None` tells the
            client's.
        told_no_code: The code there when the client's close had none.
        told_reset: The code there when the connection was lost without a close.
        told_own_code: The code there after the app's own close; `None` tells the app's.
        tells_reason: Whether a disconnect has the key `"reason"`.
        both_keys: Whether a receive event has both the keys `"text"` and `"bytes"`, one of them
            `None`, or just one key.
        spec_version: The version of the ASGI spec that the scope gives, if it gives one.
        missing_keys: The keys that the scope lacks.
        lists_addresses: Whether `client` and `server` in the scope are lists, or tuples.
        text_ports: Whether the ports in them are str, or int.
        denial_response: Whether the scope offers the extension `"websocket.http.response"`, so
            that the app may answer the handshake with an HTTP response of its own.
        single_denial_body: Whether the body of such a response has to be a single event: `send`
            raises for one that announces more.
        refused_codes: Close codes, legal ones, that `send` raises for; the connection stays open.
        close_reasons: Whether the client gets the reason of a close.
        accept_headers: Whether the client gets the headers that the app accepts with.
        empty_messages: Whether the client gets messages without content.
        close_awaits_receive: Whether the app's close goes out only when no `receive` is pending,
            as with granian before 2.8.9.
        shutdown: What the app sees when the server ends. `"disconnects"` delivers a disconnect
            with 1012; `"cancels"` cancels the app, which can still close; `"kills"` cancels it
            when the connection is lost already.
        return_code: What the client sees when the app returns without a close. 1005 is a close
            without a code, 1006 a lost connection; with `None` the client sees nothing, and the
            test fails with what happened.
        return_stays_open: Whether the connection stays open then, without an app.
        failure_code: What the client sees when the app raises.
        return_status: The status when the app returns without an answer to the handshake; `None`
            leaves the client waiting.
    """

    name: ServerName | None = None
    send_after_disconnect: SendOutcome = "oserror"
    send_once_received: SendOutcome | Literal["same"] = "same"
    second_receive: Literal["returns", "blocks"] = "returns"
    told_code: int | None = None
    told_no_code: int | None = 1005
    told_reset: int = 1006
    told_own_code: int | None = None
    tells_reason: bool = True
    both_keys: bool = False
    spec_version: str | None = "2.4"
    missing_keys: frozenset[str] = frozenset()
    lists_addresses: bool = False
    text_ports: bool = False
    denial_response: bool = True
    single_denial_body: bool = False
    refused_codes: Container[int] = ()
    close_reasons: bool = True
    accept_headers: bool = True
    empty_messages: bool = True
    close_awaits_receive: bool = False
    shutdown: Literal["disconnects", "cancels", "kills"] = "disconnects"
    return_code: int | None = None
    return_stays_open: bool = False
    failure_code: int | None = None
    return_status: int | None = 500

    def disconnect(self, code: int | None, reason: str = "") -> Event:
        """Return the disconnect event that tells the app `code`, as it is."""
        event: Event = {"type": "websocket.disconnect", "code": code}
        return {**event, "reason": reason} if self.tells_reason else event

    def disconnect_by_client(self, code: int, reason: str) -> Event:
        """Return the disconnect event that follows a client's close; 1005 is one without a code."""
        told = code if self.told_code is None else self.told_code
        return self.disconnect(self.told_no_code if code == 1005 else told, reason)

    def disconnect_after_close(self, code: int, reason: str) -> Event:
        """Return the disconnect event that follows the app's own close."""
        return self.disconnect(code if self.told_own_code is None else self.told_own_code, reason)
