"""The end of a connection: what the client is told, the clean-up, and what is raised."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, final

import anyio

from wsendpoints.connection.connection import Connection
from wsendpoints.connection.denial import DenialResponse
from wsendpoints.handshake.admission import RESTARTING, Restarting
from wsendpoints.lifecycle.failures import (
    Verdict,
    after_accept,
    failed_wait,
    judge,
    requested_close,
)
from wsendpoints.lifecycle.hooks import Farewell, Hooks, fields_of, name_of
from wsendpoints.lifecycle.shielding import run_shielded
from wsendpoints.protocol.close_codes import CloseCode, describe
from wsendpoints.protocol.deadline import Deadline
from wsendpoints.protocol.exceptions import Denied, WebSocketDisconnect
from wsendpoints.protocol.state import ConnectionState
from wsendpoints.protocol.subprotocols import choose_subprotocol

__all__ = ["Ending"]

logger: logging.Logger = logging.getLogger("wsendpoints")

_QUIET: Final = frozenset({None, Verdict.DISCONNECT})
"""Verdicts of what is not raised."""

_ANOTHERS: Final = "the WebSocketDisconnect of another connection"


@final
class Ending:
    """Ends a connection, whose tasks and handlers have ended.

    Args:
        endpoint: Whose connection it is.
        connection: The connection.
        passed: The time limit that ended it, if one did.
        farewells: What is awaited before `on_disconnect`.
        cleans_up: Whether its class has an `on_disconnect` of its own.
    """

    __slots__ = (
        "_cleans_up",
        "_connection",
        "_endpoint",
        "_farewells",
        "_is_cleaned",
        "_is_told",
        "_passed",
        "_websocket",
    )

    def __init__(
        self,
        endpoint: Hooks,
        connection: Connection,
        passed: Deadline | None,
        farewells: Sequence[Farewell] = (),
        *,
        cleans_up: bool,
    ) -> None:
        self._endpoint = endpoint
        self._cleans_up = cleans_up
        self._is_cleaned = self._is_told = False
        self._farewells = farewells
        self._passed = passed
        self._websocket = endpoint.websocket
        self._connection = connection

    async def conclude(self, failure: BaseException | None) -> None:
        """Close the connection, clean up, and raise what went wrong.

        A native cancellation (`Task.cancel` of asyncio) that arrives meanwhile gives the close
        up, but never the clean-up.

        Args:
            failure: What ended it, if that was an exception.
        """
        verdict = None
        if failure is not None:
            verdict, failure = judge(failure)
        try:
            if self._connection.is_accepted:
                # Not even called for what has ended already: a coroutine has its price.
                if failure is not None or self._passed or self._connection.is_closable:
                    verdict, failure = await self._part(verdict, failure)
                if not self._is_cleaned:
                    self._is_cleaned = True
                    failed = cancellation = None
                    self._tell()
                    if self._cleans_up or self._farewells:
                        failed, cancellation = await run_shielded(self._clean_up)
                    if failed is not None or cancellation is not None:
                        verdict, failure = self._cleaned(verdict, failure, failed, cancellation)
                    del failed, cancellation
            elif isinstance(failure, Denied) and self._connection.is_closable:
                await self._deny(failure)
                return
            elif verdict is not Verdict.FAILURE:
                await self._turn_away(verdict)
            if failure is not None and verdict not in _QUIET:
                raise after_accept(failure) if self._connection.is_accepted else failure
        finally:
            # The exception holds this frame: without this reference it is no cycle.
            del failure

    async def close_early(self, failure: BaseException | None) -> None:
        """Close the connection, before all that runs for it has ended; then `clean_up_early`.

        Args:
            failure: What ended it, if that was an exception. It is logged now, and `conclude`
                raises it when all has ended.
        """
        verdict = None
        if failure is not None:
            verdict, failure = judge(failure)
        try:
            verdict, failure = await self._part(verdict, failure)
            if verdict is Verdict.FAILURE:
                logger.error(
                    "%s failed",
                    name_of(self._endpoint),
                    exc_info=failure,
                    extra=fields_of(self._endpoint),
                )
        finally:
            # The exception holds this frame: without this reference it is no cycle.
            del failure

    async def clean_up_early(self) -> None:
        """Clean up, before all that runs for the connection has ended, unless that just has."""
        if self._is_cleaned:
            return
        self._is_cleaned = True
        self._connection.ended()
        self._tell()
        failed, _ = await run_shielded(self._clean_up)
        if failed is not None:
            logger.error(
                "%s.on_disconnect failed",
                name_of(self._endpoint),
                exc_info=failed,
                extra=fields_of(self._endpoint),
            )

    async def _part(
        self, verdict: Verdict | None, failure: BaseException | None
    ) -> tuple[Verdict | None, BaseException | None]:
        """Close the connection, if that is to be done still; return what is wrong then."""
        asked = None if failure is None else requested_close(failure)
        if asked is not None:
            verdict = failure = None
        is_told, self._is_told = self._is_told, True
        try:
            if not is_told and (asked or self._passed or self._connection.is_closable):
                await self._close(verdict, asked)
        except GeneratorExit:
            raise
        except BaseException as exc:
            if verdict in _QUIET:
                return judge(exc)
            if judge(exc)[0] is Verdict.FAILURE:
                logger.error(
                    "%s: the last close failed as well",
                    name_of(self._endpoint),
                    exc_info=exc,
                    extra=fields_of(self._endpoint),
                )
        try:
            return verdict, failure
        finally:
            # The exception may hold this frame: without this reference it is no cycle.
            del failure

    def _cleaned(
        self,
        verdict: Verdict | None,
        failure: BaseException | None,
        failed: BaseException | None,
        cancellation: BaseException | None,
    ) -> tuple[Verdict | None, BaseException | None]:
        """Return what is wrong in the end.

        Args:
            verdict: What the failure stands for.
            failure: What was wrong before.
            failed: What the clean-up raised.
            cancellation: The native cancellation that arrived meanwhile.
        """
        if failed is not None and verdict in _QUIET:
            return Verdict.FAILURE, failed
        if failed is not None:
            logger.error(
                "%s.on_disconnect failed as well",
                name_of(self._endpoint),
                exc_info=failed,
                extra=fields_of(self._endpoint),
            )
        if cancellation is not None and verdict in _QUIET:
            return Verdict.CANCELLED, cancellation
        return verdict, failure

    async def _close(self, verdict: Verdict | None, asked: tuple[int, str] | None) -> None:
        """Close the connection, if it is still open: a server may not, or not tell the client."""
        if asked is not None:
            await self._connection.close(*asked)
            return
        deadline = self._passed if verdict is None else None
        if deadline is not None:
            fields = fields_of(self._endpoint, limit=deadline.limit)
            logger.log(
                deadline.level, "%s: %s", name_of(self._endpoint), deadline.reason, extra=fields
            )
        if not self._connection.is_closable:
            return
        if deadline is not None:
            # Here, so that no message pays for it. `expires_at` is no limit, and not among them.
            code = self._endpoint.limits.close_codes.get(deadline.limit, deadline.code)
            await self._connection.end(code, deadline.reason)
        elif verdict is Verdict.CANCELLED:
            await self._connection.end(CloseCode.SERVICE_RESTART, None)
        else:
            if verdict is not Verdict.FAILURE:
                cause = "a send that was cancelled half-way"
                if self._connection.state is ConnectionState.OPEN:
                    cause = _ANOTHERS
                fields = fields_of(self._endpoint, close_code=int(CloseCode.INTERNAL_ERROR))
                name = name_of(self._endpoint)
                logger.warning("%s: closing with 1011, for %s", name, cause, extra=fields)
            await self._connection.end(CloseCode.INTERNAL_ERROR, None)

    def _tell(self) -> None:
        level = logging.INFO if self._connection.is_shutdown else logging.DEBUG
        if logger.isEnabledFor(level):
            code = self._close_code
            logger.log(
                level,
                "%s: the connection ended with %s",
                name_of(self._endpoint),
                describe(code),
                extra=fields_of(self._endpoint, close_code=int(code)),
            )

    async def _clean_up(self) -> BaseException | None:
        for farewell in self._farewells:
            await farewell()
        return await self._on_disconnect() if self._cleans_up else None

    async def _on_disconnect(self) -> BaseException | None:
        timeout = self._endpoint.limits.disconnect_timeout
        with anyio.move_on_after(timeout) as scope:
            try:
                await self._endpoint.on_disconnect(self._websocket, self._close_code)
            except anyio.get_cancelled_exc_class() as exc:
                if (failed := failed_wait(exc)) is None:
                    raise
                return failed
            except BaseException as exc:  # noqa: BLE001 - raised by the caller
                # Not in a variable: the exception holds this frame, so that would be a cycle.
                return self._failure_in(exc)
        if scope.cancelled_caught:
            logger.warning(
                "%s.on_disconnect took over %s s",
                name_of(self._endpoint),
                timeout,
                extra=fields_of(self._endpoint),
            )
        return None

    def _failure_in(self, exc: BaseException) -> BaseException | None:
        verdict, failure = judge(exc)
        if verdict is Verdict.FAILURE:
            return failure
        # Of this connection, or of another one: which cannot be told any more.
        logger.debug(
            "%s.on_disconnect ended with a %s",
            name_of(self._endpoint),
            type(exc).__name__,
            extra=fields_of(self._endpoint),
        )
        return None

    @property
    def _close_code(self) -> int:
        code = self._connection.code
        # Three servers have 1005 for a connection that was reset, too, and two have 1006 for a
        # close without a code: both mean that no code came.
        return CloseCode.ABNORMAL_CLOSURE if code == CloseCode.NO_STATUS_RECEIVED else code

    async def _deny(self, denied: Denied) -> None:
        # Its text: a handler that keeps the record would keep the exception, and the connection.
        fields = fields_of(self._endpoint, status=denied.status)
        logger.debug("%s: %s", name_of(self._endpoint), str(denied), extra=fields)
        response = DenialResponse(denied.body, denied.status, headers=denied.headers)
        with (
            anyio.move_on_after(self._connection.close_timeout, shield=True),
            suppress(WebSocketDisconnect),
        ):
            if self._websocket.can_respond:
                await self._websocket.send_denial_response(response)
            elif isinstance(denied, Restarting):
                # Many clients take a bare 403 for the last word, and would not come back.
                offered = self._websocket.subprotocols
                chosen = choose_subprotocol(self._endpoint.subprotocols, offered)
                await self._websocket.accept(chosen)
                await self._websocket.close(CloseCode.SERVICE_RESTART, RESTARTING)
            else:
                await self._websocket.close()

    async def _turn_away(self, verdict: Verdict | None) -> None:
        """Refuse a client whose handshake was not answered."""
        if not self._connection.is_closable:
            logger.debug(
                "%s: the client was refused, or disconnected before",
                name_of(self._endpoint),
                extra=fields_of(self._endpoint),
            )
            return
        if verdict is not Verdict.CANCELLED:
            cause = "on_connect did not accept" if self._passed is None else self._passed.reason
            if verdict is Verdict.DISCONNECT:
                cause = _ANOTHERS
            logger.warning(
                "%s: %s: the client is refused",
                name_of(self._endpoint),
                cause,
                extra=fields_of(self._endpoint),
            )
        await self._connection.close(CloseCode.NORMAL_CLOSURE, None)
