"""All checks of a class body, in the order in which their errors are the most telling."""

from wsendpoints.mistakes.body import read_body
from wsendpoints.mistakes.defaults import check_defaults
from wsendpoints.mistakes.handlers import check_marks, check_twice
from wsendpoints.mistakes.names import (
    check_attribute_names,
    check_hook_names,
    check_names_of_the_library,
)
from wsendpoints.mistakes.resolved import check_parameters
from wsendpoints.mistakes.signatures import check_init, check_order, check_signatures

__all__ = ["check_body"]


def check_body(cls: type, base: type) -> None:
    """Check the body of a class that is being made, before it is compiled.

    What could be meant is a `ConfigurationWarning`.

    Args:
        cls: The class.
        base: The class with the default hooks.

    Raises:
        ConfigurationError: It has a mistake.
    """
    body = read_body(cls, base)
    check_names_of_the_library(body)
    check_twice(body)
    check_hook_names(body)
    check_order(body)
    check_signatures(body)
    check_init(cls)
    check_marks(body)
    check_parameters(body)
    check_attribute_names(body)
    check_defaults(body)
