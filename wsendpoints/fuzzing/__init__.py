"""Messages of all kinds, to see whether a server does what its classes declare."""

from wsendpoints.fuzzing.fuzzing import fuzz
from wsendpoints.fuzzing.in_process import InProcess
from wsendpoints.fuzzing.peers import Opener, Peer
from wsendpoints.fuzzing.report import Failure, Report

__all__ = ["Failure", "InProcess", "Opener", "Peer", "Report", "fuzz"]
