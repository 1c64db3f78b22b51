"""A client of the NodeODM API that hides nothing: answers are handed back as they came."""

import json
import urllib.parse

import requests

from .waiting import eventually
from .wire import Wire, multipart

QUEUED, RUNNING, FAILED, COMPLETED, CANCELED = 10, 20, 30, 40, 50
FINAL = (FAILED, COMPLETED, CANCELED)


class API:
    """Requests to one server. `token` is added to each query unless the call gives its own `params`."""

    def __init__(self, url, token=None, timeout=30):
        self.url = url.rstrip("/")
        self.token = token
        self.timeout = timeout
        self.session = requests.Session()

    @property
    def address(self):
        parts = urllib.parse.urlsplit(self.url)
        return parts.hostname, parts.port

    def wire(self, **settings):
        return Wire(*self.address, **settings)

    def with_token(self, token):
        return API(self.url, token, self.timeout)

    def call(self, method, path, params=None, **settings):
        if params is None and self.token is not None:
            params = {"token": self.token}
        elif isinstance(params, dict) and self.token is not None:
            params = {"token": self.token, **params}
        settings.setdefault("timeout", self.timeout)
        return self.session.request(method, self.url + path, params=params, **settings)

    def get(self, path, params=None, **settings):
        return self.call("GET", path, params, **settings)

    def post(self, path, params=None, **settings):
        return self.call("POST", path, params, **settings)

    # The endpoints; each returns the JSON of a 200.

    def info(self):
        return plain(self.get("/info"))

    def options(self):
        return plain(self.get("/options"))

    def tasks(self):
        return [item["uuid"] for item in plain(self.get("/task/list"))]

    def init(self, fields=None, uuid=None, **more):
        """POST /task/new/init as multipart, as every client library sends it."""
        headers = {"set-uuid": uuid} if uuid else {}
        body, kind = multipart(_texts({**(fields or {}), **more}))
        return plain(self.post("/task/new/init", data=body, headers={"Content-Type": kind, **headers}))

    def upload(self, uuid, files, field="images"):
        """Uploads (name, bytes) pairs in one request."""
        body, kind = multipart([(field, name, data) for name, data in files])
        return plain(self.post(f"/task/new/upload/{uuid}", data=body, headers={"Content-Type": kind}))

    def commit(self, uuid):
        return plain(self.post(f"/task/new/commit/{uuid}"))

    def new(self, files=(), fields=None, **more):
        """POST /task/new with everything in one request."""
        parts = _texts({**(fields or {}), **more}) + [("images", name, data) for name, data in files]
        body, kind = multipart(parts)
        return plain(self.post("/task/new", data=body, headers={"Content-Type": kind}))

    def task(self, uuid, with_output=None):
        params = {} if with_output is None else {"with_output": with_output}
        return plain(self.get(f"/task/{uuid}/info", params))

    def output(self, uuid, line=None):
        return plain(self.get(f"/task/{uuid}/output", {} if line is None else {"line": line}))

    def act(self, verb, uuid, **fields):
        """cancel, remove or restart, urlencoded as PyODM and WebODM do."""
        return plain(self.post(f"/task/{verb}", data={"uuid": uuid, **dict(_texts(fields))}))

    def download(self, uuid, asset="all.zip", **settings):
        return self.get(f"/task/{uuid}/download/{asset}", **settings)

    # Compositions.

    def ready(self, files, fields=None, uuid=None, **more):
        """A task with its files uploaded and not yet committed; its uuid."""
        made = self.init(fields, uuid, **more)
        assert "uuid" in made, made
        sent = self.upload(made["uuid"], files)
        assert sent == {"success": True}, sent
        return made["uuid"]

    def submit(self, files, fields=None, uuid=None, **more):
        """A committed task's uuid."""
        uuid = self.ready(files, fields, uuid, **more)
        done = self.commit(uuid)
        assert done == {"uuid": uuid}, done
        return uuid

    def wait(self, uuid, *codes, seconds=60.0):
        """The task's info once its status is one of `codes` (a final one by default)."""
        codes = codes or FINAL

        def reached():
            info = self.task(uuid)
            assert "status" in info, info
            assert info["status"]["code"] in codes, f"the task is {info['status']}"
            return info

        return eventually(f"task {uuid} becomes {codes}", reached, seconds)

    def code(self, uuid):
        return self.task(uuid)["status"]["code"]


def plain(response):
    """The JSON of an answer that has to be 200 and JSON."""
    assert response.status_code == 200, f"{response.status_code} {response.text[:300]!r}"
    kind = response.headers.get("Content-Type", "")
    assert kind.startswith("application/json"), f"{kind}: {response.text[:300]!r}"
    return response.json()


def error_of(answer):
    """The text of an `error` answer."""
    assert isinstance(answer, dict) and isinstance(answer.get("error"), str), answer
    return answer["error"]


def _texts(fields):
    return [(n, v if isinstance(v, (str, bytes)) else json.dumps(v)) for n, v in fields.items() if v is not None]
