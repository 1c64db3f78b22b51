"""ScaleODMSimulator: a program that behaves like another ScaleODM instance, and tells what was done to it."""

from .controlled import Controlled


class ScaleODMInstance(Controlled):
    """One simulated instance over an S3 server."""

    module = "scaleodm_simulator"
    folder_name = "ScaleODMSimulator"

    def __init__(self, s3, name="scaleodm", **flags):
        super().__init__(name, s3_endpoint=s3.url, s3_access_key=s3.access_key, s3_secret_key=s3.secret_key, **flags)

    def starts(self, read_path=None):
        """How often processing was started, by the s3:// URL of its input: uuids would not show that a task ran twice."""
        started = self.effects("startedFor")
        return started if read_path is None else started.get(read_path, 0)

    def backend(self, **more):
        """This instance as an entry of an inventory."""
        return {"name": self.name, "kind": "scaleodm", "url": self.url, "max_parallel_tasks": 10, **more}
