"""Waiting for something that another process does: bounded, and with a reason when it does not come."""

import time


class NotYet(AssertionError):
    """What was waited for did not come before the deadline."""


def eventually(what, condition, seconds=30.0, pause=0.02):
    """Asks `condition` until it returns something true, and returns that; fails with `what` after `seconds`.

    An AssertionError inside `condition` counts as "not yet" and becomes the reason that is told.
    """
    deadline = time.monotonic() + seconds
    reason = None
    while True:
        try:
            answer = condition()
            reason = f"last answer: {answer!r}"
            if answer:
                return answer
        except AssertionError as error:
            reason = str(error)
        if time.monotonic() >= deadline:
            raise NotYet(f"{what}: not within {seconds} s; {reason}")
        time.sleep(pause)
