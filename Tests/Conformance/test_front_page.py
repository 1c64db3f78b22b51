"""The page at `/` of the client listener, by real clicks, keys and drops in Chromium, in front of simulated nodes."""

import hashlib
import io
import json
import re
import zipfile

import pytest
from playwright.sync_api import expect

from harness.api import CANCELED, COMPLETED, RUNNING
from harness.browser import PHONE, browser, open_page  # noqa: F401 (fixtures)
from harness.waiting import eventually


@pytest.fixture
def node(world):
    return world.node(task_seconds=1, max_parallel=2, max_images=50)


@pytest.fixture
def gateway(world, node):
    return world.gateway([node])


def ready(window):
    """The window, once the form has the node's options."""
    expect(window.page.locator(".preset").first).to_be_visible()
    return window


def task(page, name):
    return page.locator(".task", has=page.get_by_role("heading", name=name, exact=True))


def state(card):
    return card.locator(".badge")


def button(card, word):
    return card.get_by_role("button", name=word)


def open_console(card):
    button(card, "Details").click()
    return card.get_by_role("log")


def agree(page, word):
    page.get_by_role("dialog").get_by_role("button", name=word).click()


def test_dropped_images_become_a_task_whose_results_come_back_whole(gateway, node, flight, open_page):
    window = ready(open_page(gateway.url))
    page = window.page
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_disabled()
    window.drop("#drop-zone", [*flight.small, flight.gcp])
    expect(page.locator("#files-summary")).to_contain_text("40 images, 1 other file")
    page.get_by_label("Name").fill("North <b>field</b> & more")
    page.get_by_label("Elevation models").check()
    page.get_by_role("button", name="Start", exact=True).click()
    card = task(page, "North <b>field</b> & more")
    expect(state(card)).to_have_text("Completed")
    uuid = gateway.api.tasks()[0]
    assert node.files(uuid) == sorted((p.name, flight.checksums[p.name]) for p in [*flight.small, flight.gcp])
    options = {option["name"]: option["value"] for option in gateway.api.task(uuid)["options"]}
    assert options["dsm"] is True and options["dtm"] is True and options["auto-boundary"] is True
    with page.expect_download() as download:
        button(card, "Download all.zip").click()
    with open(download.value.path(), "rb") as file:
        content = file.read()
    assert content == gateway.api.download(uuid).content
    inside = {n.rsplit("/", 1)[-1] for n in zipfile.ZipFile(io.BytesIO(content)).namelist()}
    assert inside >= {path.name for path in flight.small}
    expect(button(card, "Cancel")).to_be_hidden()


def test_a_dropped_folder_is_taken_with_all_that_is_below_it(gateway, flight, tmp_path, open_page):
    place = tmp_path / "flight" / "second"
    place.mkdir(parents=True)
    (place / "a.jpg").write_bytes(flight.small[0].read_bytes())
    (tmp_path / "flight" / "b.jpg").write_bytes(flight.small[1].read_bytes())
    (tmp_path / "flight" / ".hidden.jpg").write_bytes(b"x")
    window = ready(open_page(gateway.url))
    window.drop("#drop-zone", [tmp_path / "flight"])
    expect(window.page.locator("#files-summary")).to_contain_text("2 images")
    window.page.locator("#files summary").click()
    assert sorted(window.page.locator("#file-list .file-name").all_inner_texts()) == ["a.jpg", "b.jpg"]


def test_the_console_is_followed_line_by_line_and_saved_whole(gateway, node, photos, open_page):
    node.set(hold=True, outputLines=120)
    uuid = gateway.api.submit(photos[:1], {"name": "Followed"})
    window = ready(open_page(gateway.url))
    card = task(window.page, "Followed")
    console = open_console(card)
    expect(console).to_contain_text("Launching")
    node.set(hold=False)
    expect(state(card)).to_have_text("Completed")
    whole = eventually("all lines are there", lambda: len(lines := gateway.api.output(uuid)) >= 120 and lines)
    expect(console).to_have_text("\n".join(whole), use_inner_text=True)
    shown = console.evaluate("element => element.textContent").splitlines()
    assert shown == whole
    with window.page.expect_download() as download:
        button(card, "Save as text").click()
    with open(download.value.path(), encoding="utf-8") as file:
        assert file.read().splitlines() == whole


