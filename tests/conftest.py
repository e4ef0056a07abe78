"""What all tests share: each async test runs on asyncio and on trio, and some are marked slow."""

import gc
import os
from collections.abc import Generator
from pathlib import Path
from typing import Final

import hypothesis
import pytest

from tests.clocks import VIRTUAL

# The same examples in each run, so that a change alone can make a test fail; new ones where a
# number of examples is asked for. How long one takes is no matter of a test.
hypothesis.settings.register_profile(
    "suite",
    derandomize="WSENDPOINTS_TYPES_EXAMPLES" not in os.environ,
    database=None,
    deadline=None,
)
hypothesis.settings.load_profile("suite")

HERE: Final = Path(__file__).parent

SLOW: Final = frozenset(
    {
        HERE / "backplanes" / "redis" / "test_hosts.py",
        HERE / "backplanes" / "redis" / "test_two_servers.py",
        HERE / "console" / "test_modules_in_browser.py",
        HERE / "console" / "test_page_in_browser.py",
        HERE / "console" / "test_vendor.py",
        HERE / "contract" / "test_typescript_clients.py",
        HERE / "contract" / "test_typescript_compiled.py",
        HERE / "contract" / "test_typescript_in_browser.py",
        HERE / "examples" / "test_assistant_in_browser.py",
        HERE / "examples" / "test_chat_in_browser.py",
        HERE / "examples" / "test_chat_workers_in_browser.py",
        HERE / "examples" / "test_comparison.py",
        HERE / "examples" / "test_hosts_on_uvicorn.py",
        HERE / "examples" / "test_stream_in_browser.py",
        HERE / "faults",
        HERE / "interop",
        HERE / "lifecycle" / "test_leaks.py",
        HERE / "lifecycle" / "test_model.py",
        HERE / "lifecycle" / "test_two_way_model.py",
        HERE / "messages" / "test_client_errors_bounds.py",
        HERE / "messages" / "test_means_what_pydantic_says.py",
        HERE / "site" / "test_built.py",
        HERE / "site" / "test_refusals_in_browser.py",
        HERE / "site" / "test_tutorial.py",
        HERE / "testing" / "test_in_pytest.py",
        HERE / "typing" / "test_checkers.py",
    }
)
"""What takes most of the time: a browser, servers, type checkers, the list of faults, and thousands
of connections or of examples. The tests of each module, which remain, cover all of the code."""


MOST_WORKERS: Final = 8
"""As many processes of pytest-xdist as are of use: each may have to start every server."""


@pytest.fixture(params=VIRTUAL)
def anyio_backend(request: pytest.FixtureRequest) -> object:
    """The event loop that a test marked with `anyio` runs on; see `tests.clocks`."""
    backend: object = request.param
    return backend


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow, so that `-m "not slow"` leaves it out."""
    missing = [str(path) for path in SLOW if not path.exists()]
    if missing:
        raise pytest.UsageError(f"SLOW in tests/conftest.py lists what is not there: {missing}")
    paths = {item.path for item in items}
    slow = {path for path in paths if not SLOW.isdisjoint([path, *path.parents])}
    for item in items:
        if item.path in slow:
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return how many processes `-n auto` starts: many tests wait for a server, or a browser."""
    return min((os.cpu_count() or 1) + 1, MOST_WORKERS)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Have the garbage collector skip the tests themselves, which are most of what there is."""
    # While they are made, nothing is garbage, and looking for some takes a quarter of the time.
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()
