"""A client shaped like drone-tm, the largest user of ScaleODM: it sends JSON, is told by webhook, and reads products from the bucket."""

import json

import requests

from .waiting import eventually


class Refused(Exception):
    """A submission that was not taken, in the words that its user is shown."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status
        self.message = message


class DroneTM:
    """One installation: images of projects in a bucket, a webhook of its own."""

    def __init__(self, gateway, store, receiver):
        self.url = gateway.url
        self.store = store
        self.receiver = receiver

    def submit(self, read, write, depth, **more):
        """Submits a flight, all fields as drone-tm sends them; its uuid, or Refused."""
        answer = requests.post(self.url + "/task/new", timeout=30, json={
            "name": "dtm-project-7", "readS3Path": read, "writeS3Path": write, "processingMode": "standard",
            "s3ScanDepth": depth, "useDefaultExcludes": True, "excludePaths": ["drafts/**", "rejected/**"],
            "options": json.dumps([{"name": "dsm", "value": True}, {"name": "orthophoto-resolution", "value": 5}]),
            "s3Endpoint": self.store.url, "capacityType": "spot", "webhook": self.receiver.url + "/odm?token=a%20secret",
            **more})
        if answer.status_code >= 400:
            said = answer.json()
            raise Refused(answer.status_code, next(said[key] for key in ("error", "errorMessage", "message") if said.get(key)))
        return answer.json()["uuid"]

    def poll(self, uuid):
        answer = requests.get(f"{self.url}/task/{uuid}/info", timeout=30)
        answer.raise_for_status()
        return answer.json()

    def wait(self, uuid, seconds=120):
        """Its info, once polling shows an end."""

        def ended():
            info = self.poll(uuid)
            assert info["status"]["code"] in (30, 40, 50), info["status"]
            return info

        return eventually(f"{uuid} ends", ended, seconds)

    def told(self, uuid):
        """The body of the webhook about a task, checked as drone-tm's model of it does."""

        def posts():
            return [post for post in self.receiver.received if json.loads(post["body"]).get("uuid") == uuid]

        post, = eventually("the webhook is told", posts)
        assert post["path"] == "/odm?token=a%20secret", "its secret stands in the query, which is used as it was given"
        assert post["headers"]["Content-Type"].startswith("application/json")
        body = json.loads(post["body"])
        assert type(body["uuid"]) is str and type(body["statusCode"]) is int
        return body
