"""What FastAPI resolves of a handshake for an endpoint, as parameters and credentials.

It is read from the `dependant` of a route, by names: FastAPI is not imported.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field
from pydantic.fields import FieldInfo

from wsendpoints.contract.description import Parameter
from wsendpoints.handshake.credentials import Credential
from wsendpoints.handshake.parameters import Place, holds_several
from wsendpoints.messages.adapters import compile_adapter
from wsendpoints.messages.substitution import is_class

__all__ = ["NOTHING", "Resolved", "resolved_by"]

_PLACES: Final[Sequence[Place]] = ("path", "query", "header", "cookie")


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a framework reads of the handshake, before the class does.

    Attributes:
        parameters: The parameters, each with its type.
        security: What tells who the client is.
    """

    parameters: Sequence[Parameter] = ()
    security: Sequence[Credential] = ()


NOTHING: Final = Resolved()


def resolved_by(dependant: Any) -> Resolved:
    """Return what the `dependant` of a route reads, and what those that it depends on read.

    Args:
        dependant: FastAPI's `Dependant`; `None` for a route of Starlette's.
    """
    parameters: dict[tuple[Place, str], Parameter] = {}
    security: dict[Credential, None] = {}
    for one in _all_of(dependant):
        for place in _PLACES:
            for field in getattr(one, f"{place}_params", ()):
                for it in _parameters_of(place, field):
                    known = parameters.get((place, it.name))
                    # One of several that need it is enough.
                    if known is None or not known.is_required:
                        parameters[place, it.name] = it
        if (credential := _credential_of(getattr(one, "call", None))) is not None:
            security[credential] = None
    return Resolved((*parameters.values(),), (*security,))


def _all_of(dependant: Any) -> Iterator[Any]:
    if dependant is not None:
        yield dependant
        for it in getattr(dependant, "dependencies", ()):
            yield from _all_of(it)


def _parameters_of(place: Place, field: Any) -> Iterator[Parameter]:
    """Yield a parameter; or those that the fields of a model stand for."""
    info: FieldInfo = field.field_info
    model: Any = info.annotation
    if not (is_class(model) and issubclass(model, BaseModel)):
        name: str = getattr(field, "validation_alias", None) or field.alias
        yield _parameter(place, name, info)
        return
    has_hyphens = place == "header" and getattr(info, "convert_underscores", True)
    for name, each in model.model_fields.items():
        alias = each.validation_alias if isinstance(each.validation_alias, str) else each.alias
        written = name.replace("_", "-") if has_hyphens else name
        yield _parameter(place, alias or written, each)


def _parameter(place: Place, name: str, info: FieldInfo) -> Parameter:
    told = Field(default=info.default, description=info.description)
    type_: Any = Annotated[(info.annotation, *info.metadata, told)]
    several = holds_several(compile_adapter(type_, name).core_schema, {})
    return Parameter(name, place, info.is_required(), several, type=type_)


def _credential_of(call: Any) -> Credential | None:
    """Return what a class of `fastapi.security` reads, as far as there is a word for it."""
    model: Any = getattr(call, "model", None)
    kind = getattr(getattr(model, "type_", None), "value", None)
    description: str = getattr(model, "description", None) or ""
    match kind:
        case "apiKey":
            return Credential(model.in_.value, model.name, description)
        case "http" if model.scheme.lower() == "bearer":
            return Credential("bearer", description=description)
        case "oauth2" | "openIdConnect":
            return Credential("bearer", description=description)
        case _:
            return None
