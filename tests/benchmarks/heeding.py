"""Children that hear signals, whoever runs the tests."""

from __future__ import annotations

import signal


def heed_interrupts():
    """Let a child hear SIGINT, which a test run in the background ignores: a `preexec_fn`."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
