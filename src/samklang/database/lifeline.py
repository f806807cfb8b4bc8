"""Children that end when their parent does, however it ends."""

import ctypes
import os
import signal
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def ends_with_parent(sign: signal.Signals) -> Callable[[], None]:
    """For `preexec_fn`: have the kernel send `sign` to the child when this process is gone.

    The kernel means the *thread* that starts the child, so that must be the main one. Two system calls, nothing that
    could wait for a lock of another thread.
    """
    parent = os.getpid()

    def tie() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, sign)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)

    return tie
