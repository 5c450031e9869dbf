"""How an S3 storage is reached, and the same in the words of DuckDB, Polars and boto3."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Struct

from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.model import Json

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}", re.ASCII)
_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9a-fA-F:]+\])(?::\d{1,5})?", re.ASCII)
_URL = re.compile(r"(https?)://([^/]+)/?", re.ASCII)
_PLAIN = re.compile(r"[\x20-\x7e]*", re.ASCII)


class S3Resource(Struct, frozen=True, rename="camel", omit_defaults=False):
    """A resource of the type `s3`, as Windmill has it."""

    bucket: str
    region: str = ""
    end_point: str = ""
    use_ssl: bool = msgspec.field(name="useSSL", default=True)
    access_key: str | None = None
    secret_key: str | None = None
    path_style: bool = True
    port: int | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Every way to say how a storage is reached."""

    resource: S3Resource

    @property
    def region(self) -> str:
        return self.resource.region or "us-east-1"

    @property
    def host(self) -> str:
        """With the port, if there is one."""
        named = self.resource.end_point or f"s3.{self.region}.amazonaws.com"
        return f"{named}:{self.resource.port}" if self.resource.port else named

    @property
    def address(self) -> str:
        return f"{'https' if self.resource.use_ssl else 'http'}://{self.host}"

    def fsspec(self) -> dict[str, Any]:
        """The options of s3fs."""
        said = self.resource
        style = "path" if said.path_style else "virtual"
        return {
            "endpoint_url": self.address,
            "key": said.access_key,
            "secret": said.secret_key,
            "token": said.token,
            "anon": not said.access_key,
            "client_kwargs": {"region_name": self.region},
            "config_kwargs": {"s3": {"addressing_style": style}},
        }

    def duckdb(self) -> str:
        """Statements that make DuckDB read from there; its own session runs them."""
        said = self.resource
        values = {
            "s3_url_style": "path" if said.path_style else "vhost",
            "s3_region": self.region,
            "s3_endpoint": self.host,
            "s3_access_key_id": said.access_key or "",
            "s3_secret_access_key": said.secret_key or "",
            **({"s3_session_token": said.token} if said.token else {}),
        }
        lines = ["SET home_directory='./';", "INSTALL 'httpfs';", "LOAD 'httpfs';"]
        lines += [f"SET {name}={_quoted(value)};" for name, value in values.items()]
        if not said.use_ssl:
            lines.append("SET s3_use_ssl=0;")
        return "\n".join(lines) + "\n"

    def polars(self) -> dict[str, Json]:
        said = self.resource
        key, secret = said.access_key or "", said.secret_key or ""
        storage: dict[str, Json] = {
            "aws_endpoint_url": self.address,
            "aws_access_key_id": key,
            "aws_secret_access_key": secret,
            "aws_region": self.region,
            "aws_allow_http": str(not said.use_ssl).lower(),
            "aws_virtual_hosted_style_request": str(not said.path_style).lower(),
        }
        if said.token:
            storage["aws_session_token"] = said.token
        return {
            "s3fs_args": {
                "endpoint_url": self.address,
                "key": key,
                "secret": secret,
                **({"token": said.token} if said.token else {}),
                "use_ssl": said.use_ssl,
                "cache_regions": False,
                "client_kwargs": {"region_name": self.region},
            },
            "storage_options": storage,
        }

    def info(self) -> S3Resource:
        """With what boto3 needs filled in. The port stands in the address."""
        return msgspec.structs.replace(
            self.resource, region=self.region, end_point=self.host, port=None
        )


def _quoted(text: str) -> str:
    """As a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def of_resource(value: Json) -> Settings:
    """Raises BadInput for a value that is no resource of the type `s3`."""
    try:
        said = msgspec.convert(value, S3Resource)
    except msgspec.ValidationError as error:
        raise BadInput(
            f"This resource is none of the type s3, with bucket, region, endPoint, useSSL,"
            f" accessKey, secretKey and pathStyle: {error}"
        ) from None
    address = _URL.fullmatch(said.end_point)
    if address is not None:
        said = msgspec.structs.replace(
            said, end_point=address[2], use_ssl=address[1].lower() == "https"
        )
    _check(said)
    return Settings(said)


def _check(said: S3Resource) -> None:
    if not _BUCKET.fullmatch(said.bucket):
        raise BadInput(f"The bucket of this resource can't be one: {said.bucket[:100]!r}")
    if said.end_point and not _HOST.fullmatch(said.end_point):
        raise BadInput(f"The endPoint of this resource is no host: {said.end_point[:100]!r}")
    if said.port is not None and not 0 < said.port < 1 << 16:
        raise BadInput(f"The port of this resource is none: {said.port}")
    for text in (said.region, said.access_key, said.secret_key, said.token):
        if text is not None and not _PLAIN.fullmatch(text):
            raise BadInput("Region, accessKey, secretKey and token are plain text of one line.")


def of_options(bucket: str, options: Mapping[str, Any]) -> Settings | None:
    """Of a storage that is set by its address and options of s3fs; None where those have no keys,
    so that the server finds them in its own surroundings.
    """
    client = options.get("client_kwargs") or {}
    config = (options.get("config_kwargs") or {}).get("s3") or {}
    if not options.get("key") or not options.get("secret"):
        return None
    return of_resource(
        {
            "bucket": bucket,
            "region": client.get("region_name") or "us-east-1",
            "endPoint": options.get("endpoint_url") or client.get("endpoint_url") or "",
            "useSSL": bool(options.get("use_ssl", True)),
            "accessKey": options["key"],
            "secretKey": options["secret"],
            "pathStyle": config.get("addressing_style", "path") != "virtual",
            "token": options.get("token"),
        }
    )
