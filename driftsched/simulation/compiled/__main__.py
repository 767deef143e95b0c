"""``python -m driftsched.simulation.compiled``: compile the kernel and keep the machine code."""

import time

from driftsched.simulation.compiled.warm_up import at_hand, warm_up

if __name__ == "__main__":
    known, started = at_hand(), time.perf_counter()
    warm_up()
    done = "loaded" if known else "compiled"
    print(f"compiled engine: {done} in {time.perf_counter() - started:.1f} s")  # noqa: T201
