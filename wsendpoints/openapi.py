"""`add_to_openapi`: the messages of endpoint classes in the OpenAPI document of an application.

Of a framework only names are known here: none is imported.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, final

from wsendpoints.contract.openapi import openapi_schemas, with_schemas
from wsendpoints.endpoint import WebSocketEndpoint
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["add_to_openapi", "openapi_schemas"]

_METHODS: Final = ("openapi", "get_openapi_schema")
"""What makes the document of FastAPI, and of Django Ninja."""


def add_to_openapi(app: object, *classes: type[WebSocketEndpoint[Any]]) -> None:
    """Put what endpoint classes take and send into the OpenAPI document of an application.

    It has the schemas of `openapi_schemas` from then on, whatever is added to the application
    later. A schema of its own is never replaced: where it has another one of the same name, ours
    has a number behind it, as in `Say2`. Classes that are there already are no matter.

    An application that makes its document in a way of its own, as one of FastAPI's does to which a
    function was assigned as `openapi`, has to do so before.

    Args:
        app: A `FastAPI`, a `Litestar` or a `NinjaAPI`.
        classes: The classes.

    Raises:
        ConfigurationError: It is none of these; or a class can't be served, or has a message
            without a schema.
    """
    for it in classes:
        _check(it)
    _adding_of(app).add(classes)


def _check(value: object) -> None:
    if not (isinstance(value, type) and issubclass(value, WebSocketEndpoint)):
        raise ConfigurationError(
            f"add_to_openapi(..., {value!r}): use a subclass of WebSocketEndpoint"
        )


@final
class _Adding:
    """Adds schemas to the documents that a function makes."""

    __slots__ = ("_classes", "_schemas")

    def __init__(self) -> None:
        self._classes: tuple[type[WebSocketEndpoint[Any]], ...] = ()
        self._schemas: Mapping[str, Any] = {}

    def add(self, classes: Iterable[type[WebSocketEndpoint[Any]]]) -> None:
        every = tuple(dict.fromkeys((*self._classes, *classes)))
        # All at once, so that what two of them have in common is one schema.
        self._schemas = openapi_schemas(*every)
        self._classes = every

    def to(self, document: Any) -> Any:
        return with_schemas(document, self._schemas)


@final
class _Making:
    """Takes the place of a function that makes a document."""

    __slots__ = ("_make", "adding")

    def __init__(self, make: Callable[..., Any], adding: _Adding) -> None:
        self._make = make
        self.adding = adding

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.adding.to(self._make(*args, **kwargs))


def _adding_of(app: Any) -> _Adding:
    """Return what adds to the document of an application; from then on it does."""
    for name in _METHODS:
        make: Any = getattr(app, name, None)
        if isinstance(make, _Making):
            return make.adding
        if callable(make):
            adding = _Adding()
            setattr(app, name, _Making(make, adding))
            return adding
    plugins: Iterable[object] = getattr(app, "plugins", ())
    for plugin in plugins:
        if callable(getattr(plugin, "provide_openapi", None)):
            return _adding_of_plugin(plugin)
    raise ConfigurationError(
        f"add_to_openapi({app!r}): use a FastAPI, a Litestar or a NinjaAPI, or put what "
        "openapi_schemas(...) returns into components/schemas of its document"
    )


def _adding_of_plugin(plugin: object) -> _Adding:
    """Return what adds to the document that a plugin of Litestar's provides.

    It makes a new one whenever the application has a new route, and what it is configured with may
    be that of other applications, too; an attribute of its own it can't have. So it gets a class.
    """
    kind: Any = type(plugin)
    known: _Adding | None = getattr(kind, "adding", None)
    if known is not None:
        return known
    adding = _Adding()

    def provide_openapi(self: Any) -> Any:
        document = kind.provide_openapi(self)
        if not isinstance(document.to_schema, _Making):
            document.to_schema = _Making(document.to_schema, adding)
        return document

    def provide_openapi_schema(self: Any) -> Any:
        # Not what it may have kept from before.
        return self.provide_openapi().to_schema()

    own = {
        "__slots__": (),
        "adding": adding,
        "provide_openapi": provide_openapi,
        "provide_openapi_schema": provide_openapi_schema,
    }
    plugin.__class__ = type(kind.__name__, (kind,), own)  # of the same layout
    return adding
