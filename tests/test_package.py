"""What the package offers, and what it costs to import."""

import subprocess
import sys

import pytest

import wsendpoints


@pytest.mark.parametrize("name", wsendpoints.__all__)
def test_each_public_name_is_there(name: str) -> None:
    """Each public name is loaded from its own module, and listed by `dir`."""
    value = getattr(wsendpoints, name)
    modules = [it for it in [*sys.modules] if it.startswith("wsendpoints.")]
    assert any(vars(sys.modules[it]).get(name) is value for it in modules)
    assert name in dir(wsendpoints)


def test_other_names_are_not_there() -> None:
    """A name that the package does not have raises AttributeError."""
    with pytest.raises(AttributeError, match="module 'wsendpoints' has no attribute 'Endpoint'"):
        _ = wsendpoints.Endpoint  # type: ignore[attr-defined, unused-ignore]  # that is the test


def test_import_loads_no_more_than_it_must() -> None:
    """Importing the package loads neither pydantic nor its own modules."""
    code = (
        "import sys, wsendpoints\n"
        "print(sorted(name for name in sys.modules\n"
        "             if name.startswith(('wsendpoints', 'pydantic', 'anyio'))))"
    )
    done = subprocess.run(  # noqa: S603 - it is ours
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert done.stdout == "['wsendpoints']\n"


def test_star_import_gets_all() -> None:
    """`from wsendpoints import *` gets each public name."""
    names: dict[str, object] = {}
    exec("from wsendpoints import *", names)  # noqa: S102 - a star import needs a module's scope
    assert set(wsendpoints.__all__) <= set(names)
