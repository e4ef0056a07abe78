"""The class of an endpoint's clients in TypeScript, with what it is given, sends and gets."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, final

from wsendpoints.contract.comebacks import comeback_of
from wsendpoints.contract.description import Description, Parameter, Speech
from wsendpoints.contract.errors import error_schema
from wsendpoints.contract.schemas import Names, Schemas
from wsendpoints.contract.typescript_calls import calls_of, cancel_of, is_jsonrpc
from wsendpoints.contract.typescript_messages import BYTES, Exchange, MessageTypes
from wsendpoints.contract.typescript_text import (
    comment,
    indented,
    key,
    line_comment,
    literal,
    type_name,
)
from wsendpoints.contract.typescript_types import TypeWriter, either

__all__ = ["MESSAGEPACK", "class_of", "codec_of"]

MESSAGEPACK: Final = "messagepack"

_CODECS: Final[Mapping[str, str]] = {
    "json": "json",
    "text": "plain",
    "bytes": "plain",
    "frames": "plain",
    "msgpack": MESSAGEPACK,
}


def codec_of(speech: Speech) -> str | None:
    """Return the name of what reads and writes messages; `None` if the application has to."""
    return _CODECS.get(speech.encoding)


def class_of(description: Description, schemas: Schemas, types: TypeWriter, names: Names) -> str:
    """Return the declarations of a class's client.

    Args:
        description: The class.
        schemas: The schemas of its messages.
        types: Writes their types.
        names: Gives the names.
    """
    return _Class(description, schemas, types, names).written()


@final
class _Class:
    def __init__(
        self,
        description: Description,
        schemas: Schemas,
        types: TypeWriter,
        names: Names,
    ) -> None:
        self._description = description
        self._schemas = schemas
        self._types = types
        self._messages = MessageTypes(description, schemas, types)
        name = type_name(description.name)
        self._name = names.give(f"{name}Client")
        self._sends = names.give(f"{name}ClientMessage")
        self._gets = names.give(f"{name}ServerMessage")
        self._options = names.give(f"{name}ClientOptions")
        self._error = names.give(f"{name}ErrorMessage")
        self._groups = either(
            [literal(it.name) for it in description.groups if it.has_history] or ["never"]
        )

    def written(self) -> str:
        return "\n".join([*self._aliases(), self._option_types(), self._client()])

    # What it sends and gets.

    def _aliases(self) -> Iterator[str]:
        found = self._description
        if is_jsonrpc(found):
            return
        sends, gets = "unknown", "unknown"
        if found.dialect is None:
            sends = either([self._messages.sent(it) for it in found.received])
            every = [self._messages.got(it) for it in found.sent]
            if found.is_open and not every:
                has_values = any(it.has_values for it in found.speeches)
                every = ["unknown"] if has_values else ["string", BYTES]
            if found.errors is not None:
                yield self._types.declared(self._error, error_schema(found, found.errors))
                every.append(self._error)
            gets = either(every)
        told = comment([f"What clients of {found.name} send."])
        yield f"{told}export type {self._sends} = {sends};\n"
        told = comment([f"What clients of {found.name} get."])
        yield f"{told}export type {self._gets} = {gets};\n"

    # What it is given.

    def _option_types(self) -> str:
        found = self._description
        sends = "Notification" if is_jsonrpc(found) else self._sends
        spoken = either([literal(it) for it in found.subprotocols] or ["never"])
        params = [it for it in found.parameters if it.place == "path"]
        query = [it for it in found.parameters if it.place == "query"]
        parts = [
            f"ClientOptions<{sends}, {spoken}, {self._groups}>",
            f"Place<{self._parameters(params)}>",
        ]
        if query:
            mark = "" if any(it.is_required for it in query) else "?"
            values = self._parameters(query)
            given = f"{values} | ((positions: Positions<{self._groups}>) => {values})"
            parts.append(f"{{ readonly query{mark}: {given} }}")
        if self._token is not None:
            parts.append("{ readonly getToken?: GetToken | undefined }")
        own = [it.encoding for it in found.speeches if codec_of(it) is None]
        if own:
            codecs = "; ".join(f"readonly {key(it)}: Codec" for it in dict.fromkeys(own))
            parts.append(f"{{ readonly codecs: {{ {codecs} }} }}")
        doc = comment([f"What a client of {found.name} is given."])
        return f"{doc}export type {self._options} = {' & '.join(parts)};\n"

    def _parameters(self, parameters: Sequence[Parameter]) -> str:
        if not parameters:
            return "{}"
        written = [
            f"readonly {key(it.name)}{'' if it.is_required else '?'}: " + self._parameter(it)
            for it in parameters
        ]
        return f"{{ {'; '.join(written)} }}"

    def _parameter(self, parameter: Parameter) -> str:
        if parameter.is_integer:
            return "number"
        return self._types.of(self._schemas.parameter(self._description, parameter))

    @property
    def _token(self) -> object:
        """Where a token goes; `None` if nothing says so, or a page can't put it there."""
        found = self._description
        places = [it.place for it in found.security]
        # Without one that the server chooses, a page ends the connection.
        if found.subprotocols and ("bearer" in places or not places):
            return "subprotocol"
        names = [it.name for it in found.security if it.place == "query"]
        return {"query": names[0]} if names else None

    # The class.

    def _client(self) -> str:
        found = self._description
        doc = comment(
            [found.summary, found.description, f"It is at `{found.path}`.", *self._unsent()]
        )
        tag = "never" if found.tag is None or found.dialect is not None else literal(found.tag)
        base = f"Client<{self._sends}, {self._gets}, {tag}, {self._groups}>"
        members = [self._constructor(), *self._requests(), *self._answers()]
        if is_jsonrpc(found):
            base = f"JsonRpcClient<{self._groups}>"
            members = [self._constructor(), *calls_of(found, self._messages)]
        body = indented("\n".join(members))
        return f"{doc}export class {self._name} extends {base} {{\n{body}}}\n"

    def _unsent(self) -> Iterator[str]:
        """Yield what whoever uses it has to know of the headers and cookies that are read."""
        for it in self._description.parameters:
            if it.place in ("header", "cookie") and it.is_required:
                why = "that browsers let no page set"
                if it.place == "cookie":
                    why = "which the browser sends if it has it"
                yield f"It needs the {it.place} `{it.name}`, {why}."

    def _constructor(self) -> str:
        found = self._description
        needs = any(
            it.place == "path" or (it.place == "query" and it.is_required)
            for it in found.parameters
        )
        needs |= any(codec_of(it) is None for it in found.speeches)
        given = f"options: {self._options}{'' if needs else ' = {}'}"
        contract = indented("".join(f"{it}\n" for it in self._contract()), "    ")
        return f"constructor({given}) {{\n  super({{\n{contract}  }}, options);\n}}\n"

    def _contract(self) -> Iterator[str]:
        found = self._description
        path = found.path
        for it in found.parameters:
            if it.is_rest:
                # It may have slashes.
                path = path.replace(f"{{{it.name}}}", f"{{{it.name}:path}}")
        yield f"path: {literal(path)},"
        yield "codecs: {"
        for speech in found.speeches:
            codec = codec_of(speech) or f"options.codecs[{literal(speech.encoding)}]"
            yield f"  {literal(speech.subprotocol or '')}: {codec},"
        yield "},"
        yield f"tag: {literal(None if found.dialect is not None else found.tag)},"
        ids: Any = None
        if found.correlation_id is not None and found.dialect is None:
            kind = "number" if self._messages.is_numbered else "text"
            ids = {"field": found.correlation_id, "kind": kind}
        yield f"id: {literal(ids)},"
        if replies := self._messages.replies():
            yield f"replies: {literal(replies)},"
        error: Any = None
        if found.errors is not None and found.dialect is None:
            names = found.errors.names
            error = {"tag": found.errors.tag, "code": names["code"], "message": names["message"]}
        yield f"error: {literal(error)},"
        yield f"token: {literal(self._token)},"
        if (cancel := cancel_of(found)) is not None:
            yield f"cancel: {literal(cancel)},"
        yield "comebacks: {"
        for closing in found.closings:
            causes = line_comment("; ".join(closing.causes))
            yield f"  {closing.code}: {literal(comeback_of(closing))}, {causes}"
        yield "},"
        yield f"histories: {self._histories()},"

    def _histories(self) -> str:
        found: dict[str, Any] = {}
        for group in self._description.groups:
            if group.has_history:
                messages = [it for it in group.messages if self._messages.has_position(it)]
                found[group.name] = [kind for it in messages for kind in self._messages.kinds(it)]
        return literal(found) if found else "{}"

    # What it asks, and is asked.

    def _requests(self) -> Iterator[str]:
        if self._description.dialect is not None:
            return
        yield from _overloaded(
            "request",
            "requesting",
            [*self._messages.exchanges(is_stream=False)],
            lambda reply: ("RequestOptions", f"Promise<{reply}>"),
        )
        yield from _overloaded(
            "requestStream",
            "streaming",
            [*self._messages.exchanges(is_stream=True)],
            lambda reply: (
                f"StreamOptions<{reply}, {self._sends}>",
                f"AsyncIterableIterator<{reply}>",
            ),
        )

    def _answers(self) -> Iterator[str]:
        found = self._description
        if not found.questions or found.dialect is not None:
            return
        answer = self._messages.without_id(found.answers)
        heads: list[str] = []
        for question in found.questions:
            kinds = either([literal(it) for it in self._messages.kinds(question)] or ["undefined"])
            handler = f"(question: {self._messages.got(question)}) => {answer} | Promise<{answer}>"
            doc = comment(["Answers the questions of a kind, until what it returns is called."])
            taken = "" if found.tag is None else f"kind: {kinds}, "
            heads.append(f"{doc}answer({taken}handler: {handler}): () => void;\n")
        kind = ("", "undefined") if found.tag is None else ("kind: unknown, ", "kind")
        yield (
            f"{''.join(heads)}answer({kind[0]}handler: (question: any) => unknown): () => void {{\n"
            f"  return this.answering({kind[1]}, handler);\n}}\n"
        )


def _overloaded(
    name: str,
    base: str,
    exchanges: Sequence[Exchange],
    types_of: Callable[[str], tuple[str, str]],
) -> Iterator[str]:
    """Yield a method with a signature for each exchange; nothing without any.

    Args:
        name: Its name.
        base: That of the method that it calls.
        exchanges: What it takes, and what comes back.
        types_of: Returns the types of its options and of its result, by that of a reply.
    """
    if not exchanges:
        return
    every = [*exchanges]
    if len(exchanges) > 1:
        # For a message that may be any of them.
        message = either([it.message for it in exchanges])
        every.append(Exchange(None, message, [it for one in exchanges for it in one.replies]))
    lines: list[str] = []
    for exchange in every:
        options, result = types_of(either(exchange.replies))
        if exchange.operation is not None:
            lines.append(comment([exchange.operation.summary, exchange.operation.description]))
        lines.append(f"{name}(message: {exchange.message}, options?: {options}): {result};\n")
    options, result = types_of("any")
    yield (
        f"{''.join(lines)}{name}(message: any, options?: {options}): {result} {{\n"
        f"  return this.{base}(message, options);\n}}\n"
    )