def test_what_users_and_nodes_write_is_never_read_as_html(gateway, node, photos, open_page):
    evil = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
    node.set(failNext=1, failText=evil, nastyOutput=True)
    gateway.api.submit([(f"{evil[:30]}.jpg".replace("/", ""), photos[0][1])], {"name": evil})
    window = ready(open_page(gateway.url))
    card = window.page.locator(".task")
    expect(state(card)).to_have_text("Failed")
    expect(card.locator("h3")).to_have_text(evil)
    expect(card.locator(".notice.bad")).to_have_text(evil)
    expect(open_console(card)).to_contain_text("error")
    assert window.page.title() == "ScaleODM: process images"
    assert window.page.locator(".task img, .task script, .task b").count() == 0


def test_a_task_is_cancelled_restarted_with_other_options_and_removed(gateway, node, photos, open_page):
    node.set(hold=True)
    uuid = gateway.api.submit(photos[:2], {"name": "Changed", "options": [{"name": "dsm", "value": True}]})
    page = ready(open_page(gateway.url)).page
    card = task(page, "Changed")
    expect(state(card)).to_have_text("Running")
    button(card, "Cancel").click()
    agree(page, "No")
    assert gateway.api.code(uuid) == RUNNING
    button(card, "Cancel").click()
    agree(page, "Cancel the task")
    expect(state(card)).to_have_text("Cancelled")
    assert gateway.api.code(uuid) == CANCELED
    node.set(hold=False)
    page.get_by_label("Fast orthophoto").check()
    button(card, "Restart").click()
    page.get_by_role("dialog").get_by_label("With the options of the form").check()
    agree(page, "Restart")
    expect(state(card)).to_have_text("Completed")
    names = [option["name"] for option in gateway.api.task(uuid)["options"]]
    assert "fast-orthophoto" in names and "dsm" not in names
    button(card, "Remove").click()
    agree(page, "Remove it")
    expect(card).to_have_count(0)
    eventually("the task is gone", lambda: uuid not in gateway.api.tasks())
    expect(page.get_by_text("No task yet.")).to_be_visible()


def test_an_option_that_the_node_refuses_is_told_at_the_option_and_no_file_is_lost(gateway, flight, open_page):
    window = ready(open_page(gateway.url))
    page = window.page
    window.drop("#drop-zone", flight.small[:3])
    page.get_by_label("Name").fill("Refused at first")
    page.locator("#options > summary").click()
    page.get_by_label("Search the options").fill("octree")
    field = page.get_by_label("mesh-octree-depth", exact=True)
    field.fill("99")
    page.get_by_label("Search the options").fill("")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#option-mesh-octree-depth-refusal")).to_contain_text("out of range")
    expect(page.locator("#files-summary")).to_contain_text("3 images")
    expect(page.get_by_label("Name")).to_have_value("Refused at first")
    assert gateway.api.tasks() == []
    field.fill("12")
    expect(field).not_to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(state(task(page, "Refused at first"))).to_have_text("Completed")
    uuid = gateway.api.tasks()[0]
    assert {"name": "mesh-octree-depth", "value": 12} in gateway.api.task(uuid)["options"]


def test_options_are_found_by_words_of_their_help_and_show_what_was_changed(gateway, open_page):
    page = ready(open_page(gateway.url)).page
    page.locator("#options > summary").click()
    page.get_by_label("Search the options").fill("no such word at all")
    expect(page.get_by_text("No option matches.")).to_be_visible()
    page.get_by_label("Search the options").fill("point cloud LAS")
    expect(page.get_by_label("pc-las", exact=True)).to_be_visible()
    expect(page.get_by_label("dtm", exact=True)).to_be_hidden()
    page.get_by_label("pc-las", exact=True).check()
    expect(page.locator("#options-summary")).to_have_text("1 change from the defaults")
    page.get_by_label("Search the options").fill("")
    page.get_by_label("Only changed").check()
    expect(page.locator(".option:visible")).to_have_count(1)
    page.get_by_role("button", name="Reset pc-las").click()
    expect(page.locator("#options-summary")).to_have_text("all defaults")
    # Every option that the gateway offers is in the form, but the one that only the gateway may set.
    names = {option["name"] for option in gateway.api.options()} - {"sm-cluster"}
    shown = page.locator("#option-groups [id^=option-]:is(input, select)").evaluate_all(
        "controls => controls.map((control) => control.id.slice('option-'.length))")
    assert set(shown) == names and len(shown) == len(names)


