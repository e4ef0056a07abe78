"""A test of what every backplane promises, for the backplanes that users write."""

import secrets
from collections.abc import Awaitable, Callable
from typing import Final

import anyio
import anyio.lowlevel

from wsendpoints.backplanes.backplane import Backplane
from wsendpoints.backplanes.logs import History
from wsendpoints.protocol.exceptions import BackplaneError, GroupFullError, PositionLost
from wsendpoints.testing.backplane_nodes import HISTORY, Delays, Node, fail, nodes_of

__all__ = ["check_backplane"]

# pytest leaves the frames of this module out of its tracebacks.
__tracebackhide__: Final = True

_SHORT: Final = History(messages=10)
Disrupt = Callable[[], Awaitable[None]]


async def check_backplane(
    connect: Callable[[], Backplane],
    *,
    disrupt: Disrupt | None = None,
    messages: int = 200,
    seed: int = 0,
) -> None:
    """Check that a backplane keeps what `Backplane` promises.

    - All nodes that subscribe get all messages, their own too, with numbers without a hole, in
      one order; and none of a group that they did not subscribe to.
    - A history is read whole, or `PositionLost` is raised; who reads it while others publish, and
      goes on with what comes, misses nothing and gets nothing twice.
    - A publish that is cancelled harms none after it.
    - A user is counted once, on all nodes; when a node ends, its users leave. (If it counts users.)
    - What is lost when connections break is told exactly, and is in the history. (With `disrupt`.)

    Everything is done with random delays.

    ```python
    async def test_ours() -> None:
        await check_backplane(lambda: OurBackplane("127.0.0.1"))
    ```

    Args:
        connect: Makes a backplane, each time for another node, connected to the same place.
        disrupt: Breaks the connections of all nodes that there are, for a while.
        messages: How many are published in each part of it.
        seed: Of the delays.

    Raises:
        AssertionError: It does not keep one of them.
    """
    delays = Delays(seed)
    for check in (_numbers, _subscriptions, _histories, _joins, _cancellations):
        await check(connect, delays, messages)
    if connect().presence:
        for check_users in (_users, _crowds):
            await check_users(connect, delays)
    if disrupt is not None:
        await _disruptions(connect, delays, messages, disrupt)


def _name() -> str:
    return f"check:{secrets.token_hex(8)}"


