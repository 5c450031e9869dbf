"""Sizes as people read them: "1 byte", "64 kB", "1.2 GB"."""

_UNITS = ("kB", "MB", "GB", "TB", "PB")


def spoken(count: int) -> str:
    """So many bytes in the largest unit that they fill, in powers of 1000, as disks are sold."""
    if abs(count) < 1000:
        return f"{count} byte{'' if count == 1 else 's'}"
    size = float(count)
    for unit in _UNITS:
        size /= 1000
        if abs(size) < 999.95 or unit == _UNITS[-1]:
            break
    return f"{round(size, 1):g} {unit}" if abs(size) < 100 else f"{size:.0f} {unit}"
