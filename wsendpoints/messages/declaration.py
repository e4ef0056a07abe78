"""What an endpoint class declares: its handlers, and the messages that it takes and sends.

It is read and compiled when the class is made, which fails if the declaration has a mistake.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from wsendpoints.dialects.records import Notification
from wsendpoints.messages.annotations import MISSING, check_bound
from wsendpoints.messages.answers import Answers, read_error_codes
from wsendpoints.messages.codecs import Encode, MessageCodec, codec_of
from wsendpoints.messages.contradictions import (
    check_readable,
    check_refusing,
    check_typed,
    check_unnamed,
    check_values,
)
from wsendpoints.messages.correlation import Correlation, Id
from wsendpoints.messages.declared import union_in
from wsendpoints.messages.envelope import LIBRARY_CODES, Envelope, read_procedures
from wsendpoints.messages.error_message import BUSY, ErrorWriter
from wsendpoints.messages.exchange import Exchange
from wsendpoints.messages.inbound import Inbound
from wsendpoints.messages.method import Handler, Method
from wsendpoints.messages.methods import (
    Adapters,
    Look,
    Stream,
    check_hooks,
    find,
    looking_at,
    names_of_marked,
    read,
)
from wsendpoints.messages.outbound import Outbound
from wsendpoints.messages.procedures import Procedure
from wsendpoints.messages.providers import Provider, names_of_providers, read_providers
from wsendpoints.messages.routing import Routed, Routes, route
from wsendpoints.messages.substitution import union_of
from wsendpoints.protocol.asgi import Event
from wsendpoints.protocol.exceptions import (
    ClientMessageError,
    ConfigurationError,
    ErrorReply,
    InvalidMessageError,
)

__all__ = ["Adapters", "Declaration", "Handler", "Stream", "declare"]


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a class declares, compiled.

    Attributes:
        codec: How its messages are read from frames, and written into frames.
        inbound: The messages that it takes.
        outbound: The messages that it sends.
        encode: Its `outbound.encode`, bound once for all connections.
        handlers: The handlers, by the class of the message.
        on_message: The handler for messages of any other class.
        tag: The field that tells its messages apart, `"type"` if it has none.
        correlation: Reads and writes the field that ties an answer to its message, if it has one.
        answers: What clients answer to questions.
        errors: Writes its error messages.
        error_codes: The codes of its `ErrorReply`s, with descriptions; `None` for any.
        is_two_way: Whether handlers run beside the loop, or messages belong together.
        methods: The methods that handle messages, by their names.
        providers: Those of the class, by their names.
        look: Returns what its class has now of what was compiled ...
        compiled: ... what it had then ...
        seen: ... and what it had when it was served first; `()` until then, since a decorator of
            the class may have done more to it than shows in a look.
        compile_again: Compiles the class again, in place of this.
        original: What the class declared when it was made, if it was changed since.
        default_on_connect: What answers the handshake of a class that is quiet.
        default_on_disconnect: What cleans nothing up, and so need not be called.
        default_on_error: What answers no exception, and so need not be called.
        is_quiet: Whether the class has no code of its own that runs before the first message.
        where: The name of the class.
        answered: The handler of answers.
        by_subprotocol: What it declares where a subprotocol was accepted that has an encoding, and,
            under `None`, where none was. It is empty if no subprotocol has one.
        envelope: Its dialect, if it has one: all that it takes is an `Exchange` then.
    """

    codec: MessageCodec
    inbound: Inbound
    outbound: Outbound
    encode: Encode
    handlers: Mapping[type, Handler]
    on_message: Handler
    tag: str
    correlation: Correlation | None
    answers: Answers
    errors: ErrorWriter
    error_codes: Mapping[str | int, str] | None
    is_two_way: bool
    methods: Mapping[str, Method]
    providers: Mapping[str, Provider]
    look: Look
    compiled: Any
    seen: Any
    compile_again: "Callable[[Declaration], Declaration]"
    original: "Declaration | None"
    default_on_connect: Any
    default_on_disconnect: Any
    default_on_error: Any
    is_quiet: bool
    where: str
    answered: Handler
    envelope: Envelope | None
    by_subprotocol: "Mapping[str | None, Declaration]"

    def speaking(self, subprotocol: str | None) -> "Declaration":
        """Return what holds for a connection that was accepted with a subprotocol, or without."""
        every = self.by_subprotocol
        return every.get(subprotocol, every[None]) if every else self

    def current(self) -> "Declaration":
        """Return what the class declares now: a decorator of it, or a mock, may have changed it."""
        try:
            if self.look() == self.seen:
                return self
        except AttributeError:  # deleted
            pass
        return self.compile_again(self)

    def is_true_of(self, cls: type) -> bool:
        """Whether the class is as it was when it was compiled."""
        try:
            now = self.look()
        except AttributeError:  # deleted
            return False
        known = {**self.methods, **self.providers}
        return now == self.compiled and all(
            name in known or getattr(cls, name) is None
            for name in (*names_of_marked(cls), *names_of_providers(cls))
        )

    def id_of_invalid(self, error: ClientMessageError) -> Id | None:
        """Return the correlation id of an invalid message, if it has one."""
        # What exceeds a limit is not decoded.
        if self.correlation is None or not isinstance(error, InvalidMessageError):
            return None
        value = None if error.frame is None else self.codec.value_of(error.frame)
        return self.correlation.id_of_value(value)

    def invalid_event(self, error: ClientMessageError, answered: Id | None) -> Event | None:
        """Return the event that answers an invalid message.

        Args:
            error: What is wrong with it.
            answered: The correlation id of the message; `None` if it has none.

        Returns:
            `None` where there is no such answer: the connection is closed then.

        Raises:
            ErrorReply: This one answers it, in the format of the class's dialect.
        """
        if self.envelope is not None and (reply := self.envelope.refusal(error)) is not None:
            raise reply
        if not isinstance(error, InvalidMessageError):
            return None
        return self.codec.error_event(self.errors.invalid(error, answered))

    def error_event(self, error: ErrorReply, answered: Id | None) -> Event:
        """Return the event that answers a message with an error of the application's.

        Args:
            error: The error.
            answered: The correlation id of the message; `None` if it has none.

        Raises:
            ConfigurationError: The encoding has no format for errors, or the class declares its
                codes, and this is none of them.
        """
        self.check_code(error)
        event = self.codec.error_event(self.errors.reply(error, answered))
        if event is None:
            raise ConfigurationError(
                f"{self.where} raises ErrorReply, but its encoding {self.codec.name!r} has no "
                'format for errors: return what tells the client, or set encoding = "json"'
            ) from error
        return event

    def check_code(self, error: ErrorReply) -> None:
        """Check the code of an error that the application answers with.

        Raises:
            ConfigurationError: The class declares its codes, and this is none of them.
        """
        codes = self.error_codes
        own = {BUSY} if self.envelope is None else LIBRARY_CODES
        if codes is not None and error.code not in codes and error.code not in own:
            raise ConfigurationError(
                f"{self.where} answers with the error {error.code!r}, but declares "
                f"{', '.join(map(repr, codes))}: add it to `error_codes`"
            ) from error

    def answer_in(self, frame: str | bytes) -> Any:
        """Return the answer that a frame holds; `None` if it holds another message.

        Raises:
            ClientMessageError: It holds no valid one.
        """
        decode = self.inbound.decode_text if isinstance(frame, str) else self.inbound.decode_binary
        try:
            message = decode(frame)
        except self.inbound.refused as exc:
            raise self.inbound.client_error(exc, frame) from None
        if isinstance(message, Routed):
            return message.message if message.handler is self.answered else None
        handler = self.handlers.get(message.__class__)
        return message if handler is self.answered else None

    def settled(self) -> "Declaration":
        """Return what holds for its class until a look shows a change."""
        return replace(self, seen=self.compiled)


