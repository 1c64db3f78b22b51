"""Object storage as the simulators use it: a thin layer over boto3, which is loaded only when storage is."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any


@dataclasses.dataclass(frozen=True)
class Place:
    """A bucket and a prefix; `s3://bucket/a/b/` has the prefix `a/b/`."""

    bucket: str
    prefix: str

    @classmethod
    def parse(cls, url: str) -> Place:
        """Raises ValueError for anything but `s3://BUCKET[/PREFIX]`."""
        if not url.startswith("s3://") or not url[5:].split("/")[0]:
            raise ValueError(f"{url!r} is not an s3://bucket/prefix")
        bucket, _, prefix = url[5:].partition("/")
        return cls(bucket, prefix if not prefix or prefix.endswith("/") else prefix + "/")

    def key(self, name: str) -> str:
        return self.prefix + name

    @property
    def url(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"


@dataclasses.dataclass(frozen=True)
class Storage:
    """An S3 endpoint with keys; without an endpoint it is AWS."""

    endpoint: str | None
    access_key: str = "test"
    secret_key: str = "test-secret"
    region: str = "us-east-1"
    session_token: str | None = None
    #: Authorities that vouch for the endpoint; None: the system's.
    ca_file: str | None = None

    @functools.cached_property
    def client(self) -> Any:
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3", endpoint_url=self.endpoint, aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key, aws_session_token=self.session_token, region_name=self.region,
            verify=self.ca_file,
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"max_attempts": 2},
                          # rclone's server does not know the newer checksum trailers.
                          request_checksum_calculation="when_required", response_checksum_validation="when_required"))

    def put(self, place: Place, name: str, body: bytes) -> None:
        self.client.put_object(Bucket=place.bucket, Key=place.key(name), Body=body)

    def get(self, place: Place, name: str) -> bytes:
        return self.client.get_object(Bucket=place.bucket, Key=place.key(name))["Body"].read()

    def list(self, place: Place) -> Iterator[tuple[str, int]]:
        """Names below the prefix and their sizes."""
        for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=place.prefix):
            for item in page.get("Contents", ()):
                yield item["Key"][len(place.prefix):], item["Size"]

    def exists(self, place: Place, name: str) -> bool:
        from botocore.exceptions import ClientError

        try:
            self.client.head_object(Bucket=place.bucket, Key=place.key(name))
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return False
            raise
        return True

    def presigned(self, place: Place, name: str, seconds: int = 3600) -> str:
        return self.client.generate_presigned_url(
            "get_object", Params={"Bucket": place.bucket, "Key": place.key(name)}, ExpiresIn=seconds)

    def delete(self, place: Place) -> None:
        for name, _ in list(self.list(place)):
            self.client.delete_object(Bucket=place.bucket, Key=place.key(name))
