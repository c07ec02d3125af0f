"""Augmentation: what its settings do, that a row's view is its own, and that a training with it resumes bit for bit."""

import numpy as np
import pytest

import likewise as lw
from likewise import nn
from likewise.data.augment import Images, Sequences, draws

IMAGES = np.random.default_rng(0).random((40, 9, 8, 2), dtype=np.float32)
ALL = {"shift": 2, "flip": "both", "rotate": 20, "scale": 0.2, "noise": 0.1, "cutout": 3, "seed": 4}


def test_the_generator_is_philox_by_its_published_vectors():
    ones = np.full((1, 1), 0xFFFFFFFF, dtype=np.uint64)
    zeros = np.zeros((1, 1), dtype=np.uint64)
    for counter, key, expected in (  # Random123's known answers of philox4x32 with ten rounds
        (zeros, (0, 0), [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        (ones, (0xFFFFFFFF, 0xFFFFFFFF), [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    ):
        assert [int(word[0, 0]) for word in draws.philox([counter] * 4, key)] == expected


def test_draws_are_uniform_and_normal():
    rows = np.arange(2000)
    uniform, normal = draws.uniform(1, 2, rows, 50), draws.normal(1, 2, rows, 51)
    assert uniform.shape == (2000, 50)
    assert normal.shape == (2000, 51)
    assert 0 <= uniform.min() < 1e-3 < 1 - 1e-3 < uniform.max() < 1
    assert abs(uniform.mean() - 0.5) < 0.005
    assert abs(normal.mean()) < 0.01
    assert normal.std() == pytest.approx(1, rel=0.01)
    assert abs(np.corrcoef(normal[:, 0], normal[:, 26])[0, 1]) < 0.1


@pytest.mark.parametrize("settings", [{}, {"shift": 0, "flip": False, "rotate": 0, "scale": 0.0, "cutout": 0}])
def test_without_settings_images_stay_as_they_are(settings):
    np.testing.assert_array_equal(Images(**settings)(IMAGES), IMAGES)


def test_a_rotation_and_scale_of_almost_nothing_changes_almost_nothing():
    np.testing.assert_allclose(Images(rotate=1e-4, scale=1e-6)(IMAGES), IMAGES, atol=1e-3)


@pytest.mark.parametrize("settings", [ALL, {"shift": 3}, {"noise": 0.5}, {"rotate": 180, "scale": 0.9}])
def test_shape_type_and_range_stay(settings):
    before = IMAGES.copy()
    views = Images(**settings)(IMAGES, epoch=3)
    assert (views.shape, views.dtype) == (IMAGES.shape, np.float32)
    assert 0 <= views.min() < views.max() <= 1
    assert not np.array_equal(views, IMAGES)
    np.testing.assert_array_equal(IMAGES, before)


def test_a_shift_moves_whole_pixels_and_brings_in_zeros():
    image = np.zeros((500, 7, 7, 1), dtype=np.float32)
    image[:, 3, 3] = 1
    views = Images(shift=2)(image)
    rows, columns = np.nonzero(views[..., 0])[1:]
    counts = np.zeros((7, 7))
    np.add.at(counts, (rows, columns), 1)
    assert len(rows) == 500
    assert (counts[1:6, 1:6] > 5).all()
    assert counts.sum() == counts[1:6, 1:6].sum()
    np.testing.assert_array_equal(Images(shift=2, rotate=1e-6)(image).round(3), views)  # the other way of sampling


def test_flips_are_mirror_images_half_of_the_time():
    views = Images(flip=True)(IMAGES)
    mirrored = (views == IMAGES[:, :, ::-1]).all(axis=(1, 2, 3))
    assert (mirrored ^ (views == IMAGES).all(axis=(1, 2, 3))).all()
    assert 8 <= mirrored.sum() <= 32
    turned_over = (Images(flip="vertical")(IMAGES) == IMAGES[:, ::-1]).all(axis=(1, 2, 3))
    assert 8 <= turned_over.sum() <= 32
    # Together each is drawn as it is alone, and by the other way of sampling too.
    np.testing.assert_array_equal(
        (Images(flip="both")(IMAGES) == IMAGES[:, ::-1]).all(axis=(1, 2, 3)), turned_over & ~mirrored
    )
    np.testing.assert_allclose(Images(flip="both", rotate=1e-6)(IMAGES), Images(flip="both")(IMAGES), atol=1e-4)


def test_a_quarter_turn_is_numpys():
    square = IMAGES[:1, :8]
    augment = Images(rotate=90)
    # The angle is 180 u - 90 degrees: look for a row whose draw is close to either end.
    u = draws.uniform(0, 0, np.arange(200_000), 3)[:, 2]
    for row, turns in ((int(u.argmax()), -1), (int(u.argmin()), 1)):
        view = augment(square, rows=[row])
        np.testing.assert_allclose(view, np.rot90(square, turns, axes=(1, 2)), atol=2e-3)


def test_a_scale_of_two_thirds_shrinks_a_square():
    image = np.zeros((1, 31, 31, 1), dtype=np.float32)
    image[:, 6:25, 6:25] = 1
    u = draws.uniform(0, 0, np.arange(20_000), 4)[:, 3]
    smallest, largest = (
        Images(scale=1 / 3)(image, rows=[int(u.argmin())]),
        Images(scale=0.5)(image, rows=[int(u.argmax())]),
    )
    assert np.sqrt(smallest.sum()) == pytest.approx(19 * 2 / 3, rel=0.03)
    assert np.sqrt(largest.sum()) == pytest.approx(19 * 1.5, rel=0.03)


def test_cutout_covers_a_square_with_zeros():
    views = Images(cutout=4)(np.ones((300, 12, 10, 2), dtype=np.float32))
    covered = (views == 0).all(axis=3)
    assert (covered == (views == 0).any(axis=3)).all()
    rows, columns = covered.any(axis=2).sum(axis=1), covered.any(axis=1).sum(axis=1)
    np.testing.assert_array_equal(covered.sum(axis=(1, 2)), rows * columns)
    assert rows.max() == columns.max() == 4
    assert min(rows.min(), columns.min()) == 2  # at an edge half of it is outside


def test_noise_has_its_deviation():
    views = Images(noise=0.05)(np.full((50, 20, 20, 1), 0.5, dtype=np.float32))
    assert views.std() == pytest.approx(0.05, rel=0.02)


@pytest.mark.parametrize("settings", [ALL, {"shift": 2, "noise": 0.1}])
def test_a_row_is_seen_the_same_in_any_batch_and_anew_in_every_epoch(settings):
    augment = Images(**settings)
    whole = augment(IMAGES, epoch=2)
    order = np.random.default_rng(1).permutation(len(IMAGES))
    np.testing.assert_array_equal(augment(IMAGES[order], epoch=2, rows=order), whole[order])
    np.testing.assert_array_equal(augment(IMAGES[7:8], epoch=2, rows=[7]), whole[7:8])
    np.testing.assert_array_equal(Images(**settings)(IMAGES, 2), whole)
    for other in (augment(IMAGES, epoch=3), Images(**(settings | {"seed": 99}))(IMAGES, epoch=2)):
        assert not np.array_equal(other, whole)
    assert not np.array_equal(augment(IMAGES[[0, 0]]), IMAGES[[0, 0]])
    assert augment(IMAGES[:0]).shape == (0, 9, 8, 2)


def test_a_setting_that_is_added_leaves_the_other_draws_as_they_were():
    moved = Images(shift=2)(IMAGES)
    covered = Images(shift=2, cutout=3)(IMAGES)
    seen = covered != 0
    np.testing.assert_array_equal(covered[seen], moved[seen])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Images(shift=-1), "Images: shift must be an integer >= 0, got -1"),
        (lambda: Images(shift=0.5), "Images: shift must be an integer >= 0, got 0.5"),
        (lambda: Images(flip="up"), "flip must be False, True, 'horizontal', 'vertical' or 'both', got 'up'"),
        (lambda: Images(flip=2), "flip must be .*, got 2"),
        (lambda: Images(rotate="10"), "Images: rotate must be a number >= 0, got '10'"),
        (lambda: Images(scale=1.5), "Images: scale must be below 1, got 1.5"),
        (lambda: Images(noise=-0.1), "Images: noise must be a number >= 0, got -0.1"),
        (lambda: Images(cutout=1.5), "Images: cutout must be an integer >= 0, got 1.5"),
        (lambda: Images(seed=-1), "Images: seed must be an integer >= 0 and below 2\\^64, got -1"),
        (lambda: Images()(IMAGES[0]), r"shape \[n, height, width, channels\], got float32 of shape \(9, 8, 2\)"),
        (lambda: Images()((IMAGES * 255).astype(np.uint8)), "images must be floats of shape .*, got uint8 of shape"),
        (lambda: Images()(IMAGES * 255), "Images: pixels must lie in 0..1, got 0.* to 25"),
        (lambda: Images()(IMAGES * np.nan), "Images: pixels must lie in 0..1, got nan to nan"),
        (lambda: Images()(IMAGES, rows=[1, 2]), r"Images: rows must be 40 integers, 0 or more, got \[1, 2\]"),
        (lambda: Images()(IMAGES, epoch=-1), "Images: epoch must be an integer >= 0 and below 2\\^32, got -1"),
    ],
)
def test_mistakes_with_images_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# Sequences.

HISTORIES = [list(range(100 * n, 100 * n + length)) for n, length in enumerate([10, 1, 25, 0, 7, 40] * 10)]
SIMILAR = np.arange(6000)[:, None] + 100_000 * np.arange(1, 4)  # three items like each, told by their thousands


def all_lengths(views):
    return [len(view) for view in views]


@pytest.mark.parametrize(
    "settings", [{"crop": 1.0}, {"mask": 0.0, "mask_item": -1}, {"reorder": 0.0}, {"insert": 0.0, "similar": SIMILAR}]
)
def test_settings_that_change_nothing_change_nothing(settings):
    views = Sequences(**settings)(HISTORIES)
    assert [view.tolist() for view in views] == HISTORIES


def test_a_crop_is_a_run_of_its_share():
    starts = set()
    for history, view in zip(HISTORIES, Sequences(crop=0.6)(HISTORIES), strict=True):
        assert len(view) == (max(1, int(0.6 * len(history))) if history else 0)
        if history:
            begin = history.index(view[0])
            assert view.tolist() == history[begin : begin + len(view)]
            starts.add((len(history), begin))
    assert {0, 4} <= {begin for length, begin in starts if length == 10}


def test_a_mask_hides_its_share_in_random_places():
    places = set()
    for history, view in zip(HISTORIES, Sequences(mask=0.3, mask_item=-1)(HISTORIES), strict=True):
        hidden = [index for index, item in enumerate(view) if item == -1]
        assert len(hidden) == int(0.3 * len(history))
        assert [item for item in view if item != -1] == [x for i, x in enumerate(history) if i not in hidden]
        places.update(hidden if len(history) == 10 else [])
    assert places == set(range(10))


def test_a_reorder_shuffles_a_run_and_leaves_the_rest():
    moved = 0
    for history, view in zip(HISTORIES, Sequences(reorder=0.5)(HISTORIES), strict=True):
        assert sorted(view.tolist()) == history
        changed = np.flatnonzero(view != np.array(history, dtype=np.int64))
        moved += len(changed)
        if len(changed):
            assert changed[-1] - changed[0] < int(0.5 * len(history))
    assert moved > 50


@pytest.mark.parametrize("similar", [SIMILAR, lambda items: SIMILAR[items], lambda items: SIMILAR[items, 0]])
def test_an_insertion_puts_a_similar_item_before_its_like(similar):
    kinds = set()
    for history, view in zip(HISTORIES, Sequences(insert=0.4, similar=similar)(HISTORIES), strict=True):
        new = np.flatnonzero(view >= 100_000)
        assert len(new) == int(0.4 * len(history))
        assert [item for item in view if item < 100_000] == history
        np.testing.assert_array_equal(view[new] % 100_000, view[new + 1])
        kinds.update((view[new] // 100_000).tolist())
    assert kinds == ({1, 2, 3} if np.ndim(similar(np.arange(2)) if callable(similar) else similar) == 2 else {1})


def test_one_of_the_operations_is_applied_each_as_often():
    augment = Sequences(crop=0.5, mask=0.5, insert=0.5, mask_item=-1, similar=SIMILAR)
    views = augment([list(range(20))] * 600)
    kinds = ["crop" if len(view) == 10 else "insert" if len(view) == 30 else "mask" for view in views]
    assert {kind: kinds.count(kind) for kind in set(kinds)}.keys() == {"crop", "insert", "mask"}
    assert min(kinds.count(kind) for kind in set(kinds)) > 160


def test_a_sequence_is_seen_the_same_in_any_batch_and_anew_in_every_epoch():
    augment = Sequences(crop=0.5, reorder=0.8, insert=0.3, similar=SIMILAR, seed=3)
    whole = augment(HISTORIES, epoch=1)
    order = np.random.default_rng(1).permutation(len(HISTORIES))
    for row, view in zip(order, augment([HISTORIES[row] for row in order], epoch=1, rows=order), strict=True):
        np.testing.assert_array_equal(view, whole[row])
    np.testing.assert_array_equal(augment([HISTORIES[2]], epoch=1, rows=[2])[0], whole[2])
    others = augment(HISTORIES, epoch=2)
    assert any(not np.array_equal(a, b) for a, b in zip(whole, others, strict=True))
    assert augment([]) == []


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Sequences(), "Sequences: give at least one of crop, mask, reorder, insert; got none"),
        (lambda: Sequences(crop=0), "Sequences: crop must be above 0, got 0"),
        (lambda: Sequences(crop=1.5), "Sequences: crop must be a number from 0 to 1, got 1.5"),
        (lambda: Sequences(mask=0.2), "Sequences: mask=0.2 needs mask_item, got None"),
        (lambda: Sequences(mask=0.2, mask_item="m"), "Sequences: mask_item must be an integer, got 'm'"),
        (lambda: Sequences(insert=0.2), "Sequences: insert=0.2 needs similar, got None"),
        (lambda: Sequences(insert=0.2, similar=[1, 2]), r"ids of shape \[items, k\], got int64 of shape \(2,\)"),
        (
            lambda: Sequences(insert=1.0, similar=SIMILAR)([[5, 6000]]),
            "Sequences: similar has rows for items 0 to 5999, got item 6000",
        ),
        (
            lambda: Sequences(insert=1.0, similar=lambda items: items[:1])([[5, 6]]),
            r"Sequences: similar must give 2 ids, or rows of some, got int64 of shape \(1,\)",
        ),
        (
            lambda: Sequences(crop=0.5)([[1, 2], [0.5]]),
            r"Sequences: sequence 1 must be a list of integers, got \[0.5\]",
        ),
        (lambda: Sequences(crop=0.5)([[1, 2]], rows=[0, 1]), r"rows must be 1 integers, 0 or more, got \[0, 1\]"),
    ],
)
def test_mistakes_with_sequences_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# In training.


