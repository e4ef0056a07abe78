"""Endpoints in the tests of a project, with Django's own classes."""

import pytest
from django.test import TestCase, TransactionTestCase  # type: ignore[import-untyped]  # Django has no types

from tests.clocks import GENEROUS
from tests.django.project import Users, cookie_of
from tests.django.test_endpoint import Awaited, Blocking, Counted, Counting, Members, Streamed
from wsendpoints.testing import connect


@pytest.mark.usefixtures("database")
class TestInOneTransaction(TestCase):  # type: ignore[misc]  # it has no types
    """What a test puts into the database is rolled back."""

    def setUp(self) -> None:
        self.ada = Users.objects.create(username="ada in a test")
        self.headers = cookie_of(self.ada, keeps_connections=True)

    async def test_asynchronous_handlers_see_what_the_test_has_made(self) -> None:
        """They ask the database in the thread of the test."""
        async with connect(Members.as_asgi(), headers=self.headers, timeout=GENEROUS) as client:
            assert await client.receive_json() == "ada in a test"
        async with connect(Counting.as_asgi(), timeout=GENEROUS) as client:
            for message in (Awaited(), Streamed()):
                await client.send(message)
                await client.receive(Counted)
        assert Counting.ended[-1] == await Users.objects.acount()


@pytest.mark.usefixtures("database")
class TestInTransactions(TransactionTestCase):  # type: ignore[misc]  # it has no types
    """What a test puts into the database is committed, and removed in the end."""

    async def test_plain_functions_see_it_too(self) -> None:
        """In threads of their own."""
        await Users.objects.acreate(username="grace in a test")
        async with connect(Counting.as_asgi(), timeout=GENEROUS) as client:
            await client.send(Blocking())
            assert await client.receive(Counted) == Counted(kind="blocking")
