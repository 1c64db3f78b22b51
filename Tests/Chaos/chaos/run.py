"""One run from its seed to its verdict."""

import time

from .admin import Admin
from .clients import Crowd
from .faults import Faults
from .operator import Operator
from .schedule import Schedule
from .setting import Setting
from .verdict import Verdict

#: Clients at a time.
AT_ONCE = 24


def live(folder, seed, tasks, replicas=3, is_short=False, seconds=3600, say=print):
    """Lives through the schedule of a seed.

    Returns the verdict, and the setting, which the caller closes: until then every log can be read.
    """
    schedule = Schedule.of(seed, tasks, replicas, is_short)
    say(f"seed {seed}: {tasks} tasks, {len(schedule.faults)} faults, {replicas} replicas")
    for fault in schedule.faults:
        say(f"  {fault}")
    setting = Setting(folder, schedule)
    try:
        setting.start()
        return _live(setting, seconds, say), setting
    except BaseException:
        setting.close()
        raise


def _live(setting, seconds, say):
    admin = Admin(setting.replicas)
    begin = time.monotonic()
    crowd = Crowd(setting.schedule, setting.replicas, AT_ONCE, seconds)
    faults, operator = Faults(setting, admin, crowd.committed), Operator(setting, admin)
    crowd.start()
    faults.start()
    operator.start()
    try:
        crowd.join()
    finally:
        faults.finish()
        operator.finish()
    say(f"{crowd.done} of {len(crowd.clients)} tasks after {time.monotonic() - begin:.0f} s")
    return Verdict(setting, crowd, faults, operator, admin).judge()