class Recorder:
    """An augmentation that remembers what it was called with."""

    def __init__(self):
        self.calls = []

    def __call__(self, inputs, epoch, rows):
        self.calls.append((inputs.copy(), epoch, rows.copy()))
        return inputs * 0


def classifier():
    model = nn.Sequential([nn.Conv2D(3, 3), nn.GlobalAveragePooling2D(), nn.Dense(2)])
    model.compile("adam", nn.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


LABELS = (IMAGES.mean(axis=(1, 2, 3)) > 0.5).astype(int)


def test_fit_augments_what_is_trained_on_and_never_what_is_measured():
    model, recorder = classifier(), Recorder()
    model.fit(IMAGES, LABELS, epochs=2, batch_size=8, validation_split=0.2, augment=recorder, verbose=0)
    assert len(recorder.calls) == 2 * 4  # 32 rows of training, in eights; nothing of the 8 others
    assert [epoch for _, epoch, _ in recorder.calls] == [0] * 4 + [4] * 4
    for inputs, _, rows in recorder.calls:
        np.testing.assert_array_equal(inputs, IMAGES[rows])
    for epoch in (recorder.calls[:4], recorder.calls[4:]):
        assert sorted(np.concatenate([rows for _, _, rows in epoch])) == list(range(32))
    plain = classifier()
    plain.fit(IMAGES, LABELS, epochs=1, shuffle=False, augment=recorder, batch_size=20, verbose=0)
    np.testing.assert_array_equal(recorder.calls[-1][2], np.arange(20, 40))
    assert model.evaluate(IMAGES, LABELS) != plain.evaluate(IMAGES * 0, LABELS)


def test_a_training_with_augmentation_repeats_and_resumes_bit_for_bit(tmp_path, counted):
    augment = Images(**ALL)

    def trained(epochs, resume=None):
        model = classifier()
        history = model.fit(IMAGES, LABELS, epochs=epochs, batch_size=16, augment=augment, resume=resume, verbose=0)
        return model.get_weights(), history.history["loss"]

    weights, losses = trained(4)
    again, _ = trained(4)
    trained(2, tmp_path / "state")
    resumed, resumed_losses = trained(4, tmp_path / "state")
    assert losses == resumed_losses
    for a, b, c in zip(weights, again, resumed, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)
    counted("resumed trainings equal bit for bit")


@pytest.mark.parametrize(
    ("augment", "error", "message"),
    [
        ("shift", TypeError, r"fit: augment must be a function \(inputs, epoch, rows\), got 'shift'"),
        (
            lambda inputs, epoch, rows: inputs[:3],
            ValueError,
            "fit: augment must return 16 inputs, as many as it is given, got 3",
        ),
    ],
)
def test_mistakes_of_an_augmentation_are_named(augment, error, message):
    with pytest.raises(error, match=message):
        classifier().fit(IMAGES, LABELS, batch_size=16, augment=augment, verbose=0)


def test_the_callers_of_data_find_it():
    assert lw.data.augment.Images is Images
