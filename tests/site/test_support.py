"""The support table says what was measured."""

from tests.site.support import PAGE, with_servers
from wsendpoints.testing.measured import FACTS


def test_the_servers_are_as_they_were_measured() -> None:
    """`python -m tests.site.support` writes them; a row that is gone would come back."""
    text = PAGE.read_text("utf-8")
    assert with_servers(text) == text
    row = next(
        line for line in text.splitlines(keepends=True) if line.startswith("| `Denied(401)`")
    )
    assert with_servers(text.replace(row, "")) == text


def test_the_versions_are_those_that_were_measured() -> None:
    """Of each server."""
    words = " ".join(PAGE.read_text("utf-8").split())
    for name, facts in FACTS.items():
        assert f"{name.partition('-')[0]} {facts.version}" in words
