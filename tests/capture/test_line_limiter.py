from __future__ import annotations

from earwitnessd.capture.line_limiter import LINES, LONGEST_LINE, WINDOW_S, LineLimiter


def test_lines_come_out_whole_however_they_came_in() -> None:
    limiter = LineLimiter()
    assert limiter.feed(b"one\ntw", 0.0) == ["one"]
    assert limiter.feed(b"o\n\n", 0.1) == ["two"]
    assert limiter.feed(b"three", 0.2) == []
    assert limiter.finish() == ["three"]


def test_a_flood_is_cut_counted_and_said_when_the_window_is_over() -> None:
    limiter = LineLimiter()
    flood = b"ALSA lib: device gone\n" * 1000
    assert len(limiter.feed(flood, 0.0)) == LINES
    assert limiter.feed(flood, 1.0) == []
    assert limiter.summary(WINDOW_S - 0.1) == []
    assert limiter.summary(WINDOW_S) == ["(1990 more lines in 10 s)"]
    assert limiter.dropped == 1990
    assert limiter.feed(b"again\n", WINDOW_S + 0.1) == ["again"]


def test_an_endless_line_takes_no_memory() -> None:
    limiter = LineLimiter()
    for _ in range(100):
        assert limiter.feed(b"x" * 65_536, 0.0) == []
    (line,) = limiter.feed(b"\n", 0.0)
    assert len(line) == LONGEST_LINE


def test_bytes_that_are_not_text_do_no_harm() -> None:
    assert LineLimiter().feed(b"\xff\xfe\n", 0.0) == ["��"]
