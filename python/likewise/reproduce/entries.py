"""The tables `likewise reproduce` knows. Settings were chosen on parts of the training data, never on the test set."""

from __future__ import annotations

from likewise.models import EASE, IALS, MF, Caser, GRU4Rec, ItemKNN, NeuMF, Popularity, SASRec
from likewise.reproduce import readers
from likewise.reproduce.entry import Contender, Entry

POPULARITY = Contender("Popularity", lambda seed: Popularity(), seeds=(0,))


def ncf_mf(seed: int) -> MF:
    """Rendle et al., RecSys 2020: logistic loss, 8 negatives from all items, biases, plain SGD over 256 epochs.

    Theirs takes one example at a time at a constant rate of .002; ours falls from twice that to zero.
    """
    return MF(
        dim=191,
        loss="bce",
        negatives=8,
        draw_seen=True,
        biases=True,
        l2=0.005,
        optimizer="sgd",
        learning_rate=0.004,
        epochs=256,
        batch_size=256,
        seed=seed,
    )


def ncf_ials(seed: int) -> IALS:
    """The settings its authors print for this table; on our validation they equal the defaults."""
    return IALS(dim=192, epochs=12, reg=0.007, unobserved_weight=0.3, seed=seed)


NCF_ML1M = Entry(
    name="ncf-ml1m",
    title="MovieLens 1M, leave the last out, 1 against 99 fixed negatives",
    protocol="He et al., WWW 2017: the last item of each user among 99 fixed items the user has not seen. Ours were "
    "chosen on each user's last training item against 99 random ones, then trained on all of train.",
    load=readers.ncf_ml1m,
    metrics=("hit@10", "ndcg@10"),
    contenders=(
        POPULARITY,
        Contender("MF", ncf_mf, {"hit@10": 0.7294, "ndcg@10": 0.4523}, seeds=(0,)),
        Contender("IALS", ncf_ials, {"hit@10": 0.7310, "ndcg@10": 0.4521}),
        Contender("NeuMF", lambda seed: NeuMF(seed=seed), {"hit@10": 0.709, "ndcg@10": 0.435}),
    ),
    in_print={
        "NeuMF (paper)": {"hit@10": 0.730, "ndcg@10": 0.447},
    },
)


def gowalla_mf(seed: int) -> MF:
    """As BARS tuned it: hundreds of negatives, Adam that moves every row at every step, hardly any penalty."""
    return MF(
        negatives=300,
        batch_size=1024,
        learning_rate=0.004,
        l2=0.002,
        epochs=33,
        initial_scale=0.001,
        exact=True,
        seed=seed,
    )


LIGHTGCN_GOWALLA = Entry(
    name="lightgcn-gowalla",
    title="Gowalla, the split of LightGCN, full ranking",
    protocol="He et al., SIGIR 2020: all items but the user's training items. The published figures are the best of "
    "many readings on the test set; ours were chosen on a tenth of the training rows (but for MF's negatives and "
    "epochs, which are those in print), then trained on all of train.",
    load=readers.lightgcn_gowalla,
    metrics=("recall@20", "ndcg@20"),
    contenders=(
        POPULARITY,
        Contender("MF", gowalla_mf, {"recall@20": 0.1627, "ndcg@20": 0.1378}, seeds=(0,), test_picked_every=3),
        Contender("ItemKNN", lambda seed: ItemKNN(), seeds=(0,)),
        Contender("EASE", lambda seed: EASE(l2=80.0), {"recall@20": 0.1765, "ndcg@20": 0.1467}, seeds=(0,)),
        Contender("IALS", lambda seed: IALS(dim=256, unobserved_weight=0.02, reg=0.002, epochs=6, seed=seed)),
    ),
    in_print={
        "LightGCN": {"recall@20": 0.1830, "ndcg@20": 0.1554},
        "SimpleX": {"recall@20": 0.1872, "ndcg@20": 0.1557},
    },
)

BARS_ML1M = Entry(
    name="bars-ml1m",
    title="MovieLens 1M, the split of LR-GCCF and UltraGCN, full ranking",
    protocol="All items but the user's training items. The published figures are the best of many readings on the test "
    "set; ours were chosen on a tenth of the training rows, then trained on all of train.",
    load=readers.bars_ml1m,
    metrics=("recall@20", "ndcg@20"),
    contenders=(
        POPULARITY,
        Contender("MF", lambda seed: MF(seed=seed), {"recall@20": 0.2532, "ndcg@20": 0.2440}, test_picked_every=5),
        Contender("IALS", lambda seed: IALS(seed=seed)),
    ),
    in_print={
        "SVD-GCN": {"recall@20": 0.2706, "ndcg@20": 0.2587},
        "UltraGCN": {"recall@20": 0.2787, "ndcg@20": 0.2642},
    },
)

RECOMMENDERS_ML100K = Entry(
    name="recommenders-ml100k",
    title="MovieLens 100K, the benchmark of Microsoft's recommenders, k = 10",
    protocol="Stratified by item, 75 % train; every test row is relevant; all items but the user's training items. "
    "Ours were chosen on a quarter of the training rows, then trained on all of train.",
    load=readers.recommenders_ml100k,
    metrics=("map@10", "ndcg@10", "precision@10", "recall@10"),
    contenders=(
        POPULARITY,
        Contender(
            "BPR",
            lambda seed: MF(negatives=4, l2=0.03, biases=True, seed=seed),
            {"map@10": 0.1325, "ndcg@10": 0.4420, "precision@10": 0.3882, "recall@10": 0.2125},
        ),
        Contender("IALS", lambda seed: IALS(seed=seed)),
    ),
    in_print={
        "LightGCN": {"map@10": 0.0885, "ndcg@10": 0.4198, "precision@10": 0.3796, "recall@10": 0.1443},
        "BiVAE": {"map@10": 0.1461, "ndcg@10": 0.4751, "precision@10": 0.4118, "recall@10": 0.2191},
    },
)