def declare(
    cls: Any,
    defaults: Mapping[str, Any],
    adapters: Adapters,
    compile_again: Callable[[Declaration], Declaration],
    before: Declaration | None = None,
) -> Declaration:
    """Read and compile what a class declares.

    Args:
        cls: The class.
        defaults: The attributes of the class with the default hooks.
        adapters: What makes handlers of other methods than coroutine functions.
        compile_again: Called if the class was changed.
        before: What the class declared before it was changed.

    Raises:
        ConfigurationError: The class is declared incorrectly.
        UnboundTypeVariable: The class is still generic.
    """
    where = cls.__qualname__
    codec = codec_of(cls.encoding, f"{where}: encoding")
    check_hooks(cls)
    if before is None:
        check_bound(cls, "params")
    original = before and (before.original or before)
    known: Mapping[str, Method] = original.methods if original else {}
    is_correlated = cls.correlation_id is not None
    provided: Mapping[str, Provider] = original.providers if original else {}
    providers = read_providers(cls, provided)
    reading = functools.partial(
        read, cls, adapters=adapters, providers=providers, is_correlated=is_correlated
    )
    procedures = None
    if cls.dialect is not None:
        known_envelope = None if original is None else original.envelope
        procedures = read_procedures(cls, adapters, providers, defaults, known_envelope)
    methods = [
        reading(name, before=known.get(name))
        for name in {**dict.fromkeys(known), **dict.fromkeys(names_of_marked(cls))}
        if procedures is None and name != "on_receive" and getattr(cls, name, None) is not None
    ]
    check_unnamed(where, methods)
    receiver = None
    if find(cls, "on_receive")[1] not in {defaults["on_receive"], None}:
        receiver = reading("on_receive", before=known.get("on_receive"))
    if methods and receiver is not None:
        raise ConfigurationError(
            f"{where} has both on_receive and methods marked with @handles "
            f"({', '.join(method.name for method in methods)}): use one of the two"
        )
    if receiver is not None:
        methods = [receiver]
    # Without handlers that of the base class takes every message, and ignores it.
    routes: Routes = defaults["on_receive"], {}, [Any]
    answers = Answers(union_in(cls, "answers"), where)
    if answers.members:
        check_typed(where, receiver)
        answering = Method("answers", adapters.answered, union_of([*answers.members]), MISSING)
        routes = route(where, [*methods, answering], routed=True)
    elif methods:
        routes = route(where, methods, routed=receiver is None)
    if procedures is not None:
        methods = [procedure.method for procedure in procedures.values()]
        routes = adapters.exchange, {Exchange: adapters.exchange}, [Any]
    on_message, handlers, taken = routes
    sent = _sent(methods, union_in(cls, "sends"))
    sent.extend(group.messages for group in cls.groups)
    takes = Any if Any in taken else union_of(taken)
    spoken = functools.partial(_spoken, cls, takes, sent, methods, procedures, where)
    in_own = spoken(codec)
    answers.check_field(in_own["correlation"])
    is_concurrent = any(method.options.concurrent for method in methods)
    by_subprotocol: dict[str | None, Declaration] = {}
    names = [*known, *(method.name for method in methods)] or ["on_receive"]
    look = looking_at(cls, [*names, *provided, *providers])
    declaration = Declaration(
        **in_own,
        handlers=handlers,
        on_message=on_message,
        answers=answers,
        error_codes=read_error_codes(cls.error_codes, where),
        is_two_way=is_concurrent or is_correlated or procedures is not None,
        methods={method.name: method for method in methods},
        providers=providers,
        look=look,
        compiled=look(),
        seen=(),
        compile_again=compile_again,
        original=original,
        default_on_connect=defaults["on_connect"],
        default_on_disconnect=defaults["on_disconnect"],
        default_on_error=defaults["on_error"],
        # A question may be asked before the first message.
        is_quiet=not answers.members
        and all(find(cls, name)[1] is defaults[name] for name in ("on_connect", "__init__")),
        where=where,
        answered=adapters.answered,
        by_subprotocol=by_subprotocol,
    )
    for name, other in _encodings_of(cls.subprotocols).items():
        other_codec = codec_of(other, f"{where}.subprotocols[{name!r}]")
        by_subprotocol[name] = replace(declaration, **spoken(other_codec))
        by_subprotocol[None] = declaration
    return declaration


