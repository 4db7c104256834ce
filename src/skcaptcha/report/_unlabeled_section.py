"""The section on images without a label that taught."""

from __future__ import annotations

import numpy as np
from sklearn.utils import Bunch

from skcaptcha._display.percent import percent
from skcaptcha.images import decode
from skcaptcha.report._blocks import Block, Card, Facts, Gallery, Picture, verbatim
from skcaptcha.report._page import Section
from skcaptcha.semi_supervised import SelfTrainingReader

_N_SHOWN = 24
_ENDINGS = {
    "max_iter": "there was no time for more, or no need",
    "no_change": "a round changed nothing",
    "worse": "at least four more held-out captchas were misread than without them, so none teaches",
    "failed": "a model could not be fitted or could not read, so none teaches",
}


def unlabeled_section(reader: SelfTrainingReader, unlabeled: Bunch) -> Section:
    """Return a section on how many images taught, and pictures of those that are least sure.

    The last samples of ``reader`` are the images of ``unlabeled``.
    """
    n = len(unlabeled.data)
    taught = np.flatnonzero(reader.labeled_iter_[-n:] > 0)
    texts, probabilities = reader.transduction_[-n:], reader.probabilities_[-n:]
    scores = [percent(score, 100) for score in reader.held_out_scores_]
    blocks: list[Block] = [
        Facts(
            [
                ("images without a label", n),
                ("of which unlike the labeled ones", reader.n_unlike_),
                ("of which taught", len(taught)),
                ("rounds", f"{reader.n_iter_}; {_ENDINGS[reader.termination_condition_]}"),
                ("held-out captchas read right, by round", ", ".join(scores) or "not measured"),
            ]
        )
    ]
    if len(taught):
        shown = taught[np.argsort(probabilities[taught], kind="stable")][:_N_SHOWN]
        blocks += [
            f"These {len(shown)} are the least sure of those that taught, with the text that "
            "models read. Label those that are wrong, and fit again.",
            Gallery(
                [
                    Card(
                        [Picture(decode(unlabeled.data[i]), f"read as {texts[i]}")],
                        [
                            ("read as", verbatim(str(texts[i]))),
                            ("probability", percent(float(probabilities[i]), 1000)),
                            ("file", unlabeled.filenames[i]),
                        ],
                    )
                    for i in shown.tolist()
                ]
            ),
        ]
    return Section("Images without a label", blocks)
