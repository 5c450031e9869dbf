"""A real S3 server of a test's own process, which the kernels of the test can reach, too."""

import contextlib

import boto3
from moto.server import ThreadedMotoServer

REGION = "eu-west-1"
SECRET = "the-secret-of-the-bucket"


@contextlib.contextmanager
def s3_server():
    """Its address."""
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    try:
        yield "http://{}:{}".format(*server.get_host_and_port())
    finally:
        server.stop()


def options(url):
    """For fsspec."""
    return {
        "key": "the-key-of-the-bucket",
        "secret": SECRET,
        "endpoint_url": url,
        "client_kwargs": {"region_name": REGION},
    }


def bucket(url, name):
    """Make a bucket; another client of it than ours."""
    client = boto3.client(
        "s3",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id="key",
        aws_secret_access_key=SECRET,
    )
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return client
