"""The command `wsendpoints`, also as `python -m wsendpoints`."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final, cast, get_args

from wsendpoints.contract import Description, describe
from wsendpoints.contract.asyncapi import Perspective, Spec, document_of
from wsendpoints.contract.typescript import client_of
from wsendpoints.endpoint import WebSocketEndpoint
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["main"]

_FAILED: Final = 1
"""The exit code if there is nothing to write; that of a wrong argument is argparse's, 2."""


class _CommandError(Exception):
    """What the command was told leads nowhere."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: What is behind the name of the command; by default, what the process was given.

    Returns:
        The exit code: 0, or 1 if it failed, which it tells on stderr.

    Raises:
        SystemExit: An argument is wrong (code 2), or help was asked for (code 0).
    """
    told = _parser().parse_args(arguments)
    write: Callable[[argparse.Namespace], str] = told.write
    try:
        text = write(told)
        if told.output is None:
            sys.stdout.write(text)
        else:
            Path(told.output).write_text(text, encoding="utf-8")
    except (ConfigurationError, _CommandError, OSError) as exc:
        sys.stderr.write(f"wsendpoints {told.command}: {exc}\n")
        return _FAILED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wsendpoints", description="Writes what WebSocket endpoints declare."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    command = _command(commands, "asyncapi", "the AsyncAPI document of endpoint classes", _asyncapi)
    command.add_argument("--version", choices=get_args(Spec), default="3.0.0", help="of AsyncAPI")
    command.add_argument(
        "--perspective",
        choices=get_args(Perspective),
        default="server",
        help="whose application it is of: what a server receives, a client sends",
    )
    _command(commands, "typescript", "a client in TypeScript, in one file", _typescript)
    return parser


def _command(
    commands: Any, name: str, what: str, write: Callable[[argparse.Namespace], str]
) -> argparse.ArgumentParser:
    """Add a command that writes something of endpoint classes.

    Args:
        commands: What it is added to.
        name: That of the command.
        what: What it writes.
        write: Returns it.
    """
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=f"write {what}", description=f"Write {what}."
    )
    command.set_defaults(write=write)
    command.add_argument(
        "target",
        metavar="MODULE:ATTRIBUTE",
        help="a router, an endpoint class, or a mapping of paths to such classes",
    )
    command.add_argument("--output", metavar="FILE", help="write it there, not to stdout")
    return command


def _asyncapi(told: argparse.Namespace) -> str:
    target = _load(told.target)
    document = document_of(
        _described(target, told.target),
        title=_text_of(target, "title") or getattr(target, "__name__", "WebSocket API"),
        version=_text_of(target, "version") or "0.1.0",
        description=_text_of(target, "description"),
        servers=_servers_of(target),
        spec=told.version,
        perspective=told.perspective,
    )
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _typescript(told: argparse.Namespace) -> str:
    return client_of(_described(_load(told.target), told.target))


def _load(target: str) -> Any:
    name, _, path = target.partition(":")
    if not name or not path:
        raise _CommandError(f"{target!r} is no MODULE:ATTRIBUTE, such as chat.app:router")
    if "" not in sys.path:
        # As with `python -m`, whichever way the command was called.
        sys.path.insert(0, "")
    try:
        found: Any = import_module(name)
    except ModuleNotFoundError as exc:
        # One that the module itself lacks is told of by its own traceback.
        if exc.name is None or not f"{name}.".startswith(f"{exc.name}."):
            raise
        raise _CommandError(f"there is no module {exc.name!r}") from None
    for attribute in path.split("."):
        if not hasattr(found, attribute):
            raise _CommandError(f"{name} has no attribute {path!r}")
        found = getattr(found, attribute)
    return found


def _described(target: Any, name: str) -> Sequence[Description]:
    """Return the descriptions of an endpoint class, or those of a router, or of a mapping."""
    if _is_endpoint(target):
        return [describe(target)]
    endpoints = getattr(target, "endpoints", None)
    if callable(endpoints):
        found: Any = endpoints()
        return [describe(it.endpoint, it.path, it.attributes) for it in found]
    routes: Any = getattr(target, "routes", target)
    match routes:
        case {} if all(map(_is_endpoint, routes.values())):
            return [describe(cls, path) for path, cls in routes.items()]
        case _:
            raise _CommandError(
                f"{name} is {target!r}: use a router, a subclass of WebSocketEndpoint, or a "
                "mapping of paths to such classes"
            )


def _is_endpoint(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, WebSocketEndpoint)


def _text_of(target: Any, name: str) -> str:
    value = None if _is_endpoint(target) else getattr(target, name, None)
    return value if isinstance(value, str) else ""


def _servers_of(target: Any) -> Mapping[str, str] | None:
    servers = None if _is_endpoint(target) else getattr(target, "servers", None)
    return cast("Mapping[str, str]", servers) if isinstance(servers, Mapping) else None
