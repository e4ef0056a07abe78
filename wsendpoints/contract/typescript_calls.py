"""The methods of a client in TypeScript that calls by JSON-RPC."""

from collections.abc import Iterator, Mapping, Sequence

from wsendpoints.contract.description import Description, Operation
from wsendpoints.contract.typescript_messages import MessageTypes
from wsendpoints.contract.typescript_text import comment, literal
from wsendpoints.contract.typescript_types import either
from wsendpoints.dialects.jsonrpc import JsonRpc

__all__ = ["calls_of", "cancel_of", "is_jsonrpc"]


def is_jsonrpc(description: Description) -> bool:
    """Return whether a class speaks JSON-RPC: not a dialect of its own that began as one."""
    return description.dialect.__class__ is JsonRpc


def cancel_of(description: Description) -> Mapping[str, str] | None:
    """Return the method, and its parameter, that cancel a call; `None` if nothing does."""
    if description.dialect is None or not is_jsonrpc(description):
        return None
    record = description.dialect.write_cancel("id")
    if record is None:
        return None
    (param,) = record["params"]
    return {"method": record["method"], "param": param}


def calls_of(description: Description, messages: MessageTypes) -> Iterator[str]:
    """Yield what calls the methods of a class, with a signature for each; nothing without any.

    Args:
        description: The class.
        messages: Writes the types of params and results.
    """
    if not description.operations:
        return
    calls: list[str] = []
    notices: list[str] = []
    for operation in description.operations:
        (params,) = operation.messages
        mark = "" if messages.needs_anything(params) else "?"
        given = f"method: {literal(operation.method)}, params{mark}: {messages.sent(params)}"
        doc = comment([operation.summary, operation.description])
        result = f"Promise<{_result(operation, messages)}>"
        calls.append(f"{doc}call({given}, options?: RequestOptions): {result};\n")
        notices.append(f"{doc}notify({given}): void;\n")
    yield _method(
        calls,
        "call(method: string, params?: any, options?: RequestOptions): Promise<any>",
        "return this.calling(method, params, options);",
    )
    yield _method(
        notices,
        "notify(method: string, params?: any): void",
        "this.notifying(method, params);",
    )


def _result(operation: Operation, messages: MessageTypes) -> str:
    return either([messages.got(it) for it in operation.replies] or ["never"])


def _method(signatures: Sequence[str], head: str, body: str) -> str:
    return f"{''.join(signatures)}{head} {{\n  {body}\n}}\n"
