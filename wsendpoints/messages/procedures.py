"""The methods of a class with a dialect: clients call them by name."""

import functools
import inspect
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, NamedTuple

from wsendpoints.dialects.dialect import Dialect
from wsendpoints.messages.annotations import parameter_type
from wsendpoints.messages.blocking import check_blocking
from wsendpoints.messages.keys import key_reader
from wsendpoints.messages.method import Handler, Method, running_beside
from wsendpoints.messages.methods import (
    Adapters,
    check_callable,
    handler_of,
    options_of,
    read_reply,
)
from wsendpoints.messages.options import PLAIN
from wsendpoints.messages.procedure import Parameters, Results
from wsendpoints.messages.providers import Provider, plan_of
from wsendpoints.messages.wrapping import Kind, find, kind_of, layers
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["Procedure", "by_name", "read_procedure"]


class Procedure(NamedTuple):
    """A method that clients call by name.

    Attributes:
        method: The method. Its handler takes a `Called` in place of a message.
        parameters: What makes arguments of params.
        results: What makes a value of a result.
    """

    method: Method
    parameters: Parameters
    results: Results

    @property
    def name(self) -> str:
        """How the protocol calls it: as the mark says, or else as the class does."""
        return self.method.options.name or self.method.name


def read_procedure(
    cls: type,
    name: str,
    adapters: Adapters,
    providers: Mapping[str, Provider],
    dialect: Dialect,
    before: Procedure | None = None,
) -> Procedure:
    """Read a method that clients call by name.

    Args:
        cls: The class.
        name: The name of the method.
        adapters: What makes a handler of it.
        providers: Those of the class.
        dialect: That of the class.
        before: What the class had under this name when it was compiled before. A mock that takes
            its place says nothing of its types, and keeps them.

    Raises:
        ConfigurationError: It can't be called, or is declared incorrectly.
        UnboundTypeVariable: The class is still generic.
    """
    where = f"{cls.__qualname__}.{name}"
    owner, found = find(cls, name)
    kind = kind_of(found)
    method = None if before is None else before.method
    is_blocking = check_callable(cls, name, found, kind, method, "(self, websocket, ...)")
    plan = plan_of(cls, name, providers, method and method.plan, count=2)
    *_, function = layers(found)
    is_stream = kind is Kind.STREAM
    if before is not None and not inspect.isfunction(function):
        parameters, results = before.parameters, before.results
        returns, is_stream = before.method.returns, before.method.is_stream
    else:
        returns = parameter_type(function, "return", owner, cls, where)
        if is_blocking:
            check_blocking(found, where, returns)
        returns, is_stream = read_reply(returns, kind, where)
        parameters = Parameters(found, owner, cls, where, plan.takes if plan else ())
        results = Results(returns, where)
    if is_stream and type(dialect).write_item is Dialect.write_item:
        raise ConfigurationError(
            f"{where} sends each value with `yield`, but {type(dialect).__qualname__} has no "
            "streams: return one result, and send notifications before it by "
            "`self.push(Notification(...))`"
        )
    options = options_of(cls, name, PLAIN if method is None else method.options)
    handler = handler_of(found, _invoking(found, name), kind, adapters, plan)
    handler = adapters.calling(handler, name, results, is_stream)
    method = Method(name, handler, parameters.takes, returns, options, is_blocking, plan, is_stream)
    if options.concurrent:
        key_of = key_reader(options, parameters.takes, where)

        def beside(handler: Handler) -> Handler:
            return adapters.concurrent(
                handler, name, lambda called: key_of(called.data), options.overlap
            )

        method = running_beside(method, beside)
    return Procedure(method, parameters, results)


def by_name(procedures: Mapping[str, Procedure], where: str) -> Mapping[str, Procedure]:
    """Return methods by their names in the protocol.

    Args:
        procedures: The methods, by their names in the class.
        where: The name of the class, for the text of an error.

    Raises:
        ConfigurationError: Two have the same name.
    """
    found: dict[str, Procedure] = {}
    for name, procedure in procedures.items():
        if (rival := found.get(procedure.name)) is not None:
            raise ConfigurationError(
                f"{where}.{rival.method.name} and {where}.{name} both handle {procedure.name!r}: "
                "mark one of them with another name, as in `@handles(...)`"
            )
        found[procedure.name] = procedure
    return found


def _invoking(found: Any, name: str) -> Callable[..., Any]:
    """Return what calls a method with the arguments of a call, and with what is provided."""
    if type(found) is not FunctionType:

        def look_up(endpoint: Any, websocket: Any, called: Any, **values: Any) -> Any:
            args, kwargs, _ = called.arguments
            return getattr(endpoint, name)(websocket, *args, **kwargs, **values)

        return look_up
    function: Any = found

    @functools.wraps(found, updated=())
    def invoke(endpoint: Any, websocket: Any, called: Any, **values: Any) -> Any:
        args, kwargs, _ = called.arguments
        return function(endpoint, websocket, *args, **kwargs, **values)

    return invoke
