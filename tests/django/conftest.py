"""One Django project for all tests of a process: its settings can be set up once."""

import os
import tempfile

import pytest

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.django.settings"
_folder = tempfile.TemporaryDirectory(prefix="wsedj")
os.environ["WSENDPOINTS_TEST_DATA"] = _folder.name

import django  # type: ignore[import-untyped]  # Django has no types  # noqa: E402 - the settings are read with it

django.setup()
# chanx, in a test of this process, would look for Django's settings by it, and is used without.
del os.environ["DJANGO_SETTINGS_MODULE"]

from tests.django.project import make_tables  # noqa: E402 - as above


@pytest.fixture
def anyio_backend() -> str:
    """Run the tests on asyncio, and its clock: Django has no other."""
    return "asyncio"


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """What names its own settings, where there are none, would do so for all tests behind it."""
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tests.django.settings")


@pytest.fixture(scope="session")
def database() -> None:
    """Make the tables."""
    make_tables()
