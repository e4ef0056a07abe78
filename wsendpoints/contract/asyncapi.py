"""`asyncapi`: the AsyncAPI document of endpoint classes, from what they declare alone."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias, get_args
from urllib.parse import urlsplit

from wsendpoints.contract.applications import Routes, described
from wsendpoints.contract.channels import channel_of, operations_of, security_of
from wsendpoints.contract.description import Description
from wsendpoints.contract.json_schemas import plain
from wsendpoints.contract.payloads import Payloads
from wsendpoints.contract.schemas import Names, schemas_of
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["Perspective", "Spec", "asyncapi", "document_of"]

Spec: TypeAlias = Literal["3.0.0", "3.1.0"]
"""The versions of AsyncAPI. The generators of code know 3.0.0."""

Perspective: TypeAlias = Literal["server", "client"]
"""Whose application the document is of: what a server receives, a client sends."""

_OTHER: Final = {"receive": "send", "send": "receive"}


def asyncapi(
    routes: Routes,
    *,
    title: str,
    version: str,
    description: str = "",
    servers: Mapping[str, str] | None = None,
    spec: Spec = "3.0.0",
    perspective: Perspective = "server",
) -> dict[str, Any]:
    """Return the AsyncAPI document of endpoint classes.

    It is the same for the same classes, in each process. Keys that begin with `x-` hold what
    AsyncAPI has no words for: subprotocols with their encodings, limits, close codes, error codes.

    Args:
        routes: The classes, by their paths, with path parameters in braces: `"/rooms/{room}"`; or
            an application of FastAPI's, Starlette's or Litestar's that has some in its routes. What
            FastAPI resolves for them is in the document, too.
        title: That of the application.
        version: That of the application's interface: `"1.0.0"`.
        description: What the application does, in CommonMark.
        servers: The URLs of servers, by their names: `{"production": "wss://example.com/ws"}`.
        spec: The version of AsyncAPI.
        perspective: Whose application it is of.

    Returns:
        What `json.dumps` takes.

    Raises:
        ConfigurationError: A class can't be served, or has a message without a schema; or an
            argument is none of those that are taken.
    """
    return document_of(
        described(routes),
        title=title,
        version=version,
        description=description,
        servers=servers,
        spec=spec,
        perspective=perspective,
    )


def document_of(
    endpoints: Sequence[Description],
    *,
    title: str,
    version: str,
    description: str = "",
    servers: Mapping[str, str] | None = None,
    spec: Spec = "3.0.0",
    perspective: Perspective = "server",
) -> dict[str, Any]:
    """Return the AsyncAPI document of endpoints that were described, as `asyncapi` does of classes.

    Args:
        endpoints: The endpoints.
        title: As for `asyncapi`, and so are the others.
        version: That of the application's interface.
        description: What the application does.
        servers: The URLs of servers.
        spec: The version of AsyncAPI.
        perspective: Whose application it is of.

    Raises:
        ConfigurationError: There is a message without a schema; or an argument is none of those
            that are taken.
    """
    _check(spec, Spec, "spec")
    _check(perspective, Perspective, "perspective")
    schemas = schemas_of(endpoints)
    components = dict(schemas.components)
    schemes: dict[str, Any] = {}
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    names, keys = Names(), Names()
    for each in endpoints:
        channel = keys.give(each.name)
        payloads = Payloads(each, schemas, schemas.names)
        security: list[Any] = []
        for name, scheme in map(security_of, each.security):
            schemes[name] = scheme
            security.append({"$ref": f"#/components/securitySchemes/{name}"})
        for name, action, found in operations_of(each, channel, payloads):
            done = action if perspective == "server" else _OTHER[action]
            operation = {"action": done, **found}
            if security:
                operation["security"] = security
            operations[names.give(f"{channel}_{name}")] = operation
        channels[channel] = channel_of(each, schemas, payloads)
        components |= payloads.components
    info = {"title": title, "version": version}
    if description:
        info["description"] = description
    document: dict[str, Any] = {"asyncapi": spec, "info": info}
    if servers:
        document["servers"] = {name: _server(name, url) for name, url in servers.items()}
    document["defaultContentType"] = "application/json"
    document["channels"] = channels
    document["operations"] = operations
    if schemes:
        document["components"] = {"securitySchemes": schemes}
    whole: dict[str, Any] = plain(document)
    # The schemas are plain already.
    every: dict[str, Any] = {"schemas": dict(sorted(components.items()))}
    return {**whole, "components": {**every, **whole.get("components", {})}}


def _check(value: object, values: Any, name: str) -> None:
    if value not in get_args(values):
        used = " or ".join(f'"{it}"' for it in get_args(values))
        raise ConfigurationError(f"asyncapi({name}={value!r}): use {used}")


def _server(name: str, url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname or parts.query or parts.username:
        raise ConfigurationError(
            f"asyncapi(servers={{{name!r}: {url!r}}}): use a URL such as "
            '"wss://example.com/ws", without a query or a password'
        )
    found: dict[str, Any] = {"host": parts.netloc, "protocol": parts.scheme}
    return {**found, "pathname": parts.path} if parts.path else found
