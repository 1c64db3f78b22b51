"""What is sent and what breaks, from a seed alone: the same seed gives the same schedule on every machine.

A fault begins once so many tasks are committed, not at a time: how fast a machine is changes nothing in the order.
"""

import dataclasses
import random
import uuid

NODES = ("node-saves", "node-forgets", "node-too")
CLUSTERS = ("argo-server", "argo-kubernetes")
BACKENDS = (*NODES, *CLUSTERS, "scaleodm")

#: Requests whose answers get lost, by the kind of backend.
REQUESTS = {
    "node": ("POST /task/new/init", "POST /task/new/upload", "POST /task/new/commit", "GET /task/"),
    "argo-server": ("POST /api/v1/workflows", "GET /api/v1/"),
    "argo-kubernetes": ("POST /apis/argoproj.io", "GET /apis/"),
    "scaleodm": ("POST /task/new", "GET /task/"),
}


@dataclasses.dataclass(frozen=True)
class TaskPlan:
    """One task as its client sends it."""

    number: int
    uuid: str
    #: Numbers of pictures, each with bytes of its own.
    pictures: tuple[int, ...]
    #: Bytes that make the first picture larger.
    extra: int
    #: Pictures in one upload request.
    at_once: int


@dataclasses.dataclass(frozen=True)
class Fault:
    """Something breaks once `after` tasks are committed, and is whole again `seconds` later."""

    after: int
    kind: str
    target: str
    seconds: float
    #: What else the kind needs: bytes, or the beginning of a request.
    detail: str = ""

    def __str__(self):
        return f"after {self.after:3} commits: {self.kind} {self.target} {self.detail}".rstrip() + f" for {self.seconds:.1f} s"


@dataclasses.dataclass(frozen=True)
class Kind:
    """One way of breaking: how often among 100 faults, its targets, and how long it lasts in the long and the short form."""

    share: int
    targets: tuple[str, ...]
    seconds: tuple[float, float]
    short: tuple[float, float]


def kinds(replicas):
    """All of them. In the short form nothing may need the 300 s after which a node's forgotten task is given up."""
    gateways = tuple(f"replica-{number}" for number in range(replicas))
    return {
        "kill-replica": Kind(16, gateways, (0.2, 6), (0.2, 2)),
        "freeze-replica": Kind(6, gateways, (1, 25), (1, 3)),
        "restart-database": Kind(5, ("postgres",), (0.2, 8), (0.2, 2)),
        "freeze": Kind(14, BACKENDS, (1, 25), (1, 4)),
        "kill": Kind(15, BACKENDS, (0.5, 15), (0.3, 3)),
        "kill-and-evacuate": Kind(5, BACKENDS, (3, 15), (2, 4)),
        "cut-off": Kind(10, BACKENDS, (0.5, 15), (0.5, 3)),
        "cut-upload": Kind(12, (*BACKENDS, "s3"), (0, 0), (0, 0)),
        "lose-answer": Kind(13, BACKENDS, (0, 0), (0, 0)),
        "refuse-s3": Kind(8, ("s3",), (0.5, 8), (0.5, 2)),
        "save-list": Kind(2, ("node-forgets",), (0, 0), (0, 0)),
    }


@dataclasses.dataclass(frozen=True)
class Schedule:
    """All of it."""

    seed: int
    tasks: tuple[TaskPlan, ...]
    faults: tuple[Fault, ...]
    replicas: int
    is_short: bool

    @classmethod
    def of(cls, seed, tasks, replicas=3, is_short=False):
        """The short form has each kind of fault about once; the long one a fault for every fourth task."""
        dice = random.Random(f"chaos {seed}")
        plans = tuple(_task(dice, number) for number in range(tasks))
        known = kinds(replicas)
        chosen = list(known)
        more = max(0, tasks // 4 - len(chosen)) if not is_short else 2
        chosen += dice.choices(list(known), [kind.share for kind in known.values()], k=more)
        # The last part is left alone, so that what broke last is still seen to be mended by tasks that come later.
        last = max(1, tasks - 4)
        faults = [_fault(dice, name, known[name], dice.randint(1, last), is_short) for name in chosen]
        return cls(seed, plans, tuple(sorted(faults, key=lambda fault: fault.after)), replicas, is_short)


def _task(dice, number):
    count = dice.randint(1, 3)
    return TaskPlan(number, str(uuid.UUID(int=dice.getrandbits(128), version=4)),
                    tuple(1000 * number + picture for picture in range(count)),
                    dice.choice((0, 0, 0, 0, 0, 60_000, 60_000, 1_000_000)), dice.randint(1, 2))


def _fault(dice, name, kind, after, is_short):
    targets = kind.targets
    if is_short and name == "kill":
        targets = tuple(target for target in targets if target != "node-forgets")
    target = dice.choice(targets)
    seconds = round(dice.uniform(*(kind.short if is_short else kind.seconds)), 1)
    detail = ""
    if name == "cut-upload":
        detail = str(int(10 ** dice.uniform(1.5, 5)))
    elif name == "lose-answer":
        detail = dice.choice(REQUESTS["node" if target in NODES else target])
    return Fault(after, name, target, seconds, detail)
