"""`earwitnessd serve-embeddings`: engines of a Ray cluster for the daemons of other machines."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from earwitnessd.cli.options import CANNOT_START, ENGINE_FAILED, UNUSABLE, one_line


def serve_embeddings(
    listen: Annotated[
        str, typer.Option(help="Where daemons connect: tcp://ADDRESS:PORT or ipc://PATH.")
    ] = "tcp://127.0.0.1:7803",
    model: Annotated[str, typer.Option(help="As in the daemons' settings.")] = "builtin",
    replicas: Annotated[str, typer.Option(help="A number, or LEAST:MOST to grow with the queue.")] = "1",
    gpus_per_replica: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="0.25: four replicas share a GPU; 0: on the CPU.")
    ] = 0.0,
    cpus_per_replica: Annotated[float, typer.Option(min=0.1, max=256.0, help="Also its threads.")] = 1.0,
    precision: Annotated[str, typer.Option(help="exact, fast or auto, as in the settings.")] = "exact",
    window: Annotated[float, typer.Option(min=0.5, max=20.0, help="Seconds of the daemons' windows.")] = 3.0,
    address: Annotated[
        str | None,
        typer.Option(
            help="The Ray cluster to join: HOST:PORT of its head, or auto. Without it, one is made here.",
            show_default=False,
        ),
    ] = None,
    secret_key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", dir_okay=False, show_default=False, help="The gate's .key_secret."),
    ] = None,
    clients: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", file_okay=False, show_default=False, help="Public keys (*.key) that may come in."
        ),
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="tcp without keys: everybody on the network may.")
    ] = False,
    queued: Annotated[int, typer.Option(min=0, help="Requests that may wait; more are refused.")] = 64,
    name: Annotated[str, typer.Option(help="Of the Ray Serve application.")] = "earwitness",
    unit: Annotated[
        bool,
        typer.Option("--unit", help="Only print its systemd unit: save it as earwitness-embeddings.service."),
    ] = False,
) -> None:
    """Deploy the engine as a Ray Serve application, and let daemons use it (their setting engine.remote).

    Needs the extra `ray`. Every node of the cluster needs this earwitness and the model under the same name.
    Runs until it is stopped; when the cluster is lost, it begins anew until it is back.
    """
    if unit:
        from earwitnessd.install.allowances import homes_drop_in
        from earwitnessd.install.ground import installation
        from earwitnessd.install.units import SHIPPED_PROGRAMS, shipped

        programs = Path(sys.executable).absolute().parent
        print(shipped("earwitness-embeddings.service").replace(SHIPPED_PROGRAMS, f"{programs}/"))
        print(homes_drop_in(installation()), end="")
        return
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from earwitnessd.engines import EmbedError
    from earwitnessd.logs import log_to_stderr
    from earwitnessd.models import ModelError, open_model
    from earwitnessd.models.record import sha256_of
    from earwitnessd.serving.cluster import ClusterLostError
    from earwitnessd.serving.run import Entrance
    from earwitnessd.serving.run import serve_embeddings as serve
    from earwitnessd.serving.supervisor import as_child, supervise
    from earwitnessd.serving.wish import Replicas, ServingError, Wish, known_precision

    try:
        entrance = Entrance.checked(listen, secret_key, clients, insecure=insecure)
        found = open_model(model)
        wish = Wish(
            model=model,
            model_id=found.model_id,
            weights=sha256_of(found.weights),
            precision=known_precision(precision),
            replicas=Replicas.parse(replicas),
            gpus=gpus_per_replica,
            cpus=cpus_per_replica,
            window_s=window,
            queued=queued,
        )
    except (ServingError, ModelError) as error:
        print(f"earwitnessd serve-embeddings: {one_line(error)}", file=sys.stderr)
        raise typer.Exit(UNUSABLE) from None
    log_to_stderr("info")
    tell = as_child()
    if tell is None:
        raise typer.Exit(supervise(sys.argv[1:]))
    try:
        serve(address, wish, entrance, name, tell)
    except ClusterLostError as error:
        print(f"earwitnessd serve-embeddings: the cluster is lost: {one_line(error)}", file=sys.stderr)
        raise typer.Exit(ENGINE_FAILED) from None
    except (ServingError, EmbedError) as error:
        print(f"earwitnessd serve-embeddings: {one_line(error)}", file=sys.stderr)
        raise typer.Exit(CANNOT_START) from None
