"""Names of devices, from the ``User-Agent`` that a browser sends."""

__all__ = ["describe_device"]

# The first that matches: Edge and Opera also call themselves Chrome, and everything but Firefox calls itself Safari.
_BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
# Android also calls itself Linux, and an iPhone calls itself "like Mac OS X".
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "CrOS": "ChromeOS",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}


def describe_device(user_agent: str) -> str:
    """Return a short name of a browser and its system; the header itself, shortened, if they are not known.

    >>> describe_device("Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0")
    'Firefox, Linux'
    """
    names = [
        name
        for known in (_BROWSERS, _SYSTEMS)
        for name in [next((name for mark, name in known.items() if mark in user_agent), "")]
        if name
    ]
    return ", ".join(names) or user_agent[:60]