RATINGS_ML100K = Entry(
    name="ratings-ml100k",
    title="MovieLens 100K, ratings, the first of GroupLens' five folds",
    protocol="Root mean squared error over the 20,000 ratings of u1.test. Ours were chosen on a tenth of u1.base.",
    load=readers.ratings_ml100k,
    metrics=("rmse", "mae"),
    contenders=(Contender("MF", lambda seed: MF(loss="squared", seed=seed), {"rmse": 0.94}),),
)

# Those that both tables of ML-1M's last items show, from the same trainings.


def ml1m_gru4rec(seed: int) -> GRU4Rec:
    """The settings in print."""
    return GRU4Rec(epochs=100, seed=seed)


def ml1m_sasrec(seed: int) -> SASRec:
    """The settings in print."""
    return SASRec(epochs=150, seed=seed)


def ml1m_sasrec_128(seed: int) -> SASRec:
    """Dim and dropout as chosen on validation."""
    return SASRec(dim=128, dropout=0.2, epochs=150, seed=seed)


SEQUENTIAL_ML1M = Entry(
    name="sequential-ml1m",
    title="MovieLens 1M, the last item of every history, full ranking",
    protocol="Klenitskiy and Vasilev, RecSys 2023: 3,416 items; train is all but each user's last two; everyone's last "
    "but one is validation and joins the history at the test; all items but the user's history. Training stops after "
    "ten epochs without a better nDCG@10 on validation. SASRec has the settings in print; the dim and dropout of "
    "SASRec-128 were chosen on validation.",
    load=readers.sequential_ml1m,
    metrics=("recall@10", "ndcg@10"),
    contenders=(
        POPULARITY,
        Contender(
            "GRU4Rec",
            ml1m_gru4rec,
            {"recall@10": 0.2811, "ndcg@10": 0.1648},
            patience=10,
        ),
        Contender(
            "SASRec",
            ml1m_sasrec,
            {"recall@10": 0.3152, "ndcg@10": 0.1821},
            patience=10,
        ),
        Contender(
            "SASRec-128",
            ml1m_sasrec_128,
            {"recall@10": 0.3152, "ndcg@10": 0.1821},
            patience=10,
        ),
        Contender("ItemKNN", lambda seed: ItemKNN(), seeds=(0,)),
        Contender("EASE", lambda seed: EASE(), seeds=(0,)),
        Contender("IALS", lambda seed: IALS(seed=seed), seeds=(0,)),
        Contender(
            "SASRec-gBCE",
            lambda seed: SASRec(loss="gbce", draw_seen=True, epochs=90, seed=seed),
            {"recall@10": 0.2500, "ndcg@10": 0.1341},
            patience=10,
        ),
    ),
    in_print={
        "SASRec, one negative": {"recall@10": 0.2500, "ndcg@10": 0.1341},
        "gSASRec, 86,000 steps": {"recall@10": 0.3003, "ndcg@10": 0.1726},
        "BERT4Rec": {"recall@10": 0.2843, "ndcg@10": 0.1537},
    },
    trainings="ml1m-leave-last-out",
)

SASREC_ML1M_SAMPLED = Entry(
    name="sasrec-ml1m-sampled",
    title="MovieLens 1M, the last item of every history among 100 others",
    protocol="Kang and McAuley, ICDM 2018: as sequential-ml1m, but the last item is ranked among 100 items drawn "
    "uniformly from those in neither the history nor the test. (The authors draw with replacement, from all but the "
    "training items.)",
    load=readers.sasrec_ml1m_sampled,
    metrics=("hit@10", "ndcg@10"),
    contenders=(
        POPULARITY,
        Contender(
            "SASRec",
            ml1m_sasrec,
            {"hit@10": 0.8245, "ndcg@10": 0.5905},
            patience=10,
        ),
        Contender(
            "SASRec-128",
            ml1m_sasrec_128,
            {"hit@10": 0.8245, "ndcg@10": 0.5905},
            patience=10,
        ),
        Contender(
            "SASRec-BCE",  # the authors' loss, sizes and epochs
            lambda seed: SASRec(loss="bce", dim=50, dropout=0.2, epochs=201, seed=seed),
            {"hit@10": 0.8245, "ndcg@10": 0.5905},
        ),
        Contender(
            "GRU4Rec",
            ml1m_gru4rec,
            {"hit@10": 0.7501, "ndcg@10": 0.5513},
            patience=10,
        ),
    ),
    in_print={"Caser": {"hit@10": 0.7886, "ndcg@10": 0.5538}},
    allowance=0.005,
    trainings="ml1m-leave-last-out",
)

CASER_ML1M = Entry(
    name="caser-ml1m",
    title="MovieLens 1M, the last fifth of every history, full ranking",
    protocol="Tang and Wang, WSDM 2018: all items but the user's training items. The settings are those in print.",
    load=readers.caser_ml1m,
    metrics=("precision@1", "map"),
    contenders=(
        POPULARITY,
        Contender("Caser", lambda seed: Caser(seed=seed), {"precision@1": 0.2502, "map": 0.1507}),
        Contender("IALS", lambda seed: IALS(seed=seed), seeds=(0,)),
    ),
)

ENTRIES = {
    entry.name: entry
    for entry in (
        NCF_ML1M,
        LIGHTGCN_GOWALLA,
        BARS_ML1M,
        RECOMMENDERS_ML100K,
        RATINGS_ML100K,
        SEQUENTIAL_ML1M,
        SASREC_ML1M_SAMPLED,
        CASER_ML1M,
    )
}
