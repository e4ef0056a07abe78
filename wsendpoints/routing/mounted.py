"""What of a path is left for an application that a host has mounted, whichever host it is."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

__all__ = ["split_path"]


def split_path(scope: Mapping[str, Any]) -> tuple[str, str]:
    """Return the path that an application is mounted at, and what comes behind that.

    Args:
        scope: The scope of a connection, or of a request.

    Returns:
        The first is the `root_path`, without a slash at its end: `""` for an application that a
        server runs, unless it is told otherwise. The second is decoded, and begins with a slash.
    """
    path: str = scope["path"]
    root: str = (scope.get("root_path") or "").rstrip("/")
    remaining: object = scope.get("path_remaining")
    if isinstance(remaining, str):
        # Django Channels' routers leave `root_path` as it is.
        return path.removesuffix(remaining).rstrip("/"), f"/{remaining}"
    return root, _with_slash_as_sent(_below(path, root, scope), scope)


def _below(path: str, root: str, scope: Mapping[str, Any]) -> str:
    """Return what of a path is below `root_path`.

    ASGI spec, "HTTP Connection Scope", has the path include it. Some frameworks remove what they
    mount an application at (Litestar), some proxies remove what they serve a host at, and then
    Starlette's mounts are below that in `root_path`, but not in the path.
    """
    outer: str = scope.get("app_root_path") or ""
    for prefix in (root, root.removeprefix(outer.rstrip("/"))):
        if path == prefix or path.startswith(f"{prefix}/"):
            # RFC 6455, section 3: the resource name has "/" where the path is empty.
            return path[len(prefix) :] or "/"
    return path


def _with_slash_as_sent(path: str, scope: Mapping[str, Any]) -> str:
    """Return a path without the slash at its end that Litestar's mounts add to it."""
    raw_path: object = scope.get("raw_path")
    if not path.endswith("/") or path == "/" or not isinstance(raw_path, bytes):
        return path
    has_slash = unquote_to_bytes(raw_path.partition(b"?")[0]).endswith(b"/")
    return path if has_slash else path[:-1]
