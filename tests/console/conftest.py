"""What the tests of the console share."""

import pytest

pytest.register_assert_rewrite("tests.console.windows")
