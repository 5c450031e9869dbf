"""Objects in a real S3 server, by the real client (api.md, section 6)."""

import asyncio
import io
from urllib.parse import urlsplit

import boto3
import pytest
import s3fs
import wmill
from moto.server import ThreadedMotoServer

from jupyter_flows.core.errors import StorageUnavailable
from jupyter_flows.core.objects import Said

from .windmill_client import FakeResources

HELPERS = "api/w/jupyter/job_helpers"


@pytest.fixture(scope="module")
def s3_url():
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def s3(s3_url):
    """Two empty buckets, seen by another client than ours."""
    client = boto3.client(
        "s3",
        endpoint_url=s3_url,
        region_name="eu-west-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )
    for bucket in ("flows", "named"):
        where = {"LocationConstraint": "eu-west-1"}
        client.create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
    yield client
    for bucket in ("flows", "named"):
        for found in client.list_objects_v2(Bucket=bucket).get("Contents", ()):
            client.delete_object(Bucket=bucket, Key=found["Key"])
        client.delete_bucket(Bucket=bucket)


@pytest.fixture
def flows_config(s3_url):
    options = {
        "key": "key",
        "secret": "secret",
        "endpoint_url": s3_url,
        "client_kwargs": {"region_name": "eu-west-1"},
    }
    return {"objects_url": "s3://flows/prefix", "objects_options": options}


@pytest.fixture
def resources(house, s3_url, monkeypatch):
    """One resource of the type s3, as Windmill has them."""
    address = urlsplit(s3_url)
    value = {
        "bucket": "named",
        "region": "eu-west-1",
        "endPoint": address.hostname,
        "port": address.port,
        "useSSL": False,
        "accessKey": "key",
        "secretKey": "it's secret",
        "pathStyle": True,
    }
    found = FakeResources({"f/s3": value, "f/slack": {"token": "x"}})
    monkeypatch.setattr(house.objects, "_resources", found)
    return found


def keys(s3, bucket):
    return [each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", ())]


async def test_the_client_writes_reads_and_deletes(windmill, s3):
    written = await windmill.write_s3_file(
        "s3:///a/b.csv", b"1,2\n", None, "text/csv", 'attachment; filename="b.csv"'
    )
    head = s3.head_object(Bucket="flows", Key="prefix/a/b.csv")
    assert (head["ContentType"], head["ContentLength"]) == ("text/csv", 4)
    assert head["ContentDisposition"] == 'attachment; filename="b.csv"'
    assert await windmill.load_s3_file(written, None) == b"1,2\n"

    def read():
        with windmill.client.load_s3_file_reader("s3:///a/b.csv", None) as reader:
            return reader.read(2), reader.read()

    assert await asyncio.to_thread(read) == (b"1,", b"2\n")
    await windmill.delete_s3_object(written)
    assert keys(s3, "flows") == []
    with pytest.raises(Exception, match="There is no object"):
        await windmill.load_s3_file(written, None)
    with pytest.raises(Exception, match="There is no object"):
        await windmill.delete_s3_object("s3:///a/b.csv")


async def test_a_large_object_goes_through_in_parts(windmill, s3):
    many = bytes(range(256)) * 60_000
    stream = io.BufferedReader(io.BytesIO(many))
    written = await windmill.write_s3_file("s3:///many", stream, None, None, None)
    assert s3.head_object(Bucket="flows", Key="prefix/many")["ContentLength"] == len(many)
    assert await windmill.load_s3_file(written, None) == many


async def test_a_signed_object_is_public(windmill, anyone, s3):
    await windmill.write_s3_file("s3:///p.png", b"PNG", None, "image/png", None)
    one = await windmill.sign_s3_object(wmill.S3Object(s3="p.png"))
    base = "http://h/user/bob/jupyter-flows"
    url = await windmill.get_presigned_s3_public_url(one, base)
    shown = await anyone("GET", url)
    assert (shown.status, shown.text, shown.headers["Content-Type"]) == (200, "PNG", "image/png")
    part = await anyone("GET", url, headers={"Range": "bytes=1-1"})
    assert (part.status, part.text) == (206, "N")
    head = await anyone("HEAD", url)
    assert (head.status, head.headers["Content-Length"], head.text) == (200, "3", "")
    s3.delete_object(Bucket="flows", Key="prefix/p.png")
    assert (await anyone("GET", url)).status == 404


async def test_objects_of_others_are_listed_at_once(call, s3):
    listed = f"{HELPERS}/list_stored_files"
    assert (await call("GET", listed)).json["windmill_large_files"] == []
    for key in ("prefix/b", "prefix/a/1", "other"):
        s3.put_object(Bucket="flows", Key=key, Body=b"123")
    found = (await call("GET", listed)).json["windmill_large_files"]
    assert [(each["s3"], each["size"]) for each in found] == [("a/1", 3), ("b", 3)]
    assert all(each["modified"] > 0 for each in found)


async def test_a_resource_names_another_bucket(windmill, s3, resources):
    written = await windmill.write_s3_file("s3:///k", b"1", "$res:f/s3", None, None)
    assert (keys(s3, "named"), keys(s3, "flows")) == (["k"], [])
    assert await windmill.load_s3_file(written, "f/s3") == b"1"
    await windmill.delete_s3_object(written, "/f/s3")
    assert keys(s3, "named") == []
    assert {path for _, path in resources.asked} == {"f/s3"}


async def test_a_sender_that_is_refused_leaves_nothing(house, s3):
    storage = house.objects._storages.named(None)
    begun = await storage.upload("half", Said())
    await begun.write(b"x" * (6 << 20))
    await begun.abort()
    assert keys(s3, "flows") == []
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="flows")


async def test_the_settings_connect_to_the_default_storage(windmill, s3, s3_url):
    settings = await windmill.get_boto3_connection_settings()
    own = boto3.client("s3", **{k: v for k, v in settings.items() if v is not None})
    own.put_object(Bucket="flows", Key="k", Body=b"1")
    assert keys(s3, "flows") == ["k"]
    assert settings["endpoint_url"] == s3_url
    polars = await windmill.get_polars_connection_settings()
    assert polars["s3_bucket"] == "flows"
    assert polars["s3fs_args"]["key"] == "key"
    assert polars["storage_options"] == {
        "aws_endpoint_url": s3_url,
        "aws_access_key_id": "key",
        "aws_secret_access_key": "secret",
        "aws_region": "eu-west-1",
        "aws_allow_http": "true",
        "aws_virtual_hosted_style_request": "false",
    }

    def read():
        files = s3fs.S3FileSystem(**polars["s3fs_args"], skip_instance_cache=True)
        return files.cat_file("flows/k")

    assert await asyncio.to_thread(read) == b"1"


async def test_the_settings_of_a_resource(windmill, s3, resources):
    settings = await windmill.get_duckdb_connection_settings("$res:f/s3")
    assert settings["s3_bucket"] == "named"
    host = urlsplit((await windmill.get_boto3_connection_settings("f/s3"))["endpoint_url"]).netloc
    lines = settings["connection_settings_str"].splitlines()
    assert lines[:3] == ["SET home_directory='./';", "INSTALL 'httpfs';", "LOAD 'httpfs';"]
    assert set(lines[3:]) == {
        "SET s3_url_style='path';",
        "SET s3_region='eu-west-1';",
        f"SET s3_endpoint='{host}';",
        "SET s3_access_key_id='key';",
        "SET s3_secret_access_key='it''s secret';",
        "SET s3_use_ssl=0;",
    }
    assert (await windmill.get_polars_connection_settings("f/s3"))["s3_bucket"] == "named"


async def test_a_resource_of_another_type_is_refused(call, resources):
    for kind in ("duckdb_connection_settings", "polars_connection_settings", "s3_resource_info"):
        refused = await call("POST", f"{HELPERS}/v2/{kind}", {"s3_resource_path": "f/slack"})
        assert (refused.status, refused.is_problem) == (400, True)
        assert "none of the type s3" in refused.json["detail"]


@pytest.mark.parametrize(
    "changed",
    [
        {"bucket": "a/b"},
        {"bucket": ".."},
        {"endPoint": "host/path"},
        {"endPoint": "user@host"},
        {"port": 0},
        {"region": "a\nb"},
        {"secretKey": "a\r\nb"},
        {"useSSL": "yes"},
    ],
)
async def test_a_resource_that_cant_be_is_refused(call, resources, changed):
    resources.values["f/s3"] |= changed
    refused = await call("GET", f"{HELPERS}/download_s3_file?file_key=a&s3_resource_path=f/s3")
    assert (refused.status, refused.is_problem) == (400, True)


async def test_a_bucket_that_is_not_there_and_a_server_that_is_not(call, s3, resources):
    resources.values["f/s3"]["bucket"] = "gone"
    read = f"{HELPERS}/download_s3_file?file_key=a&s3_resource_path=f/s3"
    assert (await call("GET", read)).status == 404
    write = f"{HELPERS}/upload_s3_file?file_key=a&s3_resource_path=res://f/s3"
    refused = await call("POST", write, "x")
    assert (refused.status, "bucket" in refused.json["detail"]) == (503, True)
    resources.values["f/s3"] |= {"port": 9}
    refused = await call("GET", read)
    assert (refused.status, refused.json["type"]) == (
        503,
        f"urn:jupyter-flows:problem:{StorageUnavailable.__name__}",
    )


class TestWithoutKeys:
    @pytest.fixture
    def flows_config(self):
        return {"objects_url": "s3://flows"}

    async def test_keys_of_the_surroundings_are_not_given_away(self, call):
        refused = await call("POST", f"{HELPERS}/v2/s3_resource_info", {})
        assert refused.status == 501
        assert "are not given away" in refused.json["detail"]
