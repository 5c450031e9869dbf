"""No line of a log holds what opens a door: links' tokens, kernels' tokens, the peers' secret."""

import logging
from urllib.parse import parse_qs, urlsplit

import pytest

from jupyter_flows.core.links import kernel_token

GATED = (
    "import jupyter_flows as flows\nurls = flows.get_resume_urls('bob')\nurls",
    ["suspend"],
)


class Kept(logging.Handler):
    def __init__(self):
        super().__init__(logging.DEBUG)
        self.lines = []

    def emit(self, record):
        self.lines.append(self.format(record))


@pytest.fixture
def everything_logged(jp_serverapp, house):
    """All lines of all loggers, at DEBUG."""
    kept = Kept()
    named = [logging.getLogger(name) for name in logging.root.manager.loggerDict]
    loggers = [logging.root, jp_serverapp.log, *(lg for lg in named if not lg.propagate)]
    levels = [(logger, logger.level) for logger in (*loggers, *named)]
    for logger, _ in levels:
        logger.setLevel(logging.DEBUG)
    for logger in set(loggers):
        logger.addHandler(kept)
    yield kept.lines
    for logger, level in levels:
        logger.setLevel(level)
        logger.removeHandler(kept)


async def test_a_whole_walk_leaves_no_secret_in_the_logs(  # noqa: PLR0917
    everything_logged, call, reached, anyone, house, reader, make_notebook
):
    """G34: with a real kernel, which is started with its token in its environment."""
    notebook = make_notebook(GATED, "resume", "1 / 0")
    run = (await call("POST", "api/runs", {"notebook": notebook})).json["id"]
    state = await reached(run, "suspended", "failed", "interrupted")
    assert state.status == "suspended", state.error
    minted = (await call("POST", "api/links", {"run": run, "gate": "c0"})).json
    urls = [*state.steps["c0"].result.values(), *list(minted.values())[1:]]
    tokens = {parse_qs(urlsplit(url).query)["flow_token"][0] for url in urls}
    assert len(tokens) == 6
    for url in urls:
        await anyone("GET", url)
        await anyone("HEAD", url)
        await anyone("GET", url + "x")
        await anyone("POST", url + "x")
        await anyone("DELETE", url)
        await anyone("POST", f"{url}&digest=sha256:00")
    await reader.enter(minted["approvalPage"])
    forms = {reader.hidden("form")}
    await reader.press("approve", {"Origin": "https://evil.example.org"})
    await reader.press("approve", message="go")
    secret = {"Authorization": f"Bearer {house.secret}"}
    kernel = kernel_token(house.keys(), run)
    await anyone("POST", f"/peers/drive/{run}", headers=secret)
    bearer = {"Authorization": f"Bearer {kernel}"}
    await anyone("POST", "/api/links", {"run": "another"}, bearer)
    assert (await reached(run, "failed", "succeeded")).error.name == "ZeroDivisionError"
    logged = "\n".join(everything_logged)
    assert "approve" in logged, "the walk was logged"
    for secret in (*tokens, *forms, kernel, house.secret, house.keys().keys[-1].hex()):
        assert secret not in logged


async def test_a_defect_behind_a_link_does_not_write_the_token_into_the_log(
    everything_logged, park, reader, engine, monkeypatch
):
    """G34: the web server's own report of an error shows the whole request."""

    async def broken(_):
        raise RuntimeError("a defect of ours")

    run = await park()
    links = await run.mint("bob")
    await reader.enter(links["cancel"])
    form = reader.hidden("form")
    monkeypatch.setattr(engine, "run", broken)
    assert (await run.anyone("POST", links["resume"])).status == 500
    assert (await run.anyone("GET", links["approvalPage"])).status == 500
    assert (await reader.press("reject")).status == 500
    assert (await reader.look()).status == 500
    broken_text = await run.anyone("GET", links["resume"] + "%ff")
    assert broken_text.status == 400
    logged = "\n".join(everything_logged)
    assert "a defect of ours" in logged
    for name in ("resume", "approvalPage", "cancel"):
        assert links[name].partition("flow_token=")[2] not in logged
    assert form not in logged
