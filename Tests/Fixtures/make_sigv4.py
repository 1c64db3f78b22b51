"""Writes sigv4-botocore.json: requests that botocore signed, which our own signer must sign alike.

    .build/venv/bin/python Tests/Fixtures/make_sigv4.py

The same each time: a seeded choice of keys, queries, tokens and bodies that S3's clients get wrong, and a fixed clock.
"""
import datetime
import hashlib
import json
import pathlib
import random
import re
from unittest import mock
from urllib.parse import parse_qsl, quote, urlsplit

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

NOW = datetime.datetime(2026, 2, 28, 23, 59, 58)
STAMP = "20260228T235958Z"
KEYS = [
    "plain.txt", "a/b/c", "with blank", "plus+sign", "per%cent", "per%20cent", "tilde~", "a//b", "/leading", "trailing/",
    "../up", "a/./b", "é/ü/日本", "q?u&e=r#y", "quote'\"", "(1)[2]{3}", "*!$,;:@", "back\\slash", "new\nline", "emoji-🛰",
]
VALUES = ["", "a b", "a+b", "a/b", "x=y&z", "é", "~", "%2F", "attachment; filename=\"ortho photo.tif\"", "日本", "Ab"]
NAMES = ["prefix", "delete", "uploads", "list-type", "a", "A", "b b", "x-y", "partNumber", "uploadId", "é"]


def sign(signer, request):
    with mock.patch.object(botocore.auth, "get_current_datetime", lambda *_, **__: NOW):
        signer.add_auth(request)


def one(rng, number):
    credentials = Credentials(
        f"AKID{number:04}", "".join(rng.choices("abcXYZ0189+/", k=40)),
        "".join(rng.choices("abcXYZ0189+/=", k=60)) if number % 3 == 0 else None)
    region = rng.choice(["us-east-1", "eu-central-1", "garage"])
    path = "/bucket/" + quote(KEYS[number % len(KEYS)], safe="/~")
    query = [(name, rng.choice(VALUES)) for name in rng.sample(NAMES, rng.randrange(0, 5))]
    host = rng.choice(["s3.example.org", "127.0.0.1:9000"])
    text = "&".join(f"{quote(n, safe='~')}={quote(v, safe='~')}" for n, v in query)
    url = f"http://{host}{path}" + ("?" + text if text else "")
    case = {
        "accessKeyID": credentials.access_key, "secretAccessKey": credentials.secret_key,
        "sessionToken": credentials.token, "region": region, "stamp": STAMP, "path": path, "query": query,
    }
    if number % 2:
        return {**case, **presigned(rng, credentials, region, url, host)}
    return {**case, **by_fields(rng, credentials, region, url, host)}


def presigned(rng, credentials, region, url, host):
    seconds = rng.choice([1, 3600, 604800])
    request = AWSRequest(method="GET", url=url)
    sign(botocore.auth.S3SigV4QueryAuth(credentials, "s3", region, seconds), request)
    signed = dict(parse_qsl(urlsplit(request.url).query, keep_blank_values=True))
    return {
        "method": "GET", "seconds": seconds, "fields": [["Host", host]], "payloadHash": "UNSIGNED-PAYLOAD",
        "signature": signed["X-Amz-Signature"],
    }


def by_fields(rng, credentials, region, url, host):
    body = rng.randbytes(rng.choice([0, 1, 1000]))
    method = rng.choice(["GET", "PUT", "POST", "DELETE", "HEAD"])
    fields = {"Content-MD5": "abc=="} if rng.random() < 0.5 else {}
    if rng.random() < 0.5:
        fields["x-amz-meta-note"] = "  two   blanks  "
    request = AWSRequest(method=method, url=url, headers=dict(fields), data=body)
    request.context["client_config"] = None
    sign(botocore.auth.S3SigV4Auth(credentials, "s3", region), request)
    authorization = request.headers["Authorization"]
    names = re.search(r"SignedHeaders=([^,]*)", authorization)[1].split(";")
    values = {name.lower(): value for name, value in request.headers.items()} | {"host": host}
    return {
        "method": method, "seconds": None, "fields": [[name, values[name]] for name in rng.sample(names, len(names))],
        "payloadHash": hashlib.sha256(body).hexdigest(), "signature": authorization.rsplit("Signature=", 1)[1],
    }


def main():
    rng = random.Random(20260228)
    cases = [one(rng, number) for number in range(80)]
    target = pathlib.Path(__file__).with_name("sigv4-botocore.json")
    lines = ",\n".join(json.dumps(case, sort_keys=True) for case in cases)
    target.write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