def test_more_images_than_a_task_may_have_are_not_sent(gateway, world, flight, open_page):
    few = world.gateway([world.node(max_images=3)])
    eventually("the node's limit is read", lambda: few.api.info()["maxImages"] == 3)
    window = ready(open_page(few.url))
    window.drop("#drop-zone", flight.small[:5])
    expect(window.page.get_by_text("This node takes up to 3 images in one task. Remove 2.")).to_be_visible()
    expect(window.page.get_by_role("button", name="Start", exact=True)).to_be_disabled()
    window.page.locator("#files summary").click()
    for name in ("IMG_0001.JPG", "IMG_0002.JPG"):
        window.page.get_by_role("button", name=f"Remove {name}").click()
    expect(window.page.get_by_role("button", name="Start", exact=True)).to_be_enabled()


def tokens(*names):
    return {"auth": {"required": True, "tokens": [
        {"name": name, "sha256": hashlib.sha256(name.encode()).hexdigest()} for name in names]}}


@pytest.mark.parametrize("style", ["status", "nodeodm"])
def test_a_missing_and_a_wrong_token_are_asked_for_and_a_right_one_shows_its_own_tasks(
        world, node, photos, open_page, style):
    settings = tokens("mine", "other")
    settings["auth"]["unauthorized"] = style
    gateway = world.gateway([node], settings)
    gateway.api.with_token("mine").submit(photos[:1], {"name": "My task"})
    gateway.api.with_token("other").submit(photos[:1], {"name": "Not my task"})
    window = open_page(gateway.url)
    window.expect_errors(r"status of 401")
    page = window.page
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("This gateway asks for a token.")
    expect(dialog.get_by_label("Your token")).to_be_focused()
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("doesn’t take this token")
    dialog.get_by_label("Your token").fill("mine")
    dialog.get_by_label("Keep it in this browser").check()
    dialog.get_by_role("button", name="Use it").click()
    expect(task(page, "My task")).to_be_visible()
    expect(page.get_by_role("alert").filter(visible=True)).to_have_count(0)
    expect(task(page, "Not my task")).to_have_count(0)
    expect(state(task(page, "My task"))).to_have_text("Completed")
    with page.expect_download() as download:
        button(task(page, "My task"), "Download all.zip").click()
    assert zipfile.is_zipfile(download.value.path())
    page.reload()
    expect(task(page, "My task")).to_be_visible()
    assert page.evaluate("sessionStorage.length + localStorage.length") >= 2


def test_a_token_in_the_address_is_used_and_taken_out_of_it(world, node, photos, open_page):
    gateway = world.gateway([node], tokens("mine"))
    gateway.api.with_token("mine").submit(photos[:1], {"name": "By link"})
    page = open_page(gateway.url + "/?token=mine").page
    expect(task(page, "By link")).to_be_visible()
    assert page.url == gateway.url + "/"


def test_a_browser_that_keeps_nothing_shows_the_page_all_the_same(gateway, flight, open_page):
    forbid = """for (const name of ["localStorage", "sessionStorage"])
        Object.defineProperty(window, name, { get() { throw new DOMException("denied", "SecurityError"); } });"""
    window = ready(open_page(gateway.url, before=forbid))
    window.drop("#drop-zone", flight.small[:1])
    window.page.get_by_label("Name").fill("Not kept")
    window.page.get_by_role("button", name="Start", exact=True).click()
    expect(state(task(window.page, "Not kept"))).to_have_text("Completed")


def test_a_refused_download_is_told_instead_of_saved(gateway, node, photos, open_page):
    uuid = gateway.api.submit(photos[:1], {"name": "Purged"})
    gateway.api.wait(uuid, COMPLETED)
    page = ready(open_page(gateway.url)).page
    card = task(page, "Purged")
    expect(state(card)).to_have_text("Completed")
    assert node.api.act("remove", uuid) == {"success": True}
    button(card, "Download all.zip").click()
    expect(card.get_by_role("status")).not_to_be_empty()
    expect(card.get_by_role("status")).to_be_visible()


