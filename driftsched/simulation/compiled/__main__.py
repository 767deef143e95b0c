"""``python -m driftsched.simulation.compiled``: compile the kernel and keep the machine code.

With ``--behind`` it leaves the processor to whatever else wants it.
"""

import os
import sys
import time

from driftsched.simulation.compiled.warm_up import at_hand, warm_up

if __name__ == "__main__":
    if "--behind" in sys.argv[1:] and hasattr(os, "nice"):
        os.nice(5)
    known, started = at_hand(), time.perf_counter()
    warm_up()
    done = "loaded" if known else "compiled"
    print(f"compiled engine: {done} in {time.perf_counter() - started:.1f} s")  # noqa: T201
