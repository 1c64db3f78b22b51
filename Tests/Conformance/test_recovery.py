"""A start on a record of 100,000 tasks: how long until it is ready, and with how much memory. `Benchmarks/recovery.sh` runs it."""

import json
import os
import sqlite3
import subprocess
import time
import uuid as uuids

import pytest
import requests

from harness.waiting import eventually

pytestmark = [pytest.mark.only("gateway"), pytest.mark.heavy, pytest.mark.timeout(580)]

TASKS = int(os.environ.get("RECOVERY_TASKS", "100000"))
#: How many of them wait: nearly none, half of all, all that aren't with a node.
SENDING, COMMITTING, PLACED = 10, 10, 180
WAITING = {"few": 300, "half": TASKS // 2, "all": TASKS - SENDING - COMMITTING - PLACED}
LINES = "\n".join(f"[INFO]    line {number} of what the engine says while it works" for number in range(12))
#: Seconds and bytes; a machine on which other things run needs more time.
LIMITS = {"ready": float(os.environ.get("RECOVERY_SECONDS", "2")), "memory": 200 << 20}


def name(number):
    return str(uuids.uuid5(uuids.NAMESPACE_OID, f"task {number}"))


def rows(node, queued):
    """(table, row) pairs, with the fields in which a task differs from a fresh one."""
    now = int(time.time() * 1000)
    options = json.dumps([{"name": "dsm", "value": True}, {"name": "orthophoto-resolution", "value": 5}])
    unfinished = queued + SENDING + COMMITTING + PLACED
    for number in range(TASKS):
        uuid, moment = name(number), now - 1000 * (TASKS - number) // 10
        left = TASKS - number
        if left > unfinished:
            state, attempt = ("completed", "failed", "canceled")[number % 20 if number % 20 < 3 else 0], "ended"
        elif left > unfinished - queued:
            state, attempt = "queued", None
        elif left > COMMITTING + PLACED:
            state, attempt = "dispatching", "sending"
        elif left > PLACED:
            state, attempt = "dispatching", "committing"
        else:
            state, attempt = "placed", "accepted"
        is_over = attempt == "ended"
        yield "tasks", {
            "id": uuid, "spelling": uuid, "owner": f"owner {number % 7}", "name": f"Field {number}", "options": options,
            "skip_post_processing": 0, "priority": 0, "state": state, "date_created": moment, "created_at": moment,
            "data_at": moment, "committed_at": moment, "queued_at": moment, "ended_at": now if is_over else None,
            "kept_from": now if is_over else None, "images": 2, "bytes": 8_000_000, "attempt": 1 if attempt else 0,
            "last_attempt": 1 if attempt else 0, "waiting": 1 if state == "queued" else 0,
            "owner_code": {"completed": 40, "failed": 30, "canceled": 50}.get(state, 20), "progress": 100 if is_over else 0,
            "processing_time": 4_000_000 if is_over else -1, "error": "It failed." if state == "failed" else None,
            "lines": 12 if is_over else 0}
        for file in ("IMG_0001.JPG", "IMG_0002.JPG"):
            yield "files", {"task": uuid, "name": file, "bytes": 4_000_000, "digest": "0" * 64,
                            "storage_key": f"tasks/{uuid}/{file}", "fetched": 0, "stored_at": moment}
        if attempt:
            yield "attempts", {
                "task": uuid, "number": 1, "backend": node, "backend_task": uuid, "state": attempt, "reason": "shortest wait",
                "copy": 1 if is_over else 0, "outcome": {"completed": "completed", "failed": "failed", "canceled": "canceled"}.get(state),
                "recorded_at": moment, "sending_at": moment, "committing_at": None if attempt == "sending" else moment,
                "accepted_at": moment if attempt in ("accepted", "ended") else None, "ended_at": now if is_over else None}
        if is_over:
            yield "output", {"task": uuid, "first_line": 0, "line_count": 12, "lines": LINES}
        for event, kind in enumerate(("created", "committed", "placed", "accepted", "completed")[: 5 if is_over else 2]):
            yield "events", {"task": uuid, "number": event + 1, "at": moment, "kind": kind, "backend": node, "detail": ""}


def fill_sqlite(path, node, queued):
    database = sqlite3.connect(path)
    database.execute("PRAGMA synchronous = OFF")
    for table, row in rows(node, queued):
        columns = ", ".join(row)
        database.execute(f"INSERT INTO {table} ({columns}) VALUES ({', '.join('?' * len(row))})", list(row.values()))
    database.commit()
    database.close()


def fill_postgresql(server, url, folder, node, queued):
    """By COPY, a file for each table."""
    files, columns = {}, {}
    for table, row in rows(node, queued):
        if table not in files:
            files[table], columns[table] = open(folder / f"{table}.copy", "w", encoding="utf-8"), list(row)
        text = (r"\N" if value is None else str(value).replace("\n", r"\n") for value in row.values())
        files[table].write("\t".join(text) + "\n")
    for table, file in files.items():
        file.close()
        copy = f"\\copy {table} ({', '.join(columns[table])}) from '{file.name}'"
        subprocess.run([f"{server._bin}/psql", url, "-X", "-q", "-c", copy], check=True, cwd="/", timeout=300)
        os.unlink(file.name)
    subprocess.run([f"{server._bin}/psql", url, "-X", "-q", "-c", "VACUUM ANALYZE"], check=True, cwd="/", timeout=300)


def processor_seconds(pid):
    """What a program has had of processors so far."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("waiting", WAITING)
def test_a_start_on_100000_tasks(world, database, request, tmp_path, capsys, waiting):
    queued = WAITING[waiting]
    unfinished = queued + SENDING + COMMITTING + PLACED
    node = world.node(max_parallel=4, hold=True)
    settings = database()
    gateway = world.gateway([node], {**settings, "scheduling": {"prefetch": 0}})
    gateway.stop()
    if settings["database"].startswith("sqlite:"):
        fill_sqlite(gateway.data_folder / "scaleodm.db", node.name, queued)
    else:
        fill_postgresql(request.getfixturevalue("_postgres"), settings["database"], tmp_path, node.name, queued)
    begin = time.monotonic()
    gateway.start(wait=False)
    gateway.wait_until_ready()
    listening = time.monotonic() - begin
    assert gateway.api.code(name(0)) in (10, 40), "what memory doesn't have yet is read"
    answered = time.monotonic() - begin
    eventually("it is ready", lambda: requests.get(gateway.admin_url + "/readyz", timeout=30).status_code == 200, 60, 0.005)
    ready, work = time.monotonic() - begin, processor_seconds(gateway.program.pid)
    eventually("memory has all that isn't over", lambda: gateway.api.info()["taskQueueCount"] >= unfinished, 120, 0.05)
    known = time.monotonic() - begin
    eventually("a waiting task shows it", lambda: gateway.api.code(name(TASKS - unfinished)) == 10, 60)
    at_start = gateway.program.peak_memory()
    assert gateway.api.code(name(TASKS - 1)) == 20 and len(gateway.api.tasks()) == TASKS
    for number in range(0, TASKS - SENDING - COMMITTING - PLACED, max(1, TASKS // 2000)):
        assert gateway.api.code(name(number)) in ((30, 40, 50) if number < TASKS - unfinished else (10, 20))
    peak = gateway.program.peak_memory()
    with capsys.disabled():
        print(f"\n{settings['database'].split(':')[0]}, {TASKS:,} tasks, {unfinished:,} of them unfinished: "
              f"listening after {listening:.2f} s, a poll answered after {answered:.2f} s, ready after {ready:.2f} s "
              f"({work:.2f} s of processor), all in memory after {known:.2f} s; "
              f"{at_start >> 20} MiB then, {peak >> 20} MiB at most after a list and 2,000 polls")
    assert ready < LIMITS["ready"] and peak < LIMITS["memory"]
