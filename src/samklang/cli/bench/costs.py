"""Run a command and print, on a line of its own after what it printed, what it cost.

A script that imports nothing: a process inherits the peak memory of the one that starts it, so this has to be small.
"""

import json
import os
import resource
import sys
import time

began = time.monotonic()
process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status = os.waitpid(process, 0)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
# Linux counts the peak in KiB, macOS in bytes.
peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(json.dumps({"seconds": time.monotonic() - began, "cpu": used.ru_utime + used.ru_stime, "peak": peak}))
sys.exit(os.waitstatus_to_exitcode(status))
