"""Silero in C hears what it hears by numpy, whatever the CPU has units for."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import numpy as np
import pytest

from earwitnessd.demo.conversation import FOLDER, load_conversation
from earwitnessd.native.compiling import NATIVE, CompileError, Sources
from earwitnessd.native.cpu import cpu_flags
from earwitnessd.settings.speech_gate import SpeechGateSettings
from earwitnessd.speech import open_gate, silero
from earwitnessd.speech.gate import Samples
from earwitnessd.speech.silero import SileroGate
from earwitnessd.speech.silero_compiled import GATE, Compiled, CompiledGate
from earwitnessd.speech.silero_network import CHUNK, Layers, SileroNetwork
from earwitnessd.speech.silero_weights import silero_weights

soundfile = pytest.importorskip("soundfile")
pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
LAYERS = Layers.of(silero_weights())
TOLERANCE = 2e-5
WIDTHS = {
    "as wide as this CPU": ((NATIVE,), set()),
    "four lanes": ((), set()),
    "eight lanes": (("-mavx2", "-mfma"), {"avx2", "fma"}),
    "sixteen lanes": (("-mavx512f",), {"avx512f"}),
}


@pytest.fixture(scope="module", params=WIDTHS)
def compiled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    flags, needed = WIDTHS[request.param]
    if lacking := needed - (cpu_flags() or set()):
        pytest.skip(f"this CPU lacks {', '.join(sorted(lacking))}")
    file = tmp_path_factory.mktemp("silero") / "silero.so"
    Sources("silero", GATE.what, GATE.folder, flags, GATE.libraries).compile(file)
    return Compiled(file, LAYERS)


@pytest.fixture(scope="module")
def conversation() -> Samples:
    """Speech with pauses, then some noise, and a few samples more than whole chunks."""
    heard, _ = soundfile.read(FOLDER / load_conversation().file, dtype="float32", frames=20 * 16_000)
    noise = np.random.default_rng(1).standard_normal(2 * 16_000 + 77) * 0.05
    samples: Samples = np.concatenate([heard, noise.astype(np.float32)])
    return samples


def by_numpy() -> SileroGate:
    return SileroGate(SileroNetwork(LAYERS))


def test_every_probability_is_numpys(compiled: Compiled, conversation: Samples) -> None:
    ours, numpys = CompiledGate(compiled).push(conversation), by_numpy().push(conversation)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, numpys, atol=TOLERANCE)
    assert ours.min() < 0.05
    assert ours.max() > 0.95


def test_blocks_of_any_size_are_heard_as_the_whole(compiled: Compiled, conversation: Samples) -> None:
    gate, at, heard = CompiledGate(compiled), 0, []
    sizes = np.random.default_rng(2)
    while at < len(conversation):
        size = int(sizes.integers(0, 12 * CHUNK))
        heard.append(gate.push(conversation[at : at + size]))
        at += size
    np.testing.assert_allclose(
        np.concatenate(heard), CompiledGate(compiled).push(conversation), atol=TOLERANCE
    )


def test_what_is_no_number_is_forgotten_as_by_numpy(compiled: Compiled, conversation: Samples) -> None:
    broken = conversation.copy()
    broken[5 * 16_000] = np.nan
    broken[9 * 16_000] = -np.inf
    broken[12 * 16_000 : 12 * 16_000 + 5000] = np.nan
    broken[::5000] *= 40.0
    ours, numpys = CompiledGate(compiled).push(broken), by_numpy().push(broken)
    np.testing.assert_allclose(ours, numpys, atol=TOLERANCE)
    assert np.count_nonzero(ours == 0.0) == np.count_nonzero(numpys == 0.0) >= 9


def test_samples_of_another_kind_are_taken_too(compiled: Compiled, conversation: Samples) -> None:
    whole, read_only = CompiledGate(compiled).push(conversation), conversation.copy()
    read_only.setflags(write=False)
    for samples in (read_only, np.repeat(conversation, 2)[::2]):
        np.testing.assert_array_equal(CompiledGate(compiled).push(samples), whole)


def test_a_reset_forgets_everything(compiled: Compiled, conversation: Samples) -> None:
    gate = CompiledGate(compiled)
    first = gate.push(conversation[:100_000])
    gate.reset()
    np.testing.assert_array_equal(gate.push(conversation[:100_000]), first)


def test_without_a_compiler_numpy_hears_and_it_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_self: Sources, _cache: Path) -> Path:
        raise CompileError("there is no C compiler")

    monkeypatch.setattr(Sources, "library", refuse)
    silero._compiled.cache_clear()
    try:
        with caplog.at_level(logging.INFO, logger=silero.__name__):
            gates = [open_gate(SpeechGateSettings()) for _ in range(2)]
    finally:
        silero._compiled.cache_clear()
    assert all(isinstance(gate, SileroGate) for gate in gates)
    assert caplog.messages == ["the speech gate takes twice as long: there is no C compiler"]


def test_where_there_is_a_compiler_it_is_compiled() -> None:
    assert isinstance(open_gate(SpeechGateSettings()), CompiledGate)


def test_a_damaged_library_is_said(tmp_path: Path) -> None:
    (tmp_path / "silero.so").write_bytes(b"\x7fELF, but no more")
    with pytest.raises(CompileError, match="cannot be loaded"):
        Compiled(tmp_path / "silero.so", LAYERS)
