"""The cells of the stories' notebooks."""

FORM = {
    "properties": {"limit": {"type": "integer", "title": "Limit", "minimum": 1}},
    "required": ["limit"],
}


def asks(described="Publish 406 rows?", schema=FORM, checkpoint=None, **options):
    """A gate whose cell returns its links: the notebook's own user may answer in place (G50)."""
    source = (
        "import jupyter_flows as flows\n"
        "print('look')\n"
        f"{{**flows.get_resume_urls(), 'description': {described!r}}}"
    )
    suspend = {"resume_form": {"schema": schema}, **options}
    said = {} if checkpoint is None else {"checkpoint": checkpoint}
    return source, ["suspend"], {"suspend": suspend, **said}


def waits_for(flag):
    """A cell that says that it has begun, and goes on when the file comes to be."""
    return (
        "import pathlib, time\n"
        f"flag = pathlib.Path({str(flag)!r})\n"
        "print('begun', flush=True)\n"
        "while not flag.exists():\n"
        "    time.sleep(0.02)\n"
        "print('went on')"
    )


def fails_once(flag):
    return (
        "import pathlib\n"
        f"flag = pathlib.Path({str(flag)!r})\n"
        "again = flag.exists()\n"
        "flag.touch()\n"
        "assert again, 'not yet'\n"
        "print('this time')"
    )


AFTER = "print('limit', resume['limit'])"