def test_an_upload_goes_on_when_the_gateway_is_back_after_a_kill(gateway, flight, open_page):
    window = ready(open_page(gateway.url))
    window.expect_errors(r"ERR_CONNECTION|ERR_EMPTY_RESPONSE|ERR_SOCKET")
    page = window.page
    # The large one takes two minutes: it is on its way when the gateway is killed, however slow this machine is.
    session = window.slow_upload(250_000)
    window.drop("#drop-zone", [*flight.small[:8], flight.large])
    page.get_by_label("Name").fill("Interrupted")
    page.get_by_role("button", name="Start", exact=True).click()
    upload = page.locator(".upload")
    expect(upload).to_contain_text("8 of 9 files")
    gateway.kill()
    expect(upload).to_contain_text("Trying again")
    expect(page.locator("#trouble")).to_contain_text("The gateway doesn't answer.")
    session.detach()
    gateway.start()
    card = task(page, "Interrupted")
    expect(state(card)).to_have_text("Completed", timeout=90_000)
    expect(page.locator("#trouble")).to_be_hidden()
    [uuid] = gateway.api.tasks()
    assert gateway.api.task(uuid)["imagesCount"] == 9


def test_an_upload_that_is_stopped_starts_nothing_and_can_be_sent_again(gateway, flight, open_page):
    window = ready(open_page(gateway.url))
    page = window.page
    session = window.slow_upload(250_000)
    window.drop("#drop-zone", [flight.large])
    page.get_by_label("Name").fill("Stopped")
    page.get_by_role("button", name="Start", exact=True).click()
    bar = page.get_by_role("progressbar", name="Upload of Stopped")
    eventually("a part is sent", lambda: bar.evaluate("bar => bar.value") > 0)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".upload")).to_contain_text("Stopped. Nothing was started.")
    assert gateway.api.tasks() == []
    session.detach()
    page.get_by_role("button", name="Send again").click()
    expect(state(task(page, "Stopped"))).to_have_text("Completed")


def test_a_task_goes_on_in_sight_when_its_node_dies_and_comes_back(world, photos, open_page):
    node = world.node(task_seconds=1, dump="always")
    gateway = world.gateway([node])
    node.set(hold=True)
    uuid = gateway.api.submit(photos[:2], {"name": "Survivor"})
    page = ready(open_page(gateway.url)).page
    card = task(page, "Survivor")
    expect(state(card)).to_have_text("Running")
    gateway.api.wait(uuid, RUNNING)
    node.kill()
    eventually("the gateway has noticed", lambda: gateway.backends()[0]["state"] == "offline")
    with page.expect_response(lambda response: response.url.endswith(f"/task/{uuid}/info")):
        pass
    expect(state(card)).to_have_text(re.compile("Running|Waiting"))
    expect(page.locator("#trouble")).to_be_hidden()
    node.start()
    expect(state(card)).to_have_text("Completed", timeout=90_000)


def test_results_in_object_storage_are_downloaded_one_by_one(world, flight, open_page):
    store = world.s3()
    cluster = world.argo(s3=store, execute=True)
    gateway = world.gateway([cluster], {"storage": {"s3": store.settings()}})
    window = ready(open_page(gateway.url))
    page = window.page
    window.drop("#drop-zone", flight.small[:3])
    page.get_by_label("Name").fill("On a cluster")
    page.get_by_role("button", name="Start", exact=True).click()
    card = task(page, "On a cluster")
    expect(state(card)).to_have_text("Completed", timeout=90_000)
    [uuid] = gateway.api.tasks()
    results = card.locator(".results")
    expect(results).to_contain_text("orthophoto.tif")
    for name in ("orthophoto.tif", "odm_orthophoto/odm_orthophoto.tif"):
        with page.expect_download() as download:
            results.get_by_role("button", name=name, exact=True).click()
        with open(download.value.path(), "rb") as file:
            assert file.read() == gateway.api.download(uuid, name).content, name


def test_a_zip_is_processed_by_its_address_alone(world, node, photos, open_page):
    import http.server
    import threading

    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        for name, data in photos[:3]:
            writer.writestr(name, data)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(archive.getvalue())))
            self.end_headers()
            self.wfile.write(archive.getvalue())

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        gateway = world.gateway([node], {"fetch": {"allow_private_addresses": True}})
        page = ready(open_page(gateway.url)).page
        page.get_by_label("Or the address of a zip").fill(f"http://127.0.0.1:{server.server_port}/images.zip")
        page.get_by_label("Name").fill("By address")
        page.keyboard.press("Enter")
        expect(state(task(page, "By address"))).to_have_text("Completed")
        server.shutdown()
    [uuid] = gateway.api.tasks()
    assert gateway.api.task(uuid)["imagesCount"] == 3