def _encodings_of(subprotocols: object) -> Mapping[str, object]:
    """Return the encodings of subprotocols; none if these are mere names."""
    return cast("Mapping[str, object]", subprotocols) if isinstance(subprotocols, Mapping) else {}


def _spoken(
    cls: Any,
    takes: Any,
    sent: Sequence[Any],
    methods: Sequence[Method],
    procedures: Mapping[str, Procedure] | None,
    where: str,
    codec: MessageCodec,
) -> dict[str, Any]:
    """Return the attributes of a declaration that depend on the encoding."""
    inbound = Inbound(takes, codec, where)
    outbound = Outbound(sent if procedures is None else [Notification], codec, where)
    envelope = None
    if procedures is not None:
        check_readable(where, codec, cls.dialect, methods)
        envelope = Envelope(cls.dialect, codec, procedures, where)
        envelope.join(inbound, outbound)
    correlation = None
    if cls.correlation_id is not None:
        check_values(where, codec, methods)
        correlation = Correlation(
            cls.correlation_id, inbound.messages, outbound.messages, codec.value_of, where
        )
    if envelope is None:
        check_refusing(where, codec, methods)
    tag = inbound.tag or outbound.tag or "type"
    return {
        "codec": codec,
        "inbound": inbound,
        "outbound": outbound,
        "encode": outbound.encode,
        "tag": tag,
        "correlation": correlation,
        "envelope": envelope,
        "errors": ErrorWriter(tag, None if correlation is None else correlation.field),
    }


def _sent(methods: Sequence[Method], sends: object) -> list[Any]:
    """Return the types that a class declares to send; none if it declares nothing."""
    declared = [] if sends is None else [sends]
    declared.extend(it.returns for it in methods if it.returns is not MISSING)
    return declared
