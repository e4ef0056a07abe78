"""What may be wrong with an event that an app sends."""

from enum import Enum

__all__ = ["Fault"]


class Fault(Enum):
    """What may be wrong with an event."""

    NOT_A_DICT = "it is no dict, or has no type"
    UNKNOWN_TYPE = "its type is none that an app may send"
    BEFORE_ACCEPT = "it comes before the handshake is answered"
    IN_DENIAL = "it comes in the middle of a denial response"
    ACCEPT_AFTER_DENIAL = "an accept after the handshake was denied"
    AFTER_DENIAL = "it comes after the handshake was denied"
    SECOND_ACCEPT = "the connection was accepted already"
    LATE_DENIAL = "the connection that it would deny was accepted"
    SEND_AFTER_CLOSE = "a frame after the close"
    SECOND_CLOSE = "a close after the close"
    AFTER_RETURN = "the app returned before"
    NO_EXTENSION = "a denial response where there is none"
    NO_FRAME = "neither text nor bytes"
    TWO_FRAMES = "both text and bytes"
    TEXT_AS_BYTES = "text as bytes"
    BYTES_AS_TEXT = "bytes as text"
    BYTES_LIKE = "a bytearray or the like"
    SURROGATE = "text that UTF-8 cannot carry"
    CLOSE_CODE = "a close code that may not be sent"
    RESERVED_CLOSE_CODE = "a close code that stands for a close without one"
    CLOSE_CODE_TYPE = "a close code that is no int"
    LONG_REASON = "a reason that does not fit into the frame"
    REASON_TYPE = "a reason that is no str"
    SUBPROTOCOL = "a subprotocol that was not offered"
    SUBPROTOCOL_LINE = "a subprotocol with a line end in it"
    HEADERS = "headers that are no pairs of bytes"
    HEADER_CASE = "a header name in upper case"
    HEADER_LINE = "a header with a line end in it"
    HEADER_SUBPROTOCOL = "a subprotocol among the headers"
    STATUS = "a status that no response has"
    BODY = "a body that is no bytes"
