"""What a cell of a notebook shows once a run's outputs have come, with what people did to it."""

from collections.abc import Mapping, Sequence

from jupyter_flows.core.model import Json
from jupyter_flows.core.records import is_record
from jupyter_flows.ports import Shown

Output = Mapping[str, Json]


def filled(present: Shown, wanted: Shown) -> Shown:
    """What a cell is to show that is filled gently: all that is wanted, if what it shows is an
    earlier state of that. That holds for a cell that is empty, too: one that somebody has cleared
    can't be told from one that the run's outputs never came to, and nothing is lost in it.
    Otherwise somebody else has made what stands there: only a gate's record is brought up to date.
    """
    if _is_earlier(present, wanted):
        return wanted
    record = next(filter(is_record, wanted.outputs), None)
    if record is None or not any(map(is_record, present.outputs)):
        return present
    outputs = [record if is_record(one) else one for one in present.outputs]
    return Shown(outputs, present.execution_count)


def _is_earlier(present: Shown, wanted: Shown) -> bool:
    if present.execution_count not in (None, wanted.execution_count):
        return False
    before, after = _own(present), _own(wanted)
    if not before or before == after:
        return True
    *front, last = before
    place = len(front)
    return place < len(after) and front == after[:place] and _has_grown(last, after[place])


def _own(shown: Shown) -> Sequence[Output]:
    return [one for one in shown.outputs if not is_record(one)]


def _has_grown(before: Output, after: Output) -> bool:
    if before == after:
        return True
    is_stream = before.get("output_type") == after.get("output_type") == "stream"
    same = is_stream and before.get("name") == after.get("name")
    return same and str(after.get("text", "")).startswith(str(before.get("text", "")))
