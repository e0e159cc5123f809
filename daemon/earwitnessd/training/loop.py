"""The training loop: steps, averages, checkpoints, now and then the dev set."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional
from transformers import WavLMForXVector

from earwitnessd.training import checkpoint, network, normalisation, schedule
from earwitnessd.training.augmentation import Augmenter, Degraded
from earwitnessd.training.export import export
from earwitnessd.training.losses import MarginHead, TeacherHead
from earwitnessd.training.optimiser import Optimisers
from earwitnessd.training.precision import choose_bf16
from earwitnessd.training.sampling import Crops, CropSampler
from earwitnessd.training.settings import TrainSettings
from earwitnessd.training.teacher import Teacher

DevError = Callable[[Callable[[NDArray[np.float32]], NDArray[np.float32]]], float]
# given a way to embed equally long waves, the equal error rate (fraction)
Step = tuple[Crops, Degraded]

CENTRE_STEPS = 20


@dataclass(frozen=True)
class Progress:
    """Where a run is."""

    step: int
    done: float
    # share of the run, 0-1
    minutes: float
    loss: float
    # moving average
    learning_rate: float
    dev_eer: float | None
    # fraction, of the averaged weights


class Trainer:
    """One run on one device; owned by the thread that calls `run`. One other thread draws crops ahead."""

    def __init__(
        self,
        settings: TrainSettings,
        sampler: CropSampler,
        augmenter: Augmenter,
        teacher: Teacher | None,
        output: Path,
        device: torch.device,
    ) -> None:
        torch.manual_seed(settings.seed)
        self._settings, self._sampler, self._augmenter = settings, sampler, augmenter
        self._teacher, self._output, self._device = teacher, output, device
        student, self._normalise = network.build(settings.model)
        if settings.model.batch_normalise and not settings.model.start:
            normalisation.insert(student)
        dimensions = student.config.xvector_output_dim
        heads: dict[str, nn.Module] = {}
        if settings.margin.weight > 0:
            heads["margin"] = MarginHead(dimensions, sampler.classes, settings.margin.scale)
        if teacher:
            heads["teacher"] = TeacherHead(dimensions, teacher.dimensions, settings.distillation)
        self._student: WavLMForXVector = student.to(device)
        self._heads = nn.ModuleDict(heads).to(device)
        self._average = copy.deepcopy(self._student).eval()
        network.keep_first_layer_exact(self._student, device)
        self._optimisers = Optimisers(self._student, self._heads, settings.schedule)
        self._step, self._minutes, self._loss = 0, 0.0, float("nan")
        self._dev_eer: float | None = None

    def resume(self) -> int:
        """Go on from the checkpoint in the output folder, if there is one; the number of steps done."""
        state = checkpoint.load(self._output, self._settings)
        if state is not None:
            self._student.load_state_dict(state["student"])
            self._average.load_state_dict(state["average"])
            self._heads.load_state_dict(state["heads"])
            self._optimisers.load_state_dict(state["optimisers"])
            self._step, self._minutes, self._loss = state["step"], state["minutes"], state["loss"]
        return self._step

    def run(self, dev_error: DevError | None, report: Callable[[Progress], None]) -> None:
        """Train until the schedule ends, then write the averaged weights to `output/model`."""
        limits = self._settings.schedule
        if self._teacher:
            # Not from `step` on: a resumed run must find the same centre.
            self._teacher.find_centre(self._draw(step)[1].plain for step in range(CENTRE_STEPS))
        bf16 = choose_bf16(
            self._student, self._prepared(self._draw(self._step)[1].heard), self._settings.precision
        )
        clock, saved, judged = time.monotonic(), self._minutes, self._minutes
        began = clock - 60 * self._minutes
        with ThreadPoolExecutor(1, thread_name_prefix="crops") as ahead:
            coming = ahead.submit(self._draw, self._step)
            while (done := schedule.share_done(limits, self._step, self._minutes)) < 1.0:
                current, coming = coming, ahead.submit(self._draw, self._step + 1)
                self._learn(current, done, bf16)
                self._minutes = (time.monotonic() - began) / 60
                if self._minutes - saved >= limits.checkpoint_minutes:
                    saved = self._minutes
                    self.save()
                if dev_error and self._minutes - judged >= limits.dev_minutes:
                    judged = self._minutes
                    self._dev_eer = dev_error(self._embed)
                report(self._progress(done))
            coming.cancel()
        self.save()
        final = normalisation.folded(self._average)
        export(final, self._normalise, self._output / "model")
        if dev_error:
            self._dev_eer = dev_error(
                lambda waves: network.embed(final, self._normalise, self._device, waves)
            )
        report(self._progress(1.0))

    def save(self) -> None:
        """Write the checkpoint, and the averaged weights as a model."""
        state: dict[str, Any] = {
            "student": self._student.state_dict(),
            "average": self._average.state_dict(),
            "heads": self._heads.state_dict(),
            "optimisers": self._optimisers.state_dict(),
            "step": self._step,
            "minutes": self._minutes,
            "loss": self._loss,
        }
        checkpoint.save(self._output, self._settings, state)
        export(normalisation.folded(self._average), self._normalise, self._output / "model")

    def _draw(self, step: int) -> Step:
        # Seeded by the step, not by what was drawn before: a resumed run sees what the whole run would have.
        random = np.random.default_rng([self._settings.seed, step])
        crops = self._sampler.draw(random)
        return crops, self._augmenter.degrade(crops.waves, random)

    def _prepared(self, waves: NDArray[np.float32]) -> torch.Tensor:
        return network.prepared(waves, self._normalise, self._device)

    def _learn(self, drawn: Future[Step], done: float, bf16: bool) -> None:
        settings = self._settings
        crops, degraded = drawn.result()
        torch.manual_seed(settings.seed + self._step)  # dropout, too, depends on the step alone
        self._student.train()
        with torch.autocast(self._device.type, torch.bfloat16, enabled=bf16):
            vectors = self._student(self._prepared(degraded.heard)).embeddings
        unit = functional.normalize(vectors.float())
        loss = unit.new_zeros(())
        # Without a teacher there is nothing to wait for.
        alone = self._teacher is None
        if (weight := schedule.margin_weight(settings.margin, 1.0 if alone else done)) > 0:
            labels = torch.from_numpy(crops.label).to(self._device)
            loss = weight * self._heads["margin"](unit, labels, schedule.margin(settings.margin, done))
        if self._teacher:
            loss = loss + self._heads["teacher"](unit, self._teacher.targets(degraded.plain))
        torch.autograd.backward(loss)
        self._optimisers.step(schedule.rate_share(settings.schedule, self._step, done))
        self._step += 1
        self._follow()
        value = float(loss.detach())
        self._loss = value if self._loss != self._loss else 0.98 * self._loss + 0.02 * value

    def _follow(self) -> None:
        """Move the average; at the start it follows faster, else it would remember the random weights."""
        decay = min(self._settings.schedule.ema_decay, (1 + self._step) / (10 + self._step))
        with torch.no_grad():
            torch._foreach_lerp_(_tensors(self._average), _tensors(self._student), 1 - decay)

    def _embed(self, waves: NDArray[np.float32]) -> NDArray[np.float32]:
        return network.embed(self._average, self._normalise, self._device, waves)

    def _progress(self, done: float) -> Progress:
        limits = self._settings.schedule
        rate = limits.peak_learning_rate * schedule.rate_share(limits, self._step, done)
        return Progress(self._step, done, self._minutes, self._loss, rate, self._dev_eer)


def _tensors(student: nn.Module) -> list[torch.Tensor]:
    """Parameters, and the running statistics of normalisations."""
    statistics = [buffer for buffer in student.buffers() if buffer.is_floating_point()]
    return [*student.parameters(), *statistics]
