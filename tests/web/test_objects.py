"""Objects in a folder, by the real client and by hand (api.md, section 6)."""

import asyncio
import io
import json
import socket
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
import wmill

from jupyter_flows.core.links import kernel_token
from jupyter_flows.objects.storage import FsspecUpload

HELPERS = "api/w/jupyter/job_helpers"


@pytest.fixture
def flows_config(tmp_path):
    archive = {"url": str(tmp_path / "archive"), "options": {}}
    return {"objects_storages": {"archive": archive, "memory": "memory://flows"}}


@pytest.fixture
def folder(data_dir):
    return data_dir / "objects"


def stored(folder):
    """What lies there, but for our own."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return sorted(str(path.relative_to(folder)) for path in files if ".objects" not in path.parts)


@pytest.fixture
def given_up(monkeypatch):
    """Set when what was sent is given up."""
    happened = asyncio.Event()
    abort = FsspecUpload.abort

    async def aborted(upload):
        await abort(upload)
        happened.set()

    monkeypatch.setattr(FsspecUpload, "abort", aborted)
    return happened


@pytest.fixture
def put(call):
    async def put(key, body="x", **more):
        query = "".join(f"&{name}={value}" for name, value in more.items())
        sent = await call("POST", f"{HELPERS}/upload_s3_file?file_key={key}{query}", body)
        assert sent.status == 200, sent.text
        return sent.json["file_key"]

    return put


async def test_the_client_writes_reads_and_deletes(windmill, folder):
    written = await windmill.write_s3_file(
        wmill.S3Object(s3="a folder/numbers.csv"), b"a,b\n1,2\n", None, "text/csv", None
    )
    assert written["s3"] == "a folder/numbers.csv"
    assert (folder / "a folder/numbers.csv").read_bytes() == b"a,b\n1,2\n"
    assert await windmill.load_s3_file(written, None) == b"a,b\n1,2\n"
    assert await windmill.load_s3_file("s3:///a folder/numbers.csv", "") == b"a,b\n1,2\n"

    def read():
        with windmill.client.load_s3_file_reader(written, None) as reader:
            return reader.read(3), reader.peek(), reader.read()

    assert await asyncio.to_thread(read) == (b"a,b", b"\n1,2\n", b"\n1,2\n")
    await windmill.delete_s3_object(written)
    assert stored(folder) == []
    with pytest.raises(httpx.HTTPStatusError, match="There is no object"):
        await windmill.load_s3_file(written, None)
    with pytest.raises(Exception, match="There is no object"):
        await windmill.delete_s3_object(written)


async def test_the_client_streams_and_is_given_a_key(windmill, folder):
    many = bytes(range(256)) * 20_000
    written = await windmill.write_s3_file(
        None, io.BufferedReader(io.BytesIO(many)), None, None, None
    )
    assert written["s3"].startswith("windmill_uploads/")
    assert (folder / written["s3"]).read_bytes() == many
    assert await windmill.load_s3_file(written, None) == many


async def test_storages_have_names(windmill, tmp_path):
    object_ = wmill.S3Object(s3="old/a", storage="archive")
    written = await windmill.write_s3_file(object_, b"1", None, None, None)
    assert written == {"s3": "old/a", "storage": "archive"}
    assert (tmp_path / "archive/old/a").read_bytes() == b"1"
    assert await windmill.load_s3_file("s3://archive/old/a", None) == b"1"
    with pytest.raises(httpx.HTTPStatusError, match="objects_storages names: archive, memory"):
        await windmill.load_s3_file("s3://other/old/a", None)


async def test_a_signed_object_is_public_for_a_while(windmill, anyone, clock, put):
    await put("shown/a b.png", "PNG", content_type="image/png", content_disposition="inline")
    one = await windmill.sign_s3_object("s3:///shown/a b.png")
    many = await windmill.sign_s3_objects([wmill.S3Object(s3="shown/a b.png")], expiry_secs=1)
    assert [each["s3"] for each in (one, *many)] == ["shown/a b.png"] * 2
    assert "storage" not in one
    base = "http://h/user/bob/jupyter-flows"
    urls = await windmill.get_presigned_s3_public_urls([one, "s3:///shown/a b.png"], base)
    url = await windmill.get_presigned_s3_public_url("s3:///shown/a b.png", base)
    assert urls[0] == f"{base}/api/w/jupyter/s3_proxy/_default_/shown/a b.png?{one['presigned']}"
    for each in (*urls, url):
        shown = await anyone("GET", each.replace(" ", "%20"))
        assert (shown.status, shown.text) == (200, "PNG")
    assert shown.headers["Content-Type"] == "image/png"
    assert shown.headers["Content-Disposition"] == "inline; filename*=UTF-8''a%20b.png"
    clock.ahead = 61
    address = "/api/w/jupyter/s3_proxy/_default_/shown/a%20b.png"
    short = await anyone("GET", f"{address}?{many[0]['presigned']}")
    assert (short.status, short.is_problem) == (410, True)
    assert (await anyone("GET", f"{address}?{one['presigned']}")).status == 200
    clock.ahead = 43_201
    assert (await anyone("HEAD", f"{address}?{one['presigned']}")).status == 410


async def test_an_expiry_is_at_most_a_week(call, clock):
    asked = {"s3_objects": ["s3:///a"], "expiry_secs": 10**9}
    signed = (await call("POST", "api/w/jupyter/apps/sign_s3_objects", asked)).json[0]
    expires = int(parse_qs(signed["presigned"])["expires"][0])
    assert abs(expires - clock() - 604_800) < 60


@pytest.mark.parametrize(
    ("place", "change"),
    [
        ("_default_/b", {}),
        ("archive/a", {}),
        ("_default_/a", {"expires": "99999999999"}),
        ("_default_/a", {"expires": ""}),
        ("_default_/a", {"expires": "-1"}),
        ("_default_/a", {"expires": "٣"}),
        ("_default_/a", {"flow_token": ""}),
        ("_default_/a", {"flow_token": "bm90aGluZw.AAAA"}),
    ],
)
async def test_a_forged_address_opens_nothing(call, anyone, put, place, change):
    await put("a")
    await put("b")
    await put("a", storage="archive")
    asked = {"s3_objects": [{"s3": "a"}]}
    signed = (await call("POST", "api/w/jupyter/apps/sign_s3_objects", asked)).json[0]
    said = {name: values[0] for name, values in parse_qs(signed["presigned"]).items()} | change
    query = "&".join(f"{name}={quote(value)}" for name, value in said.items())
    refused = await anyone("GET", f"/api/w/jupyter/s3_proxy/{place}?{query}")
    assert (refused.status, refused.is_problem) == (404, True)


async def test_a_link_of_another_kind_opens_no_object(park, anyone, put):
    await put("a")
    run = await park()
    token = parse_qs(urlsplit((await run.mint())["resume"]).query)["flow_token"][0]
    address = f"/api/w/jupyter/s3_proxy/_default_/a?expires=99999999999&flow_token={token}"
    assert (await anyone("GET", address)).status == 404


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "application/xhtml+xml", None])
async def test_no_object_is_an_active_page_of_ours(call, anyone, put, kind):
    said = {"content_disposition": "inline; filename=x.html"}
    await put("x", "<script>alert(1)</script>", **said, **({"content_type": kind} if kind else {}))
    asked = {"s3_objects": ["s3:///x"]}
    signed = (await call("POST", "api/w/jupyter/apps/sign_s3_objects", asked)).json[0]
    public = await anyone("GET", f"/api/w/jupyter/s3_proxy/_default_/x?{signed['presigned']}")
    own = await call("GET", f"{HELPERS}/download_s3_file?file_key=x")
    for shown in (public, own):
        assert shown.status == 200
        assert shown.headers["Content-Type"] == (kind or "application/octet-stream")
        assert shown.headers["Content-Disposition"] == "attachment; filename=x.html"
        assert shown.headers["X-Content-Type-Options"] == "nosniff"
        assert shown.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
        assert "Set-Cookie" not in public.headers


@pytest.mark.parametrize(
    "key",
    [
        *("..", "a/../b", "./a", "a//b", "//a", "/", "a/", "a%00b", "a%0Ab", "%FF", ""),
        ".objects/about/x",
        "x" * 1025,
    ],
)
async def test_no_key_leads_elsewhere(call, anyone, key, folder, jp_serverapp):
    headers = {"Authorization": f"token {jp_serverapp.identity_provider.token}"}
    path = f"/{HELPERS}/download_s3_file?file_key={key}"
    sent = await anyone("GET", path, headers=headers)
    assert (sent.status, sent.is_problem) == (400, True)
    signed = await call(
        "POST", "api/w/jupyter/apps/sign_s3_objects", {"s3_objects": [{"s3": "../x"}]}
    )
    assert signed.status == 400
    if key:
        path = f"/{HELPERS}/upload_s3_file?file_key={key}"
        sent = await anyone("POST", path, "x", headers)
        assert (sent.status, sent.is_problem) == (400, True)
    assert stored(folder) == []


async def test_a_slash_before_a_key_is_no_part_of_it(windmill, folder):
    """As in Windmill, whose own examples have one."""
    written = await windmill.write_s3_file(
        wmill.S3Object(s3="/path/to/my_file.txt"), b"1", None, None, None
    )
    assert written["s3"] == "path/to/my_file.txt"
    assert stored(folder) == ["path/to/my_file.txt"]
    assert await windmill.load_s3_file("s3:////path/to/my_file.txt", None) == b"1"


async def test_keys_that_stand_in_each_others_way_are_refused(call, put):
    await put("a/b")
    for key in ("a", "a/b/c", "y" * 300):
        sent = await call("POST", f"{HELPERS}/upload_s3_file?file_key={key}", "x")
        assert (sent.status, sent.is_problem) == (400, True), key
    assert (await call("GET", f"{HELPERS}/download_s3_file?file_key=a")).status == 404
    assert (await call("GET", f"{HELPERS}/download_s3_file?file_key=a/b/c")).status in {400, 404}


@pytest.mark.parametrize(
    "said",
    [
        {"content_type": "nothing"},
        {"content_type": "text/html\r\nX: y"},
        {"content_type": "text/" + "x" * 300},
        {"content_disposition": "elsewhere"},
        {"content_disposition": "attachment; filename=ä"},
        {"content_disposition": "inline\nX: y"},
    ],
)
async def test_what_cant_be_a_header_is_refused(call, said, folder):
    query = "&".join(f"{name}={value}" for name, value in said.items())
    sent = await call("POST", f"{HELPERS}/upload_s3_file?file_key=a&{query}", "x")
    assert (sent.status, sent.is_problem) == (400, True)
    assert stored(folder) == []


async def test_an_object_that_is_written_again_says_what_is_said_then(call, put):
    await put("a", "1", content_type="text/csv")
    found = await call("HEAD", f"{HELPERS}/download_s3_file?file_key=a")
    assert (found.headers["Content-Type"], found.headers["Content-Length"]) == ("text/csv", "1")
    await put("a", "22")
    found = await call("GET", f"{HELPERS}/download_s3_file?file_key=a")
    assert (found.headers["Content-Type"], found.text) == ("application/octet-stream", "22")


@pytest.mark.parametrize(
    ("asked", "status", "part", "said"),
    [
        ("bytes=2-4", 206, "234", "bytes 2-4/10"),
        ("bytes=7-", 206, "789", "bytes 7-9/10"),
        ("bytes=-2", 206, "89", "bytes 8-9/10"),
        ("bytes=5-99", 206, "56789", "bytes 5-9/10"),
        ("bytes=10-", 416, "", "bytes */10"),
        ("bytes=-0", 416, "", "bytes */10"),
        ("bytes=4-2", 200, "0123456789", None),
        ("lines=1-2", 200, "0123456789", None),
        ("bytes=0-1,4-5", 200, "0123456789", None),
    ],
)
async def test_a_part_of_an_object(  # noqa: PLR0917 (as many as are told apart)
    call, put, asked, status, part, said
):
    await put("digits", "0123456789")
    found = await call(
        "GET", f"{HELPERS}/download_s3_file?file_key=digits", headers={"Range": asked}
    )
    assert (found.status, found.text, found.headers.get("Content-Range")) == (status, part, said)


async def test_objects_are_listed_page_by_page(call, put):
    for key in ("b/2", "a", "b/1", "c", "b1"):
        await put(key, key, content_type="text/plain")
    listed = f"{HELPERS}/list_stored_files"
    page = (await call("GET", f"{listed}?max_keys=2")).json
    assert [each["s3"] for each in page["windmill_large_files"]] == ["a", "b/1"]
    assert [each["size"] for each in page["windmill_large_files"]] == [1, 3]
    rest = (await call("GET", f"{listed}?max_keys=3&marker={page['next_marker']}")).json
    assert [each["s3"] for each in rest["windmill_large_files"]] == ["b/2", "b1", "c"]
    assert rest["next_marker"] is None
    for prefix, found in (("b", ["b/1", "b/2", "b1"]), ("b/", ["b/1", "b/2"]), ("x/y", [])):
        page = (await call("GET", f"{listed}?prefix={prefix}")).json
        assert [each["s3"] for each in page["windmill_large_files"]] == found
    for wrong in ("max_keys=0", "max_keys=x", "prefix=../", "storage=other"):
        assert (await call("GET", f"{listed}?{wrong}")).status in {400, 404}


async def test_a_kernel_reads_and_writes_while_its_run_is_unfinished(
    park,
    house,
    windmill_of,
    engine,
    folder,
):
    run = await park()
    kernel = windmill_of(kernel_token(house.keys(), run.id))
    written = await kernel.write_s3_file(wmill.S3Object(s3="k"), b"1", None, None, None)
    assert await kernel.load_s3_file(written, None) == b"1"
    await engine.cancel(run.id, "nobody")
    with pytest.raises(Exception, match="file_key"):
        await kernel.write_s3_file(wmill.S3Object(s3="later"), b"1", None, None, None)
    assert stored(folder) == ["k"]


async def test_nobody_else_comes_in(anyone, put, folder):
    await put("a")
    for method, path in (
        ("POST", "upload_s3_file?file_key=b"),
        ("GET", "download_s3_file?file_key=a"),
        ("DELETE", "delete_s3_file?file_key=a"),
        ("GET", "list_stored_files"),
    ):
        assert (await anyone(method, f"/{HELPERS}/{path}")).status == 403
    signed = await anyone(
        "POST", "/api/w/jupyter/apps/sign_s3_objects", {"s3_objects": ["s3:///a"]}
    )
    assert signed.status == 403
    assert stored(folder) == ["a"]


async def test_other_workspaces_are_none(call, anyone):
    assert (await call("POST", "api/w/other/job_helpers/upload_s3_file", "x")).status == 400
    signed = (
        await call("POST", "api/w/jupyter/apps/sign_s3_objects", {"s3_objects": ["s3:///a"]})
    ).json
    address = f"/api/w/other/s3_proxy/_default_/a?{signed[0]['presigned']}"
    assert (await anyone("GET", address)).status == 404


class TestALimit:
    @pytest.fixture
    def flows_config(self):
        return {"max_object_bytes": 1000}

    async def test_what_is_too_large_is_refused_and_not_kept(
        self, call, windmill, folder, given_up
    ):
        sent = await call("POST", f"{HELPERS}/upload_s3_file?file_key=a", "x" * 1001)
        assert (sent.status, sent.is_problem) == (413, True)
        assert (
            await call("POST", f"{HELPERS}/upload_s3_file?file_key=b", "x" * 1000)
        ).status == 200
        token = windmill.client.token
        url = f"{windmill.client.base_url}/w/jupyter/job_helpers/upload_s3_file"

        def streamed():
            pieces = iter([b"x" * 600, b"y" * 600])
            return httpx.post(
                url,
                content=pieces,
                params={"file_key": "c"},
                headers={"Authorization": f"token {token}"},
            )

        assert (await asyncio.to_thread(streamed)).status_code == 413
        await asyncio.wait_for(given_up.wait(), 30)
        assert stored(folder) == ["b"]
        assert list((folder / ".objects/parts").iterdir()) == []


async def test_a_sender_that_goes_away_leaves_nothing(windmill, folder, given_up, monkeypatch):
    began, write = asyncio.Event(), FsspecUpload.write

    async def written(upload, chunk):
        await write(upload, chunk)
        began.set()

    monkeypatch.setattr(FsspecUpload, "write", written)
    parts = urlsplit(windmill.client.base_url)
    head = (
        f"POST {parts.path}/w/jupyter/job_helpers/upload_s3_file?file_key=half HTTP/1.1\r\n"
        f"Host: {parts.netloc}\r\nAuthorization: Bearer {windmill.client.token}\r\n"
        "Content-Length: 100000\r\n\r\n"
    )
    with socket.create_connection((parts.hostname, parts.port)) as line:
        await asyncio.to_thread(line.sendall, head.encode() + b"x" * 500)
        await asyncio.wait_for(began.wait(), 30)
    await asyncio.wait_for(given_up.wait(), 30)
    assert stored(folder) == []
    assert list((folder / ".objects/parts").iterdir()) == []


async def test_a_folder_has_no_settings_of_s3(windmill, call):
    for ask in (
        windmill.get_duckdb_connection_settings,
        windmill.get_polars_connection_settings,
        windmill.get_boto3_connection_settings,
    ):
        with pytest.raises(Exception, match="501"):
            await ask()
    refused = await call("POST", f"{HELPERS}/v2/s3_resource_info", {})
    assert refused.status == 501
    assert "is a folder of this server" in refused.json["detail"]
    assert "FlowsApp.objects_url" in refused.json["detail"]
    assert (await call("GET", f"{HELPERS}/v2/s3_proxy_bucket")).status == 404
    unknown = await call("POST", f"{HELPERS}/v2/s3_resource_info", {"s3_resource_path": "f/s3"})
    assert (unknown.status, unknown.json["detail"]) == (404, "There is no resource 'f/s3'.")


async def test_what_is_no_object_is_refused(call):
    for said in (
        {},
        {"s3_objects": [{"key": "a"}]},
        {"s3_objects": ["a"]},
        {"s3_objects": ["s3://"]},
    ):
        refused = await call("POST", "api/w/jupyter/apps/sign_s3_objects", said)
        assert (refused.status, refused.is_problem) == (400, True), said
    unknown = {"s3_objects": ["s3://nowhere/a"]}
    assert (await call("POST", "api/w/jupyter/apps/sign_s3_objects", unknown)).status == 404


async def test_other_file_systems_serve_as_well(put, call):
    await put("in/memory", "1", storage="memory", content_type="text/plain")
    found = await call("GET", f"{HELPERS}/download_s3_file?file_key=in/memory&storage=memory")
    assert (found.text, found.headers["Content-Type"]) == ("1", "text/plain")
    listed = (await call("GET", f"{HELPERS}/list_stored_files?storage=memory")).json
    assert [each["s3"] for each in listed["windmill_large_files"]] == ["in/memory"]
    gone = await call("DELETE", f"{HELPERS}/delete_s3_file?file_key=in/memory&storage=memory")
    assert json.loads(gone.text) == {"file_key": "in/memory"}


async def test_other_methods_write_nothing(call, put, folder):
    await put("a", "1")
    for method in ("GET", "DELETE"):
        refused = await call(method, f"{HELPERS}/upload_s3_file?file_key=a")
        assert (refused.status, refused.is_problem) == (405, True)
    assert (folder / "a").read_text() == "1"
    assert list((folder / ".objects/parts").iterdir()) == []


async def test_a_disk_that_fails_keeps_what_was_there(call, put, folder, monkeypatch, given_up):
    await put("a", "1")

    def full(_upload):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FsspecUpload, "_finish", full)
    refused = await call("POST", f"{HELPERS}/upload_s3_file?file_key=a", "22")
    assert (refused.status, refused.json["title"]) == (
        503,
        "The storage of objects can't be used now.",
    )
    await asyncio.wait_for(given_up.wait(), 30)
    assert (folder / "a").read_text() == "1"
    assert list((folder / ".objects/parts").iterdir()) == []
