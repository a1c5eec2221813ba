"""``Base64Image``: images in JSON, refused by their size before they are decoded."""

import base64
import binascii
import io
import warnings
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

__all__ = ["Base64Image"]

_FORMATS = ("PNG", "JPEG", "WEBP")


@dataclass(frozen=True, slots=True, kw_only=True)
class Base64Image:
    """An image in base64: ``picture: Annotated[Any, Base64Image(max_pixels=1_000_000)]``.

    The value is a ``PIL.Image.Image`` in ``mode``. The number of pixels is read from the header, so that a small file that is a large
    image is refused before it fills the memory. It needs Pillow. Formats are PNG, JPEG and WebP; of an animation, it is the first
    picture.
    """

    max_pixels: int = 4_000_000
    min_side: int = 1
    """The least width and height in pixels."""
    mode: str = "RGB"

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Read a string; an image that exists already is taken as it is."""
        return core_schema.no_info_plain_validator_function(
            self.read, serialization=core_schema.plain_serializer_function_ser_schema(write)
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Describe a string."""
        return {"type": "string", "format": "byte", "contentEncoding": "base64"}

    def read(self, value: Any) -> Any:
        """Return the image; raise an error of pydantic that says what is wrong with it."""
        image_module = _pillow()
        if isinstance(value, image_module.Image):
            return value
        if not isinstance(value, str):
            raise PydanticCustomError("image_type", "The image must be a string of base64.")
        try:
            content = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise PydanticCustomError("image_base64", "The image is not valid base64.") from None
        with warnings.catch_warnings():
            # Pillow's own limit warns first; ours is lower or chosen.
            warnings.simplefilter("ignore")
            try:
                # It reads the header alone.
                image = image_module.open(io.BytesIO(content), formats=_FORMATS)
            except image_module.DecompressionBombError:
                raise PydanticCustomError(
                    "image_pixels",
                    "The image has too many pixels; the most are {most}.",
                    {"most": self.max_pixels},
                ) from None
            except Exception:  # noqa: BLE001 - Pillow's readers raise many kinds
                raise _unreadable() from None
            width, height = image.size
            if width * height > self.max_pixels:
                raise PydanticCustomError(
                    "image_pixels",
                    "The image has {width} x {height} pixels; the most are {most}.",
                    {"width": width, "height": height, "most": self.max_pixels},
                )
            if min(width, height) < self.min_side:
                raise PydanticCustomError(
                    "image_side",
                    "The image has {width} x {height} pixels; each side must have {least} or more.",
                    {"width": width, "height": height, "least": self.min_side},
                )
            try:
                return image.convert(self.mode)
            except Exception:  # noqa: BLE001 - as above
                raise _unreadable() from None


def write(image: Any) -> str:
    """Return an image as a PNG in base64."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def _unreadable() -> PydanticCustomError:
    return PydanticCustomError("image_unreadable", "The image is not a readable PNG, JPEG or WebP.")


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("Pillow is not installed: pip install pillow") from error
    return Image
