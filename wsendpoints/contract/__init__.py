"""What endpoint classes declare, for those who write clients: as values, and as documents."""

from wsendpoints.contract.describing import describe
from wsendpoints.contract.description import (
    Closing,
    Description,
    ErrorMessages,
    GroupMessages,
    Message,
    Operation,
    Parameter,
    Speech,
)

__all__ = [
    "Closing",
    "Description",
    "ErrorMessages",
    "GroupMessages",
    "Message",
    "Operation",
    "Parameter",
    "Speech",
    "describe",
]
