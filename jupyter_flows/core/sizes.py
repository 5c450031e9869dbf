"""Bytes as people read them."""

UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def shown(size: int) -> str:
    """In powers of 1,000: 950 B, 1.16 GB."""
    value, unit = float(size), 0
    while value >= 999.5 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{size} B" if unit == 0 else f"{value:.3g} {UNITS[unit]}"
