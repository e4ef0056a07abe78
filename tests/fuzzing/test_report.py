"""What came is told."""

from collections import Counter

from wsendpoints.fuzzing.report import Failure, Report


def test_report_of_nothing() -> None:
    """It is one line, and that nothing failed."""
    assert str(Report(7)) == ("seed 7: 0 messages (none) by 0 connections, 0 answers\nno failure")


def test_report_of_a_failure() -> None:
    """What it takes to see it again is told, with the frame as Python has it."""
    report = Report(
        7,
        sent=Counter({"valid": 2, "hostile": 1}),
        connections=2,
        answers=3,
        closed=Counter({1007: 1, 1000: 2}),
        refused=Counter({403: 1}),
        failure=Failure("/a", 9, "valid", "\x00", 2, "closed with 1011: it failed"),
    )
    assert str(report) == (
        "seed 7: 3 messages (1 hostile, 2 valid) by 2 connections, 3 answers\n"
        "closed with 1000 (2), 1007 (1)\n"
        "refused with 403 (1)\n"
        "failure: /a: closed with 1011: it failed\n"
        "after message 9, valid, with 2 before it on its connection: '\\x00'\n"
        "again: --seed 7 --messages 10"
    )


def test_failure_of_a_handshake() -> None:
    """There is no message then."""
    failure = Failure("/a", 0, None, None, 0, "refused each handshake")
    assert str(Report(7, failure=failure)).endswith(
        "\nfailure: /a: refused each handshake\nagain: --seed 7 --messages 1"
    )


def test_long_frame_is_cut() -> None:
    """It can be made again."""
    failure = Failure("/a", 0, "hostile", "x" * 5000, 0, "closed")
    assert "x... (5000 in all)\n" in str(Report(7, failure=failure))
