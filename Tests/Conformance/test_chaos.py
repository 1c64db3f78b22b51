"""The short form of the chaos suite (`make chaos`, docs/reliability.md): every kind of fault once, and nothing is lost or run twice."""

import os
import pathlib
import sys

import pytest

from harness.programs import ROOT

sys.path.append(str(ROOT / "Tests" / "Chaos"))

from chaos.run import live  # noqa: E402
from chaos.schedule import Schedule, kinds  # noqa: E402

#: SCALEODM_CHAOS_SEED=… runs another one.
SEED = int(os.environ.get("SCALEODM_CHAOS_SEED", "20"))


def test_a_schedule_derives_from_its_seed_alone():
    assert Schedule.of(7, 500) == Schedule.of(7, 500)
    assert Schedule.of(7, 500) != Schedule.of(8, 500)
    for seed in range(20):
        for short in (True, False):
            faults = Schedule.of(seed, 40 if short else 500, is_short=short).faults
            assert {fault.kind for fault in faults} == set(kinds(3)), "each kind is there"


@pytest.mark.timeout(900)
def test_forty_tasks_while_everything_breaks_once(scratch):
    verdict, setting = live(pathlib.Path(scratch) / "chaos", SEED, tasks=40, is_short=True, seconds=600)
    try:
        print(verdict.text())
        assert not verdict.findings, verdict.text()
    finally:
        setting.close()
