import numpy as np
import pytest

from skcaptcha.audit import Audit
from skcaptcha.audit._audit import Ablation, AuditPoint
from skcaptcha.audit._defenses import DEFENSES, assess
from skcaptcha.audit._proportions import paired_difference, proportion


@pytest.fixture(scope="session")
def audit() -> Audit:
    amounts = {defense.key: np.zeros(30) for defense in DEFENSES} | {"lines": np.ones(30)}
    return Audit(
        n=94,
        n_duplicates=4,
        n_train=60,
        n_held_out=30,
        measured={"width": "120 pixels"},
        n_characters=6,
        length=4,
        curve=(
            AuditPoint(10, proportion(9, 30), "HOG + SVC", 0.5, 2e6),
            AuditPoint(60, proportion(29, 30), "HOG + SVC", 0.7, 1e6),
        ),
        skipped=(20, 50),
        findings=tuple(assess(amounts, np.arange(30) > 0)),
        ablations=(
            Ablation("without a step", ("lines",), proportion(5, 30), paired_difference(24, 0, 30)),
            Ablation("without another step", ("noise",), None, None),
        ),
        n_ablation=60,
        ablation_base=proportion(29, 30),
        budget=6.0,
        seconds=5.0,
        cpu_seconds=1.2,
    )
