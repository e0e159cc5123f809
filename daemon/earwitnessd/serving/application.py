"""The Ray Serve application: replicas that batch requests, grow with the queue, and are tested by Ray."""

from __future__ import annotations

import time
from typing import Any

from ray import serve
from ray.serve.handle import DeploymentHandle

from earwitnessd.serving.replica import Due, EmbeddingReplica
from earwitnessd.serving.wish import Wish
from earwitnessd.serving.work import Answered, Asked

REQUESTS_AT_ONCE = 8
# of which one batch is made
GATHER_S = 0.002
# a request waits so long for others; an engine that is busy gathers by itself
HEALTH_EVERY_S = 10.0
HEALTH_WITHIN_S = 30.0
ENDED_WITHIN_S = 5.0


class Embeddings:
    """A replica as Ray Serve calls it; the work is `EmbeddingReplica`'s."""

    def __init__(self, wish: Wish) -> None:
        self._replica = EmbeddingReplica(wish)

    @serve.batch(max_batch_size=REQUESTS_AT_ONCE, batch_wait_timeout_s=GATHER_S)
    async def _together(self, asked: list[Due]) -> list[Answered]:
        return await self._replica.embed(asked)

    async def embed(self, asked: Asked) -> Answered:
        """With whatever else is there."""
        answered: Answered = await self._together(Due(asked.samples, time.monotonic() + asked.within_s))
        return answered

    async def check_health(self) -> None:
        """Called by Ray Serve; raising replaces the replica."""
        await self._replica.check()


def deploy(wish: Wish, name: str) -> DeploymentHandle[Any]:
    """Run it in the cluster this process is connected to, or change what runs there; waits until it is up."""
    deployment = serve.deployment(
        name="Embeddings",
        ray_actor_options={"num_cpus": wish.cpus, "num_gpus": wish.gpus},
        max_ongoing_requests=2 * REQUESTS_AT_ONCE,
        max_queued_requests=wish.queued,
        health_check_period_s=HEALTH_EVERY_S,
        health_check_timeout_s=HEALTH_WITHIN_S,
        graceful_shutdown_timeout_s=ENDED_WITHIN_S,
        **_scaling(wish),
    )
    return serve.run(deployment(Embeddings).bind(wish), name=name, route_prefix=None)


def _scaling(wish: Wish) -> dict[str, Any]:
    if wish.replicas.least == wish.replicas.most:
        return {"num_replicas": wish.replicas.least}
    return {
        "num_replicas": None,
        "autoscaling_config": {
            "min_replicas": wish.replicas.least,
            "initial_replicas": wish.replicas.least,
            "max_replicas": wish.replicas.most,
            "target_ongoing_requests": REQUESTS_AT_ONCE,
        },
    }