async def _numbers(connect: Callable[[], Backplane], delays: Delays, messages: int) -> None:
    """All get all, in one order."""
    for history in (None, HISTORY):
        name, other = _name(), _name()
        async with nodes_of(connect, delays, 2) as nodes:
            for node in nodes:
                await node.subscribe(name, other)
            heads = {node.heads[name] for node in nodes}
            if len(heads) != 1:
                fail(f"two nodes that subscribe to a silent group are told {heads}")
            numbers: dict[int, bytes] = {}

            async def publish(
                node: Node,
                mark: int,
                *,
                name: str = name,
                other: str = other,
                numbers: dict[int, bytes] = numbers,
                history: History | None = history,
            ) -> None:
                for count in range(messages // 2):
                    data = b"%d\0|\xff\n %d" % (mark, count)
                    numbers[await node.publish(name, data, history)] = data
                    await node.publish(other, data, history)

            async with anyio.create_task_group() as group:
                for mark, node in enumerate(nodes):
                    group.start_soon(publish, node, mark)
            (first,) = heads
            expected = sorted(numbers.items())
            if [number for number, _ in expected] != list(
                range(first + 1, first + 1 + len(expected))
            ):
                fail("the numbers of a group's messages do not follow each other, from its head")
            for node in nodes:
                await node.reach(name, first + len(expected))
                if node.received[name] != expected:
                    fail("a node did not get what was published, in the order of the numbers")
                _same_order(node.received[name], messages)


def _same_order(received: list[tuple[int, bytes]], messages: int) -> None:
    for mark in range(2):
        theirs = [data for _, data in received if data.startswith(b"%d" % mark)]
        if theirs != [b"%d\0|\xff\n %d" % (mark, count) for count in range(messages // 2)]:
            fail("what one publishes comes in another order than it was published in")


async def _subscriptions(connect: Callable[[], Backplane], delays: Delays, messages: int) -> None:
    """What is not subscribed to is not handed on; many groups can be."""
    async with nodes_of(connect, delays, 2) as (node, other):
        names = [_name() for _ in range(messages)]
        await node.subscribe(*names)
        await node.subscribe(names[0])
        for name in names:
            # Names that are alike are other groups.
            for alike in (name[:-1], f"{name}:1", name.upper()):
                await other.publish(alike, b"0")
            await other.publish(name, b"1")
        await node.until(lambda: len(node.received) >= len(names), "a message of each group")
        if {*node.received} != {*names}:
            fail("what was not subscribed to is handed on")
        node.backplane.unsubscribe(names[1:])
        node.backplane.unsubscribe(names[1:])
        await node.subscribe(names[0])
        for name in names[::-1]:
            await other.publish(name, b"2")
        await node.until(lambda: len(node.received[names[0]]) > 1, "a message")
        if any(len(node.received[name]) != 1 for name in names[1:]):
            fail("what was unsubscribed from is handed on")
        await node.subscribe(names[1])
        await other.publish(names[1], b"3")
        await node.until(lambda: len(node.received[names[1]]) > 1, "a message")


async def _histories(connect: Callable[[], Backplane], delays: Delays, messages: int) -> None:
    """All of it can be read, or nothing."""
    async with nodes_of(connect, delays, 2) as (node, other):
        name = _name()
        await node.subscribe(name)
        head = node.heads[name]
        await _read(other, name, head, [])
        entries = [
            (await node.publish(name, b"%d" % count, _SHORT), b"%d" % count)
            for count in range(messages)
        ]
        kept = await other.read(name, None)
        if kept != entries[-len(kept) :] or len(kept) < min(messages, _SHORT.messages):
            fail("the last messages are not those that are read with `after=None`")
        for count in range(len(kept)):
            await _read(other, name, kept[count][0], kept[count + 1 :])
        for after in (0, head - 1, entries[-1][0] + 1, 2**53):
            await _lost(other, name, after)
        if len(kept) < messages:
            await _lost(other, name, kept[0][0] - 2)
        await _lost(other, _name(), 5)
        if await other.read(_name(), None):
            fail("a group of which nothing was said has a history")


async def _read(node: Node, name: str, after: int, expected: list[tuple[int, bytes]]) -> None:
    if await node.read(name, after) != expected:
        fail(f"what is read after {after} is not all that came after it")


async def _lost(node: Node, name: str, after: int) -> None:
    try:
        await node.read(name, after)
    except PositionLost:
        return
    fail(f"after {after} is read, though not all of it is kept, or nothing has that number")


async def _joins(connect: Callable[[], Backplane], delays: Delays, messages: int) -> None:
    """What is read, and then what comes: no hole, and nothing twice."""
    name = _name()
    async with nodes_of(connect, delays, 2) as (publisher, joiner):
        await publisher.subscribe(name)
        first = publisher.heads[name]

        async def publish(mark: int) -> None:
            for count in range(messages // 2):
                await publisher.publish(name, b"%d %d" % (mark, count), HISTORY)

        async def join(count: int) -> None:
            after = first + count
            # Who comes back has missed some, the last of which may just be said.
            missed = delays.random.randrange(10)
            await publisher.reach(name, min(after + missed, first + messages))
            await joiner.subscribe(name)
            start = len(joiner.received.get(name, ()))
            entries = await joiner.read(name, after)
            newest = entries[-1][0] if entries else after
            for node in (publisher, joiner):
                await node.reach(name, first + messages)
            entries += [entry for entry in joiner.received[name][start:] if entry[0] > newest]
            if entries != publisher.received[name][count:]:
                fail("who reads the history while others publish misses something")

        async with anyio.create_task_group() as group:
            for mark in range(2):
                group.start_soon(publish, mark)
            for count in range(0, messages, max(1, messages // 20)):
                group.start_soon(join, count)
            await publisher.reach(name, first + messages)


async def _cancellations(connect: Callable[[], Backplane], delays: Delays, messages: int) -> None:
    """It is published, or is not; what comes after it is."""
    name = _name()
    async with nodes_of(connect, delays, 2) as (node, other):
        await node.subscribe(name)
        for count in range(messages // 4):
            with anyio.CancelScope() as scope:
                async with anyio.create_task_group() as group:
                    group.start_soon(node.backplane.publish, name, b"cancelled", None)
                    for _ in range(count % 7):
                        await anyio.lowlevel.checkpoint()
                    scope.cancel()
            data = b"%d" % count
            number = await other.publish(name, data)
            mine = await node.publish(name, data)
            await node.reach(name, mine)
            received = dict(node.received[name])
            if received.get(number) != data or received.get(mine) != data:
                fail("after a publish that was cancelled, another one is not what was said")
        if node.lost:
            fail("a publish that was cancelled leaves a hole in the numbers")


async def _users(connect: Callable[[], Backplane], delays: Delays) -> None:
    """A user is one, on however many nodes; and leaves with the last of them."""
    name = _name()
    heard: list[bytes] = []
    async with nodes_of(connect, delays, 2) as (node, other):
        await node.subscribe(name)

        def data_of() -> list[bytes]:
            return [data for _, data in node.received.get(name, ())]

        async def told(*expected: bytes) -> None:
            await node.publish(name, b".", HISTORY)
            await node.until(lambda: b"." in data_of(), "a message")
            received = data_of()
            if received != [*expected, b"."]:
                fail(f"of users is told {received}, and not {expected} and a dot")
            heard.extend(received)
            node.received[name].clear()

        async with nodes_of(connect, delays, 1) as (third,):
            firsts = [
                await some.enter(name, connection, user, most=3)
                for some, connection, user in (
                    *((node, "1", "cyd"), (other, "1", "cyd"), (other, "2", "bob")),
                    *((third, "1", "cyd"), (third, "2", "ada")),
                )
            ]
            if firsts != [True, False, True, False, True]:
                fail(f"whether each is the first of its user: {firsts}")
            await told(b"+cyd", b"+bob", b"+ada")
            if await other.users(name) != ["cyd", "bob", "ada"]:
                fail("the users are not those that came, in their order")
            try:
                await other.enter(name, "4", "dan", most=3)
            except GroupFullError:
                pass
            else:
                fail("one user too many is let in")
            await other.enter(name, "5", "bob", most=3)
            await node.depart(name, "1", "unknown")
            await other.depart(name, "2", "2")
            await told()
            await other.depart(name, "5")
            await told(b"-bob")
        await node.until(lambda: bool(data_of()), "word of who was on a node that ended")
        await told(b"-ada")
        if await node.users(name) != ["cyd"]:
            fail("the users of a node that ended are there, or others are not")
        await other.depart(name, "1")
        await told(b"-cyd")
        if await node.users(name):
            fail("somebody is there after all have left")
        if [data for _, data in await node.read(name, None)] != heard:
            fail("what is told of users is not what is in the history")


async def _crowds(connect: Callable[[], Backplane], delays: Delays) -> None:
    """Also of those that come at the same time, no more are let in, and one is the first."""
    name, most = _name(), 3
    firsts: list[str] = []
    async with nodes_of(connect, delays, 2) as nodes:

        async def enter(node: Node, user: str) -> None:
            try:
                if await node.enter(name, user, user, most=most):
                    firsts.append(user)
            except GroupFullError:
                pass

        async with anyio.create_task_group() as group:
            for count in range(4 * most):
                for node in nodes:
                    group.start_soon(enter, node, str(count))
        users = await nodes[0].users(name)
        if len(users) != most or sorted(firsts) != sorted(users):
            fail(f"of a crowd, {users} are let in, {firsts} as the first; {most} may be")


async def _disruptions(
    connect: Callable[[], Backplane], delays: Delays, messages: int, disrupt: Disrupt
) -> None:
    """What is lost is told exactly, and can be read."""
    name, kept = _name(), _name()
    async with nodes_of(connect, delays, 2) as nodes:
        for node in nodes:
            await node.subscribe(name, kept)
        first = {it: nodes[0].heads[it] for it in (name, kept)}
        published: dict[tuple[str, int], bytes] = {}
        is_last = is_over = False

        async def publish(node: Node, mark: int) -> None:
            count = 0
            while not is_over:
                count += 1
                for it, history in ((name, None), (kept, HISTORY)):
                    data = b"%d %d" % (mark, count)
                    try:
                        number = await node.publish(it, data, history)
                    except BackplaneError:
                        if is_last:
                            return
                        await anyio.sleep(0.01)
                    else:
                        if number <= first[it] or (it, number) in published:
                            fail("a publisher is told a number that another message has")
                        published[it, number] = data

        async with anyio.create_task_group() as group:
            for mark, node in enumerate(nodes):
                group.start_soon(publish, node, mark)
            for count in range(3):
                before = [node.downs for node in nodes]
                is_last = count == 2
                await disrupt()
                # After the last one nothing is said from which a node could tell that it lost some.
                is_over = is_last
                for node, downs in zip(nodes, before, strict=True):
                    await node.come_back(downs, name, kept)
                if not is_over:
                    await nodes[0].reach(name, nodes[0].heads[name] + messages)
        for node in nodes:
            for it in (name, kept):
                await node.reach(it, max(number for group, number in published if group == it))
            await node.subscribe(name, kept)
            for it in (name, kept):
                received, lost = dict(node.received[it]), node.lost.get(it, 0)
                if len(received) + lost != node.heads[it] - first[it]:
                    fail("what was handed on and what was told to be lost are not all")
                if any(
                    published.get((it, number), data) != data for number, data in received.items()
                ):
                    fail("another message came than was published with its number")
            entries = dict(await node.read(kept, first[kept]))
            if any(
                entries.get(number) != data
                for (it, number), data in published.items()
                if it == kept
            ):
                fail("a message whose publisher was told its number is not in the history")