def test_tasks_sent_from_this_browser_are_told_apart_and_the_list_is_searched(gateway, photos, flight, open_page):
    gateway.api.submit(photos[:1], {"name": "Somebody else's"})
    window = ready(open_page(gateway.url))
    page = window.page
    window.drop("#drop-zone", flight.small[:1])
    page.get_by_label("Name").fill("Mine")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(task(page, "Mine")).to_be_visible()
    expect(task(page, "Somebody else's")).to_be_visible()
    page.get_by_label("Only those sent from this browser").check()
    expect(task(page, "Somebody else's")).to_have_count(0)
    page.get_by_label("Only those sent from this browser").uncheck()
    page.get_by_label("Search the tasks").fill("somebody")
    expect(task(page, "Mine")).to_be_hidden()
    expect(task(page, "Somebody else's")).to_be_visible()


def test_a_long_list_is_shown_in_pages(gateway, photos, open_page):
    for number in range(23):
        gateway.api.submit(photos[:1], {"name": f"Task {number}"})
    page = ready(open_page(gateway.url)).page
    expect(page.locator(".task")).to_have_count(20)
    expect(page.locator(".task h3").first).to_have_text("Task 22")
    page.get_by_role("button", name="Show more").click()
    expect(page.locator(".task")).to_have_count(23)
    expect(page.locator(".task h3").last).to_have_text("Task 0")


def test_on_a_phone_nothing_is_wider_than_the_screen(gateway, photos, flight, open_page):
    gateway.api.submit(photos[:1], {"name": "W" * 150, "options": [{"name": "boundary", "value": json.dumps({"x": "y" * 300})}]})
    window = ready(open_page(gateway.url, size=PHONE))
    page = window.page
    window.drop("#drop-zone", flight.small[:3])
    page.locator("#files summary").click()
    page.locator("#options > summary").click()
    for group in page.locator(".option-group > summary").all():
        group.click()
    card = page.locator(".task")
    expect(open_console(card)).to_be_visible()
    assert not window.is_wider_than_its_window()
    button(card, "Remove").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert not window.is_wider_than_its_window()


def tab_to(page, target, limit=150):
    """Presses Tab until the focus is on `target`."""
    for _ in range(limit):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard doesn't reach {target}")


def test_everything_is_done_by_the_keyboard_alone(gateway, node, flight, open_page):
    node.set(hold=True)
    page = ready(open_page(gateway.url)).page
    tab_to(page, page.get_by_role("button", name="Choose files"))
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(flight.small[:4])
    tab_to(page, page.get_by_label("Name"))
    page.keyboard.type("By keys")
    tab_to(page, page.get_by_label("Standard"))
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Fast orthophoto")).to_be_checked()
    tab_to(page, page.get_by_role("button", name="Start", exact=True))
    page.keyboard.press("Enter")
    card = task(page, "By keys")
    expect(state(card)).to_have_text("Running")
    expect(card.get_by_role("heading", name="By keys")).to_be_focused()
    tab_to(page, button(card, "Cancel"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(button(card, "Cancel")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("button", name="Cancel the task"))
    page.keyboard.press("Enter")
    expect(state(card)).to_have_text("Cancelled")
    tab_to(page, button(card, "Remove"))
    page.keyboard.press("Space")
    tab_to(page, page.get_by_role("button", name="Remove it"))
    page.keyboard.press("Enter")
    expect(card).to_have_count(0)
    expect(page.get_by_role("heading", name="Tasks")).to_be_focused()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_wrong_and_every_contrast_is_enough(gateway, node, photos, flight, open_page, dark):
    node.set(failNext=1)
    for name in ("Fails", "Completes"):
        gateway.api.wait(gateway.api.submit(photos[:1], {"name": name}))
    node.set(hold=True)
    gateway.api.submit(photos[:1], {"name": "Runs"})
    window = ready(open_page(gateway.url, dark=dark))
    page = window.page
    window.drop("#drop-zone", flight.small[:2])
    page.get_by_label("High quality").check()
    page.locator("#options > summary").click()
    page.get_by_label("Only changed").check()
    expect(state(task(page, "Runs"))).to_have_text("Running")
    open_console(task(page, "Completes"))
    assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") is dark
    assert window.accessibility_problems() == []
    button(task(page, "Runs"), "Cancel").click()
    assert window.accessibility_problems() == []
