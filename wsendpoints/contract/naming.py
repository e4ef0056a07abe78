"""How types and methods are called for humans: their names, titles and docstrings."""

import dataclasses
import enum
import inspect
import re
from collections.abc import Hashable, Mapping
from types import MappingProxyType, NoneType
from typing import Annotated, Any, Final, Literal, NamedTuple, get_args, get_origin

from wsendpoints.contract.description import Message
from wsendpoints.messages.annotations import MISSING
from wsendpoints.messages.substitution import is_class, is_model, is_union
from wsendpoints.messages.unions import bare, without_alias

__all__ = ["Doc", "doc_of", "message_of", "params_of"]

_NO_WORDS: Final = re.compile(r"\W+")
_PARAGRAPHS: Final = re.compile(r"\n\s*\n")

_KINDS: Final[Mapping[Any, str]] = MappingProxyType(
    {
        Any: "Anything",
        NoneType: "Null",
        bool: "Boolean",
        bytes: "Binary",
        dict: "Object",
        float: "Number",
        frozenset: "Array",
        int: "Integer",
        list: "Array",
        object: "Anything",
        set: "Array",
        str: "Text",
        tuple: "Array",
    }
)
"""What kinds of values the builtins are."""


class Doc(NamedTuple):
    """A docstring: its first paragraph, on one line, and the rest."""

    summary: str = ""
    description: str = ""


def doc_of(documented: Any) -> Doc:
    """Return the docstring of a class or a function; an empty one if it is not meant for others.

    That is one of what has an underscore in front, and one that nobody wrote.
    """
    name: str = getattr(documented, "__name__", "_")
    text: object = getattr(documented, "__doc__", None)
    if inspect.isclass(documented):
        # Not that of a base class, such as pydantic's.
        text = vars(documented).get("__doc__")
    if not isinstance(text, str) or name.startswith("_") or _is_made(documented, name, text):
        return Doc()
    summary, *rest = _PARAGRAPHS.split(inspect.cleandoc(text), maxsplit=1)
    return Doc(" ".join(summary.split()), "".join(rest).strip())


def _is_made(documented: Any, name: str, text: str) -> bool:
    """Whether a docstring is one that Python made."""
    if dataclasses.is_dataclass(documented):
        return text.startswith(f"{name}(")
    is_enum = inspect.isclass(documented) and issubclass(documented, enum.Enum)
    return is_enum and text == "An enumeration."


def message_of(annotation: Any) -> Message:
    """Return the message that a type stands for; `MISSING` is `Any`."""
    if annotation is MISSING:
        annotation = Any
    klass = bare(annotation)
    origin = get_origin(klass) or klass
    if is_model(klass):
        origin = klass.__pydantic_generic_metadata__["origin"] or klass
    name = _name_of(annotation)
    config: Any = getattr(klass, "model_config", None) or {}
    title = config.get("title")
    doc = doc_of(origin) if is_class(origin) and origin not in _KINDS else Doc()
    return Message(annotation, name, title if isinstance(title, str) else name, *doc)


def params_of(method: str, annotation: Any) -> Message:
    """Return the message that the params of a call are, if they are those of several parameters.

    Args:
        method: The name that clients call the method by.
        annotation: Their type, a TypedDict that nobody named.
    """
    return Message(annotation, _words(method, "params") or "params", f"The params of {method}")


def _name_of(annotation: Any) -> str:
    annotation = without_alias(annotation)
    if get_origin(annotation) is Annotated:
        return _name_of(annotation.__origin__)
    klass = bare(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if is_union(annotation):
        return _words(*map(_name_of, arguments))
    if origin is Literal:
        return _words(*(str(getattr(it, "value", it)) for it in arguments)) or "Value"
    for kind in (klass, origin):
        if isinstance(kind, Hashable) and kind in _KINDS:
            return _KINDS[kind]
    # A generic model is a class that is called `Envelope[Say]`, a generic dataclass has arguments.
    for kind in (klass, origin):
        if is_class(kind):
            return _words(kind.__name__, *map(_name_of, arguments)) or "Value"
    return "Value"


def _words(*names: str) -> str:
    return "_".join(word for name in names if (word := _NO_WORDS.sub("_", name).strip("_")))
