"""The operator's dashboard at `/` of the admin listener, by real clicks and keys in Chromium, on gateways with simulated nodes."""

import re

import pytest
import requests
from playwright.sync_api import expect

from harness.browser import PHONE, browser, open_page  # noqa: F401 (fixtures)
from harness.waiting import eventually

TOKEN = "open-sesame"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


def start(world, backends, settings=None):
    gateway = world.gateway(backends, {"admin": {"token": TOKEN}, **(settings or {})})
    names = [backend if isinstance(backend, dict) else backend.backend() for backend in backends]
    if len(names) < 10:
        eventually("all are read", lambda: all(each["online"] for each in api(gateway, "backends")))
    return gateway


def api(gateway, path):
    answer = requests.get(f"{gateway.admin_url}/api/{path}", headers=HEADERS, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


def task_of(gateway, uuid):
    return api(gateway, f"tasks/{uuid}")


def backend_of(gateway, name):
    return next(each for each in api(gateway, "backends") if each["name"] == name)


def placed(gateway, uuid):
    """The backend on which a task runs."""
    return eventually("it is placed", lambda: (task := task_of(gateway, uuid))["state"] == "placed" and task["backend"])


@pytest.fixture
def look(open_page):
    """A function that opens the dashboard and signs in; the page is live when it returns."""

    def opened(gateway, where="", **settings):
        window = open_page(gateway.admin_url + "/" + where, **settings)
        # The first question goes without a token: a gateway may want none.
        window.expect_errors("401")
        sign_in(window.page)
        expect(window.page.locator(".link")).to_have_text("Live")
        return window

    return opened


def expect_live(page):
    """The stream of changes is open. Between two tries the page waits up to half a minute."""
    expect(page.locator(".link")).to_have_text("Live", timeout=90_000)


def sign_in(page, token=TOKEN):
    page.get_by_label("Admin token").fill(token)
    page.get_by_role("button", name="Look inside").click()


def go(page, name):
    page.get_by_role("navigation", name="Pages", exact=True).get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", level=1, name=name)).to_be_attached()


def region(page, name):
    return page.get_by_role("region", name=name)


def switch(place, verb, name):
    """A backend's button. The whole name: "Lock node-a" is a part of "Unlock node-a"."""
    return place.get_by_role("button", name=f"{verb} {name}", exact=True)


def answer(page, word):
    page.get_by_role("dialog").get_by_role("button", name=word).click()
    expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.fixture
def two(world):
    """Two nodes with one slot each, whose tasks run until they are let go."""
    nodes = {name: world.node(name, max_parallel=1, task_seconds=3600, init_seconds=0) for name in ("node-a", "node-b")}
    return start(world, list(nodes.values())), nodes


def test_the_token_is_asked_for_once_and_a_wrong_one_is_refused(world, open_page):
    gateway = start(world, [world.node()])
    window = open_page(gateway.admin_url + "/")
    window.expect_errors("401")
    page = window.page
    sign_in(page, "open-sesam")
    expect(page.get_by_role("alert")).to_have_text("This token is wrong.")
    assert page.locator("table").count() == 0
    sign_in(page)
    expect(page.get_by_text("Nothing needs you")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Nothing needs you")).to_be_visible()
    assert page.evaluate("localStorage.length") == 0, "it is kept for this tab alone"
    assert TOKEN not in page.url
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Admin token")).to_be_focused()
    page.reload()
    expect(page.get_by_label("Admin token")).to_be_visible()


def test_a_gateway_without_a_token_asks_for_none(world, open_page):
    gateway = world.gateway([world.node()])
    page = open_page(gateway.admin_url + "/").page
    expect(page.get_by_text("Nothing needs you")).to_be_visible()
    expect(page.get_by_role("button", name="Sign out")).to_have_count(0)


def test_why_a_task_waits_is_seen_at_once_and_in_full(two, photos, look):
    gateway, _ = two
    for number in (1, 2):
        placed(gateway, gateway.api.submit(photos[:1], name=f"runs {number}"))
    waits = gateway.api.submit(photos[:2], name="north field")
    gateway.api.submit(photos[:2], name="south field")
    eventually("it waits", lambda: "one slot" in task_of(gateway, waits)["why"])
    page = look(gateway).page
    waiting = region(page, "What waits, and why")
    first = waiting.get_by_role("listitem").filter(has=page.get_by_role("link", name="north field"))
    expect(first).to_contain_text("1.")
    expect(first).to_contain_text("node-a, node-b: each has its one slot in use")
    waiting.get_by_role("link", name="north field").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("north field Waiting")
    summary = region(page, "Where it is, and why")
    expect(summary).to_contain_text("It is number 1 in the queue")
    expect(summary).to_contain_text("Nothing is wrong there: a slot frees when a task ends.")
    expect(summary).to_contain_text("What to do")
    page.get_by_text("Every backend, as the policy sees").click()
    candidates = page.get_by_role("table", name="Candidates")
    expect(candidates.get_by_role("row")).to_have_count(3)
    go(page, "Queue")
    rows = page.get_by_role("table", name="Waiting tasks").get_by_role("row")
    expect(rows.nth(1)).to_contain_text("north field")
    expect(rows.nth(2)).to_contain_text("south field")
    expect(rows.nth(2)).to_contain_text("each has its one slot in use")


def test_a_task_that_no_backend_can_take_says_what_would_help(world, photos, look):
    small, locked = world.node("small", max_images=2), world.node("locked")
    gateway = start(world, [small, locked])
    requests.post(f"{gateway.admin_url}/api/backends/locked/lock", headers={**HEADERS, "X-ScaleODM-Admin": "1"}, timeout=30)
    uuid = gateway.api.submit(photos[:5], name="large")
    eventually("it waits", lambda: "at most" in task_of(gateway, uuid)["why"])
    page = look(gateway, f"#/tasks/{uuid}").page
    summary = region(page, "Where it is, and why")
    expect(summary).to_contain_text("small takes at most 2 images")
    expect(summary).to_contain_text("add a backend that takes more images")
    expect(summary).to_contain_text("locked is locked")
    expect(summary).to_contain_text("No backend can take it as things are")
    # What it advises helps.
    summary.get_by_role("link", name="locked").click()
    switch(page, "Unlock", "locked").click()
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Completed")
    expect(region(page, "Its path").get_by_role("listitem").nth(2)).to_contain_text("locked")


def test_a_task_is_moved_and_its_path_tells_from_where_to_where_and_why(two, photos, look):
    gateway, nodes = two
    uuid = gateway.api.submit(photos[:2], name="quarry")
    old = placed(gateway, uuid)
    new = next(name for name in nodes if name != old)
    page = look(gateway, f"#/tasks/{uuid}").page
    expect(page.get_by_text(re.compile(f"Of 2 backends with a free slot, {old} had the shortest predicted wait")).first).to_be_visible()
    page.get_by_role("button", name="Move", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"Its run on {old} is ended, and once that is seen it begins anew elsewhere")
    dialog.get_by_role("combobox").select_option(new)
    answer(page, "Move it")
    path = region(page, "Its path").get_by_role("listitem")
    expect(path.filter(has_text=old)).to_have_count(1)
    expect(path.last).to_contain_text(new)
    events = region(page, "All that happened")
    expect(events.get_by_role("heading", name=f"Attempt 1 on {old}")).to_be_visible()
    expect(events.get_by_role("heading", name=f"Attempt 2 on {new}")).to_be_visible()
    expect(events).to_contain_text("operator")
    assert placed(gateway, uuid) == new
    eventually("it runs there once", lambda: nodes[new].starts() and sum(nodes[new].starts().values()) == 1)


def test_a_task_is_cancelled_retried_and_removed(world, photos, look):
    node = world.node(task_seconds=3600, init_seconds=0, output_lines=30)
    gateway = start(world, [node])
    uuid = gateway.api.submit(photos[:2], name="orchard")
    placed(gateway, uuid)
    page = look(gateway, f"#/tasks/{uuid}").page
    summary = region(page, "Where it is, and why")
    summary.get_by_role("button", name="Cancel").click()
    answer(page, "Change nothing")
    assert task_of(gateway, uuid)["state"] == "placed"
    summary.get_by_role("button", name="Cancel").click()
    answer(page, "Cancel the task")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Cancelled")
    gateway.api.wait(uuid, 50)
    eventually("the node has ended it", lambda: task_of(gateway, uuid)["state"] == "canceled")
    node.set(taskSeconds=0.2)
    summary.get_by_role("button", name="Retry").click()
    answer(page, "Retry it")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Completed")
    expect(region(page, "All that happened")).to_contain_text("Restart asked for")
    expect(page.get_by_role("log", name="Console output")).to_contain_text("INFO")
    summary.get_by_role("button", name="Remove").click()
    answer(page, "Remove it for good")
    expect(page.get_by_role("heading", level=1)).to_have_text("Tasks")
    expect(page.get_by_text("No task is like that.")).to_be_visible()


def test_a_failed_task_shows_why_and_its_output(world, photos, look):
    gateway = start(world, [world.node(task_seconds=0.2, fail_next=1, fail_text="Not enough features")])
    uuid = gateway.api.submit(photos[:2], name="fog")
    gateway.api.wait(uuid, 30)
    page = look(gateway).page
    page.get_by_label("Where is my task?").fill(uuid)
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="fog").click()
    summary = region(page, "Where it is, and why")
    expect(summary).to_contain_text("Why it failed")
    expect(summary).to_contain_text("Not enough features")
    expect(summary.get_by_role("button", name="Retry")).to_be_visible()
    expect(page.get_by_role("log", name="Console output")).not_to_be_empty()


def test_backends_are_locked_and_drained_after_a_word_of_what_will_happen(two, photos, look):
    gateway, _ = two
    uuid = gateway.api.submit(photos[:2])
    busy = placed(gateway, uuid)
    page = look(gateway).page
    go(page, "Backends")
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=busy))
    expect(row).to_contain_text("1 of 1")
    switch(row, "Lock", busy).click()
    expect(page.get_by_role("dialog")).to_contain_text("It gets no new tasks from now on. 1 task of ours there goes on to the end.")
    answer(page, "Change nothing")
    assert not backend_of(gateway, busy)["locked"]
    switch(row, "Lock", busy).click()
    answer(page, f"Lock {busy}")
    expect(row).to_contain_text("Locked")
    assert backend_of(gateway, busy)["locked"]
    page.get_by_role("status").get_by_role("button", name="Undo").click()
    expect(switch(row, "Lock", busy)).to_be_visible()
    assert not backend_of(gateway, busy)["locked"]
    switch(row, "Drain", busy).click()
    answer(page, f"Drain {busy}")
    expect(row).to_contain_text("Draining")
    assert backend_of(gateway, busy)["draining"] and placed(gateway, uuid) == busy
    switch(row, "Undrain", busy).click()
    expect(switch(row, "Drain", busy)).to_be_visible()


