"""The interface of a dialect: a protocol's envelope, read and written below the types."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from wsendpoints.dialects.records import Id, Record
from wsendpoints.protocol.exceptions import ErrorReply

__all__ = ["Dialect"]


class Dialect(ABC):
    """A protocol's envelope: what is a call, what its answer, and which belongs to which.

    ```python
    class Pairs(Dialect):
        def read(self, record: Any) -> Record:
            match record:
                case [str(method), params, id] if is_id(id):
                    return Call(method, params, id)
                case _:
                    raise InvalidRecordError("expected [method, params, id]")

        def write_reply(self, id: Id, result: Any) -> Any:
            return [id, result]

        def write_error(self, id: Id, error: ErrorReply) -> Any:
            return [id, None, error.code, error.message]


    class Calculator(WebSocketEndpoint):
        encoding = "json"
        dialect = Pairs()

        @handles("add")
        async def add(self, websocket: WebSocket, left: int, right: int) -> int: ...
    ```

    It stands between the encoding, which makes a value of a frame, and the types of the handlers,
    which make messages of the payloads. It only rearranges values: it waits for nothing, validates
    no payload, and remembers nothing of a connection, since one instance serves all of them.
    `wsendpoints.testing.check_dialect` tests one.

    What it reads comes from the client, and may be anything. For what is none of its records it
    raises `InvalidRecordError`, and no other exception. Nothing that it writes has a part of what
    the client sent, except for the id.

    Of what it writes, any may be

    - the value of a frame, which holds plain values, ids, and the `result`, `params`, `item` or
      `details` that it was given, unchanged;
    - `None`, where the protocol sends nothing;
    - `Close`, where the protocol answers with a close.

    The codes of the errors that the library itself answers with are those of `ErrorCode`, and those
    of `InvalidRecordError`. `write_error` gives them the names that the protocol has for them.

    Attributes:
        needs_values: Whether it reads values alone, as of JSON, so that a class needs an `encoding`
            that has them. By default it may read texts, too.
    """

    needs_values: ClassVar[bool] = False

    def records(self, value: Any) -> Sequence[Any]:
        """Return the records in a frame. By default: the frame is one.

        Args:
            value: What the encoding makes of the frame: the value of its JSON; in an endpoint of
                `encoding = "text"`, the text.

        Returns:
            The records, at least one. In a `Batch`, their answers are sent together.

        Raises:
            InvalidRecordError: It is no frame of this protocol, or holds too many records.
        """
        return (value,)

    @abstractmethod
    def read(self, record: Any) -> Record:
        """Return what a record says.

        Raises:
            InvalidRecordError: It is no record of this protocol.
        """

    def write_call(self, method: str, params: Any, id: Id | None) -> Any:
        """Return the record of a call, or of a notification, to the client.

        By default: raise, since the protocol has no calls in this direction.

        Args:
            method: The name of the method.
            params: Its payload; `None` for a call without.
            id: A str, chosen by the library, which `read` has to find in the answer; `None` for
                a notification.

        Raises:
            NotImplementedError: The protocol has no such call.
        """
        raise NotImplementedError(f"{type(self).__qualname__} has no calls to the client")

    @abstractmethod
    def write_reply(self, id: Id, result: Any) -> Any:
        """Return the record that answers a call with its result.

        Args:
            id: That of the call, as `read` returned it.
            result: What the handler returned; `None` if it returns nothing.
        """

    @abstractmethod
    def write_error(self, id: Id, error: ErrorReply) -> Any:
        """Return the record that answers a call, or what is no record, with an error.

        Args:
            id: That of the call; `None` for what is no record with an id.
            error: What a handler raised, or the library for it. Its `code` may be any, its
                `details` any value, `None` for none.
        """

    # What few protocols have.

    def write_batch(self, answers: Sequence[Any]) -> Any:
        """Return the frame of the answers to the records of a `Batch`. By default: a list."""
        return [*answers]

    def write_item(self, id: Id, item: Any) -> Any:
        """Return the record of one item of a stream that answers a call.

        By default: raise. A class whose dialect does not override this can't have handlers with a
        `yield`.

        Args:
            id: That of the call.
            item: What the handler yielded.

        Raises:
            NotImplementedError: The protocol has no streams.
        """
        raise NotImplementedError(f"{type(self).__qualname__} has no streams")

    def write_end(self, id: Id) -> Any:
        """Return the record that ends a stream, after its last item. By default: none.

        A stream that fails ends with `write_error` in its place; one that the client cancelled,
        with the error `"request_cancelled"`.
        """
        return None

    def write_cancel(self, id: Id) -> Any:
        """Return the record that tells the client to cancel a call. By default: none.

        Args:
            id: That of the call, as `write_call` was given it. Its answer is not awaited any more.
        """
        return None
