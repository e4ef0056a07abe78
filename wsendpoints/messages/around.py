"""A declaration whose methods run within something else, such as what measures them.

A class is compiled without it, so that whoever has nothing around them pays nothing for it.
"""

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import TypeAlias

from wsendpoints.messages.declaration import Declaration
from wsendpoints.messages.envelope import Envelope
from wsendpoints.messages.method import Handler, Method
from wsendpoints.messages.routing import rerouted

__all__ = ["Wrap", "around"]

Wrap: TypeAlias = Callable[[Handler, Method], Handler]
"""Returns what is called in place of a handler, given that one and the method that it calls.

Of a concurrent method it is the handler that runs beside the loop.
"""


def around(declaration: Declaration, wrap: Wrap) -> Declaration:
    """Return a declaration with something around each method that handles messages.

    Args:
        declaration: What a class declares. Once that changes, what the class declares then has the
            same around it.
        wrap: Returns what is called in place of a handler.
    """
    others = {
        method.handler: _around(method, wrap).handler for method in declaration.methods.values()
    }
    on_message, handlers = rerouted(declaration.on_message, declaration.handlers, others)
    by_subprotocol: dict[str | None, Declaration] = {}

    def compile_again(_: Declaration) -> Declaration:
        return around(declaration.compile_again(declaration), wrap)

    def changed(one: Declaration) -> Declaration:
        return replace(
            one,
            on_message=on_message,
            handlers=handlers,
            envelope=None if one.envelope is None else _envelope_around(one.envelope, wrap),
            by_subprotocol=by_subprotocol,
            compile_again=compile_again,
        )

    for name, other in declaration.by_subprotocol.items():
        by_subprotocol[name] = changed(other)
    return changed(declaration)


def _around(method: Method, wrap: Wrap) -> Method:
    if method.beside is None:
        return method._replace(handler=wrap(method.handler, method))
    alone, beside = method.beside
    return method._replace(handler=beside(wrap(alone, method)))


def _envelope_around(envelope: Envelope, wrap: Wrap) -> Envelope:
    other = copy(envelope)
    other.procedures = {
        name: procedure._replace(method=_around(procedure.method, wrap))
        for name, procedure in envelope.procedures.items()
    }
    return other
