"""A method that clients call by name: its arguments are the params of a call, its result a value.

Params come as a value, which a dialect has found in a frame. They are written as JSON again, and
read as a message is. So a handler gets what it would get from the frame itself: strict models,
dates and bytes are read from JSON by other rules than from the objects of Python that JSON becomes.
Only a number of more digits than a float has is not what it was.
"""

import inspect
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import GenericAlias, NoneType
from typing import Any, Final, NamedTuple, NotRequired, TypeAlias, final

from pydantic import BaseModel, ConfigDict, ValidationError
from typing_extensions import TypedDict

from wsendpoints.dialects.values import is_array, is_object
from wsendpoints.messages.adapters import schema_of
from wsendpoints.messages.annotations import MISSING, parameter_type
from wsendpoints.messages.codecs import CODECS, MessageCodec, decode_json, encode_json
from wsendpoints.messages.inbound import Inbound
from wsendpoints.messages.outbound import Outbound
from wsendpoints.messages.overlaps import ARRAY, OBJECT, Overlaps
from wsendpoints.messages.tags import members
from wsendpoints.messages.unions import bare, name_of
from wsendpoints.messages.wrapping import layers
from wsendpoints.protocol.exceptions import (
    ConfigurationError,
    ErrorDetails,
    InvalidMessageError,
)

__all__ = ["Arguments", "Parameters", "Results", "read_value"]


class Arguments(NamedTuple):
    """What a method is called with, beside the WebSocket.

    Attributes:
        args: The arguments by position ...
        kwargs: ... and those by name.
        data: The params, validated: the single argument, or a dict of all that were given.
    """

    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    data: Any


_JSON: Final[MessageCodec] = CODECS["json"]

_CLOSED: Final = ConfigDict(extra="forbid", validate_by_name=True, validate_by_alias=True)
"""A param that no parameter takes is an error, as an argument is in Python."""

