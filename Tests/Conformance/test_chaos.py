"""The short form of the chaos suite (`make chaos`, docs/reliability.md): every kind of fault once, and nothing is lost or run twice."""

import collections
import os
import pathlib
import sys
import types

import pytest

from harness.programs import ROOT

sys.path.append(str(ROOT / "Tests" / "Chaos"))

from chaos.run import live  # noqa: E402
from chaos.schedule import Schedule, kinds  # noqa: E402
from chaos.verdict import Start, Verdict  # noqa: E402

#: SCALEODM_CHAOS_SEED=… runs another one.
SEED = int(os.environ.get("SCALEODM_CHAOS_SEED", "20"))


def test_a_schedule_derives_from_its_seed_alone():
    assert Schedule.of(7, 500) == Schedule.of(7, 500)
    assert Schedule.of(7, 500) != Schedule.of(8, 500)
    for seed in range(20):
        for short in (True, False):
            faults = Schedule.of(seed, 40 if short else 500, is_short=short).faults
            assert {fault.kind for fault in faults} == set(kinds(3)), "each kind is there"


@pytest.mark.parametrize("fenced_at, is_wrong", [(15, False), (5, True), (25, True)])
@pytest.mark.parametrize("following_at", [30, 50])
def test_a_backend_begins_what_was_evacuated_only_while_it_was_dead(fenced_at, is_wrong, following_at):
    """Dead from 10 to 20: what it begins at 40 is no second run where its task was given up in between."""
    client = types.SimpleNamespace(plan=types.SimpleNamespace(uuid="u", number=1), told_lost=[])
    verdict = Verdict.__new__(Verdict)
    verdict.findings, verdict.counts = [], collections.Counter()
    verdict._setting = types.SimpleNamespace(deaths=[("argo", 10, 20)])
    attempt = {"number": 1, "backend": "argo", "state": "ended", "outcome": "fenced"}
    verdict._shown = {"u": {"attempts": [attempt], "events": [{"kind": "fenced", "attempt": 1, "at": fenced_at}]}}
    verdict._judge_rerun(client, [Start("argo", "u-1", 40)], attempt, Start("node", "u", following_at))
    assert bool(verdict.findings) == is_wrong


@pytest.mark.timeout(900)
def test_forty_tasks_while_everything_breaks_once(scratch):
    verdict, setting = live(pathlib.Path(scratch) / "chaos", SEED, tasks=40, is_short=True, seconds=600)
    try:
        print(verdict.text())
        assert not verdict.findings, verdict.text()
    finally:
        setting.close()
