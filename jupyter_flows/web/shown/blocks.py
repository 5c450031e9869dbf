"""What a page draws of an author's data: blocks, each of one shape that the template knows."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """`shape` is the template's word, and says which of the other fields count.

    - "said": `text`, as plain words of the author's.
    - "text": `text`, drawn as it is, with its spaces and line ends; `cut` says that more of it was
      left out.
    - "picture": `source`, a data URI; `label` is its text for those who don't see it.

    `lacks` says that what is drawn stands for more, which can't be shown; no word of it is drawn.
    """

    shape: str
    text: str = ""
    source: str = ""
    label: str = ""
    cut: bool = False
    lacks: bool = False

    @property
    def whole(self) -> bool:
        return not (self.cut or self.lacks)
