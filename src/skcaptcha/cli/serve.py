"""The command ``serve``."""

# ruff: noqa: PLC0415 - heavy imports are late, so that --help is fast

from __future__ import annotations

from typing import Annotated

import typer

from skcaptcha.cli._console import note, say
from skcaptcha.cli._options import Trust, within

EXAMPLE = "skcaptcha serve artifacts/model.joblib --port 8000"


def serve(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="Model files written by fit; NAME=FILE gives a model another name than that of "
            "its file.",
        ),
    ],
    *,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Address to listen on; 0.0.0.0 lets other machines connect.",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            metavar="N", callback=within(0, 65535), help="Port to listen on; 0 uses any free port."
        ),
    ] = 8000,
    token: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            envvar="SKCAPTCHA_TOKEN",
            show_envvar=False,
            help="Secret that requests must carry; better in the variable SKCAPTCHA_TOKEN, because "
            "others can list the arguments of programs.",
        ),
    ] = None,
    workers: Annotated[
        int,
        typer.Option(
            metavar="N",
            callback=within(1, 256),
            help="Number of processes that read images; each loads the models.",
        ),
    ] = 1,
    reload: Annotated[
        bool,
        typer.Option(
            "--reload",
            help="Load a model again when its file changes; the old one answers until the new one "
            "is checked.",
        ),
    ] = False,
    trust: Trust = False,
    max_images: Annotated[
        int,
        typer.Option(
            metavar="N", callback=within(1, 10_000), help="Maximum number of images in a request."
        ),
    ] = 64,
    max_bytes: Annotated[
        int,
        typer.Option(
            metavar="N", callback=within(1, 2**31), help="Maximum size of a request in bytes."
        ),
    ] = 2**25,
    max_total_bytes: Annotated[
        int,
        typer.Option(
            metavar="N",
            callback=within(1, 2**40),
            help="Maximum size of all requests together that are not answered yet, in bytes; "
            "further ones get status 503.",
        ),
    ] = 2**28,
    max_queued: Annotated[
        int,
        typer.Option(
            metavar="N",
            callback=within(1, 1_000_000),
            help="Maximum number of images that wait; further requests get status 503.",
        ),
    ] = 256,
    batch_size: Annotated[
        int,
        typer.Option(
            metavar="N",
            callback=within(1, 10_000),
            help="Maximum number of images that are read together.",
        ),
    ] = 64,
    batch_wait: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            callback=within(0, 1),
            help="Maximum time that an image waits for others to be read with it.",
        ),
    ] = 0.002,
    timeout: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            callback=within(0.1, 3600),
            help="Maximum time for a request to arrive, and again for its images to be read.",
        ),
    ] = 30.0,
) -> None:
    """Read images for other programs: a service over HTTP.

    POST /predict answers with the text and the confidence of each image. The page at / shows what
    the model reads in an image, /openapi.json describes all requests, and /metrics is for
    Prometheus.

    Only programs on this machine can connect, unless --host says otherwise; then use a token. Press
    Ctrl-C to stop, or send SIGTERM: requests that were sent before are still answered, unless you
    press Ctrl-C again.
    """
    from skcaptcha.serve import Limits, PredictionServer
    from skcaptcha.serve._served_model import named_models

    server = PredictionServer(
        named_models(models),
        host=host,
        port=port,
        token=token,
        workers=workers,
        reload=reload,
        trust=trust,
        limits=Limits(
            max_bytes=max_bytes,
            max_total_bytes=max_total_bytes,
            max_images=max_images,
            max_queued=max_queued,
            batch_size=batch_size,
            batch_wait=batch_wait,
            timeout=timeout,
        ),
    )
    interrupted = False
    with server:
        if not server.is_local and token is None:
            say(
                f"warning: everyone who can reach {host} is answered; add --token, or use --host "
                "127.0.0.1"
            )
        note("press Ctrl-C here to stop; the service answers at this address:")
        # Last, because programs that start the service wait for this line.
        print(server.url, flush=True)
        try:
            server.wait()
        except KeyboardInterrupt:
            interrupted = True
    end = "the service has stopped; all requests are answered"
    if interrupted:
        raise KeyboardInterrupt(end)
    note(end)
