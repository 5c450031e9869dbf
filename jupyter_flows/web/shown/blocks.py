"""What a page draws of an author's data: blocks, each of one shape that the template knows."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """`shape` is the template's word, and says which of the other fields count.

    - "heading": `text`, above the blocks that belong to it.
    - "said": `text`, as plain words of the author's.
    - "text": `text`, drawn as it is, with its spaces and line ends; `cut` says that more of it was
      left out.
    - "picture": `source`, a data URI; `label` is its text for those who don't see it.
    - "prose": `html`, cleaned already (see `clean`); with a `label` it is a box of that name that
      scrolls, as wide tables need.
    - "table": `rows` of texts under `header`, which may be empty; `label` names it. `numeric`, if
      it is there, says of each column whether it holds numbers.
    - "frame": `source`, the address of a frame; `height` in px; `label` is its title. `scripts`
      says that the author opted in to scripts there.
    - "file": `source`, its address; `name`, `size` in bytes; `label`, if any, stands for the
      name.
    - "error": `name` and `text` as Python gives them, and `stack`, which may be empty.
    - "notice": `text`, in our words.

    `lacks` says that what is drawn stands for more, which can't be shown; no word of it is drawn.
    """

    shape: str
    text: str = ""
    source: str = ""
    label: str = ""
    cut: bool = False
    lacks: bool = False
    html: Markup = field(default_factory=Markup)
    header: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    numeric: Sequence[bool] = ()
    height: int = 0
    scripts: bool = False
    name: str = ""
    size: int = 0
    stack: str = ""

    @property
    def whole(self) -> bool:
        """Whether who looks at it has seen all: a notice says that something is missing, and a file
        is yet to be opened.
        """
        return not (self.cut or self.lacks or self.shape in ("notice", "file"))
