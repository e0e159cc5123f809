"""A tcp socket is listened on without asking for the machine's interfaces."""

from __future__ import annotations

import os
import shutil
import socket as sockets
import subprocess
import sys

import pytest
import zmq

from earwitnessd.access.tcp import address_of, listen
from tests.ports import free_port

PROGRAM = """
import sys, zmq
from earwitnessd.access.tcp import listen
socket = zmq.Context().socket(zmq.ROUTER)
listen(socket, sys.argv[1])
socket.bind(sys.argv[1])
print(socket.get_string(zmq.LAST_ENDPOINT))
"""


def test_whoever_connects_is_heard() -> None:
    endpoint = f"tcp://127.0.0.1:{free_port()}"
    with zmq.Context() as context, context.socket(zmq.ROUTER) as served, context.socket(zmq.DEALER) as client:
        for each in (served, client):
            each.set(zmq.LINGER, 0)
        listen(served, endpoint)
        served.bind(endpoint)
        assert served.get_string(zmq.LAST_ENDPOINT) == endpoint
        client.connect(endpoint)
        client.send(b"here")
        assert served.poll(5000)
        assert served.recv_multipart()[1] == b"here"


def test_a_port_that_is_taken_says_so() -> None:
    with (
        sockets.create_server(("127.0.0.1", 0)) as taken,
        zmq.Context() as context,
        context.socket(zmq.ROUTER) as served,
        pytest.raises(OSError, match="in use"),
    ):
        listen(served, f"tcp://127.0.0.1:{taken.getsockname()[1]}")


def test_what_is_no_address_is_left_to_libzmq() -> None:
    assert address_of("tcp://eth0:5556") is None
    assert address_of("tcp://127.0.0.1:*") is None
    anywhere = address_of("tcp://*:5556")
    assert anywhere is not None
    assert (anywhere.host, anywhere.port) == ("0.0.0.0", 5556)


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
@pytest.mark.skipif(sys.platform != "linux", reason="netlink is Linux's")
def test_nothing_asks_for_the_interfaces() -> None:
    traced = ["strace", "-f", "-e", "trace=socket", sys.executable, "-c", PROGRAM]
    endpoint = f"tcp://127.0.0.1:{free_port()}"
    ran = subprocess.run([*traced, endpoint], capture_output=True, text=True, check=False, env=os.environ)
    if ran.returncode != 0 and "ptrace" in ran.stderr:
        pytest.skip("strace may not trace here")
    assert ran.stdout.strip() == endpoint
    assert "AF_INET" in ran.stderr
    assert "AF_NETLINK" not in ran.stderr
