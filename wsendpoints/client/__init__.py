"""`connect`: a client of an endpoint class, with the types of the same class."""

from wsendpoints.client.address import Positions
from wsendpoints.client.client import Client
from wsendpoints.client.connecting import connect
from wsendpoints.client.errors import (
    ClientError,
    ClosedError,
    LostError,
    QueueFullError,
    RequestError,
)
from wsendpoints.client.link import Backoff
from wsendpoints.client.socket import Address, Close, Lost, Open, Socket

__all__ = [
    "Address",
    "Backoff",
    "Client",
    "ClientError",
    "Close",
    "ClosedError",
    "Lost",
    "LostError",
    "Open",
    "Positions",
    "QueueFullError",
    "RequestError",
    "Socket",
    "connect",
]
