"""`manage.py typescript`."""

from io import StringIO

from django.core.management import call_command  # type: ignore[import-untyped]  # it has no types

from tests.django.sockets import router
from wsendpoints.contract.typescript import typescript


def test_client_is_of_the_router() -> None:
    """As `wsendpoints typescript` writes it."""
    stdout = StringIO()
    call_command("typescript", stdout=stdout)
    assert stdout.getvalue() == typescript({it.path: it.endpoint for it in router.endpoints()})
