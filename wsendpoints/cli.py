"""The command `wsendpoints`, also as `python -m wsendpoints`."""

import argparse
import json
import logging
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any, Final, cast, get_args

from wsendpoints.contract import Description, describe
from wsendpoints.contract.applications import described, is_application, is_endpoint
from wsendpoints.contract.asyncapi import Perspective, Spec, document_of
from wsendpoints.contract.compatibility import compare
from wsendpoints.contract.typescript import client_of
from wsendpoints.fuzzing.peers import MisbehaviourError
from wsendpoints.fuzzing.running import run
from wsendpoints.protocol.asgi import ASGIApp
from wsendpoints.protocol.exceptions import ConfigurationError
from wsendpoints.protocol.headers import is_token
from wsendpoints.router import WebSocketRouter

__all__ = ["main"]

_FAILED: Final = 1
_WRONG: Final = 2
"""The exit codes of a command that failed, and of a check that was told something wrong."""


class _CommandError(Exception):
    """What the command was told leads nowhere."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: What is behind the name of the command; by default, what the process was given.

    Returns:
        The exit code: 0; 1 if there is nothing to write, or if a check found something; 2 if a
        check was told what leads nowhere. What is wrong is on stderr, what was found on stdout.

    Raises:
        SystemExit: An argument is wrong (code 2), or help was asked for (code 0).
    """
    told = _parser().parse_args(arguments)
    try:
        code: int = told.run(told)
    except (ConfigurationError, MisbehaviourError, _CommandError) as exc:
        sys.stderr.write(f"wsendpoints {told.command}: {exc}\n")
        return _WRONG if told.run in (_check, _fuzz) else _FAILED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wsendpoints", description="Writes, and checks, what WebSocket endpoints declare."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_asyncapi(_command(commands, "asyncapi", "write the AsyncAPI document", _asyncapi))
    _add_output(_command(commands, "typescript", "write a client in TypeScript", _typescript))
    _add_check(_command(commands, "check", "find what breaks clients of an older document", _check))
    _add_fuzz(_command(commands, "fuzz", "send messages of all kinds, check the answers", _fuzz))
    return parser


