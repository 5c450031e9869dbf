"""The routes of objects, of SQL and of messages, and of what is out of reach."""

from collections.abc import Sequence

from jupyter_flows.core.model import Json
from jupyter_flows.core.s3 import S3Resource
from jupyter_flows.web.declared import BYTES, OF_ITS_OWN, Problem, needed, whole
from jupyter_flows.web.route import Access, Route
from jupyter_flows.web.windmill import inline, notices, objects, unreachable

K, S = Access.KERNEL, Access.LINK
W = "api/w/{workspace}"
HELPERS = f"{W}/job_helpers"
PLACE = ("s3_resource_path", "storage")
FILE = (needed("file_key"), *PLACE)
TOKEN = (needed("expires"), needed("flow_token"))
RANGE = ("Range",)

_OBJECTS: Sequence[Route] = (
    Route(
        "POST",
        f"{HELPERS}/upload_s3_file",
        objects.UploadDoor,
        K,
        "Store the body as an object, under a new key if none is named",
        BYTES,
        {200: objects.FileKey},
        ("file_key", *PLACE, "file_extension", "content_type", "content_disposition"),
    ),
    Route(
        "GET",
        f"{HELPERS}/download_s3_file",
        objects.DownloadDoor,
        K,
        "An object; with Range a part of it",
        answers={200: OF_ITS_OWN, 206: OF_ITS_OWN, 416: None},
        query=FILE,
        headers=RANGE,
    ),
    Route(
        "DELETE",
        f"{HELPERS}/delete_s3_file",
        objects.DeleteDoor,
        K,
        "Delete an object for ever",
        answers={200: objects.FileKey},
        query=FILE,
    ),
    Route(
        "GET",
        f"{HELPERS}/list_stored_files",
        objects.StoredFilesDoor,
        K,
        "The objects of a storage, by key, those behind `marker`",
        answers={200: objects.ListedFiles},
        query=("marker", whole("max_keys", 1, objects.MOST_LISTED, 100), "prefix", *PLACE),
    ),
    Route(
        "POST",
        f"{W}/apps/sign_s3_objects",
        objects.SignDoor,
        K,
        "Sign objects, so that they can be read without a login for a while",
        objects.SignObjects,
        {200: list[objects.S3ObjectBody]},
    ),
    Route(
        "GET",
        f"{W}/s3_proxy/{{storage}}/{{key+}}",
        objects.PublicDoor,
        S,
        "An object, for whoever has its signed address",
        answers={200: OF_ITS_OWN, 206: OF_ITS_OWN, 416: None},
        query=TOKEN,
        headers=RANGE,
    ),
    Route(
        "POST",
        f"{HELPERS}/v2/duckdb_connection_settings",
        objects.SettingsDoor,
        K,
        "Statements with which DuckDB reads from a storage that is S3",
        objects.OfStorage,
        {200: objects.DuckdbSettings, 501: Problem},
        options={"kind": "duckdb"},
    ),
    Route(
        "POST",
        f"{HELPERS}/v2/polars_connection_settings",
        objects.SettingsDoor,
        K,
        "Options with which Polars and s3fs read from a storage that is S3",
        objects.OfStorage,
        {200: objects.PolarsSettings, 501: Problem},
        options={"kind": "polars"},
    ),
    Route(
        "POST",
        f"{HELPERS}/v2/s3_resource_info",
        objects.SettingsDoor,
        K,
        "A storage that is S3, as a resource",
        objects.OfStorage,
        {200: S3Resource, 501: Problem},
        options={"kind": "s3"},
    ),
    Route(
        "GET",
        f"{HELPERS}/v2/s3_proxy_bucket",
        objects.ProxyBucketDoor,
        K,
        "Always 404: this server is no S3 server",
        answers={404: Problem},
    ),
)

_SQL: Sequence[Route] = tuple(
    Route(
        "POST",
        f"{W}/jobs/{how}/preview",
        inline.PreviewDoor,
        K,
        "Run a piece of code, and wait for its result",
        inline.Preview,
        {200: Json, 501: Problem},
    )
    for how in ("run_inline", "run_wait_result")
)

_NOTICES: Sequence[Route] = (
    Route(
        "GET",
        f"{W}/jobs/slack_approval/{{job}}",
        notices.SlackDoor,
        K,
        "Send a link to the approval page of a step's gate to a Slack channel",
        answers={200: notices.Sent},
        query=(
            needed("slack_resource_path", notices.MOST_NAME),
            needed("channel_id", notices.MOST_NAME),
            "message",
            "approver",
            "flow_step_id",
            "default_args_json",
            "dynamic_enums_json",
        ),
    ),
    Route(
        "POST",
        "api/teams/activities",
        notices.TeamsDoor,
        K,
        "Send a message to a Teams conversation that the settings name",
        notices.TeamsActivity,
        {200: notices.Sent},
    ),
)

_UNREACHABLE: Sequence[Route] = tuple(
    Route(
        "POST",
        f"{W}/{path}",
        unreachable.UnreachableDoor,
        K,
        "Always 501; it says why, and what to do instead",
        answers={501: Problem},
        options={"why": why},
    )
    for path, why in (
        ("oidc/token/{audience+}", unreachable.OIDC),
        ("kafka_triggers/commit_offsets/{path+}", unreachable.KAFKA),
        ("assets/record_materialization", unreachable.ASSETS),
    )
)

OBJECTS: Sequence[Route] = (*_OBJECTS, *_SQL, *_NOTICES, *_UNREACHABLE)
