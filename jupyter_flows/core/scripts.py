"""Python scripts that are read as notebooks, and never written."""

SCRIPT = ".py"

NOT_WRITTEN = "A script has no place for outputs: nothing is ever written into a `.py` file."


def is_script(path: str) -> bool:
    return path.endswith(SCRIPT)
