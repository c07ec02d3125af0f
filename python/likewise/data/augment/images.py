"""Images, moved, turned, scaled, covered and blurred a little."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise import checks
from likewise.data.augment.draws import checked_rows, normal, uniform

Pixels = NDArray[np.float32]

_TOGETHER = 128  # images that stay in cache while they are worked on
# The places of a row's draws, the same whatever the settings: a setting that is added changes no other draw.
_MIRROR, _TURN_OVER, _ROTATE, _SCALE, _DOWN, _RIGHT, _COVER_ROW, _COVER_COLUMN, _DRAWS = range(9)
_FLIPS = {False: (), True: ("horizontal",), "horizontal": ("horizontal",), "vertical": ("vertical",)}
_FLIPS["both"] = ("horizontal", "vertical")


class Images:
    """Random views of images: ``augment(images, epoch, rows)``. Pixels that come from outside an image are 0.

    An image is mirrored, then scaled and turned about its centre (bilinear), then moved; then noise is added, and a
    square covered. With neither ``rotate`` nor ``scale``, pixels are moved and never mixed.

    Args:
        shift: Moved by as many whole pixels at most, down or up, and right or left.
        flip: Mirrored with probability 1/2: "horizontal" (or True) swaps left and right, "vertical" above and below,
            "both" is each by itself; False for neither.
        rotate: Turned by as many degrees at most, either way.
        scale: Scaled by a factor between 1 - scale and 1 + scale.
        noise: The standard deviation of normal noise on every pixel; the sum is cut to 0..1.
        cutout: The side of a square of zeros around a random pixel (DeVries and Taylor, 2017).
        seed: What is drawn is a function of (seed, epoch, row).

    Raises:
        ValueError: If a setting is out of its range; it names it.
    """

    def __init__(
        self,
        *,
        shift: int = 0,
        flip: bool | str = False,
        rotate: float = 0.0,
        scale: float = 0.0,
        noise: float = 0.0,
        cutout: int = 0,
        seed: int = 0,
    ) -> None:
        checks.integer("Images", "shift", shift, least=0)
        checks.integer("Images", "cutout", cutout, least=0)
        for name, value in (("rotate", rotate), ("scale", scale), ("noise", noise)):
            checks.number("Images", name, value, least=0)
        if not isinstance(flip, bool | str) or flip not in _FLIPS:
            raise ValueError(f"Images: flip must be False, True, 'horizontal', 'vertical' or 'both', got {flip!r}")
        if scale >= 1:
            raise ValueError(f"Images: scale must be below 1, got {scale!r}")
        checks.seed("Images", seed)
        self.shift, self.flip, self.rotate, self.scale = int(shift), flip, float(rotate), float(scale)
        self.noise, self.cutout, self.seed = float(noise), int(cutout), int(seed)

    def __call__(self, images: Any, epoch: int = 0, rows: Any = None) -> Pixels:
        """The images as they are seen in an epoch.

        Args:
            images: Shape [n, height, width, channels], float32 in 0..1; not changed.
            epoch: Whatever tells one pass over the data from another.
            rows: The numbers of these images in the data [n]; 0, 1, ... if None.

        Returns:
            The same shape.

        Raises:
            ValueError: If the images have another shape or range, or there is not one row number an image.
        """
        pixels = np.asarray(images)
        if pixels.ndim != 4 or pixels.dtype.kind != "f":
            raise ValueError(
                f"Images: images must be floats of shape [n, height, width, channels], got {pixels.dtype} of shape "
                f"{pixels.shape}"
            )
        numbers = checked_rows("Images", epoch, rows, len(pixels))
        if pixels.size and not (pixels.min() >= 0 and pixels.max() <= 1):
            raise ValueError(f"Images: pixels must lie in 0..1, got {pixels.min():.6g} to {pixels.max():.6g}")
        views = np.array(pixels, dtype=np.float32)
        for begin in range(0, len(views), _TOGETHER):
            part = slice(begin, begin + _TOGETHER)
            views[part] = self._view(views[part], epoch, numbers[part])
        return views

    def _view(self, images: Pixels, epoch: int, rows: NDArray[np.int64]) -> Pixels:
        height, width = images.shape[1:3]
        draws = uniform(self.seed, epoch, rows, _DRAWS).T
        if self.rotate or self.scale:
            images = self._turned(images, draws)
        elif self.shift or self.flip:
            images = self._moved(images, draws)
        if self.noise:
            size = images[0].size
            noise = normal(self.seed, epoch, rows, size, first_block=-(-_DRAWS // 4)).reshape(images.shape)
            images = np.clip(images + np.float32(self.noise) * noise, 0, 1)
        if self.cutout:
            covered_rows = _covered(draws[_COVER_ROW], height, self.cutout)
            covered_columns = _covered(draws[_COVER_COLUMN], width, self.cutout)
            images = images * ~(covered_rows[:, :, None] & covered_columns[:, None, :])[..., None]
        return images

    def _signs(self, draws: Pixels, draw: int, direction: str) -> Pixels:
        """-1 for the images that are mirrored."""
        mirrored = draws[draw] < (0.5 if direction in _FLIPS[self.flip] else 0)
        return np.where(mirrored, np.float32(-1), np.float32(1))

    def _steps(self, draw: Pixels) -> Pixels:
        """Whole pixels from -shift to shift."""
        steps: Pixels = np.floor(draw * np.float32(2 * self.shift + 1)) - np.float32(self.shift)
        return steps

    def _moved(self, images: Pixels, draws: Pixels) -> Pixels:
        """Mirrored and moved: each pixel is one of the original, or 0."""
        sources = [
            # Along one direction: from which place of the original, its border of one zero counted.
            np.clip(sign * (np.arange(size) - (size - 1) / 2 - step) + (size - 1) / 2 + 1, 0, size + 1).astype(np.intp)
            for size, sign, step in (
                (size, self._signs(draws, flip, direction)[:, None], self._steps(draws[step])[:, None])
                for size, flip, direction, step in (
                    (images.shape[1], _TURN_OVER, "vertical", _DOWN),
                    (images.shape[2], _MIRROR, "horizontal", _RIGHT),
                )
            )
        ]
        bordered = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
        places = _flat(bordered, sources[0][:, :, None], sources[1][:, None, :])
        return bordered.reshape(-1, images.shape[3])[places]

    def _turned(self, images: Pixels, draws: Pixels) -> Pixels:
        """Each pixel is between four of the original, found by undoing what was drawn.

        (row, column) = mirror R(-angle) ((row', column') - move) / factor, from the centre.
        """
        height, width, channels = images.shape[1:]
        between = 2 * draws - 1
        angle = np.float32(np.radians(self.rotate)) * between[_ROTATE]
        factor = 1 + np.float32(self.scale) * between[_SCALE]
        sine, cosine = (np.sin(angle) / factor)[:, None], (np.cos(angle) / factor)[:, None]
        down = np.arange(height, dtype=np.float32) - (height - 1) / 2 - self._steps(draws[_DOWN])[:, None]
        right = np.arange(width, dtype=np.float32) - (width - 1) / 2 - self._steps(draws[_RIGHT])[:, None]
        over = self._signs(draws, _TURN_OVER, "vertical")[:, None]
        mirror = self._signs(draws, _MIRROR, "horizontal")[:, None]
        # The border of zeros, one before and two behind, catches whatever lies outside.
        row = (over * cosine * down + ((height - 1) / 2 + 1))[:, :, None] - (over * sine * right)[:, None, :]
        column = (mirror * sine * down + ((width - 1) / 2 + 1))[:, :, None] + (mirror * cosine * right)[:, None, :]
        np.clip(row, 0, height + 1, out=row)
        np.clip(column, 0, width + 1, out=column)
        above, left = row.astype(np.int32), column.astype(np.int32)
        row -= above
        column -= left
        bordered = np.pad(images, ((0, 0), (1, 2), (1, 2), (0, 0)))
        flat, step = bordered.reshape(-1, channels), width + 3
        places = _flat(bordered, above, left)
        row, column = row[..., None], column[..., None]
        upper = _between(flat.take(places, axis=0), flat.take(places + 1, axis=0), column)
        places += step
        lower = _between(flat.take(places, axis=0), flat.take(places + 1, axis=0), column)
        return _between(upper, lower, row)


def _between(near: Pixels, far: Pixels, share: Pixels) -> Pixels:
    far -= near
    far *= share
    far += near
    return far


def _flat(images: Pixels, rows: NDArray[Any], columns: NDArray[Any]) -> NDArray[np.intp]:
    """Where the pixels at (row, column) are when all images lie in one row."""
    n, height, width = images.shape[:3]
    first = np.arange(n, dtype=np.intp)[:, None, None] * (height * width)
    places: NDArray[np.intp] = first + rows * np.intp(width) + columns
    return places


def _covered(draw: Pixels, size: int, side: int) -> NDArray[np.bool_]:
    """The places within a run of ``side`` around a random one."""
    first = np.floor(draw * np.float32(size))[:, None] - side // 2
    places = np.arange(size)
    covered: NDArray[np.bool_] = (places >= first) & (places < first + side)
    return covered
