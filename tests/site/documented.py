"""Ends the build of the site if a public name has no docstring.

`zensical.toml` has mkdocstrings load this file for the code that the reference is made of.
"""

from collections.abc import Iterator
from typing import Any, Final

from griffe import (
    Alias,
    Class,
    DocstringSectionAttributes,
    DocstringSectionParameters,
    Extension,
    Module,
    Object,
)

__all__ = ["MODULES", "Documented"]

MODULES: Final = (
    "wsendpoints",
    "wsendpoints.backplanes",
    "wsendpoints.client",
    "wsendpoints.contract",
    "wsendpoints.contract.asyncapi",
    "wsendpoints.contract.compatibility",
    "wsendpoints.contract.typescript",
    "wsendpoints.dialects",
    "wsendpoints.django",
    "wsendpoints.fuzzing",
    "wsendpoints.groups",
    "wsendpoints.litestar",
    "wsendpoints.logs",
    "wsendpoints.openapi",
    "wsendpoints.protocol.asgi",
    "wsendpoints.router",
    "wsendpoints.telemetry",
    "wsendpoints.testing",
)
"""Those whose `__all__` is public."""


class Documented(Extension):
    """Looks at all that is public, once it is loaded."""

    def on_package(self, *, pkg: Module, **kwargs: Any) -> None:
        """Look at it.

        Raises:
            ValueError: Something has no docstring.
        """
        missing = {path for name in MODULES for path in undocumented(pkg, name)}
        if missing:
            raise ValueError(f"there is no docstring for {', '.join(sorted(missing))}")


def undocumented(package: Module, name: str) -> Iterator[str]:
    """Yield the path of each public name in a module that has no docstring."""
    module = package[name.partition(".")[2]] if "." in name else package
    for it in module.exports or ():
        found: Object | Alias = module[str(it)]
        if found.docstring is None:
            yield found.path
        if isinstance(found, Alias):
            found = found.final_target
        if isinstance(found, Class):
            yield from _undocumented_members(found)


def _undocumented_members(found: Class) -> Iterator[str]:
    """Yield what neither a class tells of, nor one of its bases."""
    line: list[Class] = [found, *found.mro()]
    told = {name for it in line for name in _told_of(it)}
    for name in found.all_members:
        if not name.startswith("_") and name not in told and not hasattr(BaseException, name):
            yield f"{found.path}.{name}"


def _told_of(found: Class) -> Iterator[str]:
    """Yield what is documented where it is defined, or in the docstring of the class."""
    yield from (name for name, member in found.members.items() if member.docstring)
    for section in found.docstring.parse("google") if found.docstring else ():
        if isinstance(section, DocstringSectionAttributes | DocstringSectionParameters):
            yield from (it.name for it in section.value)
