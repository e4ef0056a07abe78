"""The table of mistakes in the documentation."""

import itertools

from tests.mistakes.table import PAGE, TABLES, page


def test_documentation_has_the_texts_that_the_tests_assert() -> None:
    """The page is what `python -m tests.mistakes.table` writes."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_no_mistake_is_there_twice() -> None:
    """Each row shows other code."""
    codes = [row.code for row in itertools.chain.from_iterable(TABLES.values())]
    assert len(codes) == len({*codes})
