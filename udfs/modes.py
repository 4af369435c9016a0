"""The two numerical modes: the published behaviour, and the corrected one."""

SCOPE = "scope-v0.9.5"
FIXED = "fixed"
MODES = (FIXED, SCOPE)


def check_mode(mode: str) -> None:
    """Raise ValueError if the mode is unknown."""
    if mode not in MODES:
        raise ValueError(f"mode={mode!r} is unknown; expected one of {', '.join(MODES)}")
