"""What the translator can't say in Python, and why."""


class Untranslatable(Exception):
    """Its message ends a sentence that begins with what was to be translated."""
