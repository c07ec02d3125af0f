"""IDX files of images and labels."""

import gzip

import numpy as np
import pytest

import likewise as lw

IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4) * 10
LABELS = np.array([7, 1], dtype=np.uint8)


def idx(array, kind=8):
    sizes = b"".join(int(size).to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, kind, array.ndim]) + sizes + array.tobytes()


def packed(content):
    """The same bytes on every call: a gzip file otherwise holds the time."""
    return gzip.compress(content, mtime=0)


@pytest.fixture
def folder(tmp_path):
    for part in ("train", "t10k"):
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(packed(idx(IMAGES)))
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(idx(LABELS))
    return tmp_path


def test_images_come_as_shares_and_labels_as_integers(folder):
    images, labels, test_images, test_labels = lw.data.read_mnist(folder)
    assert images.dtype == np.float32
    np.testing.assert_allclose(images[..., 0], IMAGES / 255, rtol=1e-6)
    np.testing.assert_array_equal(labels, LABELS)
    np.testing.assert_array_equal(test_images, images)
    np.testing.assert_array_equal(test_labels, labels)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("train-images-idx3-ubyte.gz", packed(idx(IMAGES))[:-9], "damaged gzip file"),
        ("train-images-idx3-ubyte.gz", packed(idx(IMAGES)[:-1]), "has 23 bytes for sizes \\(2, 3, 4\\)"),
        ("train-labels-idx1-ubyte", idx(LABELS, kind=13), "not an IDX file of bytes"),
        ("train-labels-idx1-ubyte", b"", "not an IDX file of bytes"),
        ("train-labels-idx1-ubyte", bytes([0, 0, 8, 3, 0]), "for sizes \\(\\) of 3"),
        ("t10k-labels-idx1-ubyte", idx(LABELS[:1]), "t10k images \\(2, 3, 4\\) and labels \\(1,\\)"),
    ],
    ids=["cut short", "a byte missing", "of doubles", "empty", "sizes cut short", "fewer labels"],
)
def test_damaged_files_are_named(folder, file, content, message):
    (folder / file).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        lw.data.read_mnist(folder)


def test_a_missing_file_is_named(folder):
    (folder / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(FileNotFoundError, match="t10k-labels-idx1-ubyte"):
        lw.data.read_mnist(folder)


def test_mnist_itself(data_dir):
    images, labels, test_images, test_labels = lw.data.read_mnist(data_dir / "mnist")
    assert (images.shape, test_images.shape) == ((60_000, 28, 28, 1), (10_000, 28, 28, 1))
    assert np.bincount(labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert test_labels[:5].tolist() == [7, 2, 1, 0, 4]
