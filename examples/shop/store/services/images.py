"""What counts as a picture."""

import warnings

from django.core.files.uploadedfile import UploadedFile
from PIL import Image, UnidentifiedImageError

from django_matt.errors.exceptions import PayloadTooLarge, UnprocessableContent

__all__ = ["check_image"]

MAX_BYTES = 1_000_000
MAX_PIXELS = 4_000_000
SUFFIXES = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp", "GIF": "gif"}


def check_image(upload: UploadedFile) -> str:
    """Return the suffix of the format that the bytes are in, whatever the client calls them.

    Raises ``PayloadTooLarge`` and ``UnprocessableContent``. The size in pixels is read from the header: a small
    file may unfold to gigabytes.
    """
    if (upload.size or 0) > MAX_BYTES:
        raise PayloadTooLarge(f"A picture has at most {MAX_BYTES} bytes.", code="image_too_large")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(upload, formats=list(SUFFIXES)) as image:
                suffix = SUFFIXES[image.format or ""]
                if image.width * image.height > MAX_PIXELS:
                    raise PayloadTooLarge(
                        "The picture has too many pixels.", code="image_too_large"
                    )
                image.verify()
    except PayloadTooLarge:
        raise
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
        # Pillow's decoders raise these for broken bytes.
        OSError,
        SyntaxError,
        ValueError,
        EOFError,
        OverflowError,
    ) as error:
        raise UnprocessableContent(
            "This is not a PNG, JPEG, WebP or GIF picture.", code="not_an_image"
        ) from error
    upload.seek(0)
    return suffix
