"""Debian's Chromium without a window, driven by Playwright: real clicks, keys and drops, and no error in its console."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

#: Generous: the machine may be busy, and what is waited for comes by events.
TIMEOUT = 30_000
expect.set_options(timeout=TIMEOUT)
PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 900}


class Browser:
    """One Chromium; each page has cookies and storage of its own."""

    def __init__(self):
        self._playwright = sync_playwright().start()
        self._chromium = self._playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-dev-shm-usage"])

    def open(self, url, size=DESKTOP, dark=False, before=None):
        """A page in a window of its own. `before`: JavaScript that runs before the page's own."""
        context = self._chromium.new_context(
            viewport=size, color_scheme="dark" if dark else "light", accept_downloads=True)
        context.set_default_timeout(TIMEOUT)
        if before is not None:
            context.add_init_script(before)
        return Window(context, url)

    def close(self):
        self._chromium.close()
        self._playwright.stop()


class Window:
    """A page and what its console said."""

    def __init__(self, context, url):
        self.context = context
        self.page = context.new_page()
        self.errors = []
        self._expected = []
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.errors.append(f"uncaught: {error}"))
        # Who listens makes Chromium tell of file choosers instead of opening them. That takes a while to reach a busy page, and a
        # key pressed right behind it overtakes it there: the chooser is then closed, and nobody hears of it. So from the start.
        self.page.on("filechooser", lambda chooser: None)
        self.page.goto(url)

    def _note(self, message):
        if message.type in ("error", "warning"):
            self.errors.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def expect_errors(self, pattern):
        """Chromium itself reports each answer of 400 and more, and each lost connection; a test says which it causes."""
        self._expected.append(re.compile(pattern))

    def drop(self, selector, files):
        """Drops files from the file manager on an element, as the system's own drag does."""
        target = self.page.locator(selector)
        target.scroll_into_view_if_needed()
        box = target.bounding_box()
        place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        session = self.context.new_cdp_session(self.page)
        data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            session.send("Input.dispatchDragEvent", {"type": kind, **place, "data": data})
        session.detach()

    def slow_upload(self, bytes_per_second):
        """Bounds what the page sends; -1 takes the bound away."""
        session = self.context.new_cdp_session(self.page)
        session.send("Network.enable")
        session.send("Network.emulateNetworkConditions", {
            "offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_per_second})
        return session

    def is_wider_than_its_window(self):
        return self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")

    def accessibility_problems(self):
        """What axe finds against WCAG 2.1 A and AA, contrast included."""
        rules = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}}
        found = Axe().run(self.page, options=rules).response["violations"]
        return [f"{rule['id']}: {node['html']} {node['failureSummary']}" for rule in found for node in rule["nodes"]]

    def unexpected_errors(self):
        return [error for error in self.errors if not any(pattern.search(error) for pattern in self._expected)]

    def close(self):
        self.context.close()


@pytest.fixture(scope="module")
def browser():
    browser = Browser()
    yield browser
    browser.close()


@pytest.fixture
def open_page(browser):
    """A function that opens windows; an error in the console of one fails the test."""
    windows = []

    def open_window(url, **settings):
        windows.append(browser.open(url, **settings))
        return windows[-1]

    yield open_window
    errors = [error for window in windows for error in window.unexpected_errors()]
    for window in windows:
        window.close()
    assert not errors, "\n".join(errors)
