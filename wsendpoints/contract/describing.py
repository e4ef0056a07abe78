"""`describe`: what an endpoint class declares, read from what was compiled with it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType, NoneType
from typing import Annotated, Any, Final, TypeVar, get_args, get_origin

from pydantic import BaseModel, Discriminator, Tag
from pydantic.fields import FieldInfo

from wsendpoints.contract.description import (
    Description,
    ErrorMessages,
    Frames,
    GroupMessages,
    Message,
    Operation,
    Parameter,
    Speech,
)
from wsendpoints.contract.ends import closings_of, refusals_of
from wsendpoints.contract.naming import doc_of, message_of, params_of
from wsendpoints.contract.resolved import NOTHING as NO_MORE
from wsendpoints.contract.resolved import Resolved
from wsendpoints.endpoint import WebSocketEndpoint
from wsendpoints.handshake.parameters import Parameters
from wsendpoints.messages.annotations import MISSING
from wsendpoints.messages.codecs import MessageCodec
from wsendpoints.messages.custom import CustomCodec
from wsendpoints.messages.declaration import Declaration
from wsendpoints.messages.declared import union_in
from wsendpoints.messages.error_message import BUSY
from wsendpoints.messages.method import Method
from wsendpoints.messages.outbound import NOTHING
from wsendpoints.messages.procedures import Procedure
from wsendpoints.messages.routing import Routed
from wsendpoints.messages.substitution import is_class, is_union
from wsendpoints.messages.unions import without_alias
from wsendpoints.messages.values import ValuesCodec
from wsendpoints.messages.wrapping import find
from wsendpoints.protocol.exceptions import ClientMessageError
from wsendpoints.protocol.headers import is_token

__all__ = ["describe"]

T = TypeVar("T")

_IN_PATH: Final = re.compile(r"\{(\w+)(:\w+)?\}")
"""A path parameter, with a convertor behind it, or without."""

_CONTENT_TYPES: Final = {
    "json": "application/json",
    "msgpack": "application/msgpack",
    "text": "text/plain",
}

_BINARY: Final = "application/octet-stream"

_KEYS: Final = ("code", "errors", "more", "message", "details")
"""The fields of an error message, beside its tag."""


_LIBRARY_CODES: Final[Mapping[str, str]] = {
    "parse_error": "The frame can't be read.",
    "invalid_request": "It is no record of the protocol.",
    "method_not_found": "There is no such method.",
    "invalid_params": "The method does not take these params.",
    "internal_error": "The application failed.",
    "request_cancelled": "The client cancelled the call.",
    "busy": "Another call with the same key is running.",
}
"""The codes of the errors that the library answers with where a class has a dialect."""


def describe(
    endpoint_class: type[WebSocketEndpoint[Any]],
    path: str = "/",
    given: Mapping[str, Any] = MappingProxyType({}),
    resolved: Resolved = NO_MORE,
) -> Description:
    """Return what an endpoint class declares.

    Args:
        endpoint_class: The class.
        path: Where it is mounted, with path parameters in braces: `"/rooms/{room}"`.
        given: What `as_asgi` is given there, such as `limits`.
        resolved: What the framework reads of the handshake for it there.

    Raises:
        ConfigurationError: It is abstract, or generic.
    """
    cls: Any = endpoint_class
    declaration: Declaration = cls._check_servable()
    limits, security, subprotocols, is_required = (
        given.get(it, getattr(cls, it))
        for it in ("limits", "security", "subprotocols", "require_subprotocol")
    )
    security = security or resolved.security
    spoken = [*([] if is_required else [None]), *subprotocols]
    speeches = [*_speeches(declaration, spoken)]
    parameters: Parameters | None = cls._admission.parameters
    sends = union_in(cls, "sends")
    pushes = [] if sends is None else _messages(sends)
    correlation = declaration.correlation
    answers = _each_once([it for one in declaration.answers.members for it in _messages(one)])
    is_asking = correlation is not None and bool(answers)
    validates = bool(declaration.inbound.messages) or declaration.envelope is not None
    doc = doc_of(cls)
    return Description(
        name=cls.__name__,
        summary=doc.summary,
        description=doc.description,
        path=_IN_PATH.sub(r"{\1}", path),
        speeches=tuple(speeches),
        subprotocols=tuple(subprotocols),
        is_subprotocol_required=is_required,
        params=None if parameters is None else parameters.annotation,
        parameters=tuple(_parameters(parameters, path, resolved.parameters)),
        security=tuple(security),
        operations=tuple(_operations(cls, declaration)),
        pushes=tuple(pushes),
        groups=tuple(map(_group, cls.groups)),
        questions=tuple(
            it
            for it in pushes
            if is_asking and correlation is not None and correlation.may_have(it.type)
        ),
        answers=tuple(answers),
        is_open=not declaration.outbound.messages or declaration.envelope is not None,
        tag=declaration.inbound.tag or declaration.outbound.tag,
        correlation_id=None if correlation is None else correlation.field,
        errors=_errors(declaration, speeches),
        dialect=None if declaration.envelope is None else declaration.envelope.dialect,
        limits=limits,
        closings=tuple(
            closings_of(
                limits,
                speeches,
                validates=validates,
                has_dialect=declaration.envelope is not None,
                expires=bool(security),
            )
        ),
        refusals=refusals_of(
            limits,
            has_params=parameters is not None,
            requires_subprotocol=is_required,
        ),
        takes=lambda message, value: _takes(declaration, message, value),
    )


# Messages.


def _messages(annotation: Any) -> list[Message]:
    """Return the messages of a union, each once, without `None` and what is never sent."""
    parts = (it for it in _parts_of(annotation) if it not in (None, NoneType, *NOTHING))
    return _each_once([message_of(it) for it in parts])


def _parts_of(annotation: Any) -> Iterator[Any]:
    """Yield the members of a union, also of one that is annotated with a discriminator."""
    annotation = without_alias(annotation)
    if is_union(annotation):
        for part in get_args(annotation):
            yield from _parts_of(part)
    elif get_origin(annotation) is Annotated and all(map(_tells_apart, annotation.__metadata__)):
        yield from _parts_of(annotation.__origin__)
    else:
        yield annotation


def _tells_apart(metadata: object) -> bool:
    """Whether what a type is annotated with only tells it, or its members, apart."""
    if isinstance(metadata, FieldInfo):
        return not metadata.metadata
    return isinstance(metadata, Discriminator | Tag)


def _each_once(every: Sequence[T]) -> list[T]:
    found: list[T] = []
    for each in every:
        if each not in found:
            found.append(each)
    return found


# What a class does.


def _operations(cls: Any, declaration: Declaration) -> Iterator[Operation]:
    if declaration.envelope is None:
        for method in declaration.methods.values():
            yield _operation(cls, method, None)
    else:
        for procedure in declaration.envelope.procedures.values():
            yield _operation(cls, procedure.method, procedure)


def _operation(cls: Any, method: Method, procedure: Procedure | None) -> Operation:
    taken = _each_once([message_of(it) for it in _parts_of(method.takes)])
    returns = Any if method.returns is MISSING else method.returns
    parts = [*_parts_of(returns)]
    replies = _messages(returns)
    is_silent = method.is_stream or any(it in (None, NoneType, Any, object) for it in parts)
    if procedure is not None:
        is_whole = procedure.parameters.is_whole
        takes = method.takes
        taken = [message_of(takes) if is_whole else params_of(procedure.name, takes)]
        # A call is always answered, with `null` at least.
        replies = _each_once([message_of(it) for it in parts if it not in NOTHING])
        is_silent = method.is_stream
    doc = doc_of(find(cls, method.name)[1])
    return Operation(
        name=method.name,
        method=None if procedure is None else procedure.name,
        messages=tuple(taken),
        replies=tuple(replies),
        is_silent=is_silent,
        is_stream=method.is_stream,
        is_concurrent=method.options.concurrent,
        overlap=method.options.overlap,
        summary=doc.summary,
        description=doc.description,
    )


def _group(group: Any) -> GroupMessages:
    doc = doc_of(group)
    return GroupMessages(
        group.__name__,
        group.name,
        tuple(_messages(group.messages)),
        group.history is not None,
        doc.summary,
        doc.description,
    )


def _errors(declaration: Declaration, speeches: Sequence[Speech]) -> ErrorMessages | None:
    codes: dict[str | int, str] = {}
    if declaration.envelope is not None:
        codes.update(_LIBRARY_CODES)
    elif not any(speech.has_values for speech in speeches):
        return None
    else:
        if declaration.inbound.messages:
            codes["invalid_message"] = "The message is none of those that are taken."
        if any(it.options.overlap == "refuse" for it in declaration.methods.values()):
            codes[BUSY] = "Another message with the same key is handled."
    own = declaration.error_codes
    names = {key: declaration.errors.written(key) for key in _KEYS}
    return ErrorMessages({**codes, **(own or {})}, own is None, declaration.tag, names)


# The handshake.


def _parameters(
    parameters: Parameters | None, path: str, resolved: Sequence[Parameter]
) -> Iterator[Parameter]:
    others = {(it.place, it.name): it for it in resolved}
    in_path = {match[1]: match[2] for match in _IN_PATH.finditer(path)}
    for name, converter in in_path.items():
        own = others.pop(("path", name), None)
        yield Parameter(
            name,
            "path",
            is_required=True,
            is_multiple=False,
            is_integer=converter == ":int",
            is_rest=converter == ":path",
            type=None if own is None else own.type,
        )
    for field in () if parameters is None else parameters.fields:
        is_multiple = field.names[0] in field.multiple
        names = field.names
        if field.source is not None:
            names = [field.source.name, *names]
        elif any(it in in_path for it in names):
            continue
        name, *aliases = names
        other = others.pop((field.place, name), None)
        is_required = field.is_required or (other is not None and other.is_required)
        yield Parameter(name, field.place, is_required, is_multiple, tuple(aliases))
    yield from others.values()


def _speeches(declaration: Declaration, spoken: Sequence[str | None]) -> Iterator[Speech]:
    for subprotocol in spoken:
        yield _speech(subprotocol, declaration.speaking(subprotocol).codec)


def _speech(subprotocol: str | None, codec: MessageCodec) -> Speech:
    name = codec.format if isinstance(codec, CustomCodec) else codec.name
    encoding = "json" if not isinstance(name, str | None) else name or "frames"
    content_type = _CONTENT_TYPES.get(encoding, _BINARY)
    if isinstance(codec, CustomCodec) and is_token(encoding):
        content_type = f"application/{encoding.lower()}"
    frames: Frames = "any"
    if isinstance(codec, ValuesCodec):
        frames = "text" if codec.kind is str else "binary"
    elif not codec.has_values and len(codec.frames) == 1:
        frames = "text" if str in codec.frames else "binary"
    return Speech(subprotocol, encoding, content_type, frames, codec.has_values)


# What it takes.


def _takes(declaration: Declaration, message: Message, value: Any) -> bool:
    codec = declaration.codec
    refused: tuple[type[Exception], ...] = (
        *declaration.inbound.refused,
        ClientMessageError,
        ValueError,  # what can't be written as a frame
    )
    try:
        if declaration.envelope is not None:
            for procedure in declaration.envelope.procedures.values():
                if procedure.method.takes == message.type:
                    procedure.parameters.arguments(value)
                    return True
            return False
        if codec.has_values:
            event = codec.encoder_of(None)(value)
            value = event.get("text", event.get("bytes"))
        inbound = declaration.inbound
        decode = inbound.decode_text if isinstance(value, str) else inbound.decode_binary
        found = decode(value)
    except refused:
        return False
    if isinstance(found, Routed):
        found = found.message
    klass = message.type
    # Nothing may tell two types apart, and the other one takes it.
    return not (is_class(klass) and issubclass(klass, BaseModel)) or isinstance(found, klass)
