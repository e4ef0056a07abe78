"""What a client does after each close code."""

import pytest

from tests.contract.endpoints import Assistant, Chat
from wsendpoints import CloseCode
from wsendpoints.contract import Closing, describe
from wsendpoints.contract.comebacks import Comeback, comeback_after, comeback_of
from wsendpoints.protocol.limits import EXPIRY


@pytest.mark.parametrize(
    ("code", "comeback"),
    [
        (CloseCode.NORMAL_CLOSURE, "never"),
        (CloseCode.GOING_AWAY, "later"),
        (CloseCode.PROTOCOL_ERROR, "never"),
        (CloseCode.UNSUPPORTED_DATA, "never"),
        (CloseCode.NO_STATUS_RECEIVED, "retry"),
        (CloseCode.ABNORMAL_CLOSURE, "retry"),
        (CloseCode.INVALID_DATA, "never"),
        (CloseCode.POLICY_VIOLATION, "never"),
        (CloseCode.MESSAGE_TOO_BIG, "never"),
        (CloseCode.MANDATORY_EXTENSION, "never"),
        (CloseCode.INTERNAL_ERROR, "retry"),
        (CloseCode.SERVICE_RESTART, "later"),
        (CloseCode.TRY_AGAIN_LATER, "later"),
        (CloseCode.BAD_GATEWAY, "retry"),
        (CloseCode.TLS_HANDSHAKE, "never"),
        (2999, "never"),
        (3000, "token"),
        (4000, "never"),
        (4001, "later"),
        (4008, "never"),
        (4011, "retry"),
        (4015, "never"),
        (4016, "never"),
        (EXPIRY.code, "token"),
        (4403, "never"),
        (4404, "never"),
        (4408, "retry"),
        (4429, "later"),
        (4500, "retry"),
        (4503, "later"),
        (4599, "retry"),
        (4600, "never"),
        (4999, "never"),
    ],
)
def test_comeback_after_a_code(code: int, comeback: Comeback) -> None:
    """Those of daphne count as what they stand for; those of HTTP as they do there."""
    assert comeback_after(code) == comeback


@pytest.mark.parametrize(
    ("closing", "comeback"),
    [
        pytest.param(Closing(1008, ["max_invalid: 10"], ["max_invalid"]), "never", id="mistakes"),
        pytest.param(Closing(1008, ["rate: 1 in 1 s"], ["rate"]), "later", id="rate"),
        pytest.param(
            Closing(1008, ["max_invalid: 10", "rate: 1 in 1 s"], ["max_invalid", "rate"]),
            "never",
            id="both",
        ),
        pytest.param(Closing(4700, ["rate: 1 in 1 s"], ["rate"]), "later", id="own code"),
        pytest.param(Closing(4701, ["outbox: 9"], ["outbox"]), "later", id="slow client"),
        pytest.param(
            Closing(4702, ["handler_timeout: 1"], ["handler_timeout"]), "retry", id="slow"
        ),
        pytest.param(Closing(1011, ["the application failed"]), "retry", id="no limit"),
        pytest.param(
            Closing(4401, ["expired", "rate: 1 in 1 s"], ["rate"]), "token", id="expired, or rate"
        ),
    ],
)
def test_comeback_of_a_class(closing: Closing, comeback: Comeback) -> None:
    """Of several causes the most careful one counts."""
    assert comeback_of(closing) == comeback


@pytest.mark.parametrize("cls", [Chat, Assistant])
def test_codes_that_are_not_changed_mean_the_same_everywhere(cls: type[Chat]) -> None:
    """A class that leaves the codes of its limits as they are has no other table."""
    for closing in describe(cls).closings:
        assert comeback_of(closing) == comeback_after(closing.code)
