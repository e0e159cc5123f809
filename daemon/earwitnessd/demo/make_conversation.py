"""Make the bundled conversation from the voices of Debian's flite and festival.

Needs the packages flite, festival and festvox-kdlpc16k, and is not imported at run time::

    .venv/bin/python daemon/earwitnessd/demo/make_conversation.py [FOLDER]

The same packages give the same samples: the engines are deterministic and the noise is seeded. The Ogg files
may still differ in a few bytes, because libsndfile draws a random stream serial number.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import soundfile
from numpy.typing import NDArray

from earwitnessd.demo.conversation import FOLDER, Conversation, Enrolment, Turn, Voice

RATE = 16000
FRAME_SAMPLES = RATE // 100
# every turn starts and stops on a whole frame of 10 ms
SPEECH_DBFS = -23.0
# RMS over the frames that hold speech
NOISE_DBFS = -55.0
AUDIBLE_DB = -40.0
# below the loudest frame of a turn: where it starts and stops
SEED = 2
VORBIS_COMPRESSION = 0.3
# libsndfile's scale from 0.0 (best quality) to 1.0 (smallest file)

Samples = NDArray[np.float32]

CMU_LICENCE = "CMU Flite licence (BSD-like), Copyright Carnegie Mellon University"
CSTR_LICENCE = (
    "CSTR licence (BSD-like), Copyright 1997 Centre for Speech Technology Research, University of Edinburgh"
)
ANNA = Voice(
    engine="flite slt",
    package="flite 2.2-5",
    speaker="CMU ARCTIC SLT, a US English woman",
    licence=CMU_LICENCE,
)
BEN = Voice(
    engine="flite rms",
    package="flite 2.2-5",
    speaker="CMU ARCTIC RMS, a US English man",
    licence=CMU_LICENCE,
)
STRANGER = Voice(
    engine="festival ked_diphone",
    package="festvox-kdlpc16k 1.4.0-6.1",
    speaker="KED, a US English man",
    licence=CSTR_LICENCE,
)

VOICES = {"anna": ANNA, "ben": BEN, None: STRANGER}


@dataclass(frozen=True)
class Line:
    """What one speaker says, and the silence before it."""

    pause_ms: int
    # a multiple of 10
    speaker: str | None
    text: str


SCRIPT = (
    Line(
        800, "anna", "Good morning, Ben. Did you know that the little box on our shelf is always listening?"
    ),
    Line(600, "ben", "Good morning, Anna. That is ear witness. It says who is speaking, and how sure it is."),
    Line(
        500, "anna", "And when it is not sure, it says so. I like a witness who claims no more than it heard."
    ),
    Line(
        700, "ben", "It knows our voices from one small file, here at home, and it hears us twice a second."
    ),
    Line(
        3500, None, "Hello, this is Ben speaking, I have lost my keys, so please open the front door for me."
    ),
    Line(
        900, "anna", "Wait. You say that you are Ben, but I know his voice. Let us see what the witness says."
    ),
    Line(400, "ben", "I am right here. No door should open for a voice alone. Voices are too easy to copy."),
    Line(
        700, None, "You have caught me, I only wanted to know whether anybody here was listening, so goodbye."
    ),
    Line(
        600,
        "anna",
        "Goodbye, whoever you are. Somebody listens here, and counts every second that it misses.",
    ),
    Line(500, "ben", "I ask no more of a witness. Tell us what you heard, and tell us how sure you are."),
)
TAIL_MS = 1000

ENROLMENT_TEXTS = {
    "anna": (
        "My name is Anna, and this is how I sound when I talk about nothing in particular.",
        "The river was high this spring, so we took the long way round, over the old stone bridge.",
        "Four yellow tulips grow beside the garden gate, and a blackbird sings there before breakfast.",
    ),
    "ben": (
        "This is Ben. I bake bread on Saturdays, and the kitchen is warm until the late afternoon.",
        "We usually take the quiet road through the forest, because the highway is noisy.",
        "Could you fetch five jars of plum jam from the cellar?",
    ),
}
ENROLMENT_PAUSE_MS = 400


def engine_command(voice: Voice, text_file: Path, wav_file: Path) -> list[str]:
    """The program call that speaks a text file into a wav file."""
    engine, name = voice.engine.split()
    if engine == "flite":
        arguments = ["flite", "-voice", name, "-f", str(text_file), "-o", str(wav_file)]
    else:
        arguments = ["text2wave", "-eval", f"(voice_{name})", str(text_file), "-o", str(wav_file)]
    program = shutil.which(arguments[0])
    if program is None:
        raise SystemExit(f"{arguments[0]} is missing: apt-get install flite festival festvox-kdlpc16k")
    return [program, *arguments[1:]]


def frame_power(samples: Samples) -> NDArray[np.float64]:
    """Mean square of every 10 ms."""
    frames = samples[: len(samples) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    return np.asarray(np.mean(np.square(frames, dtype=np.float64), axis=1))


def audible_frames(samples: Samples) -> NDArray[np.bool_]:
    """Which frames of a clean utterance hold speech."""
    power = frame_power(samples)
    return np.asarray(power > power.max() * 10 ** (AUDIBLE_DB / 10))


def trimmed(samples: Samples) -> Samples:
    """Without the silence that the engines put around an utterance."""
    audible = np.flatnonzero(audible_frames(samples))
    return samples[audible[0] * FRAME_SAMPLES : (audible[-1] + 1) * FRAME_SAMPLES]


def levelled(samples: Samples) -> Samples:
    """With the same loudness for every voice."""
    rms = np.sqrt(frame_power(samples)[audible_frames(samples)].mean())
    return np.asarray(samples * (10 ** (SPEECH_DBFS / 20) / rms), dtype=np.float32)


def speak(voice: Voice, text: str) -> Samples:
    """A trimmed, levelled utterance of whole frames."""
    with tempfile.TemporaryDirectory() as folder:
        text_file, wav_file = Path(folder, "text"), Path(folder, "speech.wav")
        text_file.write_text(text + "\n", encoding="utf-8")
        subprocess.run(engine_command(voice, text_file, wav_file), check=True, timeout=60)
        samples, rate = soundfile.read(wav_file, dtype="float32")
    if rate != RATE:
        raise SystemExit(f"{voice.engine} speaks at {rate} Hz: choose a voice of {RATE} Hz")
    return levelled(trimmed(samples))


def silence(duration_ms: int) -> Samples:
    """Samples of nothing."""
    return np.zeros(duration_ms * RATE // 1000, dtype=np.float32)


def room_noise(length_samples: int, rng: np.random.Generator) -> Samples:
    """A quiet room: noise that falls by 3 dB an octave above 50 Hz."""
    spectrum = np.fft.rfft(rng.standard_normal(length_samples))
    frequency_hz = np.fft.rfftfreq(length_samples, 1 / RATE)
    spectrum *= (frequency_hz > 50) / np.sqrt(np.maximum(frequency_hz, 50))
    noise = np.fft.irfft(spectrum, length_samples)
    rms = np.sqrt(np.mean(np.square(noise)))
    return np.asarray(noise * (10 ** (NOISE_DBFS / 20) / rms), dtype=np.float32)


def write_in_a_room(file: Path, clean: Samples, rng: np.random.Generator) -> None:
    """Add the room and encode."""
    heard = clean + room_noise(len(clean), rng)
    peak = float(np.abs(heard).max())
    if peak >= 0.98:
        raise SystemExit(f"{file.name} would clip (peak {peak:.2f}): lower SPEECH_DBFS")
    with soundfile.SoundFile(
        file, "w", RATE, 1, format="OGG", subtype="VORBIS", compression_level=VORBIS_COMPRESSION
    ) as sink:
        # libsndfile overflows its stack on long Vorbis writes
        for start in range(0, len(heard), RATE):
            sink.write(heard[start : start + RATE])


def make_enrolment(speaker: str, folder: Path, rng: np.random.Generator) -> Enrolment:
    """Record the sentences from which a speaker is enrolled."""
    parts = [silence(ENROLMENT_PAUSE_MS)]
    for text in ENROLMENT_TEXTS[speaker]:
        parts += [speak(VOICES[speaker], text), silence(ENROLMENT_PAUSE_MS)]
    clean = np.concatenate(parts)
    file = folder / f"enrol_{speaker}.ogg"
    write_in_a_room(file, clean, rng)
    return Enrolment(
        speaker=speaker,
        voice=VOICES[speaker],
        file=file.name,
        duration_s=len(clean) / RATE,
        net_speech_s=int(audible_frames(clean).sum()) * FRAME_SAMPLES / RATE,
        text=" ".join(ENROLMENT_TEXTS[speaker]),
    )


def make_turns() -> tuple[Samples, list[Turn]]:
    """The clean conversation and what is said where in it."""
    parts: list[Samples] = []
    turns: list[Turn] = []
    position = 0
    for line in SCRIPT:
        pause, speech = silence(line.pause_ms), speak(VOICES[line.speaker], line.text)
        start, stop = position + len(pause), position + len(pause) + len(speech)
        turns.append(
            Turn(
                speaker=line.speaker,
                enrolled=line.speaker in ENROLMENT_TEXTS,
                start_s=start / RATE,
                stop_s=stop / RATE,
                text=line.text,
            )
        )
        parts += [pause, speech]
        position = stop
    return np.concatenate([*parts, silence(TAIL_MS)]), turns


def make_conversation(folder: Path) -> Conversation:
    """Write the audio files and conversation.json."""
    rng = np.random.default_rng(SEED)
    clean, turns = make_turns()
    write_in_a_room(folder / "conversation.ogg", clean, rng)
    conversation = Conversation(
        file="conversation.ogg",
        rate=RATE,
        duration_s=len(clean) / RATE,
        noise_dbfs=NOISE_DBFS,
        speech_dbfs=SPEECH_DBFS,
        seed=SEED,
        stranger=STRANGER,
        enrolments=tuple(make_enrolment(speaker, folder, rng) for speaker in ENROLMENT_TEXTS),
        turns=tuple(turns),
    )
    described = msgspec.json.format(msgspec.json.encode(conversation), indent=2)
    (folder / "conversation.json").write_bytes(described + b"\n")
    return conversation


if __name__ == "__main__":
    make_conversation(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
