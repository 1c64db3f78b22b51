"""The web pages inside the program: what the two listeners serve at `/` and `/ui/`, to browsers and to programs."""

import hashlib
import re

import pytest
import requests

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.fixture(scope="module")
def gateway(scratch):
    from conftest import World

    world = World(scratch / "pages")
    tokens = [{"name": "field", "sha256": hashlib.sha256(b"user-secret").hexdigest()}]
    yield world.gateway([world.node()], {"admin": {"token": "admin-secret"}, "auth": {"required": True, "tokens": tokens}})
    world.close()


@pytest.fixture(params=["client", "admin"])
def base(request, gateway):
    return gateway.url if request.param == "client" else gateway.admin_url


def page(base, path="/", **fields):
    return requests.get(base + path, headers={**BROWSER, **fields}, timeout=10)


def test_a_browser_gets_a_page_without_a_token_with_all_that_it_refers_to(base):
    index = page(base)
    assert index.status_code == 200 and index.headers["Content-Type"] == "text/html; charset=utf-8"
    names = re.findall(r'(?:src|href)="(ui/[^"]+)"', index.text)
    assert names
    for name in names:
        file = page(base, "/" + name)
        assert file.status_code == 200 and file.content, name
        assert file.headers["X-Content-Type-Options"] == "nosniff"
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', index.text), "nothing comes from elsewhere"


def test_a_page_is_confirmed_by_its_etag_and_says_who_may_show_it(base):
    index = page(base)
    etag = index.headers["ETag"]
    assert etag == f'"{hashlib.sha256(index.content).hexdigest()}"'
    assert index.headers["Cache-Control"] == "no-cache" and index.headers["Referrer-Policy"] == "no-referrer"
    assert index.headers["Content-Security-Policy"] == "default-src 'self'; frame-ancestors 'none'"
    again = page(base, **{"If-None-Match": etag})
    assert again.status_code == 304 and again.content == b"" and again.headers["ETag"] == etag
    head = requests.head(base + "/", headers=BROWSER, timeout=10)
    assert head.status_code == 200 and head.content == b""
    assert int(head.headers["Content-Length"]) == len(index.content)


@pytest.mark.parametrize("path", ["/ui/", "/ui/none.js", "/ui/..%2f..%2fetc%2fpasswd", "/ui/a/b.js", "/index.html"])
def test_what_is_no_file_of_a_page_is_not_found(base, path):
    answer = page(base, path)
    assert answer.status_code == 404 and "error" in answer.json()


def test_a_page_takes_no_other_method(base):
    assert requests.post(base + "/", headers=BROWSER, timeout=10).status_code == 405
    assert requests.delete(base + "/ui/theme.css", timeout=10).status_code == 405


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "text/plain"])
def test_a_program_is_told_at_the_root_of_the_client_listener_what_this_is(gateway, accept):
    answer = requests.get(gateway.url + "/", headers={"Accept": accept}, timeout=10)
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.text.startswith("This is a scaleodm gateway.")
    assert answer.headers["Vary"] == "Accept" and answer.headers["Access-Control-Allow-Origin"] == "*"


def test_the_pages_open_nothing_else(gateway):
    assert requests.get(gateway.url + "/info", headers=BROWSER, timeout=10).status_code == 401
    assert requests.get(gateway.admin_url + "/api/tasks", headers=BROWSER, timeout=10).status_code == 401
