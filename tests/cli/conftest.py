"""Running the command line within this process."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from optimiser.cli.main import run


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def cli(capsys):
    """Run ``optimiser`` with arguments; return its exit code and what it wrote."""

    def call(*arguments: object) -> Done:
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            run([str(argument) for argument in arguments])
        streams = capsys.readouterr()
        done = Done(caught.value.code, streams.out, streams.err)
        assert "Traceback" not in done.out + done.err
        return done

    return call
