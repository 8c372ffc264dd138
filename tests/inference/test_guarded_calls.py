"""Calls to where a tenant says: the address that is connected to is the one that was asked for, or there is no call."""

import asyncio
from dataclasses import dataclass, field
from ipaddress import ip_address

import pytest

from acron_site.lib.errors import UpstreamError, UpstreamTimeoutError, UpstreamUnreachableError
from acron_site.lib.outbound import Address, Reach, reach_from
from inference.providers.base import Call
from inference.providers.transport import HttpTransport
from tests.inference import stub

OK = (stub.answer({"fine": True}),)


@dataclass(frozen=True, slots=True)
class Remembering(Reach):
    """Admits what it is told to, and remembers what it was asked."""

    asked: list[str] = field(default_factory=list)

    def admits(self, address: Address) -> bool:
        self.asked.append(str(address))
        return Reach.admits(self, address)


def call(url: str) -> Call:
    return Call(url=url, headers={"Authorization": "Bearer sk-own"}, body=b"{}", stream=False)


async def sent(reach: Reach, url: str) -> int:
    transport = HttpTransport(connect_timeout_seconds=1, reach=reach)
    try:
        reply = await transport.send(call(url))
        await reply.read()
        return reply.status
    finally:
        await transport.close()


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "LOCALHOST", "localhost.", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0.0.0.0", "[::]"],
)
async def test_an_inner_address_is_not_connected_to_however_it_is_named(host):
    async with stub.serve(OK) as inner:
        port = inner.url.rpartition(":")[2]

        with pytest.raises(UpstreamUnreachableError):
            await sent(Reach(), f"http://{host}:{port}/v1")

        assert inner.connections == 0


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1"])
async def test_nor_is_one_that_is_written_as_a_number(host):
    async with stub.serve(OK) as inner:
        port = inner.url.rpartition(":")[2]

        with pytest.raises(UpstreamError):
            await sent(Reach(), f"http://{host}:{port}/v1")

        assert inner.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_listed_network_is_reached_by_address_and_by_name(host):
    async with stub.serve(OK) as listed:
        port = listed.url.rpartition(":")[2]

        assert await sent(reach_from("127.0.0.0/8"), f"http://{host}:{port}/v1") == 200


async def test_what_a_name_leads_to_is_asked_at_the_connection_and_each_time_anew():
    reach = Remembering(networks=reach_from("127.0.0.1").networks)
    async with stub.serve((stub.answer({}, headers={"Connection": "close"}),)) as provider:
        url = f"http://localhost:{provider.url.rpartition(':')[2]}/v1"
        transport = HttpTransport(reach=reach)
        for _ in range(2):  # the second time the name is known, the address is asked for all the same
            await (await transport.send(call(url))).read()
        await transport.close()

    assert reach.asked.count("127.0.0.1") == 2
    assert {ip_address(each).is_loopback for each in reach.asked} == {True}


async def test_a_name_that_does_not_exist_is_as_unreachable_as_an_inner_one():
    with pytest.raises(UpstreamUnreachableError) as unknown:
        await sent(Reach(), "http://nobody.invalid/v1")
    with pytest.raises(UpstreamUnreachableError) as inner:
        await sent(Reach(), "http://localhost:1/v1")

    assert unknown.value.message.replace("nobody.invalid", "") == inner.value.message.replace("localhost", "")


async def test_of_one_server_only_so_many_connections_are_held():
    transport = HttpTransport(connect_timeout_seconds=0.2, max_connections_per_host=2)
    async with stub.serve((stub.Fault.HANG,)) as slow, stub.serve(OK) as other:
        waiting = [asyncio.ensure_future(transport.send(call(slow.url))) for _ in range(3)]
        with pytest.raises(UpstreamTimeoutError):
            await next(asyncio.as_completed(waiting))

        assert slow.connections == 2
        assert (await transport.send(call(other.url))).status == 200
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await transport.close()