def test_an_evacuation_tells_its_price_and_moves_what_runs(two, photos, look):
    gateway, nodes = two
    uuid = gateway.api.submit(photos[:2])
    busy = placed(gateway, uuid)
    other = next(name for name in nodes if name != busy)
    page = look(gateway, f"#/backends/{busy}").page
    switch(page, "Evacuate", busy).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1 task of ours there is given up at once and begun anew")
    expect(dialog).to_contain_text("what was computed is lost")
    answer(page, "Begin its tasks anew elsewhere")
    expect(page.get_by_text(f"1 task moved away from {busy}.")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Draining")
    eventually("it runs elsewhere", lambda: placed(gateway, uuid) == other)


def test_what_changes_is_seen_without_a_reload(world, photos, look):
    node = world.node("node-a", task_seconds=3600, init_seconds=0)
    gateway = start(world, [node])
    page = look(gateway).page
    page.evaluate("window.marker = 'same page'")
    expect(page.get_by_text("There is no task yet.")).to_be_visible()
    uuid = gateway.api.submit(photos[:1], name="meadow")
    row = page.get_by_role("table", name="The newest tasks").get_by_role("row").filter(has_text="meadow")
    expect(row).to_contain_text("Running")
    expect(row).to_contain_text("node-a was the only backend with a free slot")
    row.get_by_role("link", name="meadow").click()
    node.set(taskSeconds=0.1)
    gateway.api.wait(uuid, 40)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Completed")
    go(page, "Overview")
    expect(page.locator(".tile").filter(has_text="Completed")).to_contain_text("1")
    assert page.evaluate("window.marker") == "same page"


def test_without_a_stream_it_asks_every_few_seconds(world, photos, open_page):
    gateway = start(world, [world.node(task_seconds=0.2)])
    window = open_page("about:blank")
    window.expect_errors("401|503")
    page = window.page
    page.route("**/api/events", lambda route: route.fulfill(status=503, json={"error": "64 clients follow already."}))
    page.goto(gateway.admin_url + "/")
    sign_in(page)
    expect(page.locator(".link")).to_have_text("Asking every 5 s")
    gateway.api.submit(photos[:1], name="meadow")
    expect(page.get_by_role("row").filter(has_text="meadow")).to_contain_text("Completed")
    page.unroute("**/api/events")
    expect_live(page)


def test_a_gateway_that_is_away_is_said_to_be_and_found_again(world, photos, open_page):
    gateway = start(world, [world.node(task_seconds=0.2)])
    window = open_page(gateway.admin_url + "/")
    window.expect_errors("401|ERR_|503")
    page = window.page
    sign_in(page)
    expect(page.locator(".link")).to_have_text("Live")
    gateway.kill()
    expect(page.locator(".link")).to_contain_text("No answer for")
    gateway.start()
    expect_live(page)
    gateway.api.submit(photos[:1], name="meadow")
    expect(page.get_by_role("row").filter(has_text="meadow")).to_contain_text("Completed")


def test_an_offline_backend_comes_first_with_its_error_and_its_tasks_are_not_called_lost(two, photos, look):
    gateway, nodes = two
    gateway.restart_after_kill(scheduling={"offline_after": 1})
    uuid = gateway.api.submit(photos[:2], name="ridge")
    gone = placed(gateway, uuid)
    nodes[gone].kill()
    eventually("it is offline", lambda: backend_of(gateway, gone)["state"] == "offline")
    page = look(gateway).page
    needs = region(page, "What needs you")
    expect(needs).to_contain_text("Offline")
    expect(needs).to_contain_text(re.compile(r"hasn't answered since \d\d:\d\d:\d\d\. Its tasks aren't lost"))
    expect(needs).to_contain_text(f"scaleodm backends evacuate {gone}")
    told = gateway.cli("backends", gone, "--token", TOKEN).stdout
    assert f"{gone} is offline since 20" in told and f"start it, or begin its tasks elsewhere with `scaleodm backends evacuate {gone}`" in told
    go(page, "Backends")
    expect(page.get_by_role("row").nth(1)).to_contain_text(gone)
    expect(page.get_by_role("row").nth(1)).to_contain_text("connect")
    page.goto(gateway.admin_url + f"/#/tasks/{uuid}")
    summary = region(page, "Where it is, and why")
    expect(summary).to_contain_text("The task isn't lost: it may be running there")
    expect(summary).to_contain_text(f"Start {gone}, and it goes on.")
    expect(summary).to_contain_text(f"scaleodm backends evacuate {gone}")
    nodes[gone].start()
    expect(summary).not_to_contain_text("isn't lost")


def test_names_of_users_are_never_read_as_html(world, photos, look):
    gateway = start(world, [world.node(nasty_output=True, task_seconds=0.2)])
    name = '<img src=x onerror="document.title=1"><b>bold</b> & "quoted"'
    uuid = gateway.api.submit(photos[:1], name=name)
    gateway.api.wait(uuid, 40)
    page = look(gateway).page
    expect(page.get_by_role("link", name=name)).to_be_visible()
    page.get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(name)
    expect(page.get_by_role("log", name="Console output")).not_to_be_empty()
    assert page.locator("main img, main script, h1 b").count() == 0 and page.title() != "1"


def test_tasks_are_searched_filtered_and_paged(world, photos, look):
    gateway = start(world, [world.node("node-a", hold=True, max_parallel=1, init_seconds=0)])
    for number in range(55):
        gateway.api.submit(photos[:1], name=f"flight {number:02}")
    page = look(gateway).page
    go(page, "Tasks")
    rows = page.get_by_role("table", name="Tasks, the newest first").locator("tbody tr")
    expect(rows).to_have_count(50)
    expect(rows.first).to_contain_text("flight 54")
    page.get_by_role("link", name="Older").click()
    expect(rows).to_have_count(5)
    expect(rows.last).to_contain_text("flight 00")
    page.get_by_role("link", name="Newer").click()
    expect(rows).to_have_count(50)
    page.get_by_label("Name or uuid").fill("flight 4")
    expect(rows).to_have_count(10)
    assert "search=flight+4" in page.url, "a filter can be kept and sent"
    page.reload()
    expect(rows).to_have_count(10)
    page.get_by_label("Name or uuid").fill("")
    page.get_by_label("State").select_option("On a backend")
    expect(rows).to_have_count(1)
    page.get_by_label("Backend").fill("node-b")
    expect(page.get_by_text("No task is like that.")).to_be_visible()


def test_the_policy_says_where_a_task_would_go(world, look):
    gateway = start(world, [world.node("small", max_images=10), world.node("large")])
    page = look(gateway, "#/queue").page
    ranking = region(page, "Where would a task go?")
    ranking.get_by_label("Images").fill("500")
    ranking.get_by_role("button", name="Ask the policy").click()
    expect(ranking).to_contain_text("A task of 500 images would go to large.")
    expect(ranking.get_by_role("row").filter(has_text="small")).to_contain_text("takes at most 10 images")


def test_plots_say_in_words_what_they_show(world, look):
    gateway = start(world, [world.node("node-a")])
    page = look(gateway).page
    plot = page.get_by_role("img", name=re.compile(r"^Tasks\. running: "))
    expect(plot).to_be_visible()
    page.get_by_role("button", name="24 h").click()
    expect(page.get_by_role("button", name="24 h")).to_have_attribute("aria-pressed", "true")
    region(page, "The last hours").get_by_text("Figures").first.click()
    expect(page.get_by_role("table", name="Tasks", exact=True)).to_be_visible()


def test_a_backends_load_is_asked_for_where_it_is_shown(two, look):
    gateway, _ = two
    window = look(gateway)
    page = window.page
    asked = []
    page.on("request", lambda request: "/api/history" in request.url and asked.append(request.url.partition("?")[2]))
    go(page, "Backends")
    expect(page.get_by_role("img", name="Slots of node-a in use over the last hour")).to_be_visible()
    expect(page.get_by_role("img", name="Slots of node-b in use over the last hour")).to_be_visible()
    page.get_by_role("link", name="node-a").click()
    expect(page.get_by_role("img", name=re.compile(r"^Slots of node-a\. in use: now 0"))).to_be_visible()
    assert asked == ["hours=1&backend=node-a&backend=node-b", "hours=6&backend=node-a"]


@pytest.fixture
def crowd(world):
    """A thousand backends: 960 machines that are off, and forty names of one node that runs."""
    node = world.node("many", max_parallel=2)
    backends = [
        {"name": f"node-{number:04}", "url": node.url if number % 25 == 0 else "http://127.0.0.1:9"}
        for number in range(1000)
    ]
    gateway = start(world, backends, {"scheduling": {"refresh": "30s", "offline_after": 1}})

    def states():
        found = [each["state"] for each in api(gateway, "backends")]
        return (found.count("online"), found.count("offline")) == (40, 960)

    eventually("all are read", states, 90, pause=0.5)
    return gateway


def test_a_thousand_backends_stay_usable(crowd, look):
    page = look(crowd).page
    expect(page.locator(".tile").filter(has_text="Backends online")).to_contain_text("40 of 1,000")
    needs = region(page, "What needs you")
    expect(needs).to_contain_text(re.compile(r"and \d+ more"))
    assert needs.get_by_role("listitem").count() <= 6, "those with the same trouble stand together"
    expect(needs).to_contain_text("scaleodm backends evacuate NAME")
    needs.get_by_role("link", name="All 960 backends in trouble").click()
    rows = page.get_by_role("table", name="Backends, trouble first").locator("tbody tr")
    expect(rows).to_have_count(50)
    expect(page.get_by_text("The first 50 of 960, trouble first")).to_be_visible()
    page.get_by_role("button", name="Show 50 more").click()
    expect(rows).to_have_count(100)
    page.get_by_role("button", name="All 1,000").click()
    expect(rows).to_have_count(50)
    expect(rows.first).to_contain_text("node-0001")
    expect(rows.first).to_contain_text("Offline")
    page.get_by_role("button", name="With a free slot 40").click()
    expect(rows).to_have_count(40)
    page.get_by_label("Name, address or error").fill("node-0425")
    expect(rows).to_have_count(1)
    switch(rows.first, "Lock", "node-0425").click()
    answer(page, "Lock node-0425")
    expect(page.get_by_text("node-0425 is locked: it gets no new tasks.")).to_be_visible()
    page.get_by_role("button", name="Locked or draining 1").click()
    expect(rows.first).to_contain_text("Locked")
    assert page.evaluate("document.querySelectorAll('*').length") < 2000


def test_on_a_phone_nothing_is_cut_off(two, photos, look):
    gateway, _ = two
    uuid = gateway.api.submit(photos[:2], name="a-name-without-a-single-blank-" * 4)
    gateway.api.submit(photos[:2])
    third = gateway.api.submit(photos[:2], name="waits")
    placed(gateway, uuid)
    eventually("one waits", lambda: "one slot" in task_of(gateway, third)["why"])
    window = look(gateway, size=PHONE)
    page = window.page
    for name in ("Overview", "Tasks", "Queue", "Backends"):
        go(page, name)
        expect(page.get_by_role("navigation", name="Pages", exact=True)).to_be_in_viewport()
        assert not window.is_wider_than_its_window(), name
    page.get_by_role("link", name="node-a").click()
    expect(switch(page, "Evacuate", "node-a")).to_be_visible()
    assert not window.is_wider_than_its_window()
    page.goto(gateway.admin_url + f"/#/tasks/{uuid}")
    expect(region(page, "Its path")).to_be_visible()
    assert not window.is_wider_than_its_window()
    page.get_by_role("button", name="Move", exact=True).click()
    expect(page.get_by_role("dialog").get_by_role("button", name="Move it")).to_be_in_viewport()
    assert not window.is_wider_than_its_window()


def focused(page):
    return page.evaluate("document.activeElement.getAttribute('aria-label') || document.activeElement.innerText || document.activeElement.id")


def tab_to(page, text):
    """Presses Tab until what bears that text has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if focused(page).strip() == text:
            return
    raise AssertionError(f"{text!r} isn't reached by Tab; the last was {focused(page)!r}")


def test_all_of_it_goes_without_a_mouse(two, photos, open_page):
    gateway, _ = two
    uuid = gateway.api.submit(photos[:2], name="vineyard")
    busy = placed(gateway, uuid)
    window = open_page(gateway.admin_url + "/")
    window.expect_errors("401")
    page = window.page
    expect(page.get_by_label("Admin token")).to_be_focused()
    page.keyboard.type(TOKEN)
    page.keyboard.press("Enter")
    expect(page.locator(".link")).to_have_text("Live")
    tab_to(page, "Backends")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Backends")).to_be_visible()
    expect(page.locator("main")).to_be_focused()
    tab_to(page, f"Lock {busy}")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert not backend_of(gateway, busy)["locked"]
    assert focused(page) == f"Lock {busy}", "the focus is where it was"
    page.keyboard.press("Enter")
    tab_to(page, f"Lock {busy}")
    page.keyboard.press("Enter")
    expect(page.get_by_role("row").filter(has_text=busy)).to_contain_text("Locked")
    # An event redraws the table, and whoever stands in it stays there.
    tab_to(page, f"Unlock {busy}")
    gateway.api.submit(photos[:1])
    eventually("the other has it", lambda: sum(each["tasks"] for each in api(gateway, "backends")) == 2)
    expect(page.get_by_role("row").filter(has_text="1 of 1")).to_have_count(2)
    assert focused(page) == f"Unlock {busy}"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_can_be_read_by_everybody(two, photos, look, dark):
    """WCAG 2.1 A and AA by axe, contrast included, on every page."""
    gateway, _ = two
    uuid = gateway.api.submit(photos[:2], name="runs")
    placed(gateway, uuid)
    gateway.api.submit(photos[:2])
    waits = gateway.api.submit(photos[:2], name="waits")
    eventually("one waits", lambda: "one slot" in task_of(gateway, waits)["why"])
    window = look(gateway, dark=dark)
    page = window.page
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground)[:3])) < 200) == dark, ground
    for where in ("", "tasks", "queue", "backends", f"tasks/{uuid}", f"tasks/{waits}", "backends/node-a"):
        page.goto(f"{gateway.admin_url}/#/{where}")
        expect(page.locator("main h1")).to_be_attached()
        expect(page.locator(".link")).to_have_text("Live")
        assert window.accessibility_problems() == [], where
    switch(page, "Drain", "node-a").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert window.accessibility_problems() == []
