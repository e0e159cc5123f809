"""One page over HTTP: whoever asks properly gets it, whoever does not costs nothing."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from earwitnessd.metrics.scrape import (
    LONGEST_REQUEST,
    MOST_CLIENTS,
    MetricsError,
    ScrapeServer,
)
from earwitnessd.settings.addresses import Address

ANY_PORT = Address("127.0.0.1", 0)
GET = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
WITHIN_S = 10.0


class Page:
    """Counts how often it was made."""

    def __init__(self, text: bytes = b"up 1\n") -> None:
        self.text = text
        self.made = 0

    def __call__(self) -> bytes:
        self.made += 1
        return self.text


@pytest.fixture
def page() -> Page:
    return Page()


@pytest.fixture
def server(page: Page) -> Iterator[ScrapeServer]:
    made = ScrapeServer(ANY_PORT, page)
    yield made
    made.close()


def connect(server: ScrapeServer) -> socket.socket:
    client = socket.create_connection((server.address.host, server.address.port), timeout=WITHIN_S)
    client.setblocking(False)
    return client


def serve_until(server: ScrapeServer, done: Callable[[], bool]) -> None:
    """As the main thread's loop does."""
    deadline_s = time.monotonic() + WITHIN_S
    while not done():
        assert time.monotonic() < deadline_s
        if select.select([server.fileno()], [], [], 0.02)[0]:
            server.on_ready()


def answer(server: ScrapeServer, client: socket.socket) -> bytes:
    """Everything until the server closes the connection."""
    got: list[bytes] = []

    def over() -> bool:
        try:
            while data := client.recv(1 << 16):
                got.append(data)
        except BlockingIOError:
            return False
        except ConnectionResetError:
            return True
        return True

    serve_until(server, over)
    client.close()
    return b"".join(got)


def ask(server: ScrapeServer, request: bytes) -> bytes:
    client = connect(server)
    client.sendall(request)
    return answer(server, client)


def test_a_scrape_gets_the_page_and_its_length(server: ScrapeServer) -> None:
    head, _, body = ask(server, GET).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Content-Type: text/plain; version=0.0.4" in head
    assert b"Content-Length: 5\r\n" in head
    assert body == b"up 1\n"
    assert server.clients == 0


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET / HTTP/1.1", b"404"),
        (b"GET /metrics?name=up HTTP/1.0", b"200"),
        (b"POST /metrics HTTP/1.1", b"405"),
        (b"\xff\x00\x13", b"400"),
        (b"", b"400"),
        (b"GET /metrics", b"400"),
        (b"GET /metrics SPDY/3", b"400"),
    ],
)
def test_what_is_no_scrape_is_told_so(server: ScrapeServer, request_line: bytes, status: bytes) -> None:
    assert ask(server, request_line + b"\r\n\r\n").startswith(b"HTTP/1.1 " + status)


def test_head_gets_no_body(server: ScrapeServer) -> None:
    assert ask(server, GET.replace(b"GET", b"HEAD")).endswith(b"\r\n\r\n")


def test_a_request_may_come_in_pieces(server: ScrapeServer) -> None:
    client = connect(server)
    for number in range(len(GET)):
        client.send(GET[number : number + 1])
        server.on_ready()
    assert b"200 OK" in answer(server, client)


def test_an_endless_request_is_cut_off(server: ScrapeServer, page: Page) -> None:
    client = connect(server)
    client.send(b"GET /metrics HTTP/1.1\r\nX: " + b"x" * LONGEST_REQUEST)
    assert answer(server, client).startswith(b"HTTP/1.1 431")
    assert page.made == 0


def test_who_only_connects_shuts_nobody_out(server: ScrapeServer) -> None:
    silent = [connect(server) for _ in range(MOST_CLIENTS)]
    serve_until(server, lambda: server.clients == MOST_CLIENTS)
    silent += [connect(server) for _ in range(MOST_CLIENTS // 2)]
    assert ask(server, GET).endswith(b"up 1\n")
    assert server.clients <= MOST_CLIENTS
    for client in silent:
        client.close()
    serve_until(server, lambda: server.clients == 0)


def test_who_reads_nothing_is_dropped_in_time() -> None:
    server = ScrapeServer(ANY_PORT, Page(b"x" * (32 << 20)), client_limit_s=0.0)
    client = connect(server)
    client.sendall(GET)
    serve_until(server, lambda: server.clients == 1)
    server.on_ready()
    server.expire()
    assert server.clients == 0
    client.close()
    server.close()


def test_a_large_page_arrives_whole(server: ScrapeServer, page: Page) -> None:
    page.text = b"y" * (8 << 20)
    assert ask(server, GET).partition(b"\r\n\r\n")[2] == page.text


def test_asking_fast_does_not_make_the_page_more_often(server: ScrapeServer, page: Page) -> None:
    began_s = time.monotonic()
    for _ in range(50):
        ask(server, GET)
    assert page.made <= 1 + (time.monotonic() - began_s) / 0.2


def test_who_leaves_in_the_middle_is_forgotten(server: ScrapeServer) -> None:
    client = connect(server)
    client.send(b"GET /met")
    serve_until(server, lambda: server.clients == 1)
    client.close()
    serve_until(server, lambda: server.clients == 0)


def test_a_port_that_is_taken_is_said(server: ScrapeServer, page: Page) -> None:
    with pytest.raises(MetricsError, match="cannot listen there: Address already in use"):
        ScrapeServer(server.address, page)