def _command(
    commands: Any, name: str, what: str, run: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    """Add a command.

    Args:
        commands: What it is added to.
        name: That of the command.
        what: What it does.
        run: Does it, and returns the exit code.
    """
    description = f"{what[0].upper()}{what[1:]}, for endpoint classes."
    command: argparse.ArgumentParser = commands.add_parser(name, help=what, description=description)
    command.set_defaults(run=run)
    command.add_argument(
        "target",
        metavar="MODULE:ATTRIBUTE",
        help="a router, an application of FastAPI, Starlette or Litestar, an endpoint class, or a "
        "mapping of paths to such classes",
    )
    return command


# What writes something.


def _add_output(command: argparse.ArgumentParser) -> None:
    command.add_argument("--output", metavar="FILE", help="write it there, not to stdout")


def _write(text: str, output: str | None) -> int:
    if output is None:
        sys.stdout.write(text)
        return 0
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as exc:
        raise _CommandError(f"{exc}") from None
    return 0


def _add_asyncapi(command: argparse.ArgumentParser) -> None:
    _add_output(command)
    command.add_argument("--version", choices=get_args(Spec), default="3.0.0", help="of AsyncAPI")
    command.add_argument(
        "--perspective",
        choices=get_args(Perspective),
        default="server",
        help="whose application it is of: what a server receives, a client sends",
    )


def _asyncapi(told: argparse.Namespace) -> int:
    document = _document_of(told, spec=told.version, perspective=told.perspective)
    return _write(json.dumps(document, indent=2, ensure_ascii=False) + "\n", told.output)


def _typescript(told: argparse.Namespace) -> int:
    return _write(client_of(_described(_load(told.target), told.target)), told.output)


# What checks something.


def _add_check(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--against", metavar="FILE", required=True, help="the document, of `wsendpoints asyncapi`"
    )
    command.add_argument(
        "--format", choices=("text", "json"), default="text", help="how the changes are written"
    )


def _check(told: argparse.Namespace) -> int:
    try:
        old = json.loads(Path(told.against).read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise _CommandError(f"{told.against}: {exc}") from None
    # As the file has it: what a mapping has for a key is a text there.
    new = json.loads(json.dumps(_document_of(told)))
    findings = compare(old, new)
    breaking = sum(it.severity == "breaking" for it in findings)
    if told.format == "json":
        every = {"compatible": not breaking, "findings": [asdict(it) for it in findings]}
        sys.stdout.write(json.dumps(every, indent=2, ensure_ascii=False) + "\n")
    else:
        counts = f"{breaking} breaking, {len(findings) - breaking} warnings"
        sys.stdout.write("".join(f"{it}\n" for it in (*findings, counts)))
    return _FAILED if breaking else 0


def _add_fuzz(command: argparse.ArgumentParser) -> None:
    command.add_argument("--time", type=float, metavar="SECONDS", help="by default 60")
    command.add_argument("--messages", type=int, help="how many, and not for how long")
    command.add_argument("--seed", type=int, help="by default another one each time")
    command.add_argument("--url", help="of a server, up to the paths; by default, in this process")
    command.add_argument(
        "--header", action="append", default=[], metavar="NAME: VALUE", help="of each handshake"
    )
    command.add_argument(
        "--patience", type=float, default=5, metavar="SECONDS", help="that an answer may take: 5"
    )
    command.add_argument(
        "--allow-code",
        type=int,
        action="append",
        default=[],
        metavar="CODE",
        help="a close code of the application's own",
    )


def _fuzz(told: argparse.Namespace) -> int:
    # What the messages are meant to do is no news.
    logging.getLogger("wsendpoints").addHandler(logging.NullHandler())
    document = _document_of(told)
    seconds = 60 if told.time is None and told.messages is None else told.time
    report = run(
        document,
        _app_of(_load(told.target)) if told.url is None else told.url,
        headers=dict(map(_header, told.header)),
        patience=told.patience,
        # So that it can be given again.
        seed=random.randrange(10**6) if told.seed is None else told.seed,  # noqa: S311 - no secret
        messages=told.messages,
        seconds=seconds,
        codes=told.allow_code,
    )
    sys.stdout.write(f"{report}\n")
    return 0 if report.failure is None else _FAILED


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not is_token(name):
        raise _CommandError(f'--header {text!r}: use --header "NAME: VALUE"')
    return name, value.strip()


# What they are told.


def _document_of(told: argparse.Namespace, **options: Any) -> dict[str, Any]:
    target = _load(told.target)
    return document_of(
        _described(target, told.target),
        title=_text_of(target, "title") or getattr(target, "__name__", "WebSocket API"),
        version=_text_of(target, "version") or "0.1.0",
        description=_text_of(target, "description"),
        servers=_servers_of(target),
        **options,
    )


def _app_of(target: Any) -> ASGIApp:
    """Return the application of something that was described."""
    if is_endpoint(target):
        return target.as_asgi()
    if callable(target):
        return cast("ASGIApp", target)
    return WebSocketRouter(getattr(target, "routes", target))


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
    """Return the descriptions of an endpoint class, or of all in an application, or a mapping."""
    if is_endpoint(target):
        return [describe(target)]
    if is_application(target):
        return described(target)
    routes: Any = getattr(target, "routes", target)
    match routes:
        case {} if all(map(is_endpoint, routes.values())):
            return [describe(cls, path) for path, cls in routes.items()]
        case _:
            raise _CommandError(
                f"{name} is {target!r}: use a router, an application of FastAPI, Starlette or "
                "Litestar, a subclass of WebSocketEndpoint, or a mapping of paths to such classes"
            )


def _text_of(target: Any, name: str) -> str:
    value = None if is_endpoint(target) else getattr(target, name, None)
    return value if isinstance(value, str) else ""


def _servers_of(target: Any) -> Mapping[str, str] | None:
    servers = None if is_endpoint(target) else getattr(target, "servers", None)
    return cast("Mapping[str, str]", servers) if isinstance(servers, Mapping) else None