_Parameter: TypeAlias = inspect.Parameter
_EMPTY: Final = inspect.Parameter.empty
_REST: Final = inspect.Parameter.VAR_POSITIONAL
_NAMED_ONLY: Final = inspect.Parameter.KEYWORD_ONLY
_BY_POSITION: Final = frozenset(
    {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
)


@final
class Parameters:
    """The parameters of a method, without `self` and the WebSocket.

    A single one that takes an object, such as a model, a TypedDict or a dict, takes the params as
    they are. Several, and single ones of other types, take one param each: an object gives them by
    name, or by alias, an array by position. `*names` takes the remaining ones by position.

    Args:
        method: The method, as it was found in a class.
        owner: The class that defines it.
        cls: The class that it is looked up on.
        where: The name of the method, for the text of an error.
        provided: The names of the parameters that are no params.

    Attributes:
        takes: The type of the params: that of the single parameter, or a TypedDict of all of them.
        is_whole: Whether it is the former.

    Raises:
        ConfigurationError: It can't be called with a WebSocket, or takes `**names`; or a type can't
            be validated.
        UnboundTypeVariable: The class is still generic.
    """

    __slots__ = (
        "_absent",
        "_inbound",
        "_parameters",
        "_rest",
        "_takes_arrays",
        "is_whole",
        "takes",
    )

    def __init__(
        self,
        method: Any,
        owner: type,
        cls: type,
        where: str,
        provided: Collection[str] = (),
    ) -> None:
        *_, function = layers(method)
        self._parameters: list[_Parameter] = [
            it for it in _parameters_of(function, where) if it.name not in provided
        ]
        found = [parameter_type(function, it.name, owner, cls, where) for it in self._parameters]
        types = [Any if it is MISSING else it for it in found]
        self._rest: str | None = next(
            (it.name for it in self._parameters if it.kind is _REST), None
        )
        kinds: AbstractSet[str] = frozenset()
        if len(types) == 1 and self._rest is None:
            # What `Annotated` adds is for the field, such as an alias.
            kinds = Overlaps(schema_of(bare(types[0]))).kinds
        self.is_whole: bool = OBJECT in kinds
        self._takes_arrays: bool = ARRAY in kinds
        # What a call without params has, unless the parameter has a default.
        self._absent: Any = None if "null" in kinds else {}
        self.takes: Any = types[0] if self.is_whole else _typed_dict(self._parameters, types)
        self._inbound = Inbound(self.takes, _JSON, where)

    def arguments(self, params: Any) -> Arguments:
        """Return what the method is called with, beside the WebSocket.

        Args:
            params: Those of a call; `None` for a call without.

        Raises:
            InvalidMessageError: The method does not take them.
        """
        if not self.is_whole:
            return self._each(read_value(self._inbound, self._by_name(params)))
        (parameter,) = self._parameters
        if is_array(params) and not self._takes_arrays:
            params = self._by_name(params).get(parameter.name)
        if params is None and parameter.default is not _EMPTY:
            return Arguments((), {}, parameter.default)
        value = read_value(self._inbound, self._absent if params is None else params)
        if parameter.kind is _NAMED_ONLY:
            return Arguments((), {parameter.name: value}, value)
        return Arguments((value,), {}, value)

    def _by_name(self, params: Any) -> Mapping[str, Any]:
        """Return params by the names of their parameters."""
        if params is None:
            return {}
        if is_object(params):
            return params
        names = [it.name for it in self._parameters if it.kind not in {_REST, _NAMED_ONLY}]
        if not is_array(params):
            if len(names) != 1:
                raise _invalid("arguments_type", "Input should be an array or an object")
            return {names[0]: params}
        given: dict[str, Any] = dict(zip(names, params, strict=False))
        if len(params) > len(names):
            if self._rest is None:
                raise _invalid(
                    "unexpected_positional_argument", "Unexpected positional argument", len(names)
                )
            given[self._rest] = params[len(names) :]
        return given

    def _each(self, given: Mapping[str, Any]) -> Arguments:
        positional: list[Any] = []
        by_name: dict[str, Any] = {}
        for it in self._parameters:
            if it.kind is _REST:
                positional.extend(given.get(it.name, ()))
            elif it.kind is _NAMED_ONLY:
                if it.name in given:
                    by_name[it.name] = given[it.name]
            else:
                positional.append(given.get(it.name, it.default))
        return Arguments(positional, by_name, given)


def read_value(inbound: Inbound, value: Any) -> Any:
    """Return what is made of a value, as if it stood in a JSON frame alone.

    Args:
        inbound: What takes it, of the encoding `"json"`.
        value: A value that was read from a frame.

    Raises:
        InvalidMessageError: It is of another type.
    """
    try:
        frame = encode_json(value)
    except ValueError:
        # Such as bytes, where the encoding is no JSON.
        raise _invalid("json", "Input can't be written as JSON") from None
    try:
        return inbound.decode_binary(frame)
    except ValidationError as exc:
        raise _JSON.client_error(exc, inbound.places, frame) from None


def _parameters_of(function: Any, where: str) -> list[_Parameter]:
    """Return the parameters after `self` and the WebSocket."""
    signature = inspect.signature(function, follow_wrapped=False)
    parameters = [*signature.parameters.values()]
    first = [it for it in parameters[:2] if it.kind in _BY_POSITION]
    if len(first) < 2:
        raise ConfigurationError(
            f"{where}{signature} can't be called with a websocket: declare it as (self, "
            "websocket), and its params after these"
        )
    named = next((it for it in parameters if it.kind is inspect.Parameter.VAR_KEYWORD), None)
    if named is not None:
        raise ConfigurationError(
            f"{where} takes **{named.name}: take the params as one dict, such as "
            f"`{named.name}: dict[str, int]`"
        )
    return parameters[2:]


def _typed_dict(parameters: Sequence[_Parameter], types: Sequence[Any]) -> Any:
    fields: dict[str, Any] = {}
    optional: Any = NotRequired
    for it, annotation in zip(parameters, types, strict=True):
        if it.kind is _REST:
            annotation = GenericAlias(list, (annotation,))
        is_required = it.kind is not _REST and it.default is _EMPTY
        fields[it.name] = annotation if is_required else optional[annotation]
    # Type checkers know no TypedDict whose fields are computed.
    make: Any = TypedDict
    made: Any = make("params", fields)
    made.__pydantic_config__ = _CLOSED
    return made


def _invalid(kind: str, text: str, *path: int) -> InvalidMessageError:
    return InvalidMessageError([ErrorDetails(loc=[*path], type=kind, msg=text)])


@final
class Results:
    """What a method returns, as a value that can be a part of a frame.

    Args:
        returns: The type of its result, or of its items; `MISSING` if it does not say.
        where: The name of the method, for the text of an error.

    Raises:
        ConfigurationError: Pydantic can't serialise it.
    """

    __slots__ = ("_outbound", "_takes_none", "_where")

    def __init__(self, returns: Any, where: str) -> None:
        is_declared = returns is not MISSING
        self._takes_none: bool = not is_declared or bool(
            {Any, object, None, NoneType}.intersection(members(returns))
        )
        self._outbound = Outbound([returns] if is_declared else [], _JSON, where)
        self._where = where

    def value(self, result: Any) -> Any:
        """Return the value of a result.

        Raises:
            ConfigurationError: It is not what the method declares.
            ValueError: It can't be written as JSON.
        """
        if result is None:
            if self._takes_none:
                return None
            raise ConfigurationError(
                f"{self._where} returns None, but declares "
                f"{', '.join(map(name_of, self._outbound.messages))}: add `| None` to its return "
                "annotation"
            )
        # A model of just this class is written, within a frame, as it is alone.
        if isinstance(result, BaseModel) and type(result) in self._outbound.encoders:
            return result
        event = self._outbound.encode(result)
        return decode_json(event["text"])
