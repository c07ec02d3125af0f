"""The result of recommend."""

import numpy as np
import pytest

import likewise as lw


@pytest.fixture(scope="module")
def model():
    log = lw.Interactions([1, 1, 2, 2, 3], [10, 20, 10, 30, 10])
    return lw.models.Popularity().fit(log, item_features=lw.Features([10, 20], {"title": ["Ten", "<Twenty>"]}))


def test_short_lists_are_filled_with_none(model):
    top = model.recommend([1, 3], k=3)
    assert top.items.tolist() == [[30, None, None], [20, 30, None]]
    assert top.valid.tolist() == [[True, False, False], [True, True, False]]
    assert top.scores.tolist() == [[1.0, -np.inf, -np.inf], [1.0, 1.0, -np.inf]]


def test_a_frame_is_long_and_without_fillers(model):
    frame = model.recommend([1, 3], k=3).to_frame()
    assert frame.columns.tolist() == ["user", "rank", "item", "score", "title"]
    assert frame.user.tolist() == [1, 3, 3]
    assert frame["rank"].tolist() == [1, 1, 2]
    assert frame["item"].tolist() == [30, 20, 30]
    assert frame["item"].dtype == np.int64
    assert frame.title.isna().tolist() == [True, False, True]


def test_rows_carry_titles_and_notebooks_escape_them(model):
    top = model.recommend(3, k=2)
    assert [tuple(row) for row in top] == [(3, 1, 20, 1.0, "<Twenty>"), (3, 2, 30, 1.0, None)]
    assert "&lt;Twenty&gt;" in top._repr_html_()
    assert "<Twenty>" in repr(top)


def test_a_str_is_one_id():
    model = lw.models.Popularity().fit(lw.Interactions(["ann", "bob"], ["x", "y"]))
    assert model.recommend("ann", k=1).items.tolist() == [["y"]]


@pytest.mark.parametrize("k", [0, -1, 2.5, "ten", True])
def test_k_must_be_a_positive_integer(model, k):
    with pytest.raises(ValueError, match="recommend: k must be a positive integer"):
        model.recommend(1, k=k)


def test_no_list_is_longer_than_the_catalogue(model):
    top = model.recommend(k=20_000_000)
    assert top.items.shape == (len(top), model.n_items)
    assert np.array_equal(top.scores, model.recommend(k=model.n_items).scores)


def test_filter_viewed_is_true_or_false(model):
    with pytest.raises(ValueError, match="recommend: filter_viewed must be True or False, got 'no'"):
        model.recommend(1, filter_viewed="no")
